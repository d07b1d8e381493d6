"""Every bar counts what a sorted list counts, whatever the board and the zoom."""

from functools import partial
from itertools import count, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.boards import INT64_MAX, INT64_MIN, Board, SortOrder, directed
from chalicelib.domain.layouts import Layout, Layouts
from chalicelib.errors import MalformedError
from chalicelib.ranking.bins import bin_of
from chalicelib.services.distributions import Bar, Distribution
from tests import strategies
from tests.fake_dynamodb import Call, Once
from tests.services.crowds import Crowd, Values, board, lists_of_values, nodes_read
from tests.strategies import EXAMPLES, boards

scores = strategies.scores | strategies.int64
WIDE = 1_000_000
"""A score in a bin of 256 scores."""


def counted(crowd: Crowd, found: Distribution) -> None:
    """Assert that every count is that of a sorted list, and that nobody is left out or counted twice."""
    low, high = found.bars[0].low, found.bars[-1].high
    assert [bar.count for bar in found.bars] == [crowd.oracle.count(bar.low, bar.high) for bar in found.bars]
    assert found.below == crowd.oracle.count(INT64_MIN, low - 1)
    assert found.above == crowd.oracle.count(high + 1, INT64_MAX)
    assert found.total == crowd.oracle.total


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(
    board=boards,
    records=lists_of_values,
    ends=st.tuples(st.none() | scores, st.none() | scores),
    bars=st.integers(1, 40),
)
def test_a_histogram_cuts_its_range_into_exact_bars(
    board: Board, records: Values, ends: tuple[int | None, int | None], bars: int
) -> None:
    low, high = ends if None in ends else sorted(end for end in ends if end is not None)
    crowd = Crowd(board, records)

    found = crowd.world.services.distributions.histogram(*crowd.tree, bars, low, high)

    if not records and low is None and high is None:
        assert (found.bars, found.total) == ([], 0)
        return
    counted(crowd, found)
    assert 1 <= len(found.bars) <= bars
    assert all(one.high + 1 == other.low for one, other in pairwise(found.bars))
    assert_ends(crowd, found, low, high)


def assert_ends(crowd: Crowd, found: Distribution, low: int | None, high: int | None) -> None:
    """Assert that the bars hold what was asked for, and end with its bins."""
    scores = [line.score for line in crowd.oracle.lines.values()]
    lowest = low if low is not None else min([*scores, *([] if high is None else [high])])
    highest = high if high is not None else max([*scores, *([] if low is None else [low])])
    digits = crowd.board.layout("all").digits
    bins = [bin_of(directed(end, crowd.board.sort_order), digits) for end in (lowest, highest)]
    ends = sorted(directed(end, crowd.board.sort_order) for each in bins for end in (each.first, each.last))
    assert (found.bars[0].low, found.bars[-1].high) == (ends[0], ends[-1])


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(board=boards, records=lists_of_values, edges=st.lists(scores, min_size=1, max_size=12))
def test_bands_are_exact_wherever_their_edges_lie(board: Board, records: Values, edges: list[int]) -> None:
    crowd = Crowd(board, records)

    found = crowd.world.services.distributions.bands(*crowd.tree, edges)

    distinct = sorted(set(edges))
    assert [(bar.low, bar.high) for bar in found.bars] == [(low, high - 1) for low, high in pairwise(distinct)]
    assert [bar.count for bar in found.bars] == [crowd.oracle.count(bar.low, bar.high) for bar in found.bars]
    assert found.below == crowd.oracle.count(INT64_MIN, distinct[0] - 1)
    assert found.above == crowd.oracle.count(distinct[-1], INT64_MAX)
    assert found.total == len(records)


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(board=boards, records=lists_of_values)
def test_an_overview_counts_everybody_in_narrow_bars(board: Board, records: Values) -> None:
    crowd = Crowd(board, records)

    found = crowd.world.services.distributions.overview(*crowd.tree)

    assert [bar.count for bar in found.bars] == [crowd.oracle.count(bar.low, bar.high) for bar in found.bars]
    assert sum(bar.count for bar in found.bars) == found.total == len(records)
    assert all(bar.count for bar in found.bars)
    assert all(one.high < other.low for one, other in pairwise(found.bars))
    for bar in found.bars:
        nearest = min(abs(directed(end, board.sort_order)) for end in (bar.low, bar.high))
        assert bar.low == bar.high or (bar.high - bar.low + 1) * 64 <= nearest


@pytest.mark.parametrize("order", SortOrder)
def test_a_zoom_ends_at_single_scores(order: SortOrder) -> None:
    crowd = Crowd(board(sort_order=order), [(score, 0) for score in (1, 2, 2, 5)])

    found = crowd.world.services.distributions.histogram(*crowd.tree, 50)

    assert found.bars == [Bar(1, 1, 1), Bar(2, 2, 2), Bar(3, 3, 0), Bar(4, 4, 0), Bar(5, 5, 1)]


