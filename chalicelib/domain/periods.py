"""Periods: the time between two resets of a board, as pure arithmetic on its cron schedule.

A board resets by time alone. The period of an instant follows from the schedule, so no job has to run for a reset,
and two callers can never disagree about it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cronsim import CronSim, CronSimError
from msgspec import Struct

ALL_TIME = "all"
FIRST_YEAR, LAST_YEAR = 1970, 2199
"""Of the times that callers may name: so far from the ends of the calendar that times can be reckoned from them."""
_ID_FORMAT = "%Y%m%dT%H%MZ"
_MINUTE = timedelta(minutes=1)
_FIELDS = 5


class ScheduleError(ValueError):
    """The text is no five-field cron expression, or one that never fires."""


class Period(Struct, frozen=True):
    """Half-open: ``start`` belongs to it, ``end`` to the next one. None on a side means without end on that side."""

    period_id: str
    start: datetime | None
    end: datetime | None


EVER = Period(ALL_TIME, None, None)


def check_schedule(reset: str, now: datetime) -> None:
    """Raise ScheduleError, saying what is wrong, unless ``reset`` is a cron expression that fires again and again."""
    if len(reset.split()) != _FIELDS:
        raise ScheduleError("a reset schedule has five fields: minute hour day-of-month month day-of-week")
    try:
        fires = CronSim(reset, now)
        next(fires), next(fires)
    except CronSimError as error:
        raise ScheduleError(str(error)) from error
    except StopIteration as error:
        raise ScheduleError("the schedule never fires") from error


def is_reckonable(instant: datetime) -> bool:
    """Tell whether an instant lies in the years that callers may name."""
    return FIRST_YEAR <= instant.year <= LAST_YEAR


def period_at(reset: str | None, instant: datetime) -> Period:
    """Return the one period that holds ``instant``.

    Args:
        reset: The board's schedule, checked before; None for a board that never resets.
        instant: Aware.

    >>> period_at("0 0 * * *", datetime(2026, 11, 22, 13, 5, tzinfo=UTC)).period_id
    '20261122T0000Z'
    """
    if reset is None:
        return EVER
    return _period_of_minute(reset, instant.astimezone(UTC).replace(second=0, microsecond=0))


def previous(reset: str | None, period: Period) -> Period | None:
    """Return the period that ended when ``period`` began; None on a board that never resets."""
    return None if reset is None or period.start is None else period_at(reset, period.start - _MINUTE)


def back_from(reset: str | None, newest: Period) -> Iterator[Period]:
    """Yield a period and those before it, newest first: without end on a board that resets."""
    period: Period | None = newest
    while period is not None:
        yield period
        period = previous(reset, period)


def parse(reset: str | None, period_id: str) -> Period | None:
    """Return the period with this id, or None when the schedule has no such period, or callers may not name it."""
    if reset is None:
        return EVER if period_id == ALL_TIME else None
    try:
        start = datetime.strptime(period_id, _ID_FORMAT).replace(tzinfo=UTC)
        period = period_at(reset, start)
    except (ValueError, OverflowError, StopIteration):
        return None
    return period if period.period_id == period_id and is_reckonable(start) else None


@lru_cache(maxsize=1024)
def _period_of_minute(reset: str, minute: datetime) -> Period:
    start = next(CronSim(reset, minute + _MINUTE, reverse=True))
    return Period(start.strftime(_ID_FORMAT), start, next(CronSim(reset, minute)))
