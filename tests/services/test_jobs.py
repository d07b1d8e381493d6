"""Whoever works on a job, and whatever their clocks show: each step is saved once, in order, and somebody gets on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.jobs import LEASE, Job, JobKind, JobState
from chalicelib.errors import StoreUnavailableError
from chalicelib.services.jobs import Jobs, ended
from chalicelib.store.jobs import JobStore
from tests.services.works import never
from tests.tables import PREFIX
from tests.world import EPOCH, World

STEPS = 6
JOB = Job(kind=JobKind.AUDIT, board_id="race", period_id="all", phase="walk", cursor="[]", started_at=EPOCH)
KEY = (JOB.kind, JOB.board_id, JOB.period_id)


def runner(world: World, ahead: timedelta = timedelta(0)) -> Jobs:
    """Return what works on jobs by a clock that is ahead of the world's, or behind it."""
    return Jobs(JobStore(f"{PREFIX}ranks", world.dynamo()), lambda: world.clock() + ahead)


def step(job: Job, meanwhile: Callable[[], object] = lambda: None) -> Job:
    """Write down which step this was."""
    meanwhile()
    job = replace(job, cursor=f"{job.cursor[:-1]}{job.done},]", done=job.done + 1)
    return ended(job, JobState.DONE, "") if job.done == STEPS else job


DONE = "[" + "".join(f"{number}," for number in range(STEPS)) + "]"


@settings(max_examples=100)
@given(st.integers(-600, 600), st.lists(st.integers(0, 90), min_size=1, max_size=3 * STEPS), st.data())
def test_two_whose_clocks_differ_save_each_step_once(ahead: int, seconds: list[int], data: st.DataObject) -> None:
    world = World()
    one, other = runner(world), runner(world, timedelta(seconds=ahead))
    begun = one.begin(JOB, None)
    pace = iter(seconds)

    def meanwhile() -> None:
        """Let a step take its time, in which the other one may look whether there is work."""
        world.clock.advance(seconds=next(pace, 0))
        found = one.find(KEY)
        if found is not None and data.draw(st.booleans()):
            other.advance(found, step, never)

    one.advance(begun, lambda job: step(job, meanwhile), never)
    world.clock.advance(seconds=600 + LEASE.total_seconds())  # whatever was leased by either clock is over
    left = one.find(KEY)
    assert left is not None
    job = one.advance(left, step, never)

    assert (job.state, job.cursor) == (JobState.DONE, DONE)
    assert one.find(KEY) == job


def test_who_is_silent_for_a_minute_is_relieved_and_saves_nothing_more() -> None:
    world = World()
    one, other = runner(world), runner(world)
    relieved: list[Job] = []

    def fall_silent() -> None:
        if not relieved:
            found = other.find(KEY)
            assert found is not None
            assert other.advance(found, step, never) == found, "a lease that runs"
            world.clock.advance(seconds=LEASE.total_seconds())
            relieved.append(other.advance(found, step, never))

    job = one.advance(one.begin(JOB, None), lambda job: step(job, fall_silent), never)

    assert (relieved[0].state, relieved[0].cursor) == (JobState.DONE, DONE)
    assert job == relieved[0]


def test_a_database_that_does_not_answer_interrupts_and_the_next_run_goes_on() -> None:
    world = World()
    one = runner(world)

    def throttled(job: Job) -> Job:
        if job.done == 2:
            raise StoreUnavailableError("throttled")
        return step(job)

    interrupted = one.advance(one.begin(JOB, None), throttled, never)

    assert (interrupted.state, interrupted.done, interrupted.runner) == (JobState.RUNNING, 2, ""), "nobody's lease"
    assert one.advance(interrupted, step, never).cursor == DONE
