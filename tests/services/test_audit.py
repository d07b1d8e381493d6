"""An audit finds everything that is wrong, and nothing where records only move."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from datetime import timedelta
from functools import cache
from itertools import count

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.domain.boards import Operator, SortOrder
from chalicelib.domain.jobs import LEASE, JobState
from chalicelib.domain.layouts import Layout, Layouts
from chalicelib.domain.records import Submission
from chalicelib.ranking import bins
from chalicelib.services import upkeep
from chalicelib.services.audit import AuditPhase
from chalicelib.services.inspection import Looks
from chalicelib.services.rebuild import Options
from chalicelib.services.rollcall import Build, Pages
from chalicelib.store import keys
from tests import invariants
from tests.expressions import Item
from tests.fake_dynamodb import Call, conflict_on
from tests.services.works import Works, after_steps, altered, crowd, delete, never, put
from tests.strategies import EXAMPLES
from tests.world import HandClock, World

SCORES = [5, 5, 7, 40, 4096, 4097, 100_000, 100_013, 100_013, -3, 7, 2**40]
LAYOUTS = [Layout(), Layout(lanes=3), Layout(digits=4, slices=1)]
layouts = pytest.mark.parametrize("layout", LAYOUTS, ids=str)


@cache
def _master(layout: Layout) -> tuple[World, list[str]]:
    world = World()
    world.board(operator=Operator.SET, subscore_order=SortOrder.ASC, layouts=Layouts(first=layout))
    ids = crowd(world, SCORES, subscores=[number % 3 for number in range(len(SCORES))])
    return world, ids


def played(layout: Layout = LAYOUTS[0]) -> tuple[Works, list[str]]:
    master, ids = _master(layout)
    return Works(World(client=master.client.copy(), clock=HandClock(master.clock()))), list(ids)


@layouts
@pytest.mark.parametrize("thorough", [False, True])
def test_a_healthy_board_has_no_drift(layout: Layout, thorough: bool) -> None:
    works, _ = played(layout)

    found = works.audited(thorough=thorough)

    assert (found.drift, found.settled, found.records, found.complete) == (0, 0, len(SCORES), True)


def test_an_empty_board_has_no_drift() -> None:
    works = Works(World())
    works.world.board()

    assert (works.audited().drift, works.audited().records) == (0, 0)


@layouts
def test_a_counter_off_by_one_is_found_at_every_level(layout: Layout) -> None:
    works, _ = played(layout)
    for node in works.nodes(1):
        for child in [name for name in node if name.startswith("c")]:
            for step in (-1, 1):
                put(works.world, altered(node, **{child: {"N": str(int(node[child]["N"]) + step)}}))
                assert works.audited(thorough=False).drift >= 1, (node, child, step)
        put(works.world, node)

    assert works.audited(thorough=False).drift == 0


@layouts
def test_a_counter_of_a_child_that_never_was_is_found(layout: Layout) -> None:
    works, _ = played(layout)
    for node in works.nodes(1):
        unused = next(f"c{child}" for child in range(64) if f"c{child}" not in node)
        put(works.world, altered(node, **{unused: {"N": "1"}}))
        assert works.audited(thorough=False).drift >= 1, node
        put(works.world, node)


@layouts
def test_a_deleted_node_is_found(layout: Layout) -> None:
    works, _ = played(layout)
    for node in works.nodes(1):
        delete(works.world, node)
        assert works.audited(thorough=False).drift >= 1, node
        put(works.world, node)


def test_a_counter_where_nobody_is_any_more_is_found() -> None:
    works, ids = played()
    works.world.services.games.submit(ids[-1], Submission("race", 2**50, 0), None)
    emptied = next(node for node in works.nodes(1) if all(node[name] == {"N": "0"} for name in node if name[0] == "c"))

    assert works.audited(thorough=False).drift == 0
    put(works.world, altered(emptied, c3={"N": "2"}))
    assert works.audited(thorough=False).drift >= 1


def mark_of(works: Works, player_id: str) -> Item:
    return next(item for item in works.world.items("ranks") if item["pk"]["S"] == f"mark#race#all#{player_id}")


@layouts
@pytest.mark.parametrize(
    "damage", [{"value": {"N": "-9"}}, {"generation": {"N": "7"}, "value": {"N": "-9"}}], ids=["value", "generation"]
)
def test_a_mark_with_a_wrong_value_is_found(layout: Layout, damage: Item) -> None:
    works, ids = played(layout)

    put(works.world, altered(mark_of(works, ids[0]), **damage))

    assert works.audited(thorough=True).wrong_marks == 1


@layouts
def test_a_lost_mark_is_found(layout: Layout) -> None:
    works, ids = played(layout)

    delete(works.world, mark_of(works, ids[0]))

    assert works.audited(thorough=True).drift >= 1


@pytest.mark.parametrize("player", [0, -1], ids=["among others", "where nobody else is"])
def test_a_mark_of_nobody_is_found(player: int) -> None:
    works, ids = played()
    record = next(item for item in works.world.items("records") if item["player_id"]["S"] == ids[player])
    key = {name: record[name] for name in ("player_id", "board_period")}

    works.world.client._make_api_call("DeleteItem", {"TableName": "laurel-test-records", "Key": key})  # noqa: SLF001  # as nobody should

    assert works.audited(thorough=False).drift >= 1


def test_an_index_that_is_wrong_all_over_is_looked_at_in_places_only() -> None:
    world = World()
    world.board()
    crowd(world, [number * 1000 for number in range(130)])
    works = Works(world, pages=Pages(counted=30))
    for node in works.nodes(1):
        put(world, {name: value if name[0] != "c" else {"N": "9"} for name, value in node.items()})

    found = works.audited(thorough=False)

    assert not found.complete
    assert found.drift == 100


def unsettle(works: Works, act: Callable[[], object]) -> None:
    """Do something whose records get stored and whose places are left for later."""
    hook = conflict_on("node#")

    def contend(call: Call) -> None:
        if call.operation == "TransactWriteItems" and call.touches("node#"):
            hook(call)

    works.world.before(contend)
    act()
    works.world.undisturbed()


@layouts
@pytest.mark.parametrize("thorough", [False, True])
def test_records_that_were_never_settled_are_settled_and_told(layout: Layout, thorough: bool) -> None:
    works, ids = played(layout)
    games = works.world.services.games
    unsettle(works, lambda: games.submit(ids[0], Submission("race", 77_000), None))
    unsettle(works, lambda: games.submit(works.world.player("late"), Submission("race", 8), None))

    found = works.audited(thorough=thorough)

    assert found.drift == 0
    assert found.settled == 2
    invariants.check(works.world)


def test_a_counter_that_is_right_at_one_of_several_looks_is_right() -> None:
    works, ids = played()
    moving = Submission("race", 77_000)
    path = bins.place(bins.shape_of(works.board, works.layout), works.board.value(SCORES[3], 0)).path
    unsettle(works, lambda: works.world.services.games.submit(ids[3], moving, None))
    build, looks = Build(works.board, "all", works.layout), Looks()

    assert works.use.inspector.difference(build, path, looks) == 1
    assert works.use.inspector.persistent_difference(build, path, looks) == 1
    others = works.world.another_process().games
    works.on_pause = lambda: others.submit(ids[3], Submission("race", 77_001), None)
    assert works.use.inspector.persistent_difference(build, path, looks) == 0


plans = st.dictionaries(st.integers(0, 60), st.integers(0, 10_000), max_size=12)


@pytest.mark.property
@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@given(
    layout=st.sampled_from(LAYOUTS),
    thorough=st.booleans(),
    plan=plans,
    busy=st.sets(st.integers(0, 60), max_size=10),
    lags=st.sets(st.integers(0, 60), max_size=3),
)
@example(layout=LAYOUTS[0], thorough=False, plan={0: 3014, 1: 854}, busy={0}, lags=set())  # away and back
@example(layout=LAYOUTS[0], thorough=False, plan={18: 1837, 47: 3625}, busy={18, 47}, lags=set())  # twice unseen
def test_nothing_is_wrong_on_a_live_board(
    layout: Layout, thorough: bool, plan: dict[int, int], busy: set[int], lags: set[int]
) -> None:
    works, ids = played(layout)
    live(works, ids, plan, busy, lags)

    found = works.audited(thorough=thorough)

    assert found.drift == 0
    check_at_rest(works)


@pytest.mark.property
@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@given(layout=st.sampled_from(LAYOUTS), plan=plans, busy=st.sets(st.integers(0, 60), max_size=10))
def test_an_audit_settles_what_no_stream_brings(layout: Layout, plan: dict[int, int], busy: set[int]) -> None:
    works, ids = played(layout)
    live(works, ids, plan, busy, followed=False)

    works.audited()

    check_at_rest(works)


def test_players_who_leave_a_bin_one_after_the_other_and_are_not_settled_are_no_drift() -> None:
    works, ids = played()
    live(works, ids, {10: 2658, 27: 9584, 59: 9763}, {10, 27, 59}, followed=False)

    found = works.audited(thorough=False)

    assert (found.drift, found.passes) == (0, 3)


def live(  # noqa: PLR0913  # what may happen on a board
    works: Works,
    ids: list[str],
    plan: dict[int, int],
    busy: set[int],
    lags: AbstractSet[int] = frozenset(),
    *,
    followed: bool = True,
) -> None:
    """Have others submit while an audit works.

    Args:
        plan: Who submits what, by the call of the audit before which it happens.
        busy: At which calls the index is too busy for a submission.
        lags: At which calls the listings stop following; they catch up in each wait.
        followed: Whether the stream brings what was too busy, in each wait.
    """
    writer = works.world.another_process()
    turns, asleep = count(), list[int]()

    def traffic(call: Call) -> None:
        if call.operation == "TransactWriteItems" and call.touches("node#") and asleep and asleep[0] in busy:
            conflict_on("node#")(call)
        if asleep:
            return
        asleep.append(next(turns))
        if asleep[0] in lags:
            works.world.client.freeze_indexes()
        seed = plan.get(asleep[0])
        if seed is not None:
            writer.games.submit(ids[seed % len(ids)], Submission("race", SCORES[seed % 7] + seed % 3, seed % 4), None)
        asleep.clear()

    def catch_up() -> None:
        works.world.client.thaw_indexes()
        if followed:
            asleep.append(-1)
            works.world.follow()
            asleep.clear()

    works.on_wait = catch_up
    works.world.before(traffic)


def check_at_rest(works: Works) -> None:
    """Assert that all is right when nobody plays any more, as another audit says too."""
    works.world.undisturbed()
    works.world.client.thaw_indexes()
    assert works.audited(thorough=True).drift == 0
    invariants.check(works.world, followed=False)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_an_audit_goes_on_where_it_stopped(steps: int) -> None:
    works, _ = played()
    wrong = works.nodes(1)[2]
    put(works.world, altered(wrong, c60={"N": "1"}))
    job = works.use.upkeep.begin_audit(works.board, "all", thorough=True)
    seen = []

    while job.state is JobState.RUNNING:
        works.use = works.another_process()
        job = works.use.upkeep.advance_audit(job, after_steps(steps))
        works.wait(job)
        seen.append((upkeep.found(job).passes, job.phase != AuditPhase.WALK, job.done))

    assert len(seen) > len(SCORES) / works.pages.counted / steps
    assert seen == sorted(seen)
    assert (job.done, upkeep.found(job).passes, upkeep.found(job).drift) == (len(SCORES), 2, 2)


def test_an_audit_begins_anew_when_the_index_was_rebuilt_under_it() -> None:
    works, _ = played()
    job = works.use.upkeep.begin_audit(works.board, "all", thorough=False)
    job = works.use.upkeep.advance_audit(job, after_steps(2))
    works.rebuilt(Options(digits=4))
    works.world.clock.instant += LEASE

    job = works.another_process().upkeep.advance_audit(job, never)

    found = upkeep.found(job)
    assert (job.state, found.generation, found.records, found.drift) == (JobState.DONE, 2, len(SCORES), 0)


def test_a_thorough_audit_takes_the_place_of_a_quick_one() -> None:
    works, _ = played()
    quick = works.use.upkeep.begin_audit(works.board, "all", thorough=False)
    works.world.clock.advance(seconds=1)

    thorough = works.use.upkeep.begin_audit(works.board, "all", thorough=True)

    assert thorough.job_id != quick.job_id
    assert works.use.upkeep.begin_audit(works.board, "all", thorough=False).job_id == thorough.job_id


def test_drift_is_logged_as_a_metric_without_the_board_among_its_dimensions(caplog: pytest.LogCaptureFixture) -> None:
    works, _ = played()
    delete(works.world, works.nodes(1)[0])
    caplog.set_level("INFO", "laurel")

    works.audited(thorough=False)

    line = next(record for record in caplog.records if record.message == "audit_finished")
    metrics = vars(line)["_aws"]["CloudWatchMetrics"][0]
    assert vars(line)["rank_drift"] >= 1
    assert metrics["Dimensions"] == [["service", "stage"]]
    assert {each["Name"] for each in metrics["Metrics"]} == {"rank_drift", "records_settled_late"}


class TestUpkeep:
    def test_every_board_is_audited_once_a_day_in_its_last_two_periods(self) -> None:
        world = World()
        world.board("race", reset="0 0 * * *")
        world.board("duel")
        crowd(world, [1, 2, 3])
        world.clock.advance(days=1)
        works = Works(world)

        first = works.use.upkeep.keep(never)
        again = works.use.upkeep.keep(never)
        world.clock.advance(days=1)
        next_day = works.use.upkeep.keep(never)

        assert [(job.board_id, job.period_id, job.state) for job in first] == [
            ("duel", "all", JobState.DONE),
            ("race", "20261123T0000Z", JobState.DONE),
            ("race", "20261122T0000Z", JobState.DONE),
        ]
        assert again == []
        assert [job.period_id for job in next_day] == ["all", "20261124T0000Z", "20261123T0000Z"]

    def test_drift_is_told_until_its_own_board_is_exact_whatever_audits_of_others_find(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        works, _ = played()
        works.world.board("duel")
        put(works.world, altered(works.nodes(1)[0], c5={"N": "3"}))
        drift = works.audited().drift
        caplog.set_level("INFO", "laurel")
        caplog.clear()

        for _ in range(2):  # an audit of the other board in the first run, none in the second
            works.another_process().upkeep.keep(never)
        works.rebuilt()
        works.another_process().upkeep.keep(never)

        told = [vars(record)["rank_drift"] for record in caplog.records if record.message == "drift_known"]
        assert told == [drift, drift, 0]
        assert drift
        others = [vars(record)["rank_drift"] for record in caplog.records if record.message == "audit_finished"]
        assert others == [0]

    def test_a_board_that_something_is_wrong_with_holds_up_no_other_one(self) -> None:
        world = World()
        world.board("apple")
        world.board("race")
        crowd(world, [1, 2, 3])
        works = Works(world)
        broken = works.use.upkeep.begin_audit(works.use.boards.get("apple"), "all", thorough=False)
        item = next(each for each in world.items("ranks") if each["pk"]["S"] == keys.job(broken.kind, "apple", "all"))
        put(world, {**item, "cursor": {"S": "no JSON"}})

        with pytest.raises(msgspec.DecodeError):
            works.another_process().upkeep.keep(never)

        audit = works.use.upkeep.find_audit("race", "all")
        assert audit is not None
        assert audit.state is JobState.DONE

    def test_it_goes_on_with_a_rebuild_that_nobody_works_on(self) -> None:
        works, _ = played()
        works.use.rebuild.begin(works.board, "all", Options(lanes=2))

        for _ in range(10):
            works.another_process().upkeep.keep(never)
            works.world.clock.advance(seconds=70)

        assert (works.rebuild_job().state, works.layout.lanes) == (JobState.DONE, 2)

    def test_it_stops_when_there_is_no_time_left_and_goes_on_later(self) -> None:
        works, _ = played()

        first = works.use.upkeep.keep(after_steps(2))
        rest = list(_until_done(works))

        assert first[0].phase == AuditPhase.WALK
        assert 0 < first[0].done < len(SCORES)
        assert rest[-1] == JobState.DONE

    def test_a_job_in_the_hands_of_a_runner_is_left_alone(self) -> None:
        works, _ = played()
        job = works.use.upkeep.begin_audit(works.board, "all", thorough=False)
        dynamo_hook: list[list[object]] = []

        def look(call: Call) -> None:
            if call.operation == "Query" and not dynamo_hook:
                dynamo_hook.append([])
                jobs = works.another_process().upkeep.keep(never)
                dynamo_hook[0] += [job.done for job in jobs]

        works.world.before(look)
        works.use.upkeep.advance_audit(job, never)

        assert dynamo_hook == [[0]]


def _until_done(works: Works) -> Iterator[JobState]:
    while True:
        works.world.clock.instant += timedelta(seconds=1)
        jobs = works.use.upkeep.keep(after_steps(2))
        yield jobs[0].state
        if jobs[0].state is JobState.DONE:
            return
