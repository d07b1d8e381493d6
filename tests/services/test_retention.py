"""What is long forgotten goes, whoever dies and whatever was missed; what is kept stays."""

from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.domain import retention
from chalicelib.domain.boards import Board
from chalicelib.domain.jobs import LEASE, JobState
from chalicelib.domain.layouts import Layout, Layouts
from chalicelib.domain.records import Submission
from chalicelib.domain.retention import LATE
from chalicelib.errors import StoreUnavailableError
from chalicelib.services.abandonment import census_of
from chalicelib.services.retention import sweep_of
from tests.services.works import Works, after_steps, crowd, never
from tests.strategies import EXAMPLES
from tests.world import EPOCH, World

DAY = timedelta(days=1)
LAYOUTS = [Layout(), Layout(slices=1)]


def played(days: int, layout: Layout = LAYOUTS[0], retention_days: int | None = 1) -> Works:
    """Return a daily board on which four players played on each of some days, seen on the last."""
    works = Works(World())
    works.world.board(reset="0 0 * * *", retention_days=retention_days, layouts=Layouts(first=layout))
    players = [works.world.player(f"p{number}") for number in range(4)]
    for day in range(days):
        works.world.clock.instant = EPOCH + day * DAY
        for number, player_id in enumerate(players):
            works.world.play(player_id, Submission("race", 10**number))
    return works


def keep(works: Works, steps: int | None = None) -> None:
    use = works.another_process()
    use.housekeeping.keep(use.boards.all(), [], never if steps is None else after_steps(steps))


def left(works: Works) -> dict[str, int]:
    """Return how many records there are, by day."""
    found: dict[str, int] = {}
    for item in works.world.items("records"):
        day = item["board_period"]["S"].partition("#")[2][:8]
        found[day] = found.get(day, 0) + 1
    return found


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_what_expired_days_ago_is_deleted_and_nothing_else(layout: Layout) -> None:
    works = played(7, layout)

    keep(works)

    # A day ends at midnight, is kept for one more, and DynamoDB has three to delete it by itself.
    assert left(works) == {"20261124": 4, "20261125": 4, "20261126": 4, "20261127": 4, "20261128": 4}


def test_what_is_kept_for_ever_stays() -> None:
    works = played(7, retention_days=None)

    keep(works)

    assert sum(left(works).values()) == 28
    assert works.world.items("ranks")


def test_a_job_says_how_many_it_deleted() -> None:
    works = played(7)
    use = works.another_process()

    kept = use.housekeeping.keep(use.boards.all(), [], never)

    [job] = kept.retention
    assert (job.state, job.done, job.board_id) == (JobState.DONE, 8, "race")
    assert sweep_of(job).until == EPOCH.replace(hour=0) + 2 * DAY
    assert use.housekeeping.keep(use.boards.all(), [], never).retention == [], "nothing is due"


def test_days_that_nobody_looked_at_are_made_up_for() -> None:
    works = played(3)
    keep(works)
    works.world.clock.instant += 30 * DAY

    keep(works)

    assert left(works) == {}


def test_a_job_that_is_forgotten_begins_with_the_first_period() -> None:
    works = played(5)
    works.world.clock.instant += 30 * DAY
    keep(works)
    forget_jobs(works)

    keep(works)

    assert left(works) == {}


def forget_jobs(works: Works) -> None:
    for item in works.world.items("ranks"):
        if item["pk"]["S"].startswith("job#"):
            works.world.client.delete_item(TableName="laurel-test-ranks", Key={"pk": item["pk"]})


