"""A period is turned once and exactly, whichever call is the last of whoever turns it, and whoever turns it beside."""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from typing import Any, NoReturn

import pytest

from chalicelib.domain.jobs import LEASE, JobState
from chalicelib.domain.rewards import NO_RULES
from chalicelib.domain.turns import TurnState
from tests.oracle import Oracle
from tests.services.turning import PERIOD, RULES, Turning, played, run, submit
from tests.world import HandClock, World

SCORES = [5, 5, 7, 40, 41, 4096, 4097, 8192, 100_000, 100_013, 100_013, -3]


class Killed(BaseException):  # like KeyboardInterrupt: no handler stands in its way
    """The process ended."""


def kill(call: Any) -> NoReturn:
    raise Killed


@cache
def _master() -> tuple[World, list[str]]:
    world, ids = played(SCORES)
    Turning(world).set_rules(RULES)
    world.services.moderation.hide(ids[3], world.services.boards.get("race"), PERIOD, hidden=True)
    world.clock.advance(hours=1)
    return world, ids


def ended() -> tuple[Turning, Oracle, str]:
    """Return a period that is over, what its records say, and who has left since, but not in time."""
    master, ids = _master()
    turning = Turning(World(client=master.client.copy(), clock=HandClock(master.clock())))
    return turning, turning.oracle(), ids[2]


def test_a_period_is_archived_as_it_stood_and_rewarded() -> None:
    turning, expected, _ = ended()

    jobs = turning.kept()

    assert jobs[-1].state is JobState.DONE
    turning.check(expected, RULES)
    assert [pair["csv"]["lines"] for pair in turning.manifest()["files"]] == [4, 4, 3]


def test_nothing_is_done_before_the_period_is_frozen() -> None:
    turning, _, _ = ended()
    use = turning.another_process()

    run(use)
    turning.world.clock.advance(seconds=69)
    run(use)
    assert not turning.s3.objects
    turning.world.clock.advance(seconds=1)
    run(use)

    assert turning.turn.state is TurnState.DONE


def struck_at_every_call(strike: Callable[[Turning, Any], None], *, after: bool) -> Iterator[Turning]:
    """Yield turnings that are struck at their first call, at the second, and so on while there is such a call."""
    for number in count():
        turning, _, _ = ended()
        turning.world.clock.advance(minutes=2)
        calls = count()

        def hook(call: Any, turning: Turning = turning, calls: Iterator[int] = calls, number: int = number) -> None:
            if next(calls) == number:
                turning.undisturbed()
                strike(turning, call)

        turning.hooked(hook, after=after)
        yield turning
        if next(calls) <= number:
            return


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_rollover_killed_at_any_call_is_finished_by_another_process(after: bool) -> None:
    _, expected, _ = ended()
    deaths = 0
    for turning in struck_at_every_call(lambda _, call: kill(call), after=after):
        try:
            run(turning.another_process())
        except Killed:
            deaths += 1
            turning.world.clock.instant += LEASE
        turning.undisturbed()
        turning.kept()
        turning.check(expected, RULES)
    assert deaths > 60


@pytest.mark.slow
@pytest.mark.parametrize("silent", [False, True], ids=["at once", "thought dead"])
def test_a_rollover_run_twice_at_the_same_time_is_exact(silent: bool) -> None:
    _, expected, _ = ended()

    def run_beside(turning: Turning, call: Any) -> None:
        turning.world.clock.instant += LEASE if silent else LEASE * 0
        run(turning.another_process())

    for turning in struck_at_every_call(run_beside, after=False):
        run(turning.another_process())
        turning.undisturbed()
        turning.kept()
        turning.check(expected, RULES)


def test_without_rules_nobody_gets_anything() -> None:
    world, _ = played(SCORES)
    turning = Turning(world)
    world.clock.advance(hours=1, minutes=2)

    turning.kept()

    turning.check(turning.oracle(), NO_RULES)


def test_an_empty_period_has_a_manifest_without_files() -> None:
    world, _ = played([])
    turning = Turning(world)
    world.clock.advance(hours=1, minutes=2)

    turning.kept()

    assert turning.archived() == []
    assert turning.turn.state is TurnState.DONE


def test_runs_that_were_missed_are_made_up_for_oldest_first() -> None:
    world, ids = played([1, 2])
    turning = Turning(world)
    world.clock.advance(hours=1)
    submit(world, ids[0], 3)
    world.clock.advance(hours=2, minutes=5)

    jobs = turning.kept()

    assert [job.period_id for job in jobs] == [PERIOD, "20261122T1300Z", "20261122T1400Z"]
    turning.period_id = "20261122T1300Z"
    assert [(line["rank"], line["player_id"]) for line in turning.archived()] == [(1, ids[0])]
