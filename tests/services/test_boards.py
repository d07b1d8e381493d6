from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.boards import Limits, Operator, SortOrder
from chalicelib.domain.records import Submission
from chalicelib.errors import (
    BoardExistsError,
    BoardNotFoundError,
    BoardSealedError,
    ContendedError,
    MalformedError,
    PeriodNotFoundError,
)
from chalicelib.services.boards import REMEMBERED
from tests.fake_dynamodb import Call
from tests.world import EPOCH, World


@pytest.fixture
def world() -> World:
    return World()


def change(world: World, **changes: Any) -> None:
    world.services.boards.change("race", changes)


def test_a_board_is_stored_with_every_field(world: World) -> None:
    board = world.board(
        unit="ms",
        sort_order=SortOrder.ASC,
        subscore_order=SortOrder.DESC,
        operator=Operator.SET,
        reset="0 0 * * 1",
        limits=Limits(-(2**63), 2**63 - 1, 5),
        authoritative=True,
        retention_days=30,
    )

    assert world.another_process().boards.get("race") == board
    assert world.another_process().boards.all() == [board]


def test_a_board_of_defaults_is_stored_as_such(world: World) -> None:
    assert world.board() == world.another_process().boards.get("race")


def test_an_id_is_given_once(world: World) -> None:
    world.board()

    with pytest.raises(BoardExistsError):
        world.board(unit="ms")
    assert world.another_process().boards.get("race").unit == "points"


def test_boards_are_listed_by_id(world: World) -> None:
    for board_id in ("b", "a", "c"):
        world.board(board_id)

    assert [board.board_id for board in world.services.boards.all()] == ["a", "b", "c"]


def test_what_does_not_exist_is_not_found(world: World) -> None:
    for ask in (world.services.boards.get, world.services.boards.known, world.services.boards.refreshed):
        with pytest.raises(BoardNotFoundError):
            ask("nowhere")
    with pytest.raises(BoardNotFoundError):
        change(world, title="New")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("unit", "ms"),
        ("sort_order", SortOrder.ASC),
        ("subscore_order", SortOrder.ASC),
        ("operator", Operator.INCR),
        ("reset", "0 0 * * *"),
    ],
)
def test_rules_that_would_falsify_standings_are_final_once_there_was_a_record(
    world: World, name: str, value: object
) -> None:
    world.board()
    player_id = world.player()
    change(world, **{name: value})
    assert getattr(world.services.boards.get("race"), name) == value
    world.play(player_id, Submission("race", 5))
    board = world.services.boards.get("race")
    world.services.moderation.remove(player_id, board, world.services.boards.period(board, "current").period_id)

    with pytest.raises(BoardSealedError, match=name) as caught:
        change(world, **{name: getattr(world.board("defaults"), name)})

    assert caught.value.detail["fields"] == name


def test_what_is_shown_and_limited_may_change_at_any_time(world: World) -> None:
    world.board()
    world.play(world.player(), Submission("race", 5))

    change(world, title="New", limits=Limits(max_score=4), authoritative=True)

    assert world.another_process().boards.get("race").title == "New"


def test_a_refused_score_does_not_seal(world: World) -> None:
    world.board(limits=Limits(max_score=4))
    world.play(world.player(), Submission("race", 5))

    change(world, sort_order=SortOrder.ASC)

    assert not world.another_process().boards.get("race").sealed


@pytest.mark.parametrize("reset", ["0 0 * *", "61 * * * *", "0 0 30 2 *"])
def test_schedules_are_checked(world: World, reset: str) -> None:
    with pytest.raises(MalformedError, match="reset"):
        world.board(reset=reset)
    world.board()
    with pytest.raises(MalformedError, match="reset"):
        change(world, reset=reset)


def test_limits_are_checked(world: World) -> None:
    with pytest.raises(MalformedError, match=r"limits\.min_score"):
        world.board(limits=Limits(min_score=2, max_score=1))
    world.board(limits=Limits(min_score=1, max_score=1))


def test_a_definition_is_remembered_for_a_moment(world: World) -> None:
    world.board()
    other = world.another_process().boards
    other.change("race", {"title": "New"})

    titles = [world.services.boards.get("race").title]
    world.clock.instant += REMEMBERED
    titles.append(world.services.boards.get("race").title)

    assert titles == ["Race", "New"]


def test_the_list_is_remembered_for_a_moment(world: World) -> None:
    world.board()
    boards = world.services.boards
    boards.all()
    calls = len(world.client.calls)

    boards.all()
    assert len(world.client.calls) == calls
    world.board("another")
    assert [board.board_id for board in boards.all()] == ["another", "race"]


def test_games_are_ended_by_the_rules_of_now_not_by_remembered_ones(world: World) -> None:
    world.board()
    player_id = world.player()
    world.play(player_id, Submission("race", 1))
    world.another_process().boards.change("race", {"limits": Limits(max_score=4)})

    placement = world.play(player_id, Submission("race", 5)).placements[0]

    assert placement.reason == "above_max"


def test_a_change_that_keeps_being_overtaken_says_so(world: World) -> None:
    world.board()
    other = world.another_process().boards

    def overtake(call: Call) -> None:
        if call.operation == "PutItem":
            world.undisturbed()
            other.change("race", {"title": f"at {len(world.client.calls)}"})
            world.before(overtake)

    world.before(overtake)

    with pytest.raises(ContendedError):
        change(world, title="New")


def test_periods_go_by_the_clock(world: World) -> None:
    board = world.board(reset="0 0 * * *")
    boards = world.services.boards
    today = boards.period(board, "current")

    assert (today.start, today.end) == (EPOCH.replace(hour=0), EPOCH.replace(hour=0) + timedelta(days=1))
    assert boards.period(board, today.period_id) == today
    assert boards.period(board, "previous").end == today.start
    world.clock.advance(days=1)
    assert boards.period(board, "previous") == today


@pytest.mark.parametrize("wanted", ["20261123T0000Z", "20261122T0001Z", "all", "next", ""])
def test_periods_of_the_future_and_of_other_schedules_do_not_exist(world: World, wanted: str) -> None:
    board = world.board(reset="0 0 * * *")

    with pytest.raises(PeriodNotFoundError, match="20261122T0000Z"):
        world.services.boards.period(board, wanted)


def test_a_board_without_resets_has_one_period(world: World) -> None:
    board = world.board()

    assert world.services.boards.period(board, "current") == world.services.boards.period(board, "all")
    with pytest.raises(PeriodNotFoundError):
        world.services.boards.period(board, "previous")


def test_a_period_is_gone_when_its_retention_has_passed(world: World) -> None:
    board = world.board(reset="0 0 * * *", retention_days=2)
    period = world.services.boards.period(board, "previous")

    world.clock.instant = datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC)
    assert world.services.boards.period(board, period.period_id) == period
    world.clock.instant = datetime(2026, 11, 24, tzinfo=UTC)
    with pytest.raises(PeriodNotFoundError, match="kept until 2026-11-24"):
        world.services.boards.period(board, period.period_id)
