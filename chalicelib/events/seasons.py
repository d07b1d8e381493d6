"""What the schedule does for seasons every minute, and operators by hand: periods that are over are turned."""

import logging
from collections.abc import Callable
from typing import Any

import msgspec

from chalicelib import logs
from chalicelib.bootstrap.seasons import Seasons, seasons
from chalicelib.domain.boards import Board
from chalicelib.domain.jobs import Job, JobState
from chalicelib.domain.turns import Turn
from chalicelib.events.invocations import Answer, answered, job_view, out_of_time
from chalicelib.events.occasions import Occasion
from chalicelib.events.payloads import KeptView, SeasonsAnswer, SeasonsRequest, TurnView
from chalicelib.services.jobs import OutOfTime

_log = logging.getLogger(logs.LOGGER_NAME)


def keep(occasion: Occasion, use: Callable[[], Seasons] = seasons) -> Answer:
    """Go on with what is under way and begin what is due, for as long as there is time; answer what was done.

    What the schedule cannot do fails, and is counted as such; an operator is told why.
    """
    if occasion.request is not None:
        return answered(occasion.request, SeasonsRequest, lambda request: _keep(use(), request, occasion.context))
    done: Answer = msgspec.to_builtins(_keep(use(), SeasonsRequest(), occasion.context))
    return done


def _keep(use: Seasons, request: SeasonsRequest, context: Any) -> SeasonsAnswer:
    end = out_of_time(context, request.seconds)
    published = use.outbox.due()
    if request.board_id is not None and request.period is not None:
        return _turned(use, use.boards.get(request.board_id), request.period, end)
    boards = use.boards.all() if request.board_id is None else [use.boards.get(request.board_id)]
    published += use.tellings.keep(boards)
    try:
        jobs = use.rollover.keep(boards, end)
    finally:  # no round waits for a board that something is wrong with
        closings = _closed(use, request, end)
    running = sum(job.state is JobState.RUNNING for job in [*jobs, *closings])
    facts = {"jobs": len(jobs) + len(closings), "running": running, "published": published}
    _log.info("seasons_kept", extra=facts)
    found = zip(jobs, use.rollover.find_all(jobs), strict=True)
    rollovers = [KeptView(job_view(job, use.clock()), _view(turn)) for job, turn in found]
    return SeasonsAnswer(rollovers, [job_view(job, use.clock()) for job in closings])


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