def test_bars_are_equal_in_width_where_bins_are_narrow() -> None:
    crowd = Crowd(board(sort_order=SortOrder.ASC), [(0, 0), (999, 0)])

    found = crowd.world.services.distributions.histogram(*crowd.tree, 4)

    assert [(bar.low, bar.high, bar.count) for bar in found.bars] == [
        (0, 249, 1),
        (250, 499, 0),
        (500, 749, 0),
        (750, 999, 1),
    ]


def test_a_range_beyond_every_record_has_empty_bars() -> None:
    crowd = Crowd(board(), [(5, 0)])

    found = crowd.world.services.distributions.histogram(*crowd.tree, 2, low=10)

    assert (found.below, found.bars, found.above) == (1, [Bar(10, 10, 0)], 0)


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    crowd = Crowd(board(), [])

    with pytest.raises(MalformedError, match="low"):
        crowd.world.services.distributions.histogram(*crowd.tree, 2, low=2, high=1)


@pytest.mark.parametrize("order", SortOrder)
def test_bands_reach_to_the_ends_of_64_bits(order: SortOrder) -> None:
    crowd = Crowd(board(sort_order=order), [(INT64_MIN, 0), (0, 0), (INT64_MAX, 0)])

    found = crowd.world.services.distributions.bands(*crowd.tree, [INT64_MIN, INT64_MAX])
    alone = crowd.world.services.distributions.bands(*crowd.tree, [INT64_MIN])

    assert (found.below, found.bars, found.above) == (0, [Bar(INT64_MIN, INT64_MAX - 1, 2)], 1)
    assert (alone.below, alone.bars, alone.above, alone.total) == (0, [], 3, 3)


def test_a_histogram_takes_a_read_per_level_and_at_most_a_node_per_bar() -> None:
    crowd = Crowd(board(layouts=Layouts(Layout(lanes=2))), [(score, 0) for score in range(0, 400 * WIDE, WIDE)])

    with crowd.calls() as calls:
        crowd.world.services.distributions.histogram(*crowd.tree, 20, low=0, high=400 * WIDE)

    assert [call.operation for call in calls] == ["BatchGetItem"] * 3
    assert nodes_read(calls)[0] == 2
    assert max(nodes_read(calls)) <= 2 * 21


def test_a_histogram_of_the_whole_board_first_reads_where_it_ends() -> None:
    crowd = Crowd(board(), [(score, 0) for score in range(0, 400 * WIDE, WIDE)])

    with crowd.calls() as calls:
        crowd.world.services.distributions.histogram(*crowd.tree, 20)

    assert [call.operation for call in calls] == ["BatchGetItem"] * 5
    assert nodes_read(calls)[:3] == [1, 2, 2]


def test_a_histogram_reads_no_node_in_which_nobody_is_counted() -> None:
    crowd = Crowd(board(), [(5, 0)])

    with crowd.calls() as calls:
        crowd.world.services.distributions.histogram(*crowd.tree, 50, low=0, high=10**9)

    assert nodes_read(calls) == [1]


@pytest.mark.parametrize(("round_", "ends"), [(2, (0, 2 * WIDE)), (3, (WIDE - 20_000, WIDE + 20_000))])
def test_no_bar_counts_less_than_nobody_though_records_come_between_two_rounds(
    round_: int, ends: tuple[int, int]
) -> None:
    crowd = Crowd(board(), [(WIDE + step * 300, 0) for step in range(20)])
    hide = partial(crowd.world.services.moderation.hide, board=crowd.board, period_id=crowd.period_id)
    for player_id in crowd.player_ids[5:]:
        hide(player_id, hidden=True)
    rounds = count(1)

    def show(call: Call) -> None:
        del call
        for player_id in crowd.player_ids[5:]:
            hide(player_id, hidden=False)

    crowd.world.before(Once(lambda call: call.operation == "BatchGetItem" and next(rounds) == round_, show))
    during = crowd.world.services.distributions.histogram(*crowd.tree, 40, *ends)
    after = crowd.world.services.distributions.histogram(*crowd.tree, 40, *ends)

    assert (during.total, after.total) == (5, 20)
    assert min(bar.count for bar in during.bars) == 0
    counted(crowd, after)


@pytest.mark.parametrize(("edges", "queries"), [([0, 100, 4000], 0), ([0, WIDE, WIDE + 77], 2)])
def test_bands_take_one_round_and_a_query_for_each_edge_inside_a_bin(edges: list[int], queries: int) -> None:
    crowd = Crowd(board(sort_order=SortOrder.ASC), [(score, 0) for score in (50, 150, WIDE + 5, WIDE + 80)])

    with crowd.calls() as calls:
        crowd.world.services.distributions.bands(*crowd.tree, edges)

    assert [call.operation for call in calls].count("Query") == queries
    assert nodes_read(calls) == [len({node for edge in edges for node in paths_to(edge)})]


def paths_to(score: int) -> list[tuple[int, ...]]:
    digits = bin_of(score, 3).digits
    return [digits[:depth] for depth in range(3)]
