"""The runner of jobs: one at a time, step by step, saved after each, until the work or the time is at its end."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

import msgspec
from msgspec import Struct

from chalicelib import logs
from chalicelib.domain.jobs import Job, JobState
from chalicelib.errors import ContendedError, StoreUnavailableError
from chalicelib.services import clock as clocks
from chalicelib.services.clock import Clock
from chalicelib.store.jobs import JobKey, JobStore

Step = Callable[[Job], Job]
"""Does a piece of the work and returns the job as it stands then. Done twice from the same job, it does no harm."""
OutOfTime = Callable[[], bool]
"""Tells whether the invocation has no time left for another step."""
State = TypeVar("State", bound=Struct)
_log = logging.getLogger(logs.LOGGER_NAME)


class Jobs:
    def __init__(self, store: JobStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def find(self, key: JobKey) -> Job | None:
        return self._store.get(key)

    def find_all(self, wanted: list[JobKey]) -> dict[JobKey, Job]:
        return self._store.get_many(wanted)

    def begin(self, job: Job, before: Job | None) -> Job:
        """Store a new job in place of the one before it; where somebody else was faster, return theirs."""
        stored = self._store.put(job, before)
        return stored or self._again(job)

    def replace(self, after: Job, before: Job) -> Job:
        """Store a job in another state than its runner left it; whoever works on it stops at the next step.

        Raises:
            ContendedError: It went on meanwhile.
        """
        stored = self._store.put(after, before)
        if stored is None:
            raise ContendedError("the job went on meanwhile; try again", job_id=before.job_id)
        return stored

    def advance(self, job: Job, step: Step, out_of_time: OutOfTime) -> Job:
        """Work on a job while it runs, needs not wait, and there is time; return it as it is stored then.

        A job that another runner works on is returned as it is. Whatever ends this process meanwhile, the next runner
        goes on from the last step that was saved, at most a minute later.
        """
        now = self._clock()
        if job.state is not JobState.RUNNING or job.is_waiting(now) or not job.is_free(now):
            return job
        held = self._store.put(job.taken(clocks.new_id(), now), job)
        while held is not None and self._has_work(held) and not out_of_time():
            job = held
            try:
                held = self._saved(step(job), job)
            except StoreUnavailableError as error:
                _log.warning("job_interrupted", extra={**_facts(job), "reason": error.message})
                break
        return self._again(job) if held is None else self._released(held)

    def _has_work(self, job: Job) -> bool:
        return job.state is JobState.RUNNING and not job.is_waiting(self._clock())

    def _saved(self, after: Job, before: Job) -> Job | None:
        """Store a step's outcome; None when another runner has taken the job over."""
        if after.phase != before.phase or after.state is not before.state:
            _log.info("job_phase", extra=_facts(after))
        return self._store.put(after.taken(before.runner, self._clock()), before)

    def _released(self, job: Job) -> Job:
        """Give the lease back; if that fails it ends by itself."""
        try:
            stored = self._store.put(job.released(), job)
        except StoreUnavailableError:
            return job
        return stored or self._again(job)

    def _again(self, job: Job) -> Job:
        return self._store.get((job.kind, job.board_id, job.period_id)) or job


def state_of(job: Job, kind: type[State]) -> State:
    """Return how far a job is, in the words of its kind of work."""
    return msgspec.json.decode(job.cursor, type=kind)


def cursor_of(state: Struct) -> str:
    """Return how far a job is, as it is stored."""
    return msgspec.json.encode(state).decode()


def at(phase: StrEnum, job: Job, state: Struct) -> Job:
    """Return the job in a phase, so far, with nothing to wait for."""
    return replace(job, phase=phase, cursor=cursor_of(state), not_before=None)


def waiting(job: Job, until: datetime) -> Job:
    """Return the job, not to be gone on with before an instant."""
    return replace(job, not_before=until)


def ended(job: Job, state: JobState, message: str) -> Job:
    return replace(job, state=state, message=message, not_before=None)


def _facts(job: Job) -> dict[str, object]:
    return {
        "job": job.kind.value,
        "job_id": job.job_id,
        "board_id": job.board_id,
        "period_id": job.period_id,
        "phase": job.phase,
        "state": job.state.value,
        "done": job.done,
        "total": job.total,
    }
