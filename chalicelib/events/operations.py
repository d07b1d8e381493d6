"""What operators ask for, and the schedule: jobs advanced for as long as an invocation may take.

Every function is asked again until the answer says that the job has ended; docs/reference/operations.md has the types.
"""

import logging
import time
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from chalicelib import logs
from chalicelib.bootstrap.operations import Operations, operations
from chalicelib.domain.boards import Board
from chalicelib.domain.jobs import Job, JobState
from chalicelib.domain.layouts import MAX_DIGITS, MAX_LANES, MAX_SLICES, MIN_DIGITS, Layout
from chalicelib.errors import GameError, MalformedError
from chalicelib.services import clock
from chalicelib.services.advice import Advice
from chalicelib.services.audit import AuditState
from chalicelib.services.jobs import OutOfTime
from chalicelib.services.rebuild import Options, layouts_of
from chalicelib.services.upkeep import found

RESERVE_MILLISECONDS = 15_000
"""A step takes seconds, more where the database throttles; begun later than this before the end it may be cut off."""
BoardId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}\Z")]
PeriodName = Annotated[str, Meta(pattern=r"^(current|previous|all|[0-9]{8}T[0-9]{4}Z)\Z")]
PeriodOrLater = Annotated[str, Meta(pattern=r"^(current|previous|all|later|[0-9]{8}T[0-9]{4}Z)\Z")]
Seconds = Annotated[int, Meta(ge=1, le=900)]
Payload = TypeVar("Payload", bound=Struct)
Answer = dict[str, Any]
Use = Callable[[], Operations]
_log = logging.getLogger(logs.LOGGER_NAME)


class AuditRequest(Struct, forbid_unknown_fields=True):
    """Audit a board and period, or, without a board, name all that there are to audit."""

    board_id: BoardId | None = None
    period: PeriodName = "current"
    thorough: bool = True
    """Read the mark of each record too."""
    job_id: str | None = None
    """Go on with this job only: begin none when it has ended."""
    seconds: Seconds | None = None
    """Answer after so long at the latest, done or not."""


class RebuildRequest(Struct, forbid_unknown_fields=True):
    """Rebuild the rank index of a board and period, into the layout it has or another."""

    board_id: BoardId
    period: PeriodOrLater = "current"
    """"later": only set the layout of the periods that have not begun."""
    digits: Annotated[int, Meta(ge=MIN_DIGITS, le=MAX_DIGITS)] | None = None
    lanes: Annotated[int, Meta(ge=1, le=MAX_LANES)] | None = None
    slices: Annotated[int, Meta(ge=0, le=MAX_SLICES)] | None = None
    abort: bool = False
    job_id: str | None = None
    seconds: Seconds | None = None

    @property
    def options(self) -> Options:
        return Options(self.digits, self.lanes, self.slices)


class AdviceRequest(Struct, forbid_unknown_fields=True):
    """Ask which layout suits a board."""

    board_id: BoardId
    period: PeriodName = "current"
    writes_per_second: Annotated[float, Meta(ge=0, le=1e6)] | None = None
    """The peak to plan for; left out, it is estimated."""


class JobView(Struct):
    job_id: str
    kind: str
    board_id: str
    period_id: str
    state: str
    phase: str
    done: int
    total: int
    message: str
    wait_seconds: float
    """How long the phase has to wait yet; 0: there is work to do."""
    busy: bool
    """Whether somebody else works on it right now."""


def audit(event: Any, context: Any, use: Use = operations) -> Answer:
    return _answered(event, AuditRequest, lambda request: _audit(use(), request, context))


def rebuild(event: Any, context: Any, use: Use = operations) -> Answer:
    return _answered(event, RebuildRequest, lambda request: _rebuild(use(), request, context))


def advise(event: Any, context: Any, use: Use = operations) -> Answer:
    del context
    return _answered(event, AdviceRequest, lambda request: _advise(use(), request))


