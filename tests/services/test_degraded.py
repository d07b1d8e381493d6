"""In the degraded mode standings come from the last good copy, what is optional is refused, and games go on."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from chalicelib.domain.boards import SortOrder
from chalicelib.domain.incidents import Setting
from chalicelib.domain.layouts import Layout, Layouts
from chalicelib.domain.records import Outcome, Submission
from chalicelib.errors import StoreUnavailableError
from chalicelib.services.copies import COPIED, LIFETIME
from chalicelib.services.housekeeping import SHARE
from chalicelib.services.standings import Page
from tests.fake_dynamodb import Call, Once, throttle
from tests.services.works import Works, crowd, never
from tests.tables import PREFIX
from tests.world import World


@dataclass
class Stage:
    """A board, what keeps copies of it, and players who look at it."""

    works: Works = field(default_factory=lambda: Works(World()))

    @property
    def world(self) -> World:
        return self.works.world

    def copy(self) -> int:
        use = self.works.another_process()
        return use.housekeeping.keep(use.boards.all(), use.upkeep.trees(), never).copied

    def degrade(self, setting: Setting = Setting.DEGRADED) -> None:
        self.world.services.incidents.set(setting)

    def top(self, limit: int = 10, board_id: str = "race", period: str = "current") -> Page:
        return self.world.another_process().standings.top(board_id, period, limit)


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.world.board()
    return stage


def breakdown(call: Call) -> None:
    """Let the tables that standings are read from answer nothing."""
    if call.touches(f"{PREFIX}records") or call.touches(f"{PREFIX}ranks"):
        throttle(call)


def shown(page: Page) -> list[tuple[int | None, str, int]]:
    return [(entry.rank, entry.display_name, entry.score) for entry in page.entries]


def test_a_copy_says_what_the_board_said_and_when(stage: Stage) -> None:
    crowd(stage.world, [5, 9, 9, 1])
    live = stage.top()
    copied_at = stage.world.clock()
    assert stage.copy() == 1
    stage.world.clock.advance(minutes=3)
    stage.degrade()
    stage.world.before(breakdown)

    degraded = stage.top()

    assert live.as_of is None
    assert degraded.as_of == copied_at
    assert degraded.entries == live.entries
    assert sorted(shown(degraded)) == [(1, "p1", 9), (1, "p2", 9), (3, "p0", 5), (4, "p3", 1)]


def test_games_go_on_and_are_seen_when_it_is_over(stage: Stage) -> None:
    crowd(stage.world, [5])
    stage.copy()
    stage.degrade()

    result = stage.world.play(stage.world.player(), Submission("race", 7))
    assert result.placements[0].outcome is Outcome.IMPROVED
    assert [entry.score for entry in stage.top().entries] == [5]

    stage.degrade(Setting.AUTOMATIC)
    assert [entry.score for entry in stage.top().entries] == [7, 5]


def test_the_page_after_a_copy_goes_on_where_the_copy_ends(stage: Stage) -> None:
    crowd(stage.world, [9, 8, 7, 6])
    stage.copy()
    stage.degrade()

    first = stage.top(limit=2)
    assert first.next_cursor is not None
    second = stage.world.services.standings.page("race", "current", first.next_cursor, 10)

    assert shown(second) == [(3, "p2", 7), (4, "p3", 6)]
    assert second.as_of is None
    assert stage.top(limit=4).next_cursor is None


def test_a_board_larger_than_its_copy_has_a_next_page(stage: Stage) -> None:
    crowd(stage.world, list(range(COPIED + 1)))
    stage.copy()
    stage.degrade()

    assert len(stage.top(limit=100).entries) == COPIED
    assert stage.top(limit=100).next_cursor is not None


@pytest.mark.parametrize("slices", [0, 1])
@pytest.mark.parametrize("order", SortOrder)
def test_a_board_of_any_kind_is_copied(order: SortOrder, slices: int) -> None:
    stage = Stage()
    stage.world.board(sort_order=order, layouts=Layouts(first=Layout(slices=slices)))
    crowd(stage.world, [5, 7, 4096, 100_000])
    live = stage.top()
    stage.copy()
    stage.degrade()

    assert stage.top().entries == live.entries


def test_what_has_not_changed_is_not_copied_again_until_half_its_life_is_over(stage: Stage) -> None:
    crowd(stage.world, [5])
    stage.copy()
    calls: list[Call] = []
    stage.world.before(calls.append)

    assert stage.copy() == 0
    assert not [call for call in calls if call.operation == "PutItem" and call.touches(f"{PREFIX}notices")]
    stage.world.clock.instant += LIFETIME / 2
    stage.copy()
    assert [call for call in calls if call.operation == "PutItem" and call.touches(f"{PREFIX}notices")]


def test_what_cannot_be_read_keeps_the_copy_it_has(stage: Stage) -> None:
    crowd(stage.world, [5])
    stage.copy()
    stage.degrade()
    hook = Once(lambda call: call.operation == "Query" and call.touches(f"{PREFIX}records"), throttle, times=9)
    stage.world.before(hook)

    use = stage.works.another_process()
    trees = use.upkeep.trees()
    assert use.housekeeping.keep([], trees, never).copied == 0
    assert shown(stage.top()) == [(1, "p0", 5)]


def test_tables_that_do_not_answer_take_a_share_of_a_run_and_never_the_same_boards_turn(stage: Stage) -> None:
    for number in range(11):
        stage.world.board(f"board-{number}")
    crowd(stage.world, [5])
    asked: list[set[str]] = []

    def hang(call: Call) -> None:
        if call.operation == "Query" and call.touches(f"{PREFIX}records"):
            asked[-1].add(str(call.request))
            stage.world.clock.advance(seconds=12)
            throttle(call)

    stage.world.before(hang)
    for _ in range(3):
        asked.append(set())
        began = stage.world.clock()
        stage.copy()
        # A share, and what was begun before it was over.
        assert stage.world.clock() - began < SHARE + timedelta(seconds=13)
        stage.world.clock.instant = began + timedelta(minutes=5, seconds=1)

    assert len(asked[0] | asked[1] | asked[2]) > len(asked[0])


def test_without_a_copy_the_board_is_read_as_ever(stage: Stage) -> None:
    crowd(stage.world, [5])
    stage.degrade()

    page = stage.top()

    assert (shown(page), page.as_of) == ([(1, "p0", 5)], None)


def test_a_copy_of_yesterday_is_none(stage: Stage) -> None:
    crowd(stage.world, [5])
    stage.copy()
    stage.degrade()
    stage.world.clock.instant += LIFETIME + timedelta(seconds=1)

    assert stage.top().as_of is None


def test_a_copy_of_another_version_is_none_and_is_replaced(stage: Stage) -> None:
    crowd(stage.world, [5])
    stage.copy()
    [item] = [each for each in stage.world.items("notices") if each["pk"]["S"].startswith("copy#")]
    stage.world.client.put_item(TableName=f"{PREFIX}notices", Item={**item, "entries": {"S": '[["of", "old"]]'}})
    stage.degrade()
    assert stage.top().as_of is None

    stage.world.clock.advance(minutes=5)
    stage.copy()
    assert stage.top().as_of == stage.world.clock()


def test_a_copy_that_cannot_be_read_is_none(stage: Stage) -> None:
    crowd(stage.world, [5])
    stage.copy()
    stage.degrade()
    stage.world.before(lambda call: throttle(call) if call.touches("copy#") else None)

    assert shown(stage.top()) == [(1, "p0", 5)]


def test_a_copy_is_shown_though_boards_do_not_answer_either(stage: Stage) -> None:
    crowd(stage.world, [5])
    stage.copy()
    stage.degrade()
    warm, cold = stage.world.another_process().standings, stage.world.another_process().standings
    warm.top("race", "current", 10)
    stage.world.clock.advance(seconds=5)
    stage.world.before(lambda call: throttle(call) if not call.touches(f"{PREFIX}notices") else None)

    assert shown(warm.top("race", "current", 10)) == [(1, "p0", 5)]
    with pytest.raises(StoreUnavailableError):
        cold.top("race", "current", 10)


def test_a_copy_is_read_once_in_five_seconds(stage: Stage) -> None:
    crowd(stage.world, [5])
    stage.copy()
    stage.degrade()
    standings = stage.world.another_process().standings
    standings.top("race", "current", 10)
    calls: list[Call] = []
    stage.world.before(calls.append)

    for _ in range(5):
        standings.top("race", "current", 10)

    assert calls == []


def test_a_later_copy_is_never_replaced_by_an_earlier_one(stage: Stage) -> None:
    """Two runs at once: the first has read before the second, and writes after it."""
    ids = crowd(stage.world, [5])

    def other(_: Call) -> None:
        stage.world.undisturbed()
        stage.world.clock.advance(seconds=1)
        stage.world.play(ids[0], Submission("race", 50))
        stage.copy()

    stage.world.before(Once(lambda call: call.operation == "PutItem" and call.touches("copy#"), other))
    stage.copy()
    stage.degrade()

    assert shown(stage.top()) == [(1, "p0", 50)]


def test_the_mode_costs_the_hot_path_one_query_in_five_seconds(stage: Stage) -> None:
    crowd(stage.world, [5])
    standings = stage.world.services.standings
    calls: list[Call] = []
    stage.world.before(calls.append)

    for _ in range(10):
        standings.top("race", "current", 10)

    assert len([call for call in calls if call.touches("incidents#")]) == 1


def test_whoever_plays_asks_nothing_of_the_mode(stage: Stage) -> None:
    calls: list[Call] = []
    stage.world.before(calls.append)

    stage.world.play(stage.world.player(), Submission("race", 7))

    assert not [call for call in calls if call.touches(f"{PREFIX}notices")]
