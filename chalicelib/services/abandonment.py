"""Games nobody ended: counted once a day, and deleted where DynamoDB's own expiry is late."""

import logging
from dataclasses import replace
from datetime import timedelta

from msgspec import Struct

from chalicelib import logs
from chalicelib.domain.jobs import Job, JobKind, JobState
from chalicelib.domain.retention import LATE
from chalicelib.services.clock import Clock
from chalicelib.services.jobs import Jobs, OutOfTime, cursor_of, ended, state_of
from chalicelib.store.games import GameStore, LedgerKey

COUNTED_EVERY = timedelta(days=1)
GAMES_A_STEP = 2000
_KEY = (JobKind.GAMES, "", "")
_METRICS = {"games_stale": "Count", "games_deleted": "Count"}
_log = logging.getLogger(logs.LOGGER_NAME)


class Census(Struct):
    """How far the games are gone through, and what was found."""

    after: LedgerKey | None = None
    looked_at: int = 0
    """Games, and receipts of authoritative submissions, which lie in the same table."""
    stale: int = 0
    """Open past their end: nobody will end them any more."""
    deleted: int = 0
    """Expired days ago, and still there."""


class Abandonment:
    """One job for all games."""

    def __init__(self, *, jobs: Jobs, games: GameStore, clock: Clock, at_once: int = GAMES_A_STEP) -> None:
        self._jobs = jobs
        self._games = games
        self._clock = clock
        self._at_once = at_once

    def keep(self, out_of_time: OutOfTime, *, anew: bool = False) -> Job | None:
        """Go on with the count under way, or begin the one that is due, or asked for; return it, if there is one.

        A run that was missed needs no making up for: each goes through everything. Cost: half a read unit per 4 KB of
        games, once a day.
        """
        before = self._jobs.find(_KEY)
        if before is not None and before.state is not JobState.RUNNING and not (anew or self._is_due(before)):
            return None
        job = before if before is not None and before.state is JobState.RUNNING else self._begun(before)
        return self._jobs.advance(job, self._counted, out_of_time)

    def _is_due(self, last: Job) -> bool:
        return self._clock() >= last.started_at + COUNTED_EVERY

    def _begun(self, before: Job | None) -> Job:
        kind, board_id, period_id = _KEY
        cursor = cursor_of(Census())
        now = self._clock()
        job = Job(kind=kind, board_id=board_id, period_id=period_id, phase="count", cursor=cursor, started_at=now)
        return self._jobs.begin(job, before)

    def _counted(self, job: Job) -> Job:
        census, now = census_of(job), self._clock()
        found, census.after = self._games.page(census.after, self._at_once)
        overdue = [each.key for each in found if each.expires_at + LATE <= now]
        self._games.delete_many(overdue)
        census.looked_at += len(found)
        census.deleted += len(overdue)
        census.stale += sum(each.is_stale(now) for each in found)
        job = replace(job, cursor=cursor_of(census), done=census.looked_at)
        if census.after is not None:
            return job
        facts = {"looked_at": census.looked_at, "games_stale": census.stale, "games_deleted": census.deleted}
        _log.info("games_counted", extra={**facts, **logs.metrics(_METRICS)})
        return ended(job, JobState.DONE, "")


def census_of(job: Job) -> Census:
    """Return what a job has found."""
    return state_of(job, Census)
