"""One board with one record, made by the deployed services: what the items of every other are as large as."""

from dataclasses import dataclass

from bench.capacity import Item, item_size
from chalicelib.domain.boards import SortOrder
from chalicelib.domain.records import Submission
from tests.tables import PREFIX
from tests.world import World

STORED_OVERHEAD = 100
"""Bytes that DynamoDB adds to every item and every index row it stores (developer guide, "Table size")."""
_SCORE, _TIME_MS = 123_456, 300_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes, as DynamoDB counts them for capacity."""

    record: int
    row: int
    """A record as the ordered index shows it."""
    mark: int
    node_key: int
    """What a node has beside its counters and its path."""
    overhead: int = STORED_OVERHEAD


def sizes_of_items(*, subscores: bool = False) -> Sizes:
    """Return the sizes on a board that never resets, of a player with a name of usual length."""
    world = World()
    board = world.board("points", subscore_order=SortOrder.ASC if subscores else None)
    world.play(world.player("Player 3F2A1B"), Submission(board.board_id, _SCORE, _TIME_MS if subscores else 0))
    (record,) = world.items("records")
    root, *_, mark = sorted(world.items("ranks"), key=lambda item: (_kind(item) == "mark", len(item["pk"]["S"])))
    return Sizes(
        record=item_size(record),
        row=item_size(_row(world, record)),
        mark=item_size(mark),
        node_key=item_size({name: value for name, value in root.items() if name in {"pk", "expires_at"}}),
    )


def _kind(item: Item) -> str:
    return str(item["pk"]["S"]).partition("#")[0]


def _row(world: World, record: Item) -> Item:
    rows = world.client.query(
        TableName=f"{PREFIX}records",
        IndexName="ranking",
        KeyConditionExpression="standing = :standing",
        ExpressionAttributeValues={":standing": record["standing"]},
    )
    return dict(rows["Items"][0])
