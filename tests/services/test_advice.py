"""The advisor's figures, on boards whose figures are known."""

from datetime import timedelta

import pytest

from chalicelib.domain.layouts import Layout, Layouts
from chalicelib.domain.records import Submission
from chalicelib.services.advice import Advice
from chalicelib.services.rebuild import Options
from tests.services.works import Works, crowd
from tests.world import World


def advised(world: World, **asked: float) -> Advice:
    return Works(world).use.advisor.advise("race", "current", **asked)


def test_an_empty_board_needs_nothing() -> None:
    world = World()
    world.board()

    advice = advised(world)

    assert (advice.figures.records, advice.figures.peak, advice.changes, advice.cost) == (0, 0, [], None)


def test_ties_do_not_fill_a_bin_that_anybody_has_to_look_into() -> None:
    world = World()
    world.board()
    crowd(world, [7] * 50)

    assert advised(world).figures.bin_size == 0


@pytest.mark.parametrize("slices", [0, 2])
def test_a_bin_is_as_full_as_a_record_taken_at_random_finds_it(slices: int) -> None:
    world = World()
    world.board(layouts=Layouts(first=Layout(slices=slices)))
    crowd(world, [2**30 + number for number in range(30)] + [2**40 + 2**35 * number for number in range(10)])

    advice = advised(world)

    assert advice.figures.bin_size == pytest.approx((30 * 30 + 10 * 1) / 40, rel=0.1)
    assert advice.figures.coarser_bin_size >= advice.figures.bin_size
    assert advice.figures.shares[1] == pytest.approx(30 / 40)


def test_the_peak_is_that_of_the_busiest_window() -> None:
    world = World()
    world.board()
    ids = crowd(world, [number * 1000 for number in range(40)])
    world.clock.advance(days=2)
    for player_id in ids[:20]:
        world.services.games.submit(player_id, Submission("race", 50_000 + int(player_id[:3], 16)), None)
    world.clock.instant += timedelta(seconds=30)

    advice = advised(world)

    assert not advice.peak_given
    assert advice.figures.peak == pytest.approx(20 / 60, rel=0.2)


def test_a_board_at_rest_has_no_peak_but_one_may_be_given() -> None:
    world = World()
    world.board()
    crowd(world, [number * 1000 for number in range(40)])
    world.clock.advance(days=2)

    assert advised(world).figures.peak == 0
    advice = advised(world, writes_per_second=5000.0)
    assert advice.peak_given
    assert advice.layout.lanes == 16
    assert advice.cost is not None


def test_advice_that_is_followed_changes_the_layout_as_announced() -> None:
    world = World()
    world.board()
    crowd(world, [number * 1000 for number in range(12)])
    works = Works(world)
    advice = advised(world, writes_per_second=1500.0)
    wanted = {change.setting: change.wanted for change in advice.changes}

    answer = works.use.rebuild.begin(works.board, "all", Options(**wanted))

    assert works.finished(answer).message == ""
    assert works.layout == advice.layout
    assert [change.setting for change in advised(world, writes_per_second=1500.0).changes] == []
