"""The composition root: everything built once, on first use."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from chalicelib import config
from chalicelib.config import Config
from chalicelib.services import clock
from chalicelib.services.advice import Advisor
from chalicelib.services.audit import Audit
from chalicelib.services.backlog import Backlog
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.services.distributions import Distributions
from chalicelib.services.followup import FollowUp
from chalicelib.services.games import Games
from chalicelib.services.history import History
from chalicelib.services.inspection import Inspector
from chalicelib.services.jobs import Jobs
from chalicelib.services.listing import Listing
from chalicelib.services.lobby import Lobbies
from chalicelib.services.moderation import Moderation
from chalicelib.services.players import Players
from chalicelib.services.ranks import RankReader
from chalicelib.services.rebuild import Rebuild
from chalicelib.services.relisting import Relisting
from chalicelib.services.replay import Replay, Truth
from chalicelib.services.rollcall import DEFAULT_PAGES, Pages, RollCall
from chalicelib.services.scores import Scores
from chalicelib.services.settle import Settler
from chalicelib.services.standings import Standings
from chalicelib.services.thresholds import Thresholds
from chalicelib.services.tokens import Tokens
from chalicelib.services.upkeep import Upkeep
from chalicelib.store import dynamo as dynamo_store
from chalicelib.store.boards import BoardStore
from chalicelib.store.clients import Clients
from chalicelib.store.dead_letters import DeadLetterQueue
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.games import GameStore
from chalicelib.store.jobs import JobStore
from chalicelib.store.players import PlayerStore
from chalicelib.store.ranks import RankStore
from chalicelib.store.records import RecordStore
from chalicelib.store.stream import RecordStream


@dataclass(frozen=True, slots=True)
class Services:
    config: Config
    boards: Boards
    players: Players
    games: Games
    scores: Scores
    moderation: Moderation
    settler: Settler
    standings: Standings
    thresholds: Thresholds
    distributions: Distributions
    history: History
    lobbies: Lobbies
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Stores:
    boards: BoardStore
    players: PlayerStore
    games: GameStore
    records: RecordStore
    ranks: RankStore


@dataclass(frozen=True, slots=True)
class Following:
    follow_up: FollowUp
    replay: Replay


@dataclass(frozen=True, slots=True)
class Operations:
    """What operators and the schedule use."""

    boards: Boards
    inspector: Inspector
    upkeep: Upkeep
    rebuild: Rebuild
    advisor: Advisor


@lru_cache(maxsize=1)
def services() -> Services:
    """Return the services of this process, wired to the environment's settings and tables."""
    settings = config.load()
    return build(settings, dynamo_store.connect(lean=settings.lean_calls))


@lru_cache(maxsize=1)
def tokens() -> Tokens:
    """Return what checks tokens, without a database: all that the authorizer needs."""
    return Tokens(config.load().signing_keys, clock.now)


@lru_cache(maxsize=1)
def operations() -> Operations:
    """Return what operators' functions and the schedule need."""
    settings = config.load()
    return build_operations(settings, dynamo_store.connect(lean=settings.lean_calls))


@lru_cache(maxsize=1)
def following() -> Following:
    """Return what follows the records' stream: all that its functions need."""
    settings = config.load()
    return build_following(settings, dynamo_store.connect(lean=settings.lean_calls), Clients())


def build(settings: Config, dynamo: Dynamo, now: Clock = clock.now) -> Services:
    """Return services on a given client, with a given clock."""
    stores = _stores(settings.table, dynamo)
    signer = Tokens(settings.signing_keys, now)
    boards = Boards(stores.boards, now)
    base = _Base(dynamo, stores, boards, RankReader(dynamo, stores.records, stores.ranks), signer, now)
    settler = Settler(dynamo, boards, stores.ranks)
    scores = _scores(base, settler)
    moderation = Moderation(dynamo, boards, stores.records, stores.ranks, now)
    players = _players(base, moderation)
    games = _games(base, scores, settings)
    standings = _standings(base)
    return Services(
        config=settings,
        boards=boards,
        players=players,
        games=games,
        scores=scores,
        moderation=moderation,
        settler=settler,
        standings=standings,
        thresholds=Thresholds(dynamo, boards, stores.records, stores.ranks, base.reader),
        distributions=Distributions(boards, stores.ranks, base.reader),
        history=History(boards, stores.records, base.reader),
        lobbies=Lobbies(boards=boards, players=players, games=games, standings=standings, clock=now),
        tokens=signer,
    )


