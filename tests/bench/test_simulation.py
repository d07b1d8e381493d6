"""The simulation's promises are held, and small boards keep them."""

from dataclasses import replace
from typing import Any

import pytest

from bench.ranking import simulation
from bench.ranking.simulation import Distribution, Figure
from bench.ranking.spreads import SPREADS


@pytest.fixture(scope="module")
def figures() -> list[Figure]:
    return list(simulation.measure(sizes=(100, 2_000), digits=(3,), spreads=SPREADS[:2]))


def test_small_boards_keep_every_promise(figures: list[Figure]) -> None:
    assert [(each.size, each.wrong) for each in figures] == [(100, 0), (2_000, 0)] * 2
    assert all(claim.holds for claim in simulation.claims(figures))


@pytest.mark.parametrize(
    "broken",
    [
        {"wrong": 1},
        {"largest_node_bytes": 1025},
        {"most_rounds": 2},
        {"read_units": Distribution(100, 100, 100, 100)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_breaks_a_promise_is_said(figures: list[Figure], broken: dict[str, Any]) -> None:
    worse = [*figures[:-1], replace(figures[-1], **broken)]

    assert [claim.holds for claim in simulation.claims(worse)].count(False) == 1