def keep(context: Any, use: Use = operations) -> None:
    """Go on with the jobs under way, and begin the audits that are due."""
    jobs = use().upkeep.keep(_out_of_time(context, None))
    running = sum(job.state is JobState.RUNNING for job in jobs)
    _log.info("kept_up", extra={"request_id": context.aws_request_id, "jobs": len(jobs), "running": running})


def _audit(use: Operations, request: AuditRequest, context: Any) -> Answer:
    if request.board_id is None:
        trees = [(board.board_id, period_id) for board, period_id in use.upkeep.trees()]
        return {"trees": [{"board_id": board_id, "period_id": period_id} for board_id, period_id in trees]}
    board, period_id = _tree(use, request.board_id, request.period)
    job = use.upkeep.find_audit(board.board_id, period_id) if request.job_id else None
    job = job or use.upkeep.begin_audit(board, period_id, thorough=request.thorough)
    job = use.upkeep.advance_audit(job, _out_of_time(context, request.seconds))
    return {"job": _view(job), "found": _found(found(job))}


def _rebuild(use: Operations, request: RebuildRequest, context: Any) -> Answer:
    if request.period == "later":
        return {"job": None, "from_period": use.rebuild.set_later(request.board_id, request.options)}
    board, period_id = _tree(use, request.board_id, request.period)
    job = use.rebuild.find(board.board_id, period_id) if request.job_id or request.abort else None
    if request.abort and job is None:
        raise MalformedError(f"nothing of board {board.board_id!r} is being rebuilt", field="abort")
    if request.abort and job is not None:
        job = use.rebuild.abort(job)
    elif job is None and use.rebuild.is_done(board, period_id, request.options):
        return {"job": None, "layout": _plain(board.layout(period_id))}
    job = job or use.rebuild.begin(board, period_id, request.options)
    job = use.rebuild.advance(job, _out_of_time(context, request.seconds))
    old, fresh = layouts_of(job)
    return {"job": _view(job), "old": _plain(old), "fresh": _plain(fresh)}


def _advise(use: Operations, request: AdviceRequest) -> Answer:
    return _plain(use.advisor.advise(request.board_id, request.period, request.writes_per_second))


def _answered(event: Any, kind: type[Payload], act: Callable[[Payload], Answer]) -> Answer:
    """Return what ``act`` makes of the request, or in the shape of the API's errors why it is refused."""
    try:
        request = msgspec.convert(event if event is not None else {}, kind)
    except msgspec.ValidationError as error:
        return _refused(MalformedError(str(error)))
    try:
        return act(request)
    except GameError as error:
        return _refused(error)


def _refused(error: GameError) -> Answer:
    _log.warning("refused", extra={"error_code": error.code, "detail": error.detail})
    return {"error": {"code": error.code, "message": error.message, "detail": error.detail}}


def _tree(use: Operations, board_id: str, period: str) -> tuple[Board, str]:
    board = use.boards.get(board_id)
    return board, use.boards.period(board, period).period_id


def _out_of_time(context: Any, seconds: int | None) -> OutOfTime:
    end = time.monotonic() + seconds if seconds is not None else float("inf")
    return lambda: time.monotonic() >= end or context.get_remaining_time_in_millis() < RESERVE_MILLISECONDS


def _view(job: Job) -> Answer:
    now = clock.now()
    wait = (job.not_before - now).total_seconds() if job.not_before and job.is_waiting(now) else 0.0
    busy = job.state is JobState.RUNNING and not job.is_free(now)
    return _plain(
        JobView(
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
            busy=busy,
        )
    )


def _found(state: AuditState) -> Answer:
    return {
        "records": state.records,
        "drift": state.drift,
        "wrong_counters": state.wrong_counters,
        "wrong_marks": state.wrong_marks,
        "settled": state.settled,
        "doubts": len(state.doubts),
        "complete": state.complete,
        "thorough": state.thorough,
    }


def _plain(value: Advice | JobView | Layout) -> Answer:
    plain: Answer = msgspec.to_builtins(value)
    return plain
