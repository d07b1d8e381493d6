"""The stores, on the tables of a stage."""

from collections.abc import Callable

from msgspec import Struct

from chalicelib.store.boards import BoardStore
from chalicelib.store.buckets import BucketStore
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.games import GameStore
from chalicelib.store.notices import NoticeStore
from chalicelib.store.players import PlayerStore
from chalicelib.store.ranks import RankStore
from chalicelib.store.records import RecordStore


class Stores(Struct, frozen=True):
    boards: BoardStore
    players: PlayerStore
    games: GameStore
    records: RecordStore
    ranks: RankStore
    notices: NoticeStore
    buckets: BucketStore


def stores_of(table: Callable[[str], str], dynamo: Dynamo) -> Stores:
    players = PlayerStore(table("players"), dynamo)
    return Stores(
        boards=BoardStore(table("boards"), dynamo),
        players=players,
        games=GameStore(table("games"), dynamo),
        records=RecordStore(table("records"), dynamo),
        ranks=RankStore(table("ranks"), dynamo),
        notices=NoticeStore(table("notices"), dynamo),
        buckets=BucketStore(table("seasons"), players, dynamo),
    )
