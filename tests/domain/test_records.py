from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.domain.boards import INT64_MAX, INT64_MIN, Board, Limits, Operator, SortOrder
from chalicelib.domain.periods import EVER, Period
from chalicelib.domain.records import (
    Change,
    Outcome,
    Reason,
    Record,
    Score,
    Submission,
    apply,
    expiry,
    rejection,
    shown,
)
from tests.oracle import Line, Oracle
from tests.strategies import EXAMPLES, boards, int64

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BOARD = Board(board_id="race", title="Race", created_at=NOW)


def record(score: int, subscore: int = 0) -> Record:
    return Record("p", "race", "all", score, subscore, NOW, 1, "Ada")


def submission(score: int, subscore: int = 0) -> Submission:
    return Submission("race", score, subscore)


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(
    board=boards,
    before=st.none() | st.tuples(int64, int64),
    score=int64 | st.integers(-3, 3),
    subscore=int64 | st.just(0),
)
def test_operators_do_what_a_plain_reading_says(
    board: Board, before: tuple[int, int] | None, score: int, subscore: int
) -> None:
    oracle = Oracle(board, {"p": Line("p", *before, NOW)} if before else {})
    outcome = oracle.submit("p", score, subscore, NOW)
    line = oracle.lines.get("p")

    change = apply(board, record(*before) if before else None, submission(score, subscore))

    assert change.outcome is outcome
    assert (change.reason is Reason.OVERFLOW) is (outcome is Outcome.REJECTED)
    if outcome is not Outcome.REJECTED and line is not None:
        assert (change.score, change.subscore) == (line.score, line.subscore)


def test_best_keeps_an_equal_score() -> None:
    assert apply(BOARD, record(5), submission(5)) == Change(Outcome.KEPT, 5, 0)


def test_best_compares_score_and_subscore_together() -> None:
    board = replace(BOARD, subscore_order=SortOrder.ASC)

    assert apply(board, record(5, 9), submission(5, 8)) == Change(Outcome.IMPROVED, 5, 8)
    assert apply(board, record(5, 9), submission(4, 1)) == Change(Outcome.KEPT, 5, 9)


def test_set_may_worsen() -> None:
    board = replace(BOARD, operator=Operator.SET)

    assert apply(board, record(5), submission(4)) == Change(Outcome.WORSENED, 4, 0)


@pytest.mark.parametrize(
    ("operator", "old", "score"),
    [
        (Operator.INCR, INT64_MAX, 1),
        (Operator.INCR, INT64_MIN, -1),
        (Operator.DECR, INT64_MIN, 1),
        (Operator.DECR, 0, INT64_MIN),
    ],
)
def test_sums_past_64_bits_are_rejected(operator: Operator, old: int, score: int) -> None:
    board = replace(BOARD, operator=operator)

    assert apply(board, record(old), submission(score)) == Change(Outcome.REJECTED, reason=Reason.OVERFLOW)


@pytest.mark.parametrize(
    ("limits", "score", "reason"),
    [
        (Limits(min_score=0), 0, None),
        (Limits(min_score=0), -1, Reason.BELOW_MIN),
        (Limits(max_score=10), 10, None),
        (Limits(max_score=10), 11, Reason.ABOVE_MAX),
        (Limits(max_per_second=10), 15, None),
        (Limits(max_per_second=10), 16, Reason.IMPLAUSIBLE_RATE),
        (Limits(max_per_second=INT64_MAX), INT64_MAX, None),
        (Limits(), INT64_MIN, None),
    ],
)
def test_limits_include_their_bounds(limits: Limits, score: int, reason: Reason | None) -> None:
    board = replace(BOARD, limits=limits)

    assert rejection(board, submission(score), timedelta(seconds=1.5)) is reason


def test_no_time_played_earns_no_points_under_a_rate() -> None:
    board = replace(BOARD, limits=Limits(max_per_second=10))

    assert rejection(board, submission(1), timedelta(0)) is Reason.IMPLAUSIBLE_RATE
    assert rejection(board, submission(0), timedelta(0)) is None


def test_rates_bind_games_but_not_authoritative_submissions() -> None:
    board = replace(BOARD, limits=Limits(max_score=100, max_per_second=1))

    assert rejection(board, submission(50), None) is None
    assert rejection(board, submission(101), None) is Reason.ABOVE_MAX


def test_authoritative_boards_take_no_scores_from_games() -> None:
    board = replace(BOARD, authoritative=True)

    assert rejection(board, submission(1), timedelta(seconds=9)) is Reason.AUTHORITATIVE
    assert rejection(board, submission(1), None) is None


def test_boards_without_subscores_refuse_them() -> None:
    assert rejection(BOARD, submission(1, 1), None) is Reason.NO_SUBSCORE
    assert rejection(replace(BOARD, subscore_order=SortOrder.ASC), submission(1, 1), None) is None


def test_records_are_kept_for_the_days_after_their_period() -> None:
    board = replace(BOARD, retention_days=2)

    assert expiry(board, Period("x", NOW - timedelta(days=1), NOW)) == NOW + timedelta(days=2)
    assert expiry(board, EVER) is None
    assert expiry(BOARD, Period("x", NOW - timedelta(days=1), NOW)) is None


def test_answers_show_the_score_of_a_record() -> None:
    assert shown(record(5, 1)) == Score(5, 1, NOW)
    assert shown(None) is None
