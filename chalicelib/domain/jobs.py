"""Jobs: work on a board and period that outlasts one invocation, and continues where it stopped."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

LEASE = timedelta(minutes=1)
"""How long a runner may be silent before another one takes its job over: longer than any single step takes."""


class JobKind(StrEnum):
    AUDIT = "audit"
    REBUILD = "rebuild"
    EXPORT = "export"
    ROLLOVER = "rollover"
    SEASON = "season"
    RETENTION = "retention"
    GAMES = "games"


class JobState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job of a kind per board and period; a new one takes the place of one that ended."""

    kind: JobKind
    board_id: str
    period_id: str
    state: JobState = JobState.RUNNING
    phase: str
    cursor: str
    """How far the work got, as JSON: what it means is the affair of the kind. Repeating from it does no harm."""
    done: int = 0
    total: int = 0
    """How many records have been gone through, and about how many there are."""
    message: str = ""
    started_at: datetime
    not_before: datetime | None = None
    """The phase has to wait until then."""
    runner: str = ""
    """Who works on it until ``leased_until``; "" for nobody."""
    leased_until: datetime | None = None
    revision: int = 1

    @property
    def job_id(self) -> str:
        """Return what tells this job from the one before it."""
        return f"{self.started_at:%Y%m%dT%H%M%S}.{self.started_at.microsecond // 1000:03d}Z"

    def is_free(self, now: datetime) -> bool:
        """Tell whether a runner may take it: nobody works on it, or whoever did has been silent for too long."""
        return not self.runner or self.leased_until is None or now >= self.leased_until

    def is_waiting(self, now: datetime) -> bool:
        return self.not_before is not None and now < self.not_before

    def taken(self, runner: str, now: datetime) -> "Job":
        """Return the job leased to a runner from now on, for a time that each saved step begins anew."""
        return replace(self, runner=runner, leased_until=now + LEASE)

    def released(self) -> "Job":
        return replace(self, runner="", leased_until=None)
