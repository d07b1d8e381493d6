"""A listing cut into slices reads like one that is not."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.domain.boards import Board
from chalicelib.domain.layouts import Layout, Layouts
from chalicelib.domain.records import Record
from chalicelib.services.listing import Listing
from chalicelib.services.settle import Settler, settlement_of
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.ranks import RankStore
from chalicelib.store.records import RecordStore, row_of
from tests.strategies import EXAMPLES, orders, scores
from tests.tables import PREFIX
from tests.world import EPOCH, Inline, World

lines = st.lists(st.tuples(scores, st.integers(-3, 3)), min_size=1, max_size=40)


class Stage:
    """One board with records, all settled, and its listing."""

    def __init__(self, board: Board, lines: list[tuple[int, int]]) -> None:
        self.world = World()
        self.dynamo = Dynamo(self.world.client, Inline(), self.world.pauses.append)
        self.records, ranks = RecordStore(f"{PREFIX}records", self.dynamo), RankStore(f"{PREFIX}ranks", self.dynamo)
        self.listing = Listing(self.dynamo, self.records, ranks)
        self.board = self.world.services.boards.create(board)
        self.settler = Settler(self.dynamo, self.world.services.boards, ranks)
        for number, (score, subscore) in enumerate(lines):
            record = Record(f"{number:032x}", "race", "all", score, subscore, EPOCH, 1, str(number))
            self.dynamo.transact([self.records.put_part("record", self.board, record, None)])
            assert self.settler.settle([settlement_of(self.board, record)])
        items = [self.records.parsed(item) for item in self.world.items("records")]
        self.rows = sorted((row_of(self.board, record) for record in items), key=lambda row: row.order_key)

    def requests(self) -> list[str]:
        """Return the calls since this was asked last."""
        calls = list(self.world.client.calls)
        self.world.client.calls.clear()
        return calls


def board(slices: int, digits: int = 3, **rules: object) -> Board:
    layouts = Layouts(Layout(digits=digits, slices=slices))
    return replace(Board(board_id="race", title="Race", layouts=layouts, created_at=EPOCH), **rules)


@pytest.mark.property
@settings(max_examples=EXAMPLES, deadline=None)
@given(
    lines=lines,
    slices=st.integers(0, 2),
    digits=st.integers(2, 4),
    order=orders,
    subscore_order=st.none() | orders,
    random=st.randoms(use_true_random=False),
)
def test_walks_in_both_directions_are_stretches_of_the_sorted_list(  # noqa: PLR0913, PLR0917  # all that can differ
    lines: list[tuple[int, int]], slices: int, digits: int, order: object, subscore_order: object, random: Random
) -> None:
    stage = Stage(board(slices, digits, sort_order=order, subscore_order=subscore_order), lines)

    for at in random.sample(range(len(stage.rows)), min(4, len(stage.rows))):
        key, limit = stage.rows[at].order_key, random.randint(1, len(stage.rows) + 1)
        assert stage.listing.after(stage.board, "all", key, limit) == stage.rows[at + 1 :][:limit]
        assert stage.listing.before(stage.board, "all", key, limit) == stage.rows[:at][-limit:]
        assert stage.listing.after(stage.board, "all", "", limit) == stage.rows[:limit]
        assert stage.listing.before(stage.board, "all", "", limit) == stage.rows[-limit:]


def test_only_slices_that_hold_records_are_read() -> None:
    far_apart = [(10**exponent, 0) for exponent in range(10)]
    stage = Stage(board(1), far_apart)
    stage.requests()

    assert len(stage.listing.after(stage.board, "all", "", 3)) == 3
    assert stage.requests() == ["BatchGetItem", *["Query"] * 3]

    assert len(stage.listing.after(stage.board, "all", stage.rows[5].order_key, 3)) == 3
    assert stage.requests() == ["Query", "BatchGetItem", "Query"]


def test_a_walk_that_its_own_slice_satisfies_reads_no_node() -> None:
    stage = Stage(board(2), [(score, 0) for score in range(100_000, 100_020)])
    stage.requests()

    assert len(stage.listing.after(stage.board, "all", stage.rows[3].order_key, 5)) == 5
    assert stage.requests() == ["Query"]


def test_an_empty_board_in_slices_has_no_rows() -> None:
    stage = Stage(board(2), [])

    assert stage.listing.after(stage.board, "all", "", 5) == []
    assert stage.listing.before(stage.board, "all", "", 5) == []
