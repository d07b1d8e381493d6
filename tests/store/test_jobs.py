"""Jobs read back as they were written, and are replaced only by who read them last."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.jobs import LEASE, Job, JobKind, JobState
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.jobs import JobStore
from tests.fake_dynamodb import FakeDynamoDB
from tests.strategies import instants
from tests.tables import PREFIX, tables
from tests.world import EPOCH, Inline

DEFINITIONS = list(tables())
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
jobs = st.builds(
    Job,
    kind=st.sampled_from(JobKind),
    board_id=st.just("race"),
    period_id=st.just("all"),
    state=st.sampled_from(JobState),
    phase=texts,
    cursor=texts,
    done=st.integers(0, 2**53),
    total=st.integers(0, 2**53),
    message=texts,
    started_at=instants,
    not_before=st.none() | instants,
    runner=texts,
    leased_until=st.none() | instants,
)
JOB = Job(kind=JobKind.AUDIT, board_id="race", period_id="all", phase="walk", cursor="{}", started_at=EPOCH)
KEY = (JobKind.AUDIT, "race", "all")


def store() -> JobStore:
    return JobStore(f"{PREFIX}ranks", Dynamo(FakeDynamoDB(DEFINITIONS), Inline()))


@settings(max_examples=100)
@given(jobs)
def test_what_is_written_is_read_back(job: Job) -> None:
    kept = store()

    stored = kept.put(job, None)

    assert stored == job
    assert kept.get((job.kind, "race", "all")) == job


def test_jobs_of_other_kinds_boards_and_periods_are_others() -> None:
    kept = store()
    others = [replace(JOB, kind=JobKind.REBUILD), replace(JOB, board_id="duel"), replace(JOB, period_id="p")]
    for job in (JOB, *others):
        kept.put(job, None)

    found = kept.get_many([KEY, (JobKind.REBUILD, "race", "all"), (JobKind.AUDIT, "duel", "p")])

    assert found == {KEY: JOB, (JobKind.REBUILD, "race", "all"): others[0]}
    assert kept.get_many([]) == {}


def test_who_read_it_before_another_wrote_it_is_refused() -> None:
    kept = store()
    first = kept.put(JOB, None)
    assert first is not None
    second = kept.put(replace(first, phase="second"), first)

    assert kept.put(replace(first, phase="late"), first) is None
    assert kept.put(JOB, None) is None
    assert kept.get(KEY) == second


@pytest.mark.parametrize(("silent", "free"), [(LEASE - timedelta(milliseconds=1), False), (LEASE, True)])
def test_a_job_is_free_once_its_runner_has_been_silent_for_the_lease(silent: timedelta, free: bool) -> None:
    taken = JOB.taken("somebody", EPOCH)

    assert taken.is_free(EPOCH + silent) is free
    assert taken.released().is_free(EPOCH)
