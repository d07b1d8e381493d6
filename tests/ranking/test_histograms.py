from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.ranking import histograms, nodes
from chalicelib.ranking.bins import bin_of
from tests.strategies import int64, scores

digits = st.integers(2, 4)
ends = st.tuples(scores | int64, scores | int64).map(lambda pair: (min(pair), max(pair)))


@given(ends=ends, bars=st.integers(1, 200), digits=digits)
def test_borders_ascend_and_begin_bins(ends: tuple[int, int], bars: int, digits: int) -> None:
    best, worst = ends

    *starts, end = histograms.borders(best, worst, bars, digits)

    assert 1 <= len(starts) <= bars
    assert all(one < other for one, other in pairwise([*starts, end]))
    assert all(bin_of(start, digits).first == start for start in starts)
    assert bin_of(end - 1, digits).last == end - 1
    assert starts[0] <= best
    assert worst < end


@given(ends=ends, bars=st.integers(1, 200), digits=digits)
def test_a_bar_begins_with_the_bin_of_an_equal_step(ends: tuple[int, int], bars: int, digits: int) -> None:
    best, worst = ends
    steps = [best + (worst + 1 - best) * step // bars for step in range(bars)]

    *starts, _ = histograms.borders(best, worst, bars, digits)

    assert set(starts) == {bin_of(step, digits).first for step in steps}


def test_small_scores_may_have_a_bar_each() -> None:
    assert histograms.borders(-2, 3, 200, digits=3) == [-2, -1, 0, 1, 2, 3, 4]


@given(values=st.lists(scores | int64, max_size=40), ends=ends, bars=st.integers(1, 30), digits=digits)
def test_the_wanted_nodes_count_what_lies_before_a_border(
    values: list[int], ends: tuple[int, int], bars: int, digits: int
) -> None:
    stored = nodes.moves((None, bin_of(value, digits).digits) for value in values)
    borders = histograms.borders(*ends, bars, digits)
    paths = histograms.paths(borders, digits)

    read: dict[tuple[int, ...], dict[int, int]] = {(): stored.get((), {})}
    for depth in range(1, digits):
        read |= {node: stored.get(node, {}) for node in histograms.wanted(paths, depth, read)}

    expected = [sum(value < border for value in values) for border in borders]
    assert [histograms.before(border, digits, read) for border in borders] == expected
    assert len(read) <= 1 + (digits - 1) * len(borders)


def test_nodes_in_which_nobody_is_counted_are_not_wanted() -> None:
    root = {bin_of(5, 3).digits[0]: 1}

    assert histograms.wanted(histograms.paths([5, 10**6], 3), 1, {(): root}) == [bin_of(5, 3).digits[:1]]


@pytest.mark.parametrize(("before", "counts"), [([0, 2, 2, 7], [2, 0, 5]), ([3, 1, 4], [0, 3]), ([5], [])])
def test_no_bar_has_less_than_none(before: list[int], counts: list[int]) -> None:
    assert histograms.between(before) == counts
