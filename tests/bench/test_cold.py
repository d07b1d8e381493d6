"""What the page of cold starts says follows from what was measured. What is measured of time is not for tests."""

from pathlib import Path

import pytest

from bench.cold import page
from bench.cold.functions import API, AUTHORIZER
from bench.cold.measures import (
    LAUREL,
    LEANEST,
    LEANEST_COMPILED,
    LEANEST_PRUNED,
    LEANEST_UNCOLLECTED,
    Results,
    broken_claims,
)
from bench.cold.sizes import Work
from bench.cold.starts import Start
from bench.cold.trees import Tree
from bench.operations import GAME_END, OWN_ENTRY

MODULES = ["app", "botocore", "botocore.client"]


def _start(called: float) -> Start:
    return Start(called - 20, called, 40.0, MODULES)


def _results(laurel: list[float], pruned: list[float], *, zipped: float = 3.0, clients: int = 1) -> Results:
    quick = [_start(1000)] * len(laurel)
    return Results(
        trees={LAUREL: Tree(Path(), zipped, 9.0)},
        starts={
            LAUREL: [_start(each) for each in laurel],
            LEANEST_PRUNED: [_start(each) for each in pruned],
            **dict.fromkeys((LEANEST, LEANEST_COMPILED, LEANEST_UNCOLLECTED), quick),
        },
        functions={API: [_start(150), _start(140)], AUTHORIZER: [Start(20, 40, 20.0, ["app"])]},
        work={OWN_ENTRY: Work(1.0, 9.0), GAME_END: Work(2.0, 15.0)},
        clients=clients,
    )


def test_rounds_are_compared_one_by_one() -> None:
    """A machine that is slow for a while is slow for both."""
    assert _results([120, 240, 900], [100, 200, 300]).ratio(LEANEST_PRUNED) == pytest.approx(1.2)


@pytest.mark.parametrize(
    ("results", "said"),
    [
        (_results([140], [100]), "1.40 times"),
        (_results([120], [100], zipped=15.1), "15.1 MB"),
        (_results([120], [100], clients=2), "2 DynamoDB clients"),
    ],
)
def test_what_does_not_hold_is_said(results: Results, said: str) -> None:
    (broken,) = broken_claims(results)

    assert said in broken
    assert broken_claims(_results([120], [100])) == []


def test_the_page_shows_the_shortest_starts_and_what_functions_load() -> None:
    text = page.written(_results([150, 130], [100, 110]))

    assert "| Laurel | 130 | 110 | 1.00 |" in text
    assert f"| {LEANEST_PRUNED} | 100 | 80 | **1.34** |" in text
    assert "| `api_handler` | 120 | 140 | 3 | botocore | 40 |" in text
    assert "| `player_authorizer` | 20 | 40 | 1 | none | 20 |" in text


def test_computing_takes_longer_with_less_memory_and_waiting_does_not() -> None:
    work = Work(computing=10.0, waiting=15.0)

    assert work.duration(1769) == work.duration(3008) == 25.0
    assert work.duration(1769 // 2) == pytest.approx(10 / (884 / 1769) + 15)


def test_a_million_requests_cost_what_the_price_list_says() -> None:
    # 1 s with 1 GB each: a million GB-seconds, and a million requests.
    work = Work(computing=0.0, waiting=1000.0)

    assert work.dollars(1024, "x86_64") == pytest.approx(16.6667 + 0.20)
    assert work.dollars(1024, "arm64") == pytest.approx(13.3334 + 0.20)
