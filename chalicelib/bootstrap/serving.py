"""What players and admins call, built once, on first use."""

from functools import lru_cache

from msgspec import Struct

from chalicelib import config
from chalicelib.bootstrap.stores import Stores, stores_of
from chalicelib.config import Config
from chalicelib.loading import lasting
from chalicelib.services import clock
from chalicelib.services.avatars import Avatars
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.services.distributions import Distributions
from chalicelib.services.games import Games
from chalicelib.services.history import History
from chalicelib.services.leftovers import Leftovers
from chalicelib.services.listing import Listing
from chalicelib.services.lobby import Lobbies
from chalicelib.services.moderation import Moderation
from chalicelib.services.players import Players
from chalicelib.services.profiles import Profiles
from chalicelib.services.ranks import RankReader
from chalicelib.services.scores import Scores
from chalicelib.services.settle import Settler
from chalicelib.services.standings import Standings
from chalicelib.services.thresholds import Thresholds
from chalicelib.services.tokens import Tokens
from chalicelib.store import dynamo as dynamo_store
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.media import MediaStore
from chalicelib.store.uploads import UploadStore


class Services(Struct, frozen=True):
    config: Config
    boards: Boards
    players: Players
    avatars: Avatars
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


@lru_cache(maxsize=1)
def services() -> Services:
    """Return the services of this process, wired to the environment's settings and tables."""
    with lasting():
        settings = config.load()
        return build(settings, dynamo_store.connect(lean=settings.lean_calls))


def build(settings: Config, dynamo: Dynamo, now: Clock = clock.now, clients: Clients | None = None) -> Services:
    """Return services on given clients, with a given clock."""
    stores = stores_of(settings.table, dynamo)
    signer = Tokens(settings.signing_keys, now)
    boards = Boards(stores.boards, now)
    base = _Base(dynamo, stores, boards, RankReader(dynamo, stores.records, stores.ranks), signer, now)
    settler = Settler(dynamo, boards, stores.ranks)
    scores = _scores(base, settler)
    moderation = Moderation(dynamo, boards, stores.records, stores.ranks, now)
    profiles = Profiles(stores.players, stores.records)
    avatars = _avatars(base, profiles, MediaStore(settings.media_bucket, clients or Clients()), settings)
    players = _players(base, moderation, profiles, avatars)
    games = _games(base, scores, settings)
    standings = _standings(base)
    return Services(
        config=settings,
        boards=boards,
        players=players,
        avatars=avatars,
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


class _Base(Struct, frozen=True):
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


def _avatars(base: _Base, profiles: Profiles, media: MediaStore, settings: Config) -> Avatars:
    uploads = UploadStore(settings.table("players"), base.dynamo)
    return Avatars(
        dynamo=base.dynamo,
        players=base.stores.players,
        uploads=uploads,
        media=media,
        leftovers=Leftovers(media, uploads, base.stores.players, base.stores.records),
        profiles=profiles,
        clock=base.clock,
    )


def _players(base: _Base, moderation: Moderation, profiles: Profiles, avatars: Avatars) -> Players:
    return Players(
        store=base.stores.players,
        games=base.stores.games,
        records=base.stores.records,
        moderation=moderation,
        profiles=profiles,
        avatars=avatars,
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
