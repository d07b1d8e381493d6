"""What players and admins call, built once, on first use."""

from functools import lru_cache

from msgspec import Struct

from chalicelib import config
from chalicelib.bootstrap.heeding import build_incidents
from chalicelib.bootstrap.rounds import Rounds, build_rounds
from chalicelib.bootstrap.stores import Stores, stores_of
from chalicelib.config import Config
from chalicelib.loading import lasting
from chalicelib.services import clock
from chalicelib.services.announcements import Announcements
from chalicelib.services.avatars import Avatars
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.services.copies import Copies
from chalicelib.services.devices import Devices
from chalicelib.services.distributions import Distributions
from chalicelib.services.games import Games
from chalicelib.services.history import History
from chalicelib.services.inbox import Inbox
from chalicelib.services.incidents import Incidents
from chalicelib.services.leftovers import Leftovers
from chalicelib.services.listing import Listing
from chalicelib.services.lobby import Lobbies
from chalicelib.services.moderation import Moderation
from chalicelib.services.notices import Notices, Outbox, Publisher
from chalicelib.services.players import Players
from chalicelib.services.profiles import Profiles
from chalicelib.services.ranks import RankReader
from chalicelib.services.rewards import Rewards
from chalicelib.services.scores import Scores
from chalicelib.services.settle import Settler
from chalicelib.services.standings import Standings
from chalicelib.services.thresholds import Thresholds
from chalicelib.services.tokens import Tokens
from chalicelib.services.tournaments import Tournaments
from chalicelib.services.turns import Turns
from chalicelib.store import dynamo as dynamo_store
from chalicelib.store.clients import Clients
from chalicelib.store.copies import CopyStore
from chalicelib.store.devices import DeviceStore
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.endpoints import Endpoints
from chalicelib.store.media import MediaStore
from chalicelib.store.participations import ParticipationStore
from chalicelib.store.publications import PublicationStore
from chalicelib.store.reward_rules import RuleStore
from chalicelib.store.rewards import RewardStore
from chalicelib.store.topics import Topic
from chalicelib.store.turns import TurnStore
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
    turns: Turns
    rewards: Rewards
    rounds: Rounds
    tournaments: Tournaments
    lobbies: Lobbies
    incidents: Incidents
    tokens: Tokens
    announcements: Announcements
    inbox: Inbox
    notices: Notices
    devices: Devices


@lru_cache(maxsize=1)
def services() -> Services:
    """Return the services of this process, wired to the environment's settings and tables."""
    with lasting():
        settings = config.load()
        return build(settings, dynamo_store.connect(lean=settings.lean_calls))


def build(settings: Config, dynamo: Dynamo, now: Clock = clock.now, clients: Clients | None = None) -> Services:
    """Return services on given clients, with a given clock."""
    base = _base(settings, dynamo, now)
    stores, boards = base.stores, base.boards
    scores = _scores(base, settler := Settler(dynamo, boards, stores.ranks))
    moderation = Moderation(dynamo, boards, stores.records, stores.ranks, now)
    clients = clients or Clients()
    devices = _devices(base, settings, clients)
    profiles = Profiles(stores.players, stores.records)
    avatars = _avatars(base, profiles, MediaStore(settings.media_bucket, clients), settings)
    players = _players(base, moderation, profiles, avatars, devices)
    games = _games(base, scores, settings)
    incidents = build_incidents(settings, dynamo, now)
    standings = _standings(base, incidents)
    announcements = Announcements(stores.notices, base.tokens, now)
    inbox = _inbox(base, announcements)
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
        turns=Turns(TurnStore(settings.table("seasons"), dynamo), now, settings.layout_grace),
        rewards=_rewards(base, settings),
        rounds=build_rounds(settings, dynamo, stores, boards, now),
        tournaments=_tournaments(base),
        lobbies=Lobbies(boards=boards, players=players, games=games, standings=standings, inbox=inbox, clock=now),
        incidents=incidents,
        tokens=base.tokens,
        announcements=announcements,
        inbox=inbox,
        notices=_notices(base, settings, clients),
        devices=devices,
    )


class _Base(Struct, frozen=True):
    """What most services stand on."""

    dynamo: Dynamo
    stores: Stores
    participations: ParticipationStore
    boards: Boards
    reader: RankReader
    tokens: Tokens
    clock: Clock


def _base(settings: Config, dynamo: Dynamo, now: Clock) -> _Base:
    stores = stores_of(settings.table, dynamo)
    reader = RankReader(dynamo, stores.records, stores.ranks)
    participations = ParticipationStore(stores.players, settings.table("seasons"), dynamo)
    boards, tokens = Boards(stores.boards, now), Tokens(settings.signing_keys, now)
    return _Base(dynamo, stores, participations, boards, reader, tokens, now)


def _scores(base: _Base, settler: Settler) -> Scores:
    return Scores(
        dynamo=base.dynamo,
        boards=base.boards,
        board_store=base.stores.boards,
        players=base.stores.players,
        participations=base.participations,
        records=base.stores.records,
        ranks=base.stores.ranks,
        reader=base.reader,
        settler=settler,
        clock=base.clock,
    )


def _tournaments(base: _Base) -> Tournaments:
    return Tournaments(
        dynamo=base.dynamo,
        boards=base.boards,
        board_store=base.stores.boards,
        store=base.participations,
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


def _players(base: _Base, moderation: Moderation, profiles: Profiles, avatars: Avatars, devices: Devices) -> Players:
    return Players(
        store=base.stores.players,
        games=base.stores.games,
        records=base.stores.records,
        notices=base.stores.notices,
        devices=devices,
        rewards=RewardStore(base.stores.players, base.dynamo),
        buckets=base.stores.buckets,
        participations=base.participations,
        moderation=moderation,
        profiles=profiles,
        avatars=avatars,
        boards=base.boards,
        tokens=base.tokens,
        clock=base.clock,
    )


def _rewards(base: _Base, settings: Config) -> Rewards:
    return Rewards(
        dynamo=base.dynamo,
        boards=base.boards,
        rules=RuleStore(settings.table("seasons"), base.dynamo),
        store=RewardStore(base.stores.players, base.dynamo),
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


def _inbox(base: _Base, announcements: Announcements) -> Inbox:
    return Inbox(
        store=base.stores.notices,
        announcements=announcements,
        players=base.stores.players,
        tokens=base.tokens,
        clock=base.clock,
    )


def _devices(base: _Base, settings: Config, clients: Clients) -> Devices:
    return Devices(
        store=DeviceStore(base.stores.players.table, base.dynamo),
        endpoints=Endpoints(settings.push_applications, clients),
        players=base.stores.players,
        clock=base.clock,
    )


def _notices(base: _Base, settings: Config, clients: Clients) -> Notices:
    store = PublicationStore(settings.table("notices"), base.dynamo)
    return Notices(
        store=store,
        outbox=Outbox(store, Publisher(Topic(settings.notices_topic, clients)), base.clock),
        players=base.stores.players,
        tokens=base.tokens,
        clock=base.clock,
    )


def _standings(base: _Base, incidents: Incidents) -> Standings:
    return Standings(
        dynamo=base.dynamo,
        boards=base.boards,
        records=base.stores.records,
        listing=Listing(base.dynamo, base.stores.records, base.stores.ranks),
        ranks=base.stores.ranks,
        reader=base.reader,
        tokens=base.tokens,
        incidents=incidents,
        copies=Copies(CopyStore(base.stores.notices.table, base.dynamo), base.clock),
    )
