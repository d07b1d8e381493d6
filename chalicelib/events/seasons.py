"""What the schedule does for seasons every minute, and operators by hand: periods that are over are turned."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib import logs
from chalicelib.bootstrap.seasons import Seasons, seasons
from chalicelib.domain.boards import Board
from chalicelib.domain.jobs import Job, JobState
from chalicelib.domain.turns import Turn
from chalicelib.events.invocations import Answer, answered_on, job_view, out_of_time
from chalicelib.events.occasions import Occasion
from chalicelib.events.payloads import KeptView, SeasonsAnswer, SeasonsRequest, TurnView
from chalicelib.services.bulkheads import Bulkheads
from chalicelib.services.jobs import OutOfTime

_METRICS = {"turn_lag_ms": "Milliseconds"}
_log = logging.getLogger(logs.LOGGER_NAME)


def keep(occasion: Occasion, use: Callable[[], Seasons] = seasons) -> Answer:
    """Go on with what is under way and begin what is due, for as long as there is time; answer what was done."""
    return answered_on(occasion, SeasonsRequest, lambda request: _keep(use(), request, occasion.context))


def _keep(use: Seasons, request: SeasonsRequest, context: Any) -> SeasonsAnswer:
    end = out_of_time(context, request.seconds)
    if request.board_id is not None and request.period is not None:
        return _turned(use, use.boards.get(request.board_id), request.period, end)
    boards = use.boards.all() if request.board_id is None else [use.boards.get(request.board_id)]
    published, jobs, closings = 0, list[Job](), list[Job]()
    bulkheads = Bulkheads()
    with bulkheads.around(work="scheduled notices"):
        published += use.outbox.due()
    with bulkheads.around(work="notices of tournaments"):
        published += use.tellings.keep(boards)
    with bulkheads.around(work="periods"):
        jobs = use.rollover.keep(boards, end)
    with bulkheads.around(work="rounds"):
        closings = _closed(use, request, end)
    bulkheads.raise_first()
    facts = {"jobs": len(jobs) + len(closings), "published": published, **_lag([*jobs, *closings], use.clock())}
    _log.info("seasons_kept", extra={**facts, **logs.metrics(_METRICS)})
    found = zip(jobs, use.rollover.find_all(jobs), strict=True)
    rollovers = [KeptView(job_view(job, use.clock()), _view(turn)) for job, turn in found]
    return SeasonsAnswer(rollovers, [job_view(job, use.clock()) for job in closings])


def _lag(jobs: Sequence[Job], now: datetime) -> dict[str, int]:
    """Return how many jobs are under way, and since when the oldest is: what waits for nothing is done in minutes."""
    ages = [now - job.started_at for job in jobs if job.state is JobState.RUNNING]
    return {"running": len(ages), "turn_lag_ms": max(ages, default=timedelta(0)) // timedelta(milliseconds=1)}


def _turned(use: Seasons, board: Board, period: str, end: OutOfTime) -> SeasonsAnswer:
    """Turn one period, and answer how far it is."""
    ended = use.rollover.ended(board, period)
    job = next((job_view(each, use.clock()) for each in use.rollover.turn(board, ended, end)), None)
    return SeasonsAnswer([KeptView(job, _view(use.rollover.find(board.board_id, ended.period_id)))], [])


def _closed(use: Seasons, request: SeasonsRequest, end: OutOfTime) -> list[Job]:
    """Close the rounds that are over: of all seasons, or a board's."""
    return use.closing.keep(
        [each for each in use.rounds.seasons.all() if request.board_id in {None, each.board_id}], end
    )


def _view(turn: Turn) -> TurnView:
    return TurnView(
        state=turn.state,
        ended_at=turn.ended_at,
        frozen_at=turn.frozen_at,
        done_at=turn.done_at,
        records=turn.records,
        manifest=turn.manifest or None,
        rewarded=turn.rewarded,
        left=turn.left,
    )
