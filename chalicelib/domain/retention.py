"""Retention: which periods are long forgotten, so that whatever is left of them may go."""

from datetime import datetime, timedelta

from chalicelib.domain import periods
from chalicelib.domain.boards import Board
from chalicelib.domain.periods import Period
from chalicelib.domain.records import expiry

LATE = timedelta(days=3)
"""DynamoDB deletes what has expired within a few days, for nothing: only what it leaves is deleted by us."""


def due(board: Board, swept_until: datetime | None, now: datetime) -> Period | None:
    """Return the oldest period of a board that is long forgotten and has not been swept; None while there is none.

    Args:
        swept_until: The end of the last period that was swept; None: none was.
    """
    if board.tournament is not None:
        period = board.tournament.period if swept_until is None else None
    else:
        period = periods.period_at(board.reset, swept_until or board.created_at)
    gone = expiry(board, period) if period else None
    return period if gone is not None and gone + LATE <= now else None
