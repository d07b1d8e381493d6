"""A board's periods and what a player did in them; and that nothing that can be asked is asked of today alone."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain import periods
from chalicelib.domain.boards import SortOrder
from chalicelib.domain.records import Submission
from chalicelib.errors import PeriodNotFoundError
from chalicelib.services.distributions import Bar
from chalicelib.services.thresholds import Threshold
from tests.oracle import Oracle
from tests.services.crowds import Crowd, board, lists_of_values, nodes_read
from tests.strategies import EXAMPLES
from tests.world import EPOCH, World

DAILY, YESTERDAY = "0 0 * * *", "20261121T0000Z"


@pytest.fixture
def world() -> World:
    """A world with a daily board that keeps a period for ten days."""
    world = World()
    world.board(reset=DAILY, retention_days=10)
    return world


def ids(world: World, count: int, before: str | None = None) -> list[str]:
    return [each.period.period_id for each in world.services.history.periods("race", count, before).periods]


def days_played(world: World, player_id: str, *scores: int | None) -> None:
    """Let a player have these scores, each on the next day, and None on days without."""
    for score in scores:
        if score is not None:
            world.play(player_id, Submission("race", score))
        world.clock.advance(days=1)


def test_periods_are_listed_from_the_current_one_back_to_when_the_board_was_made(world: World) -> None:
    world.clock.advance(days=2)

    kept = world.services.history.periods("race", 10)

    assert [each.period.start for each in kept.periods] == [datetime(2026, 11, day, tzinfo=UTC) for day in (24, 23, 22)]
    assert [each.period.end for each in kept.periods[1:]] == [each.period.start for each in kept.periods[:-1]]
    assert kept.periods[0].kept_until == datetime(2026, 11, 25, tzinfo=UTC) + timedelta(days=10)
    assert kept.more is False


def test_periods_are_listed_no_further_back_than_they_are_kept(world: World) -> None:
    world.clock.advance(days=40)

    assert len(ids(world, 100)) == 11
    assert ids(world, 100)[-1] == "20261222T0000Z"
    world.services.boards.period(world.services.boards.get("race"), "20261222T0000Z")
    with pytest.raises(PeriodNotFoundError):
        world.services.boards.period(world.services.boards.get("race"), "20261221T0000Z")


def test_pages_of_periods_follow_each_other(world: World) -> None:
    world.clock.advance(days=4)

    first = world.services.history.periods("race", 2)
    rest = world.services.history.periods("race", 3, before=first.periods[-1].period.period_id)

    assert (first.more, rest.more) == (True, False)
    assert [each.period for each in (*first.periods, *rest.periods)] == [
        each.period for each in world.services.history.periods("race", 100).periods
    ]
    assert ids(world, 1, before="current") == ids(world, 2)[1:]
    assert ids(world, 1, before="previous") == ids(world, 3)[2:]


@pytest.mark.parametrize("before", ["20261122T0001Z", "20991122T0000Z", "all"])
def test_what_is_no_period_has_none_before_it(world: World, before: str) -> None:
    with pytest.raises(PeriodNotFoundError):
        world.services.history.periods("race", 1, before)


@pytest.mark.parametrize("before", ["19700101T0000Z", "20200101T0000Z"])
def test_nothing_is_kept_from_before_a_board_was_made(before: str) -> None:
    world = World()
    world.board(reset="0 0 1 1 *")

    assert ids(world, 100, before) == []


def test_a_board_without_resets_has_one_period() -> None:
    world = World()
    world.board()

    kept = world.services.history.periods("race", 10)

    assert [each.period for each in kept.periods] == [periods.EVER]
    assert (kept.periods[0].kept_until, kept.more) == (None, False)
    assert ids(world, 10, before="all") == []


@pytest.mark.parametrize("reset", ["* * * * *", "0 0 29 2 *", "0 0 1 1 *", "30 4 * * 1,3", "0 0 29 2 */7"])
def test_periods_follow_any_schedule(reset: str) -> None:
    world = World()
    world.board(reset=reset)
    world.clock.advance(days=800)

    kept = world.services.history.periods("race", 30).periods

    assert all(later.period.start == earlier.period.end for later, earlier in pairwise(kept))
    assert all(each.period.end and each.period.end > EPOCH for each in kept)


def test_a_player_is_shown_every_period_they_played_in(world: World) -> None:
    ada, ben = world.player("ada"), world.player("ben")
    for score in (5, 8):
        world.play(ben, Submission("race", score))
    days_played(world, ada, 7, None, 9)

    past = world.services.history.entries("race", ada, 10)

    assert [(each.period.period_id, each.own.entry.score) for each in past.entries] == [
        ("20261124T0000Z", 9),
        ("20261122T0000Z", 7),
    ]
    assert [(each.own.entry.rank, each.own.total) for each in past.entries] == [(1, 1), (2, 2)]
    assert [each.own.percentile for each in past.entries] == [100.0, 50.0]


def test_an_entry_of_the_past_is_what_the_period_itself_tells(world: World) -> None:
    players = [world.player(f"p{number}") for number in range(4)]
    chance = Random(3)
    for _ in range(5):
        for player_id in players:
            world.play(player_id, Submission("race", chance.randrange(5)))
        world.clock.advance(days=1)

    for player_id in players:
        for each in world.services.history.entries("race", player_id, 5).entries:
            assert each.own == world.services.standings.own("race", each.period.period_id, player_id)


def test_hidden_entries_are_left_out(world: World) -> None:
    ada = world.player("ada")
    days_played(world, ada, 7, 9)
    world.services.moderation.hide(ada, world.services.boards.get("race"), "20261122T0000Z", hidden=True)

    assert [each.own.entry.score for each in world.services.history.entries("race", ada, 5).entries] == [9]


def test_a_player_who_never_played_has_no_history(world: World) -> None:
    past = world.services.history.entries("race", world.player(), 5)

    assert (past.entries, past.kept.more) == ([], False)


def test_a_history_takes_two_rounds_and_nothing_for_periods_without_a_record(world: World) -> None:
    ada = world.player("ada")
    days_played(world, ada, 7, None, 1_000_000, None, 9)
    made: list[str] = []
    world.services.boards.get("race")
    world.before(lambda call: made.append(call.operation))

    world.services.history.entries("race", ada, 6)

    assert sorted(made) == ["BatchGetItem", "BatchGetItem", "Query"]


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(records=lists_of_values.filter(bool), order=st.sampled_from(SortOrder), subscores=st.booleans(), data=st.data())
def test_everything_can_be_asked_of_a_past_period(
    records: list[tuple[int, int]], order: SortOrder, subscores: bool, data: st.DataObject
) -> None:
    rules = {"sort_order": order, "subscore_order": SortOrder.ASC if subscores else None, "reset": DAILY}
    crowd = Crowd(board(**rules), records, YESTERDAY)
    services, period = crowd.world.services, data.draw(st.sampled_from(["previous", YESTERDAY]))
    listing = crowd.oracle.listing()
    rank, player_id = data.draw(st.sampled_from(listing))
    line = crowd.oracle.lines[player_id]

    own = services.standings.own("race", period, player_id)
    around = services.standings.around("race", period, player_id, 3)
    page = services.standings.from_rank("race", period, rank, 5)
    [threshold] = services.thresholds.ladder("race", period, [], [Decimal(100)]).thresholds
    prospect = services.thresholds.prospect("race", period, line.score, line.subscore, player_id)
    figures = [
        services.distributions.overview("race", period),
        services.distributions.histogram("race", period, 10),
        services.distributions.bands("race", period, [line.score]),
    ]

    assert (own.entry.rank, own.total) == (prospect.rank, prospect.total) == (rank, len(records))
    assert [(entry.rank, entry.player_id) for entry in around.entries] == crowd.oracle.around(player_id, 3)
    assert [(entry.rank, entry.player_id) for entry in page.entries] == crowd.oracle.page_from(rank, 5)
    assert threshold.shared == listing[-1][0]
    assert [each.total for each in figures] == [len(records)] * 3
    assert figures[2].above == crowd.oracle.count(line.score, 2**63 - 1)
    assert services.thresholds.ladder("race", "current", [1]).thresholds == [Threshold(1, None)]
    assert services.distributions.histogram("race", "current", 1, 0, 0).bars == [Bar(0, 0, 0)]


def test_a_history_reads_four_small_items_a_period() -> None:
    world = World()
    world.board(reset=DAILY)
    ada = world.player("ada")
    days_played(world, ada, *[7] * 30)
    crowd_calls: list[object] = []
    world.services.boards.get("race")
    world.before(crowd_calls.append)

    past = world.services.history.entries("race", ada, 31)

    assert len(past.entries) == 30
    assert nodes_read(crowd_calls) == [31, 100, 20]  # type: ignore[arg-type]  # calls
    assert Oracle.of(world.services.boards.get("race"), world.items("records"), "20261122T0000Z").total == 1
