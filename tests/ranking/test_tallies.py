from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.ranking.bins import Path, Shape, is_leaf, place
from chalicelib.ranking.nodes import moves
from chalicelib.ranking.tallies import Tally, add, child_nodes, doubts, take_finished
from tests.strategies import EXAMPLES, scores

shapes = st.builds(Shape, st.integers(2, 4), st.booleans())
records = st.lists(st.tuples(scores, st.integers(-2, 2)), max_size=30)


def paths_of(shape: Shape, values: list[tuple[int, int]]) -> list[Path]:
    return [place(shape, value if shape.subscores else (value[0], 0)).path for value in sorted(values)]


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(shape=shapes, values=records, pages=st.integers(1, 7))
def test_a_walk_in_rank_order_finishes_every_node_once_with_what_settling_would_count(
    shape: Shape, values: list[tuple[int, int]], pages: int
) -> None:
    paths, tally, finished = paths_of(shape, values), Tally(), Tally()

    for start in range(0, len(paths), pages):
        for path in paths[start : start + pages]:
            add(tally, path)
        done = take_finished(tally, paths[start : start + pages][-1])
        assert not done.keys() & finished.keys()
        finished |= done
    finished |= take_finished(tally, None)

    assert tally == {}
    assert finished == moves((None, path) for path in paths)


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(shape=shapes, values=records.filter(bool), place_of_error=st.integers(0, 10**6), step=st.sampled_from([-1, 1]))
def test_a_counter_that_is_off_is_doubted_where_it_stands_and_nothing_else_below_it(
    shape: Shape, values: list[tuple[int, int]], place_of_error: int, step: int
) -> None:
    found = moves((None, path) for path in paths_of(shape, values))
    node = sorted(found)[place_of_error % len(found)]
    child = min(found[node])
    counted = {each: Counter(counts) for each, counts in found.items()}
    counted[node][child] += step

    doubted = {path for each in found for path in doubts(shape, each, found[each], counted[each], counted)}

    above = {node} if node else set()
    assert doubted == {(*node, child)} | above


@pytest.mark.property
@given(shape=shapes, values=records)
def test_what_is_right_is_not_doubted(shape: Shape, values: list[tuple[int, int]]) -> None:
    found = moves((None, path) for path in paths_of(shape, values))

    assert not [path for node in found for path in doubts(shape, node, found[node], found[node], found)]


@given(shape=shapes, values=records)
def test_the_children_of_a_node_are_nodes_or_bins(shape: Shape, values: list[tuple[int, int]]) -> None:
    found = moves((None, path) for path in paths_of(shape, values))

    for node, counts in found.items():
        children = child_nodes(shape, node, counts, {})
        assert set(children) == {path for path in found if path[:-1] == node and path}
        assert all(is_leaf(shape, (*node, child)) for child in counts if (*node, child) not in children)
