"""The usual DynamoDB advice: keep the scores in an index, and count the better ones with a Query that returns no items.

On the very items of Laurel's records and their ordered index, with the calls a plain scoreboard makes: one update
without transaction, profile or receipt to store a score.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from bench.capacity import Item
from bench.client import Call
from bench.ranking.board import BOARD_ID, STORE, StoredBoard, now, standing
from bench.ranking.database import RECORDS
from bench.ranking.peer import Entry, Footprint, Line, ranked, windowed
from bench.ranking.population import BEGIN, Population
from chalicelib.domain.boards import Board
from chalicelib.ranking import order
from chalicelib.ranking.order import Position
from chalicelib.store import keys
from chalicelib.store.typed import milliseconds, n, s

NAME = "COUNT on an index"
INDEX = "ranking"
_BOARD = Board(board_id=BOARD_ID, title="Points", created_at=BEGIN)
_VALUE_DIGITS = 32
"""How much of an order key says the score, without the time and the player."""


class Scoreboard:
    """What a scoreboard without a rank index does: stores scores, and lists them in order."""

    store, exact = STORE, True

    def __init__(self, name: str, board: StoredBoard) -> None:
        self.name, self.wire, self.version = name, board.database.wire, board.database.version
        self._board = board

    def load(self, population: Population) -> None:
        """Find the records, which are Laurel's."""
        del population
        self._standing = standing(self._board.period_id)
        self._key_end = {"board_period": s(keys.board_period(BOARD_ID, self._board.period_id))}

    def take(self, line: Line) -> None:
        self._dynamo = self._board.database.patient_by_line[line]

    def submit(self, player_id: str, score: int) -> None:
        at = now()
        self._board.submitted.add(player_id)
        self._dynamo.client.update_item(
            TableName=RECORDS,
            Key=self._key(player_id),
            UpdateExpression="SET score = :score, order_key = :key, achieved_at = :at ADD generation :one",
            ConditionExpression="score < :score",
            ExpressionAttributeValues={
                ":score": n(score),
                ":key": s(order.encode(_BOARD, Position(score, 0, at, player_id))),
                ":at": n(milliseconds(at)),
                ":one": n(1),
            },
        )

    def top(self, limit: int) -> list[Entry]:
        rows = self._dynamo.rows(self._listing("standing = :standing"), limit)
        return ranked(map(_row, rows), first_rank=1, position=0)

    def catch_up(self) -> None:
        self._board.catch_up()

    def footprint(self) -> Footprint:
        return self._board.footprint(with_index=False)

    def drop(self) -> None:
        """The records are Laurel's."""

    @contextmanager
    def metered(self) -> Iterator[Sequence[Call]]:
        self._dynamo = self._board.database.observed
        with self._board.database.metered() as calls:
            yield calls

    def _key(self, player_id: str) -> Item:
        return {"player_id": s(player_id), **self._key_end}

    def _own_key(self, player_id: str) -> str:
        """Return where the player stands in the order. One read."""
        reply = self._dynamo.client.get_item(TableName=RECORDS, Key=self._key(player_id))
        return str(reply["Item"]["order_key"]["S"])

    def _above(self, own_key: str, limit: int) -> list[tuple[str, int]]:
        request = self._listing("standing = :standing AND order_key < :key", own_key)
        return [_row(item) for item in reversed(self._dynamo.rows({**request, "ScanIndexForward": False}, limit))]

    def _below(self, own_key: str, limit: int) -> list[tuple[str, int]]:
        request = self._listing("standing = :standing AND order_key > :key", own_key)
        return [_row(item) for item in self._dynamo.rows(request, limit)]

    def _listing(self, condition: str, order_key: str | None = None) -> Item:
        values = {":standing": s(self._standing)} | ({":key": s(order_key)} if order_key else {})
        return {
            "TableName": RECORDS,
            "IndexName": INDEX,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }


class Counting(Scoreboard):
    def __init__(self, board: StoredBoard) -> None:
        super().__init__(NAME, board)

    def own_rank(self, player_id: str) -> int:
        return self._better(self._own_key(player_id)[:_VALUE_DIGITS]) + 1

    def around(self, player_id: str, size: int) -> list[Entry]:
        own_key = self._own_key(player_id)
        position, (above, below) = self._dynamo.alongside(
            partial(self._better, own_key),
            [partial(self._above, own_key, 2 * size), partial(self._below, own_key, size)],
        )
        own = order.decode(_BOARD, own_key)
        start = position - len(above)
        entries = ranked([*above, (player_id, own.score), *below], start + 1, start)
        skipped = max(0, len(above) - size)
        shown = windowed(len(above) - skipped, len(below), size)
        return entries[skipped + shown.start : skipped + shown.stop]

    def _better(self, order_key: str) -> int:
        """Return how many keys come before one. A page per megabyte of them."""
        return self._dynamo.count(self._listing("standing = :standing AND order_key < :key", order_key))


def _row(item: Item) -> tuple[str, int]:
    position = order.decode(_BOARD, item["order_key"]["S"])
    return position.player_id, position.score
