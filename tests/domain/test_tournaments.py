from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import participations, tournaments
from chalicelib.domain.boards import Board
from chalicelib.domain.participations import Participation
from chalicelib.domain.records import Reason, expiry
from chalicelib.domain.tournaments import LANES, MAX_CAPACITY, Tournament, TournamentError, share
from tests.services.cups import HOUR, PRICE, cup
from tests.world import EPOCH

capacities = st.one_of(st.integers(1, 40), st.integers(1, MAX_CAPACITY))


@given(capacities)
def test_the_lanes_have_all_places_and_no_more(capacity: int) -> None:
    assert sum(share(capacity, lane) for lane in range(LANES)) == capacity


@given(capacities, capacities)
def test_more_places_leave_no_lane_with_fewer(one: int, other: int) -> None:
    fewer, more = sorted([one, other])

    assert all(share(fewer, lane) <= share(more, lane) for lane in range(LANES))


@given(capacities, st.integers(0, LANES - 1), st.data())
def test_a_lane_is_found_as_long_as_a_place_is_left(capacity: int, first: int, data: st.DataObject) -> None:
    joined = tuple(data.draw(st.integers(0, share(capacity, lane))) for lane in range(LANES))

    lanes = list(tournaments.lanes_with_room(capacity, joined, first))

    assert bool(lanes) == (sum(joined) < capacity)
    assert all(joined[lane] < share(capacity, lane) for lane in lanes)
    assert (first in lanes) == (lanes[:1] == [first])


@dataclass(frozen=True)
class Case:
    """A tournament, what a player did in it, when it is, and why a score is refused."""

    rules: dict[str, Any]
    own: Participation | None
    hours: float
    reason: Reason | None


PLAYED = Participation("ada", "cup", attempts=2)
JOINED = Participation("ada", "cup", attempts=2, joined_at=EPOCH)


@pytest.mark.parametrize(
    "case",
    [
        Case({}, None, 1, None),
        Case({"join_required": True}, PLAYED, 1.5, Reason.NOT_JOINED),
        Case({"join_required": True}, JOINED, 1.5, None),
        Case({"attempts": 2}, PLAYED, 1.5, Reason.NO_ATTEMPTS_LEFT),
        Case({"attempts": 3}, PLAYED, 1.5, None),
        Case({"attempts": 1}, None, 1.5, None),
        Case({"join_required": True}, None, 0.9, Reason.NOT_STARTED),
        Case({"attempts": 2}, PLAYED, 2, Reason.OVER),
        Case({"stopped_at": EPOCH + HOUR * 1.5}, None, 1.5, Reason.OVER),
        Case({"stopped_at": EPOCH}, None, 0.5, Reason.OVER),
        Case({"stopped_at": EPOCH + 5 * HOUR}, None, 1.5, None),
    ],
)
def test_a_score_is_refused_for_the_first_reason_there_is(case: Case) -> None:
    assert participations.refusal(cup(**case.rules), case.own, EPOCH + HOUR * case.hours) is case.reason


def test_attempts_left_are_never_below_none() -> None:
    assert participations.attempts_left(cup(attempts=1), PLAYED) == 0
    assert participations.attempts_left(cup(attempts=3), None) == 3
    assert participations.attempts_left(cup(), PLAYED) is None


def test_the_period_of_a_tournament_is_its_only_one() -> None:
    board = Board(board_id="cup", title="Cup", created_at=EPOCH, tournament=cup(), retention_days=2)

    assert board.period_at(EPOCH) == board.period_at(EPOCH + 9 * HOUR) == cup().period
    assert (cup().period.start, cup().period.end) == (EPOCH + HOUR, EPOCH + 2 * HOUR)
    assert expiry(board, cup(stopped_at=EPOCH + HOUR).period) == EPOCH + 2 * HOUR + timedelta(days=2)


def test_one_that_is_stopped_before_its_start_has_an_empty_period() -> None:
    period = cup(stopped_at=EPOCH).period

    assert (period.start, period.end) == (EPOCH, EPOCH)


@pytest.mark.parametrize(
    ("change", "hours", "final"),
    [
        ({"starts_at": EPOCH, "cost": ()}, 0.5, ()),
        ({"starts_at": EPOCH, "cost": ()}, 1, ("starts_at", "cost")),
        ({"ends_at": EPOCH + 9 * HOUR}, 1.5, ()),
        ({"capacity": 9, "attempts": 9}, 1.5, ()),
        ({"capacity": 2, "attempts": None}, 0.5, ("capacity", "attempts")),
        ({"ends_at": EPOCH + 9 * HOUR, "attempts": 9}, 2, ("ends_at", "attempts")),
    ],
)
def test_what_may_change_depends_on_the_time(change: dict[str, Any], hours: float, final: tuple[str, ...]) -> None:
    rules = {"join_required": True, "capacity": 3, "attempts": 3, "cost": PRICE}
    before, after = cup(**rules), cup(**{**rules, **change})

    assert tournaments.final_changed(before, after, EPOCH + HOUR * hours, end_is_final=False) == final


def test_the_end_is_final_where_records_expire_by_it() -> None:
    later = cup(ends_at=EPOCH + 9 * HOUR)

    assert tournaments.final_changed(cup(), later, EPOCH + HOUR, end_is_final=True) == ("ends_at",)


def test_a_tournament_that_can_be_held_is_no_error() -> None:
    tournaments.check(cup(join_required=True, capacity=1, cost=PRICE), EPOCH)
    with pytest.raises(TournamentError):
        tournaments.check(Tournament(starts_at=EPOCH, ends_at=EPOCH), EPOCH - HOUR)
