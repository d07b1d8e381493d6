from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.domain.boards import (
    INT64_MAX,
    INT64_MIN,
    RULES_SEALED_BY_RECORDS,
    Board,
    Limits,
    Operator,
    SortOrder,
    directed,
    seal,
    sealed_rules_changed,
)
from tests.strategies import boards, int64, orders

BOARD = Board(board_id="race", title="Race", created_at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.property
@given(number=int64, other=int64, order=orders)
def test_directed_numbers_stay_64_bit_turn_back_and_sort_best_first(number: int, other: int, order: SortOrder) -> None:
    better = number > other if order is SortOrder.DESC else number < other

    assert INT64_MIN <= directed(number, order) <= INT64_MAX
    assert directed(directed(number, order), order) == number
    assert (directed(number, order) < directed(other, order)) is better


@pytest.mark.property
@given(board=boards, scores=st.lists(st.tuples(int64, int64), max_size=8))
def test_subscores_count_after_scores_and_in_their_own_direction(board: Board, scores: list[tuple[int, int]]) -> None:
    upwards = 1 if board.sort_order is SortOrder.ASC else -1
    sub_upwards = -1 if board.subscore_order is SortOrder.DESC else 1

    best_first = sorted(scores, key=lambda pair: (upwards * pair[0], sub_upwards * pair[1]))

    assert sorted(scores, key=lambda pair: board.value(*pair)) == best_first


@pytest.mark.parametrize(
    "changes",
    [
        {"unit": "ms"},
        {"sort_order": SortOrder.ASC},
        {"subscore_order": SortOrder.ASC},
        {"operator": Operator.INCR},
        {"reset": "0 0 * * *"},
        {"retention_days": 3},
    ],
)
def test_rules_that_order_interpret_or_keep_records_are_sealed(changes: dict[str, object]) -> None:
    after = replace(BOARD, **changes)

    assert sealed_rules_changed(BOARD, after) == tuple(changes)


def test_what_is_shown_and_what_is_limited_may_always_change() -> None:
    after = replace(BOARD, title="New", limits=Limits(max_score=5), authoritative=True)

    assert sealed_rules_changed(BOARD, after) == ()


def test_every_sealed_rule_is_a_field() -> None:
    assert all(hasattr(BOARD, name) for name in RULES_SEALED_BY_RECORDS)


def test_sealing_changes_nothing_else() -> None:
    assert seal(BOARD) == replace(BOARD, sealed=True)
