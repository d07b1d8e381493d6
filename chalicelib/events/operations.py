"""What operators ask for, and the schedule: jobs advanced for as long as an invocation may take.

Every function is asked again until the answer says that the job has ended; docs/reference/operations.md has the types.
"""

import logging
from collections.abc import Callable
from typing import Any

from chalicelib import logs
from chalicelib.bootstrap.operations import Operations, operations
from chalicelib.domain.boards import Board
from chalicelib.domain.jobs import Job, JobState
from chalicelib.errors import MalformedError
from chalicelib.events.invocations import Answer, answered, answered_on, job_view, out_of_time
from chalicelib.events.occasions import Occasion
from chalicelib.events.payloads import (
    AdviceRequest,
    AuditAnswer,
    AuditRequest,
    ExportAnswer,
    ExportRequest,
    ExportView,
    FoundView,
    GamesView,
    RebuildAnswer,
    RebuildRequest,
    TreeView,
    UpkeepAnswer,
    UpkeepRequest,
)
from chalicelib.services.abandonment import Census, census_of
from chalicelib.services.advice import Advice
from chalicelib.services.audit import AuditState
from chalicelib.services.export import exported, manifest_name
from chalicelib.services.rebuild import layouts_of
from chalicelib.services.upkeep import found

Use = Callable[[], Operations]
_log = logging.getLogger(logs.LOGGER_NAME)


def audit(event: Any, context: Any, use: Use = operations) -> Answer:
    return answered(event, AuditRequest, lambda request: _audit(use(), request, context))


def rebuild(event: Any, context: Any, use: Use = operations) -> Answer:
    return answered(event, RebuildRequest, lambda request: _rebuild(use(), request, context))


def export(event: Any, context: Any, use: Use = operations) -> Answer:
    return answered(event, ExportRequest, lambda request: _export(use(), request, context))


def advise(event: Any, context: Any, use: Use = operations) -> Answer:
    del context
    return answered(event, AdviceRequest, lambda request: _advice(use(), request))


def keep(occasion: Occasion, use: Use = operations) -> Answer:
    """Go on with what is under way and begin what is due, for as long as there is time; answer what was done."""
    return answered_on(occasion, UpkeepRequest, lambda request: _kept(use(), request, occasion.context))


def _kept(use: Operations, request: UpkeepRequest, context: Any) -> UpkeepAnswer:
    end = out_of_time(context, request.seconds)
    try:
        kept = use.housekeeping.keep(use.boards.all(), use.upkeep.trees(), end, anew=request.anew)
    finally:  # no audit waits for what goes wrong with something else
        jobs = use.upkeep.keep(end)
    games = _games(census_of(kept.games)) if kept.games else None
    running = sum(job.state is JobState.RUNNING for job in [*jobs, *kept.retention])
    facts = {"jobs": len(jobs), "running": running, "copied": kept.copied, "swept": len(kept.retention)}
    _log.info("kept_up", extra=facts)
    return UpkeepAnswer(
        jobs=[job_view(job, use.clock()) for job in jobs],
        copied=kept.copied,
        retention=[job_view(job, use.clock()) for job in kept.retention],
        games=games,
    )


def _games(census: Census) -> GamesView:
    return GamesView(looked_at=census.looked_at, stale=census.stale, deleted=census.deleted)


def _audit(use: Operations, request: AuditRequest, context: Any) -> AuditAnswer:
    if request.board_id is None:
        return AuditAnswer(trees=[TreeView(board.board_id, period_id) for board, period_id in use.upkeep.trees()])
    board, period_id = _tree(use, request.board_id, request.period)
    job = use.upkeep.find_audit(board.board_id, period_id) if request.job_id else None
    job = job or use.upkeep.begin_audit(board, period_id, thorough=request.thorough)
    job = use.upkeep.advance_audit(job, out_of_time(context, request.seconds))
    return AuditAnswer(job=job_view(job, use.clock()), found=_found(found(job)))


def _rebuild(use: Operations, request: RebuildRequest, context: Any) -> RebuildAnswer:
    if request.period == "later":
        return RebuildAnswer(None, from_period=use.rebuild.set_later(request.board_id, request.options))
    board, period_id = _tree(use, request.board_id, request.period)
    job = use.rebuild.find(board.board_id, period_id) if request.job_id or request.abort else None
    if request.abort and job is None:
        raise MalformedError(f"nothing of board {board.board_id!r} is being rebuilt", field="abort")
    if request.abort and job is not None:
        job = use.rebuild.abort(job)
    elif job is None and use.rebuild.is_done(board, period_id, request.options):
        return RebuildAnswer(None, layout=board.layout(period_id))
    job = job or use.rebuild.begin(board, period_id, request.options)
    job = use.rebuild.advance(job, out_of_time(context, request.seconds))
    old, fresh = layouts_of(job)
    return RebuildAnswer(job_view(job, use.clock()), old=old, fresh=fresh)


def _export(use: Operations, request: ExportRequest, context: Any) -> ExportAnswer:
    board, period_id = _tree(use, request.board_id, request.period)
    job = use.export.find(board.board_id, period_id) if request.job_id else None
    job = job or use.export.begin(board, period_id, request.format)
    job = use.export.advance(job, out_of_time(context, request.seconds))
    return ExportAnswer(job_view(job, use.clock()), _exported(use, job))


def _advice(use: Operations, request: AdviceRequest) -> Advice:
    return use.advisor.advise(request.board_id, request.period, request.writes_per_second)


def _tree(use: Operations, board_id: str, period: str) -> tuple[Board, str]:
    board = use.boards.get(board_id)
    return board, use.boards.period(board, period).period_id


def _found(state: AuditState) -> FoundView:
    return FoundView(
        records=state.records,
        drift=state.drift,
        wrong_counters=state.wrong_counters,
        wrong_marks=state.wrong_marks,
        settled=state.settled,
        doubts=len(state.doubts),
        complete=state.complete,
        thorough=state.thorough,
    )


def _exported(use: Operations, job: Job) -> ExportView:
    state = exported(job)
    manifest = manifest_name(job) if job.state is JobState.DONE else None
    return ExportView(use.export.bucket, manifest, state.records, state.changed, state.files)
