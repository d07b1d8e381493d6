"""The stores that most services stand on, on the tables of a stage."""

from collections.abc import Callable

from msgspec import Struct

from chalicelib.store.boards import BoardStore
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.games import GameStore
from chalicelib.store.players import PlayerStore
from chalicelib.store.ranks import RankStore
from chalicelib.store.records import RecordStore


class Stores(Struct, frozen=True):
    boards: BoardStore
    players: PlayerStore
    games: GameStore
    records: RecordStore
    ranks: RankStore


def stores_of(table: Callable[[str], str], dynamo: Dynamo) -> Stores:
    return Stores(
        boards=BoardStore(table("boards"), dynamo),
        players=PlayerStore(table("players"), dynamo),
        games=GameStore(table("games"), dynamo),
        records=RecordStore(table("records"), dynamo),
        ranks=RankStore(table("ranks"), dynamo),
    )