@dataclass(frozen=True, slots=True)
class _Base:
    """What most services stand on."""

    dynamo: Dynamo
    stores: Stores
    boards: Boards
    reader: RankReader
    tokens: Tokens
    clock: Clock


def _scores(base: _Base, settler: Settler) -> Scores:
    return Scores(
        dynamo=base.dynamo,
        boards=base.boards,
        board_store=base.stores.boards,
        players=base.stores.players,
        records=base.stores.records,
        ranks=base.stores.ranks,
        reader=base.reader,
        settler=settler,
        clock=base.clock,
    )


def _players(base: _Base, moderation: Moderation) -> Players:
    return Players(
        store=base.stores.players,
        games=base.stores.games,
        records=base.stores.records,
        moderation=moderation,
        boards=base.boards,
        tokens=base.tokens,
        clock=base.clock,
    )


def _games(base: _Base, scores: Scores, settings: Config) -> Games:
    return Games(
        dynamo=base.dynamo,
        store=base.stores.games,
        players=base.stores.players,
        scores=scores,
        rules_by_mode=settings.game_rules_by_mode,
        clock=base.clock,
    )


def _standings(base: _Base) -> Standings:
    return Standings(
        dynamo=base.dynamo,
        boards=base.boards,
        records=base.stores.records,
        listing=Listing(base.dynamo, base.stores.records, base.stores.ranks),
        ranks=base.stores.ranks,
        reader=base.reader,
        tokens=base.tokens,
    )


def _stores(table: Callable[[str], str], dynamo: Dynamo) -> Stores:
    return Stores(
        boards=BoardStore(table("boards"), dynamo),
        players=PlayerStore(table("players"), dynamo),
        games=GameStore(table("games"), dynamo),
        records=RecordStore(table("records"), dynamo),
        ranks=RankStore(table("ranks"), dynamo),
    )


def build_following(settings: Config, dynamo: Dynamo, clients: Clients, now: Clock = clock.now) -> Following:
    """Return what follows the records' stream, on given clients, with a given clock."""
    boards = BoardStore(settings.table("boards"), dynamo)
    records = RecordStore(settings.table("records"), dynamo)
    ranks = RankStore(settings.table("ranks"), dynamo)
    settler = Settler(dynamo, Boards(boards, now), ranks)
    backlog = Backlog(dynamo=dynamo, boards=boards, ranks=ranks, settler=settler, clock=now)
    deliveries = RecordStream(records, clients)
    dead_letters = DeadLetterQueue(settings.queue("record-dead-letters"), clients)
    truth = Truth(dynamo=dynamo, records=records, ranks=ranks, deliveries=deliveries, clock=now)
    return Following(
        FollowUp(records=deliveries, backlog=backlog, dead_letters=dead_letters, clock=now),
        Replay(dead_letters=dead_letters, deliveries=deliveries, truth=truth, backlog=backlog),
    )


def build_operations(
    settings: Config, dynamo: Dynamo, now: Clock = clock.now, pages: Pages = DEFAULT_PAGES
) -> Operations:
    """Return what operators use, on a given client, with a given clock and pages of given sizes."""
    stores = _stores(settings.table, dynamo)
    boards = Boards(stores.boards, now)
    roll_call = RollCall(dynamo, stores.records)
    inspector = Inspector(dynamo, stores.records, stores.ranks, Settler(dynamo, boards, stores.ranks))
    audit = Audit(inspector, roll_call, pages)
    jobs = Jobs(JobStore(settings.table("ranks"), dynamo), now)
    rebuild = Rebuild(
        jobs=jobs,
        boards=boards,
        ranks=stores.ranks,
        inspector=inspector,
        roll_call=roll_call,
        relisting=Relisting(dynamo, stores.records),
        audit=audit,
        clock=now,
        grace=settings.layout_grace,
        pages=pages,
    )
    upkeep = Upkeep(jobs=jobs, boards=boards, inspector=inspector, audit=audit, rebuild=rebuild, clock=now)
    advisor = Advisor(dynamo, boards, stores.records, stores.ranks, now, settings.layout_grace)
    return Operations(boards, inspector, upkeep, rebuild, advisor)
