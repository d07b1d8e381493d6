"""Retention: records of forgotten periods that DynamoDB's own expiry has left are deleted, page by page."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from msgspec import Struct

from chalicelib import logs
from chalicelib.domain import retention
from chalicelib.domain.boards import Board
from chalicelib.domain.jobs import Job, JobKind, JobState
from chalicelib.domain.periods import ALL_TIME
from chalicelib.services.boards import Boards
from chalicelib.services.bulkheads import Bulkheads
from chalicelib.services.clock import Clock
from chalicelib.services.jobs import Jobs, OutOfTime, cursor_of, ended, state_of
from chalicelib.services.rollcall import DEFAULT_PAGES, Build, Pages, RollCall
from chalicelib.store.jobs import JobKey
from chalicelib.store.records import RecordStore

_METRICS = {"records_deleted": "Count"}
_log = logging.getLogger(logs.LOGGER_NAME)


class Sweep(Struct):
    """How far a board's old periods are swept: all that ended until ``until``, and one up to ``order_key``."""

    until: datetime | None = None
    order_key: str = ""
    deleted: int = 0


class Retention:
    """One job a board, which goes through its forgotten periods, oldest first.

    Records that are hidden are in no listing: they stay until DynamoDB's own expiry takes them.
    """

    def __init__(  # noqa: PLR0913  # the composition root names them
        self,
        *,
        jobs: Jobs,
        boards: Boards,
        roll_call: RollCall,
        records: RecordStore,
        clock: Clock,
        pages: Pages = DEFAULT_PAGES,
    ) -> None:
        self._jobs = jobs
        self._boards = boards
        self._roll_call = roll_call
        self._records = records
        self._clock = clock
        self._pages = pages

    def keep(self, boards: Sequence[Board], out_of_time: OutOfTime) -> list[Job]:
        """Go on with what is under way and sweep what is due; return the jobs worked on.

        What was missed is made up for: each period is swept once, whenever that is. Where the job has been forgotten
        it begins with the board's first period. What goes wrong with one board holds up no other one: it is logged, and
        raised when all were seen to. Cost, when there is nothing to do: a read unit a board.
        """
        kept = [board for board in boards if board.retention_days is not None]
        job_by_key = self._jobs.find_all([_key(board) for board in kept])
        worked_on = []
        bulkheads = Bulkheads()
        for board in kept:
            if out_of_time():
                break
            with bulkheads.around(board_id=board.board_id):
                job = self._due(board, job_by_key)
                if job is not None:
                    worked_on.append(self._jobs.advance(job, self._swept, out_of_time))
        bulkheads.raise_first()
        return worked_on

    def _due(self, board: Board, job_by_key: Mapping[JobKey, Job]) -> Job | None:
        before = job_by_key.get(_key(board))
        if before is not None and before.state is JobState.RUNNING:
            return before
        until = sweep_of(before).until if before else None
        if retention.due(board, until, self._clock()) is None:
            return None
        kind, board_id, period_id = _key(board)
        cursor = cursor_of(Sweep(until))
        job = Job(
            kind=kind, board_id=board_id, period_id=period_id, phase="sweep", cursor=cursor, started_at=self._clock()
        )
        return self._jobs.begin(job, before)

    def _swept(self, job: Job) -> Job:
        board = self._boards.get(job.board_id)
        sweep = sweep_of(job)
        period = retention.due(board, sweep.until, self._clock())
        if period is None:
            _log.info("retention_applied", extra=_facts(job, sweep))
            return ended(job, JobState.DONE, "")
        build = Build(board, period.period_id, board.layout(period.period_id))
        rows = self._roll_call.after(build, sweep.order_key, self._pages.settled)
        self._records.delete_all(board.board_id, period.period_id, [row.position.player_id for row in rows])
        sweep.deleted += len(rows)
        sweep.order_key = rows[-1].order_key if rows else ""
        sweep.until = sweep.until if rows else period.end
        return replace(job, cursor=cursor_of(sweep), done=sweep.deleted)


def sweep_of(job: Job) -> Sweep:
    """Return how far a job is."""
    return state_of(job, Sweep)


def _key(board: Board) -> JobKey:
    return JobKind.RETENTION, board.board_id, ALL_TIME


def _facts(job: Job, sweep: Sweep) -> dict[str, object]:
    facts = {"board_id": job.board_id, "until": sweep.until, "records_deleted": sweep.deleted}
    return {**facts, **logs.metrics(_METRICS)}
