"""The composition root: everything built once, on first use."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from chalicelib import config
from chalicelib.config import Config
from chalicelib.services import clock
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.services.games import Games
from chalicelib.services.listing import Listing
from chalicelib.services.lobby import Lobbies
from chalicelib.services.moderation import Moderation
from chalicelib.services.players import Players
from chalicelib.services.ranks import RankReader
from chalicelib.services.scores import Scores
from chalicelib.services.settle import Settler
from chalicelib.services.standings import Standings
from chalicelib.services.tokens import Tokens
from chalicelib.store import dynamo as dynamo_store
from chalicelib.store.boards import BoardStore
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.games import GameStore
from chalicelib.store.players import PlayerStore
from chalicelib.store.ranks import RankStore
from chalicelib.store.records import RecordStore


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
    lobbies: Lobbies
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Stores:
    boards: BoardStore
    players: PlayerStore
    games: GameStore
    records: RecordStore
    ranks: RankStore


@lru_cache(maxsize=1)
def services() -> Services:
    """Return the services of this process, wired to the environment's settings and tables."""
    return build(config.load(), dynamo_store.connect())


@lru_cache(maxsize=1)
def tokens() -> Tokens:
    """Return what checks tokens, without a database: all that the authorizer needs."""
    return Tokens(config.load().signing_keys, clock.now)


def build(settings: Config, dynamo: Dynamo, now: Clock = clock.now) -> Services:
    """Return services on a given client, with a given clock."""
    stores = _stores(settings.table, dynamo)
    signer = Tokens(settings.signing_keys, now)
    boards = Boards(stores.boards, now)
    reader = RankReader(dynamo, stores.records, stores.ranks)
    settler = Settler(dynamo, boards, stores.ranks)
    scores = Scores(
        dynamo=dynamo,
        boards=boards,
        board_store=stores.boards,
        players=stores.players,
        records=stores.records,
        ranks=stores.ranks,
        reader=reader,
        settler=settler,
        clock=now,
    )
    moderation = Moderation(dynamo, boards, stores.records, stores.ranks, now)
    players = Players(
        store=stores.players,
        games=stores.games,
        records=stores.records,
        moderation=moderation,
        boards=boards,
        tokens=signer,
        clock=now,
    )
    games = Games(
        dynamo=dynamo,
        store=stores.games,
        players=stores.players,
        scores=scores,
        rules_by_mode=settings.game_rules_by_mode,
        clock=now,
    )
    standings = Standings(
        dynamo=dynamo,
        boards=boards,
        records=stores.records,
        listing=Listing(dynamo, stores.records, stores.ranks),
        ranks=stores.ranks,
        reader=reader,
        tokens=signer,
    )
    lobbies = Lobbies(boards=boards, players=players, games=games, standings=standings, clock=now)
    return Services(settings, boards, players, games, scores, moderation, settler, standings, lobbies, signer)


def _stores(table: Callable[[str], str], dynamo: Dynamo) -> Stores:
    return Stores(
        boards=BoardStore(table("boards"), dynamo),
        players=PlayerStore(table("players"), dynamo),
        games=GameStore(table("games"), dynamo),
        records=RecordStore(table("records"), dynamo),
        ranks=RankStore(table("ranks"), dynamo),
    )
