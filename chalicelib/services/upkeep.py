"""Upkeep: audits as jobs, and what a schedule does so that no operator has to remember it."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from chalicelib import logs
from chalicelib.domain.boards import Board
from chalicelib.domain.jobs import Job, JobKind, JobState
from chalicelib.services.audit import Audit, AuditPhase, AuditState
from chalicelib.services.boards import Boards
from chalicelib.services.bulkheads import Bulkheads
from chalicelib.services.clock import Clock
from chalicelib.services.export import Export
from chalicelib.services.inspection import Inspector
from chalicelib.services.jobs import Jobs, OutOfTime, cursor_of, ended, state_of, waiting
from chalicelib.services.rebuild import LOOK_AGAIN_AFTER, Rebuild
from chalicelib.services.rollcall import Build
from chalicelib.store.jobs import JobKey

AUDITED_EVERY = timedelta(days=1)
_PERIODS = 2
"""The current one and the one before it, which late games may still change."""
_KINDS = (JobKind.AUDIT, JobKind.REBUILD, JobKind.EXPORT)
_METRICS = {"rank_drift": "Count", "records_settled_late": "Count"}
_log = logging.getLogger(logs.LOGGER_NAME)


class Upkeep:
    def __init__(  # noqa: PLR0913  # the composition root names them
        self,
        *,
        jobs: Jobs,
        boards: Boards,
        inspector: Inspector,
        audit: Audit,
        rebuild: Rebuild,
        export: Export,
        clock: Clock,
    ) -> None:
        self._jobs = jobs
        self._boards = boards
        self._inspector = inspector
        self._audit = audit
        self._rebuild = rebuild
        self._export = export
        self._clock = clock

    def find_audit(self, board_id: str, period_id: str) -> Job | None:
        return self._jobs.find((JobKind.AUDIT, board_id, period_id))

    def begin_audit(self, board: Board, period_id: str, *, thorough: bool) -> Job:
        """Begin an audit, or return the one under way, unless that is less thorough: then it begins anew."""
        before = self.find_audit(board.board_id, period_id)
        if before is not None and before.state is JobState.RUNNING and (found(before).thorough or not thorough):
            return before
        layout = board.layout(period_id)
        job = Job(
            kind=JobKind.AUDIT,
            board_id=board.board_id,
            period_id=period_id,
            phase=AuditPhase.WALK,
            cursor=cursor_of(AuditState(layout.generation, thorough)),
            total=max(0, self._inspector.total(Build(board, period_id, layout))),
            started_at=self._clock(),
        )
        return self._jobs.begin(job, before)

    def advance_audit(self, job: Job, out_of_time: OutOfTime) -> Job:
        """Work on an audit for as long as there is time, and return it as it stands then."""
        return self._jobs.advance(job, self._audited, out_of_time)

    def keep(self, out_of_time: OutOfTime) -> list[Job]:
        """Go on with every rebuild, audit and export under way and begin the audits that are due; return them.

        A job ends its wait in a later run. What goes wrong with one board holds up no other one: it is logged, and
        raised when all were seen to. Cost, when there is nothing to do: a scan of the boards, and a read unit per job.
        """
        trees = self.trees()
        wanted = [(kind, board.board_id, period_id) for board, period_id in trees for kind in _KINDS]
        job_by_key = self._jobs.find_all(wanted)
        worked_on: list[Job] = []
        bulkheads = Bulkheads()
        for board, period_id in trees:
            with bulkheads.around(board_id=board.board_id, period_id=period_id):
                worked_on += self._work(board, period_id, job_by_key, out_of_time)
            if out_of_time():
                break
        bulkheads.raise_first()
        latest = {**job_by_key, **{(job.kind, job.board_id, job.period_id): job for job in worked_on}}
        _log.info("drift_known", extra={"rank_drift": _drift(trees, latest), **logs.metrics({"rank_drift": "Count"})})
        return worked_on

    def _work(
        self, board: Board, period_id: str, job_by_key: Mapping[JobKey, Job], out_of_time: OutOfTime
    ) -> Iterator[Job]:
        rebuild = job_by_key.get((JobKind.REBUILD, board.board_id, period_id))
        audit = job_by_key.get((JobKind.AUDIT, board.board_id, period_id))
        if rebuild is not None and rebuild.state is JobState.RUNNING:
            yield self._rebuild.advance(rebuild, out_of_time)
        elif audit is None or audit.state is JobState.RUNNING or self._is_due(audit):
            due = self.begin_audit(board, period_id, thorough=False)
            yield self.advance_audit(due, out_of_time)
        export = job_by_key.get((JobKind.EXPORT, board.board_id, period_id))
        if export is not None and export.state is JobState.RUNNING and not out_of_time():
            yield self._export.advance(export, out_of_time)

    def trees(self) -> list[tuple[Board, str]]:
        """Return every board with each period that may have work."""
        return [(board, period_id) for board in self._boards.all() for period_id in self._kept(board)]

    def _is_due(self, last: Job) -> bool:
        return self._clock() >= last.started_at + AUDITED_EVERY

    def _kept(self, board: Board) -> Iterable[str]:
        """Return the periods that may have work: the last ones, and those that were ever rebuilt."""
        recent = [period.period_id for period in self._boards.periods(board, _PERIODS)]
        return dict.fromkeys([*recent, *(period_id for period_id, _ in board.layouts.rebuilt)])

    def _audited(self, job: Job) -> Job:
        board = self._boards.get(job.board_id)
        before = found(job)
        after = self._audit.step(Build(board, job.period_id, board.layout(job.period_id)), found(job))
        job = replace(job, phase=after.phase, cursor=cursor_of(after), done=after.records, not_before=None)
        if after.phase is AuditPhase.DONE:
            _log.info("audit_finished", extra=dict(_facts(job, after)))
            return ended(job, JobState.DONE, "" if after.complete else "there is more in doubt")
        if after.phase is AuditPhase.LOOK_AGAIN and before.phase is AuditPhase.WALK:
            return waiting(job, self._clock() + LOOK_AGAIN_AFTER)
        return job


def _drift(trees: Iterable[tuple[Board, str]], job_by_key: Mapping[JobKey, Job]) -> int:
    """Return the drift that is known: what the last audits found in indexes that have not been rebuilt since.

    Told by every run, as an audit of one board that finds none says nothing of another one's.
    """
    audits = [(board, job_by_key.get((JobKind.AUDIT, board.board_id, period_id))) for board, period_id in trees]
    states = [(board.layout(audit.period_id), found(audit)) for board, audit in audits if audit is not None]
    return sum(state.drift for layout, state in states if state.generation == layout.generation)


def found(job: Job) -> AuditState:
    """Return what an audit found so far."""
    return state_of(job, AuditState)


def _facts(job: Job, state: AuditState) -> Iterator[tuple[str, object]]:
    yield from {"board_id": job.board_id, "period_id": job.period_id, "generation": state.generation}.items()
    yield from {"records": state.records, "complete": state.complete, "rank_drift": state.drift}.items()
    yield "records_settled_late", state.settled
    yield from logs.metrics(_METRICS).items()
