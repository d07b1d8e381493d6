from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.boards import INT64_MAX, INT64_MIN, Board, SortOrder
from chalicelib.ranking import bins
from chalicelib.ranking.bins import Path, Shape, bin_at, bin_of, place, shape_of
from tests.strategies import EXAMPLES, boards, int64, scores

digit_counts = st.integers(2, 4)
values = st.tuples(int64 | scores, int64 | scores | st.integers(-2, 2))


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(value=int64, other=int64, digits=digit_counts)
def test_bins_are_in_the_order_of_their_values(value: int, other: int, digits: int) -> None:
    one, two = bin_of(value, digits), bin_of(other, digits)

    assert (one.digits < two.digits) is (one.last < two.first)
    assert (one.digits == two.digits) is (one == two)
    if value <= other:
        assert one.digits <= two.digits


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(value=int64, digits=digit_counts)
def test_a_bin_holds_its_values_and_is_found_by_its_digits(value: int, digits: int) -> None:
    found = bin_of(value, digits)

    assert INT64_MIN <= found.first <= value <= found.last <= INT64_MAX
    assert bin_of(found.first, digits) == bin_of(found.last, digits) == bin_at(found.digits) == found
    assert len(found.digits) == digits
    assert 0 <= found.digits[0] <= 2 * (65 - 6 * (digits - 1)) - 1
    assert all(0 <= digit < 64 for digit in found.digits[1:])


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(value=int64, digits=digit_counts)
def test_bins_touch_without_gap_or_overlap(value: int, digits: int) -> None:
    found = bin_of(value, digits)

    if found.last < INT64_MAX:
        assert bin_of(found.last + 1, digits).first == found.last + 1
    if found.first > INT64_MIN:
        assert bin_of(found.first - 1, digits).last == found.first - 1


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(value=int64)
def test_with_three_digits_a_bin_is_at_most_a_4096th_of_its_value_wide(value: int) -> None:
    found = bin_of(value, 3)

    width = found.last - found.first + 1
    assert width == 1 or width * 4096 <= abs(value)


@pytest.mark.parametrize("digits", [2, 3, 4])
def test_small_values_have_bins_of_their_own(digits: int) -> None:
    limit = 64 ** (digits - 1)

    assert all(bin_of(value, min(digits, 3)).exact for value in range(-min(limit, 4096), min(limit, 4096) + 1))
    assert bin_of(2 * limit - 1, digits).exact
    assert not bin_of(2 * limit, digits).exact


@pytest.mark.parametrize("digits", [2, 3, 4])
def test_roots_fit_a_node(digits: int) -> None:
    """At most 1 KB: an attribute takes its name, a number's bytes and one or two more."""
    roots = {bin_of(sign * 2**exponent, digits).digits[0] for exponent in range(63) for sign in (1, -1)}

    assert bin_of(INT64_MIN, digits).digits[0] == 0
    assert max(roots) <= 2 * (65 - 6 * (digits - 1)) - 1 < 128


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(board=boards, others=st.lists(values, max_size=30), own=values)
def test_rank_is_the_better_bins_and_the_better_ones_of_the_same_bin(
    board: Board, others: list[tuple[int, int]], own: tuple[int, int]
) -> None:
    own, *others = (_allowed(board, value) for value in (own, *others))
    where = place(_shape(board), own)

    in_better_bins = sum(place(_shape(board), value).path < where.path for value in others)
    in_same_bin = [value for value in others if place(_shape(board), value).path == where.path]
    looked_at = [] if where.rest is None else [value for value in others if where.rest <= value < own]

    assert in_better_bins + len(looked_at) == sum(value < own for value in others)
    assert set(looked_at) <= set(in_same_bin)


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(board=boards, one=values, other=values)
def test_no_path_is_the_beginning_of_another(board: Board, one: tuple[int, int], other: tuple[int, int]) -> None:
    first, second = place(_shape(board), _allowed(board, one)).path, place(_shape(board), _allowed(board, other)).path

    assert first == second or first != second[: len(first)]


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(board=boards, value=values)
def test_a_path_ends_at_a_leaf_and_says_what_it_holds(board: Board, value: tuple[int, int]) -> None:
    value = _allowed(board, value)
    path = place(_shape(board), value).path

    assert bins.is_leaf(_shape(board), path)
    assert not any(bins.is_leaf(_shape(board), path[:depth]) for depth in range(len(path)))
    first = bins.first_value(_shape(board), path)
    assert first <= value
    assert place(_shape(board), first).path == path
    if bins.holds_one_value(_shape(board), path):
        assert first == value


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(board=boards, value=int64, depth=st.integers(1, 4))
def test_a_nodes_range_holds_exactly_the_scores_below_it(board: Board, value: int, depth: int) -> None:
    node = bin_of(value, board.layout("all").digits).digits[:depth]
    best, worst = bins.range_below(_shape(board), node)

    assert INT64_MIN <= best <= value <= worst <= INT64_MAX
    assert _node(board, best, depth) == _node(board, worst, depth) == node
    assert best == INT64_MIN or _node(board, best - 1, depth) < node
    assert worst == INT64_MAX or _node(board, worst + 1, depth) > node


def test_bins_without_subscores_need_no_look_below_their_first_value() -> None:
    board = _board(None)

    assert place(_shape(board), (8192, 0)).rest is None
    assert place(_shape(board), (8193, 0)).rest == (8192, 0)


def test_equal_scores_with_subscores_go_deeper() -> None:
    board = _board(SortOrder.ASC)

    assert len(place(_shape(board), (5, 7)).path) == 6
    assert len(place(_shape(board), (100_001, 7)).path) == 3


def _board(subscore_order: SortOrder | None) -> Board:
    return Board(
        board_id="race",
        title="Race",
        subscore_order=subscore_order,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def _shape(board: Board) -> Shape:
    return shape_of(board, board.layout("all"))


def _allowed(board: Board, value: tuple[int, int]) -> tuple[int, int]:
    return value if board.subscore_order else (value[0], 0)


def _node(board: Board, value: int, depth: int) -> Path:
    return bin_of(value, board.layout("all").digits).digits[:depth]


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(shape=st.builds(Shape, digit_counts, st.booleans()), value=values)
def test_a_path_tells_the_first_and_the_last_value_it_counts(shape: Shape, value: tuple[int, int]) -> None:
    value = value if shape.subscores else (value[0], 0)
    path = place(shape, value).path
    first, last = bins.first_value(shape, path), bins.last_value(shape, path)

    assert first <= value <= last
    assert place(shape, first).path == place(shape, last).path == path
    assert path[0] in bins.roots(shape.digits)
    assert bins.holds_one_value(shape, path) is (first == last)
