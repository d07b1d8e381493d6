from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chalicelib.domain.periods import EVER, Period, ScheduleError, check_schedule, parse, period_at, previous
from tests.strategies import EXAMPLES, instants

DAILY = "0 0 * * *"
MINUTE = timedelta(minutes=1)
NOW = datetime(2026, 11, 22, 13, 5, tzinfo=UTC)


def field(low: int, high: int, *, often: bool) -> st.SearchStrategy[str]:
    number = st.integers(low, high).map(str)
    span = (
        st.tuples(st.integers(low, high), st.integers(low, high)).map(sorted).map(lambda pair: f"{pair[0]}-{pair[1]}")
    )
    step = st.integers(1, max(1, (high - low) // 2)).map(lambda each: f"*/{each}")
    several = st.lists(number, min_size=1, max_size=3, unique=True).map(",".join)
    return st.one_of(st.just("*"), step, span) if often else st.one_of(st.just("*"), number, span, step, several)


schedules = st.tuples(
    field(0, 59, often=False),
    field(0, 23, often=False),
    field(1, 28, often=True),
    field(1, 12, often=True),
    field(0, 6, often=False),
).map(" ".join)
frequent = st.tuples(field(0, 59, often=False), field(0, 23, often=False)).map(
    lambda pair: f"{pair[0]} {pair[1]} * * *"
)


def fires(schedule: str, minute: datetime) -> bool:
    """Tell, from the definition of cron, whether a schedule of day-independent fields fires in a minute."""
    minutes, hours = schedule.split()[:2]
    return minute.minute in numbers(minutes, 59) and minute.hour in numbers(hours, 23)


def numbers(text: str, high: int) -> set[int]:
    if text.startswith("*"):
        return set(range(0, high + 1, int(text[2:] or 1)))
    if "-" in text:
        first, last = map(int, text.split("-"))
        return set(range(first, last + 1))
    return set(map(int, text.split(",")))


def stepped(schedule: str, instant: datetime, step: timedelta) -> datetime:
    """Return the nearest minute at which the schedule fires, going by single minutes."""
    minute = instant.replace(second=0, microsecond=0)
    if step > timedelta(0):
        minute += step
    while not fires(schedule, minute):
        minute += step
    return minute


def bounds(period: Period) -> tuple[datetime, datetime]:
    assert period.start is not None
    assert period.end is not None
    return period.start, period.end


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(schedule=frequent, instant=instants)
def test_periods_begin_and_end_where_stepping_minute_by_minute_finds_resets(schedule: str, instant: datetime) -> None:
    period = period_at(schedule, instant)

    assert period.start == stepped(schedule, instant, -MINUTE)
    assert period.end == stepped(schedule, instant, MINUTE)


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(schedule=schedules, instant=instants)
def test_periods_are_unique_half_open_contiguous_and_found_by_id(schedule: str, instant: datetime) -> None:
    try:
        check_schedule(schedule, instant)
    except ScheduleError:
        assume(False)
    period = period_at(schedule, instant)
    start, end = bounds(period)

    assert start <= instant < end
    assert period_at(schedule, start) == period_at(schedule, end - timedelta(milliseconds=1)) == period
    assert period_at(schedule, end).start == end
    assert previous(schedule, period_at(schedule, end)) == period
    before = previous(schedule, period)
    assert before is not None
    assert before.end == start
    assert parse(schedule, period.period_id) == period


@pytest.mark.property
@given(text=st.text(max_size=20) | st.from_regex(r"\A[0-9]{8}T[0-9]{4}Z\Z"))
def test_whatever_is_no_id_of_a_period_is_none(text: str) -> None:
    period = parse(DAILY, text)

    assert period is None or (period.period_id == text and text.endswith("T0000Z"))


@pytest.mark.parametrize(
    "period_id",
    [
        "20261122T0001Z",
        "all",
        "current",
        "2026112T0000Z",
        "20261122T0000Z\n",
        "\u0662\u0660\u0662\u06661122T0000Z",
        "00010101T0000Z",
    ],
)
def test_ids_that_only_resemble_a_period_are_none(period_id: str) -> None:
    assert parse(DAILY, period_id) is None


@pytest.mark.parametrize("year", ["1969", "2200", "9998"])
def test_periods_from_which_nothing_can_be_reckoned_are_none(year: str) -> None:
    assert parse(DAILY, f"{year}0630T0000Z") is None


def test_the_end_of_the_calendar_is_none() -> None:
    assert parse(DAILY, "99991231T0000Z") is None


def test_a_reset_belongs_to_the_period_it_begins() -> None:
    midnight = datetime(2026, 11, 22, tzinfo=UTC)

    assert period_at(DAILY, midnight) == Period("20261122T0000Z", midnight, midnight + timedelta(days=1))
    assert period_at(DAILY, midnight - timedelta(microseconds=1)).end == midnight


def test_the_zone_of_the_instant_does_not_matter() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=13)))

    assert period_at(DAILY, elsewhere) == period_at(DAILY, NOW)


def test_a_leap_day_schedule_spans_a_century_without_one() -> None:
    period = period_at("0 0 29 2 *", datetime(2098, 1, 1, tzinfo=UTC))

    assert bounds(period) == (datetime(2096, 2, 29, tzinfo=UTC), datetime(2104, 2, 29, tzinfo=UTC))


def test_without_resets_there_is_one_period_for_ever() -> None:
    assert period_at(None, NOW) == EVER
    assert parse(None, "all") == EVER
    assert parse(None, "20261122T0000Z") is None
    assert previous(None, EVER) is None


@pytest.mark.parametrize(
    "reset", ["", "0 0 * *", "0 0 * * * *", "@daily", "60 0 * * *", "0 24 * * *", "x 0 * * *", "*/0 * * * *"]
)
def test_what_is_no_five_field_cron_is_refused(reset: str) -> None:
    with pytest.raises(ScheduleError):
        check_schedule(reset, NOW)


@pytest.mark.parametrize("reset", ["0 0 30 2 *", "0 0 31 4,6,9,11 *"])
def test_a_schedule_that_never_fires_is_refused(reset: str) -> None:
    with pytest.raises(ScheduleError):
        check_schedule(reset, NOW)


@pytest.mark.parametrize(
    "reset", [DAILY, "0 9 * * 1", "*/5 * * * *", "0 0 1 * *", "0 0 29 2 *", "0 12 * * 5#1", "0 0 L * *"]
)
def test_schedules_that_fire_are_taken(reset: str) -> None:
    check_schedule(reset, NOW)
