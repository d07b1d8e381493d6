"""The advisor's figures, on boards whose figures are known."""

import random
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import pytest

from chalicelib.domain.layouts import Layout, Layouts
from chalicelib.domain.records import Submission
from chalicelib.ranking.advice import Figures, cost
from chalicelib.services.advice import Advice
from chalicelib.services.rebuild import Options
from chalicelib.services.rollcall import DEFAULT_PAGES
from tests.fake_dynamodb import Call
from tests.services.works import Works, crowd
from tests.world import HandClock, World


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


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [Options(lanes=4), Options(digits=4), Options(lanes=4, digits=4, slices=1)], ids=str
)
def test_a_rebuild_costs_what_was_announced_and_not_much_less(options: Options) -> None:
    master = _thousand()
    works = Works(World(client=master.client.copy(), clock=HandClock(master.clock())), pages=DEFAULT_PAGES)
    units = Units()
    works.world.before(units)
    before = works.layout

    works.rebuilt(options)

    known = Figures(before, 1000, 0, 0, 0)
    announced = cost(known, works.layout, grace_seconds=70)
    assert 0.5 < units.written / announced.write_units < 1.1
    assert 0.5 < units.read / announced.read_units < 1.1


@cache
def _thousand() -> World:
    world = World()
    world.board()
    chance = random.Random(3)
    crowd(world, [int(chance.lognormvariate(11, 0.1)) for _ in range(1000)])
    return world


@dataclass
class Units:
    """Counts what the calls of a rebuild cost, for items below a kilobyte."""

    read: float = 0
    written: float = 0

    def __call__(self, call: Call) -> None:
        request = call.request
        match call.operation:
            case "TransactWriteItems":
                self.written += 2 * len(call.writes)
            case "BatchWriteItem":
                self.written += sum(map(len, request["RequestItems"].values()))
            case "UpdateItem":  # a record, and where it is listed
                self.written += 2
            case "PutItem":
                self.written += 1
            case "BatchGetItem":
                self.read += sum(len(wanted["Keys"]) for wanted in request["RequestItems"].values())
            case "TransactGetItems":
                self.read += 2 * len(request["TransactItems"])
            case _:
                self.read += 0.5
