"""Invocations by operators: their requests are checked, their answers plain, and work goes on while there is time."""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from chalicelib import logs
from chalicelib.domain.jobs import Job, JobState
from chalicelib.errors import GameError, MalformedError
from chalicelib.events.occasions import Occasion
from chalicelib.events.payloads import JobView
from chalicelib.services.jobs import OutOfTime

RESERVE_MILLISECONDS = 15_000
"""A step takes seconds, more where the database throttles; begun later than this before the end it may be cut off."""
Payload = TypeVar("Payload", bound=Struct)
Answer = dict[str, Any]
_log = logging.getLogger(logs.LOGGER_NAME)


def answered(event: Any, kind: type[Payload], act: Callable[[Payload], Struct]) -> Answer:
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


def answered_on(occasion: Occasion, kind: type[Payload], act: Callable[[Payload], Struct]) -> Answer:
    """Return what ``act`` makes of an operator's request, or of what the schedule asks for, which is all by default.

    What the schedule cannot do fails, and is counted as such; an operator is told why.
    """
    if occasion.request is not None:
        return answered(occasion.request, kind, act)
    plain: Answer = msgspec.to_builtins(act(kind()))
    return plain


def _refused(error: GameError) -> Answer:
    _log.warning("refused", extra={"error_code": error.code, "detail": error.detail})
    return {"error": {"code": error.code, "message": error.message, "detail": error.detail}}


def out_of_time(context: Any, seconds: int | None) -> OutOfTime:
    end = time.monotonic() + seconds if seconds is not None else float("inf")
    return lambda: time.monotonic() >= end or context.get_remaining_time_in_millis() < RESERVE_MILLISECONDS


def job_view(job: Job, now: datetime) -> JobView:
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