@given(
    st.lists(st.integers(0, 14), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=4),
)
@settings(max_examples=EXAMPLES // 2)
def test_whoever_dies_and_whenever_it_runs_all_that_is_due_goes_and_nothing_else(
    runs: list[int], deaths: list[tuple[int, bool]]
) -> None:
    works = played(3)
    last = works.world.clock()
    dies = dict(deaths)
    calls = iter(range(10_000))

    def disturb(after: bool) -> None:
        if dies.get(next(calls)) is after:
            raise StoreUnavailableError("died")

    works.world.before(lambda _: disturb(after=False))
    works.world.after(lambda _: disturb(after=True))
    for day in sorted(runs):
        works.world.clock.instant = max(last + day * DAY, works.world.clock()) + LEASE
        try:
            keep(works, steps=3)
        except StoreUnavailableError:
            continue
        assert left(works).items() >= still_kept(works, last).items()
    works.world.undisturbed()
    works.world.clock.instant += LEASE
    keep(works)

    assert left(works) == still_kept(works, last)


def still_kept(works: Works, last: datetime) -> dict[str, int]:
    """Return what the rule says is left: days that ended less than a day and three days ago."""
    days = [last - 2 * DAY, last - DAY, last]
    midnight = {day: day.replace(hour=0, minute=0, second=0) + DAY for day in days}
    return {f"{day:%Y%m%d}": 4 for day in days if works.world.clock() < midnight[day] + DAY + LATE}


def test_a_board_that_never_ends_has_nothing_to_sweep() -> None:
    board = Board(board_id="b", title="B", created_at=EPOCH, retention_days=1)

    assert retention.due(board, None, EPOCH + 1000 * DAY) is None
    assert retention.due(replace(board, retention_days=None, reset="0 0 * * *"), None, EPOCH + 1000 * DAY) is None


@given(st.integers(1, 9), st.integers(0, 40))
def test_periods_are_due_oldest_first_until_the_first_that_is_kept(kept: int, later: int) -> None:
    board = Board(board_id="b", title="B", created_at=EPOCH, retention_days=kept, reset="0 0 * * *")
    now = EPOCH + later * DAY
    ends: list[datetime] = []
    while (period := retention.due(board, ends[-1] if ends else None, now)) is not None:
        assert period.end is not None
        ends.append(period.end)

    first = EPOCH.replace(hour=0) + DAY
    assert ends == [first + n * DAY for n in range(50) if first + n * DAY + kept * DAY + LATE <= now]


@pytest.fixture
def games() -> Works:
    """One open game, one that nobody ended in time, one that was ended, and a receipt."""
    works = Works(World())
    works.world.board()
    player_id = crowd(works.world, [5])[0]
    works.world.services.games.start(player_id, "classic")
    works.world.clock.instant += 2 * DAY
    works.world.services.games.start(player_id, "classic")
    works.world.play(player_id, Submission("race", 7))
    return works


def counted(works: Works, *, anew: bool = False) -> dict[str, int]:
    use = works.another_process()
    job = use.housekeeping.keep([], [], never, anew=anew).games
    assert job is not None
    census = census_of(job)
    return {"looked_at": census.looked_at, "stale": census.stale, "deleted": census.deleted}


def test_games_that_nobody_ended_are_counted(games: Works) -> None:
    assert counted(games) == {"looked_at": 4, "stale": 1, "deleted": 0}


def test_games_are_counted_once_a_day_or_when_asked_for(games: Works) -> None:
    counted(games)
    use = games.another_process()

    assert use.housekeeping.keep([], [], never).games is None
    assert counted(games, anew=True)["stale"] == 1
    games.world.clock.instant += DAY
    assert counted(games)["stale"] == 2


def test_what_dynamodb_should_have_deleted_days_ago_is_deleted(games: Works) -> None:
    ends = sorted(int(item["expires_at"]["N"]) for item in games.world.items("games"))
    games.world.clock.instant = datetime.fromtimestamp(ends[1], tz=EPOCH.tzinfo) + LATE

    assert counted(games) == {"looked_at": 4, "stale": 2, "deleted": 2}
    assert sorted(int(item["expires_at"]["N"]) for item in games.world.items("games")) == ends[2:]


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=5), st.integers(1, 3))
@settings(max_examples=EXAMPLES // 2)
def test_a_count_goes_on_where_another_died(deaths: list[tuple[int, bool]], at_once: int) -> None:
    """What was looked at before a step was saved is looked at anew: nothing is counted twice."""
    works = Works(World())
    works.world.board()
    player_id = works.world.player()
    for _ in range(7):
        works.world.services.games.start(player_id, "classic")
    works.world.clock.instant += 2 * DAY
    works.world.client.page_size = at_once
    dies = dict(deaths)
    calls = iter(range(10_000))

    def disturb(after: bool) -> None:
        if dies.get(next(calls)) is after:
            raise StoreUnavailableError("died")

    works.world.before(lambda _: disturb(after=False))
    works.world.after(lambda _: disturb(after=True))
    for _ in range(len(deaths) + 1):
        with suppress(StoreUnavailableError):
            works.another_process().housekeeping.keep([], [], after_steps(2))
        works.world.clock.instant += LEASE
    works.world.undisturbed()
    use = works.another_process()
    use.housekeeping.keep([], [], never)
    works.world.clock.instant += 2 * DAY

    assert counted(works)["stale"] == 7
