"""When a period is over, which one is due, and how far it is."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import periods, turns
from chalicelib.domain.boards import Board
from chalicelib.domain.periods import Period
from chalicelib.domain.turns import Ended, Stage, Turn, TurnState

EPOCH = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
GRACE = timedelta(seconds=70)
RESETS = ["0 * * * *", "0 0 * * *", "*/7 * * * *", "0 0 1 * *", "30 4 * * 1"]


def board(reset: str | None = "0 * * * *", retention_days: int | None = None) -> Board:
    return Board(board_id="race", title="Race", reset=reset, retention_days=retention_days, created_at=EPOCH)


def test_a_board_without_resets_has_nothing_to_turn() -> None:
    assert turns.due(board(None), None, EPOCH + timedelta(days=400)) is None


def test_the_first_period_is_the_one_that_the_board_was_made_in() -> None:
    assert turns.due(board(), None, EPOCH + timedelta(minutes=29)) is None
    assert turns.due(board(), None, EPOCH + timedelta(minutes=30)) == Ended(
        "20261122T1200Z", EPOCH + timedelta(minutes=30)
    )


@given(reset=st.sampled_from(RESETS), later=st.timedeltas(timedelta(0), timedelta(days=3)))
def test_periods_are_due_one_after_the_other_without_a_gap(reset: str, later: timedelta) -> None:
    now, made = EPOCH + later, board(reset)
    turned: list[Ended] = []
    while (period := turns.due(made, turned[-1].ended_at if turned else None, now)) is not None:
        turned.append(period)

    expected, period_at = [], periods.period_at(reset, EPOCH)
    while period_at.end is not None and period_at.end <= now:
        expected.append(Ended(period_at.period_id, period_at.end))
        period_at = periods.period_at(reset, period_at.end)
    assert turned == expected


def test_a_turn_is_forgotten_only_while_it_is_not_archived() -> None:
    made = board("0 0 * * *", retention_days=3)
    turn = _turn()

    assert not turns.is_forgotten(made, turn, EPOCH + timedelta(days=3, seconds=-1))
    assert turns.is_forgotten(made, turn, EPOCH + timedelta(days=3))
    assert not turns.is_forgotten(made, _turn(TurnState.ARCHIVED), EPOCH + timedelta(days=3))
    assert not turns.is_forgotten(board(), turn, EPOCH + timedelta(days=3))


@pytest.mark.parametrize(
    ("since_end", "turn", "stage"),
    [
        (timedelta(seconds=-1), None, Stage.OPEN),
        (timedelta(0), None, Stage.ENDED),
        (GRACE - timedelta(seconds=1), TurnState.FROZEN, Stage.ENDED),
        (GRACE, TurnState.FROZEN, Stage.FROZEN),
        (GRACE, None, Stage.FROZEN),
        (GRACE, TurnState.ARCHIVED, Stage.ARCHIVED),
        (GRACE, TurnState.REWARDED, Stage.REWARDED),
        (GRACE, TurnState.DONE, Stage.DONE),
        (GRACE, TurnState.FORGOTTEN, Stage.FORGOTTEN),
    ],
)
def test_how_far_a_period_is_follows_from_the_clock_and_the_turn(
    since_end: timedelta, turn: TurnState | None, stage: Stage
) -> None:
    assert turns.stage_of(EPOCH, _turn(turn) if turn else None, EPOCH + since_end, GRACE) is stage


def test_a_period_without_an_end_stays_open() -> None:
    assert turns.stage_of(None, None, EPOCH, GRACE) is Stage.OPEN
    assert turns.ended(Period("all", None, None), EPOCH) is None


def _turn(state: TurnState = TurnState.FROZEN) -> Turn:
    return Turn(board_id="race", period_id="20261122T0000Z", state=state, ended_at=EPOCH, frozen_at=EPOCH + GRACE)
