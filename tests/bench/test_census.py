"""What is simulated in columns is what the deployed functions and services do."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.capacity import item_size
from bench.ranking import batches
from bench.ranking.census import Census, Tree, bins_of, first_values, number_bytes
from bench.ranking.exemplars import sizes_of_items
from bench.ranking.spreads import SPREADS, SUBVALUE_BITS, Column, Spread
from chalicelib.domain.boards import INT64_MAX, INT64_MIN, SortOrder
from chalicelib.domain.layouts import Layout, Layouts
from chalicelib.domain.records import Submission
from chalicelib.ranking.bins import bin_of
from tests.world import World

EDGES = [
    INT64_MIN,
    INT64_MAX,
    *(sign * (2**bit + step) for bit in range(63) for step in (-1, 0, 1) for sign in (-1, 1)),
]
int64s = st.integers(INT64_MIN, INT64_MAX) | st.sampled_from(EDGES)
digits = st.integers(2, 5)


def _column(values: Iterable[int]) -> Column:
    return np.array(list(values), np.int64)


@given(st.lists(int64s, min_size=1), digits)
def test_columns_bin_as_the_index_does(values: list[int], depth: int) -> None:
    bins = bins_of(_column(values), depth)

    expected = [bin_of(value, depth) for value in values]
    assert [Tree(depth).path(each) for each in bins.tolist()] == [each.digits for each in expected]
    assert first_values(bins, depth).tolist() == [each.first for each in expected]


@given(st.lists(st.integers(1, 10**18) | st.sampled_from([10**power for power in range(19)]), min_size=1))
def test_columns_of_numbers_take_the_bytes_of_the_numbers(numbers: list[int]) -> None:
    assert number_bytes(_column(numbers)).tolist() == [item_size({"": {"N": str(each)}}) for each in numbers]


@given(st.lists(int64s, min_size=1), digits)
@pytest.mark.property
def test_ranks_are_those_of_a_sorted_list(values: list[int], depth: int) -> None:
    standing = sorted(values)

    ranks = Census(Tree(depth), _column(standing)).ranks(_column(values))

    assert ranks.tolist() == [1 + standing.index(value) for value in values]


@given(st.lists(st.tuples(st.integers(-50, -1), st.integers(0, 2**SUBVALUE_BITS - 1)), min_size=1), digits)
@pytest.mark.property
def test_ranks_by_subscore_are_those_of_a_sorted_list(values: list[tuple[int, int]], depth: int) -> None:
    standing = sorted(values)
    column = [value << SUBVALUE_BITS | subvalue for value, subvalue in values]

    ranks = Census(Tree(depth, subscores=True), _column(sorted(column))).ranks(_column(column))

    assert ranks.tolist() == [1 + standing.index(each) for each in values]


def _world(spread: Spread, values: Column, depth: int) -> World:
    """Return a world whose board "points" has a record of each value."""
    world = World()
    world.board(
        "points",
        sort_order=SortOrder.ASC,
        subscore_order=SortOrder.ASC if spread.subscores else None,
        layouts=Layouts(Layout(digits=depth)),
    )
    for number, value in enumerate(values.tolist()):
        both = divmod(value, 1 << SUBVALUE_BITS) if spread.subscores else (value, 0)
        world.play(world.player(f"Player {number:06}"), Submission("points", *both))
    return world


def _nodes(world: World) -> list[dict[str, Any]]:
    return [item for item in world.items("ranks") if item["pk"]["S"].startswith("node#")]


@pytest.mark.parametrize("spread", [SPREADS[0], SPREADS[4], SPREADS[6]], ids=lambda spread: spread.name)
@pytest.mark.parametrize("depth", [3, 4])
def test_the_simulated_index_is_the_stored_one(spread: Spread, depth: int) -> None:
    values = np.sort(spread.values(60))
    census = Census(Tree(depth, spread.subscores), values)

    stored = _nodes(_world(spread, values, depth))

    sizes = census.node_bytes(sizes_of_items(subscores=spread.subscores).node_key)
    assert census.nodes == len(stored)
    assert sorted(sizes.tolist()) == sorted(item_size(item) for item in stored)


def test_a_batch_of_newcomers_costs_two_units_for_each_mark_and_node() -> None:
    assert batches.write_units([(None, (53, 0, 5)), (None, (53, 0, 7))]) == 2 * (2 + 3)


def test_a_batch_too_large_for_one_transaction_goes_with_neighbours() -> None:
    apart = [((53, high, 0), (52, high, 0)) for high in range(40)]

    sizes = [len(group) for group in batches.transactions(apart[::-1])]

    items = [1 + 2 + 3 * size for size in sizes]
    assert sizes == [32, 8]
    assert max(items) <= 100
    assert batches.write_units(apart) == 2 * sum(items)
