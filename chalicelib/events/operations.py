"""What operators ask for, and the schedule: jobs advanced for as long as an invocation may take.

Every function is asked again until the answer says that the job has ended; docs/reference/operations.md has the types.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from chalicelib import logs
from chalicelib.bootstrap.operations import Operations, operations
from chalicelib.domain.boards import Board
from chalicelib.domain.jobs import Job, JobState
from chalicelib.errors import GameError, MalformedError
from chalicelib.events.payloads import (
    AdviceRequest,
    AuditAnswer,
    AuditRequest,
    ExportAnswer,
    ExportRequest,
    ExportView,
    FoundView,
    JobView,
    RebuildAnswer,
    RebuildRequest,
    TreeView,
)
from chalicelib.services.advice import Advice
from chalicelib.services.audit import AuditState
from chalicelib.services.export import exported, manifest_name
from chalicelib.services.jobs import OutOfTime
from chalicelib.services.rebuild import layouts_of
from chalicelib.services.upkeep import found

RESERVE_MILLISECONDS = 15_000
"""A step takes seconds, more where the database throttles; begun later than this before the end it may be cut off."""
Payload = TypeVar("Payload", bound=Struct)
Answer = dict[str, Any]
Use = Callable[[], Operations]
_log = logging.getLogger(logs.LOGGER_NAME)


def audit(event: Any, context: Any, use: Use = operations) -> Answer:
    return _answered(event, AuditRequest, lambda request: _audit(use(), request, context))


def rebuild(event: Any, context: Any, use: Use = operations) -> Answer:
    return _answered(event, RebuildRequest, lambda request: _rebuild(use(), request, context))


def export(event: Any, context: Any, use: Use = operations) -> Answer:
    return _answered(event, ExportRequest, lambda request: _export(use(), request, context))


def advise(event: Any, context: Any, use: Use = operations) -> Answer:
    del context
    return _answered(event, AdviceRequest, lambda request: _advice(use(), request))


def keep(context: Any, use: Use = operations) -> None:
    """Go on with the jobs under way, and begin the audits that are due."""
    jobs = use().upkeep.keep(_out_of_time(context, None))
    running = sum(job.state is JobState.RUNNING for job in jobs)
    _log.info("kept_up", extra={"request_id": context.aws_request_id, "jobs": len(jobs), "running": running})


def _audit(use: Operations, request: AuditRequest, context: Any) -> AuditAnswer:
    if request.board_id is None:
        return AuditAnswer(trees=[TreeView(board.board_id, period_id) for board, period_id in use.upkeep.trees()])
    board, period_id = _tree(use, request.board_id, request.period)
    job = use.upkeep.find_audit(board.board_id, period_id) if request.job_id else None
    job = job or use.upkeep.begin_audit(board, period_id, thorough=request.thorough)
    job = use.upkeep.advance_audit(job, _out_of_time(context, request.seconds))
    return AuditAnswer(job=_view(job, use.clock()), found=_found(found(job)))


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
    job = use.rebuild.advance(job, _out_of_time(context, request.seconds))
    old, fresh = layouts_of(job)
    return RebuildAnswer(_view(job, use.clock()), old=old, fresh=fresh)


def _export(use: Operations, request: ExportRequest, context: Any) -> ExportAnswer:
    board, period_id = _tree(use, request.board_id, request.period)
    job = use.export.find(board.board_id, period_id) if request.job_id else None
    job = job or use.export.begin(board, period_id, request.format)
    job = use.export.advance(job, _out_of_time(context, request.seconds))
    return ExportAnswer(_view(job, use.clock()), _exported(use, job))


def _advice(use: Operations, request: AdviceRequest) -> Advice:
    return use.advisor.advise(request.board_id, request.period, request.writes_per_second)


def _answered(event: Any, kind: type[Payload], act: Callable[[Payload], Struct]) -> Answer:
    """Return what ``act`` makes of the request, or in the shape of the API's errors why it is refused."""
    try:
        request = msgspec.convert(event if event is not None else {}, kind)
    except msgspec.ValidationError as error:
        return _refused(MalformedError(str(error)))
    try:
        answer = act(request)
    except GameError as error:
        return _refused(error)
    plain: Answer = msgspec.to_builtins(answer)
    return plain


def _refused(error: GameError) -> Answer:
    _log.warning("refused", extra={"error_code": error.code, "detail": error.detail})
    return {"error": {"code": error.code, "message": error.message, "detail": error.detail}}


def _tree(use: Operations, board_id: str, period: str) -> tuple[Board, str]:
    board = use.boards.get(board_id)
    return board, use.boards.period(board, period).period_id


def _out_of_time(context: Any, seconds: int | None) -> OutOfTime:
    end = time.monotonic() + seconds if seconds is not None else float("inf")
    return lambda: time.monotonic() >= end or context.get_remaining_time_in_millis() < RESERVE_MILLISECONDS


def _view(job: Job, now: datetime) -> JobView:
    wait = (job.not_before - now).total_seconds() if job.not_before and job.is_waiting(now) else 0.0
    return JobView(
        job_id=job.job_id,
        kind=job.kind.value,
        board_id=job.board_id,
        period_id=job.period_id,
        state=job.state.value,
        phase=job.phase,
        done=job.done,
        total=job.total,
        message=job.message,
        wait_seconds=wait,
        busy=job.state is JobState.RUNNING and not job.is_free(now),
    )


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
