"""Crowds: a board full of settled records, put there at once, beside the sorted list that knows them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from chalicelib.domain.boards import Board
from chalicelib.domain.records import Record
from chalicelib.services.settle import settlement_of
from chalicelib.store.dynamo import MAX_TRANSACTION_ITEMS, Dynamo, Part
from chalicelib.store.ranks import UNMARKED, RankStore
from chalicelib.store.records import RecordStore
from tests import strategies
from tests.fake_dynamodb import Call
from tests.oracle import Line, Oracle
from tests.tables import PREFIX
from tests.world import EPOCH, Inline, World

Values = Sequence[tuple[int, int]]
"""A score and a subscore each."""

values = st.tuples(strategies.scores | strategies.int64, st.integers(-2, 2) | strategies.int64)
lists_of_values = st.lists(values, max_size=30)


class Crowd:
    """A world with one board, and a record of a player of its own for each value."""

    def __init__(self, board: Board, records: Values, period_id: str = "all") -> None:
        self.world = World()
        self.world.clock.instant = max(EPOCH, board.created_at)
        self.board = self.world.services.boards.create(board)
        self.period_id = period_id
        self.player_ids = [f"{number:032x}" for number in range(len(records))]
        self._fill(records)
        self.oracle = Oracle.of(self.board, self.world.items("records"), period_id)

    @property
    def tree(self) -> tuple[str, str]:
        return self.board.board_id, self.period_id

    def value(self, score: int, subscore: int) -> tuple[int, int]:
        """Return a score and a subscore as a board may hold them."""
        return score, subscore if self.board.subscore_order else 0

    def better_than(self, score: int, subscore: int, without: str | None = None) -> int:
        """Return how many other records a sorted list has before a value."""
        own = self.oracle.place(Line("", score, subscore, EPOCH))
        lines = self.oracle.lines.values()
        return sum(self.oracle.place(line) < own for line in lines if line.player_id != without and not line.hidden)

    @contextmanager
    def calls(self) -> Iterator[list[Call]]:
        """Collect the calls that are made meanwhile."""
        made: list[Call] = []
        self.world.services.boards.get(self.board.board_id)
        self.world.before(made.append)
        yield made
        self.world.client.before.remove(made.append)

    def _fill(self, records: Values) -> None:
        dynamo = Dynamo(self.world.client, Inline(), self.world.pauses.append)
        record_store, ranks = RecordStore(f"{PREFIX}records", dynamo), RankStore(f"{PREFIX}ranks", dynamo)
        kept = [self._record(number, *self.value(*value)) for number, value in enumerate(records)]
        moves = [settlement_of(self.board, record).move_from(UNMARKED) for record in kept]
        parts: list[Part] = [record_store.put_part("record", self.board, record, None) for record in kept]
        parts += ranks.parts(moves)
        for start in range(0, len(parts), MAX_TRANSACTION_ITEMS):
            dynamo.transact(parts[start : start + MAX_TRANSACTION_ITEMS])

    def _record(self, number: int, score: int, subscore: int) -> Record:
        achieved_at = EPOCH + timedelta(milliseconds=number)
        player_id = self.player_ids[number]
        return Record(player_id, "race", self.period_id, score, subscore, achieved_at, 1, f"p{number}")


def board(**rules: Any) -> Board:
    return Board(board_id="race", title="Race", created_at=EPOCH, **rules)


def nodes_read(calls: Sequence[Call]) -> list[int]:
    """Return how many keys each BatchGetItem asked for."""
    requests = [call.request["RequestItems"] for call in calls if call.operation == "BatchGetItem"]
    return [sum(len(part["Keys"]) for part in request.values()) for request in requests]
