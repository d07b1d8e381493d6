"""A period is turned once and exactly, whichever call is the last of whoever turns it, and whoever turns it beside."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from itertools import count, pairwise
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from chalicelib.domain.boards import SortOrder
from chalicelib.domain.jobs import LEASE, JobState
from chalicelib.domain.layouts import UNCUT, Layout, Layouts
from chalicelib.domain.rewards import NO_RULES, By, Claiming, Grant, Rule, RuleSet, Tier
from chalicelib.domain.turns import TurnState
from chalicelib.errors import ConflictError, StoreUnavailableError
from chalicelib.services.archives import Pair
from chalicelib.services.archiving import ArchiveState
from chalicelib.services.forms import File, Form
from chalicelib.services.jobs import cursor_of
from chalicelib.services.rebuild import Options
from chalicelib.services.rollcall import DEFAULT_PAGES, Pages
from tests import strategies
from tests.fake_dynamodb import Once, conflict_on, throttle, time_out
from tests.fake_sns import refuse
from tests.oracle import Oracle
from tests.services.turning import HOURLY, PERIOD, RULES, Turning, played, run, submit
from tests.services.works import BUCKET, Works, after_steps, never
from tests.strategies import EXAMPLES
from tests.strikes import Killed, kill
from tests.tables import PREFIX
from tests.world import HandClock, World

SCORES = [5, 5, 7, 40, 41, 4096, 4097, 8192, 100_000, 100_013, 100_013, -3]


CASES = max(40, EXAMPLES // 12)
_MAX_ITEM_BYTES = 400 * 1024


def _rules(by: By, cuts: list[int]) -> list[Rule]:
    """Return rules for the ranges between some places; every second one is claimed on demand."""
    ranges = [(first, last - 1) for first, last in pairwise(sorted(cuts))]
    return [
        Rule(by, *places, (Grant("gold", 1 + number), Grant(f"item-{number}", 1)), list(Claiming)[number % 2])
        for number, places in enumerate(ranges)
    ]


rule_sets = st.builds(
    lambda ranks, percentiles, cutoffs: RuleSet(
        (*_rules(By.RANK, ranks), *_rules(By.PERCENTILE, percentiles), Rule(By.TIER, "low", "low", (Grant("xp", 3),))),
        tuple(Tier(name, cutoff) for name, cutoff in zip(("low", "high"), sorted(cutoffs), strict=True)),
    ),
    ranks=st.lists(st.integers(1, 20), max_size=4, unique=True),
    percentiles=st.lists(st.integers(0, 101), max_size=4, unique=True),
    cutoffs=st.lists(strategies.scores, min_size=2, max_size=2, unique=True),
)


@cache
def _master() -> World:
    world, ids = played(SCORES)
    Turning(world).set_rules(RULES)
    world.services.moderation.hide(ids[3], world.services.boards.get("race"), PERIOD, hidden=True)
    world.clock.advance(hours=1)
    return world


def ended() -> tuple[Turning, Oracle]:
    """Return a period that is over, and what its records say."""
    master = _master()
    turning = Turning(World(client=master.client.copy(), clock=HandClock(master.clock())))
    return turning, turning.oracle()


def test_a_period_is_archived_as_it_stood_and_rewarded() -> None:
    turning, expected = ended()
    turning.world.clock.advance(minutes=2)

    jobs = turning.kept()

    assert jobs[-1].state is JobState.DONE
    turning.check(expected, RULES)
    assert [pair["csv"]["lines"] for pair in turning.manifest()["files"]] == [4, 4, 3]


def test_nothing_is_done_before_the_period_is_frozen() -> None:
    turning, _ = ended()
    use = turning.another_process()

    run(use)
    turning.world.clock.advance(seconds=69)
    run(use)
    with pytest.raises(ConflictError, match="can be turned from 2026-11-22T13:01:10Z on"):
        use.rollover.ended(turning.board, "previous")
    assert not turning.s3.objects
    turning.world.clock.advance(seconds=1)
    run(use)

    assert turning.turn.state is TurnState.DONE


def test_a_score_on_its_way_at_the_end_counts_once_in_the_period_it_ended_in() -> None:
    """Whoever writes it read the clock just before the end, and takes as long as a function may."""
    world, ids = played(SCORES[:5])
    turning = Turning(world)
    turning.set_rules(RULES)
    world.clock.advance(minutes=60, seconds=-1)

    def dawdle(call: Any) -> None:
        if call.operation == "TransactWriteItems":
            world.undisturbed()
            world.clock.advance(seconds=29)
            run(turning.another_process())

    world.before(dawdle)
    submit(world, ids[0], 10**6)
    world.clock.advance(minutes=2)
    turning.kept()

    expected = turning.oracle()
    assert expected.lines[ids[0]].score == 10**6
    turning.check(expected, RULES)
    assert not [item for item in world.items("records") if PERIOD not in item["board_period"]["S"]]


def test_a_score_whose_write_is_repeated_after_the_end_counts_once_in_the_next_period() -> None:
    world, ids = played(SCORES[:5])
    turning = Turning(world)
    turning.set_rules(RULES)
    expected = turning.oracle()
    world.clock.advance(minutes=60, seconds=-1)

    def be_late(call: Any) -> None:
        world.clock.advance(seconds=2)
        conflict_on("")(call)

    world.before(Once(lambda call: call.operation == "TransactWriteItems", be_late, 1))
    submit(world, ids[0], 10**6)
    world.clock.advance(minutes=2)
    turning.kept()

    turning.check(expected, RULES)
    turning.period_id = "20261122T1300Z"
    assert turning.oracle().listing() == [(1, ids[0])]


def test_a_board_that_never_ends_is_not_turned() -> None:
    world = World()
    world.board()
    use = Turning(world).another_process()

    assert run(use) == []
    with pytest.raises(ConflictError, match="period all of board 'race' never ends"):
        use.rollover.ended(use.boards.get("race"), "current")


def test_players_see_how_far_a_period_is() -> None:
    turning, _ = ended()
    services, board = turning.world.services, turning.board

    def told() -> list[tuple[str, int | None]]:
        periods = services.boards.periods(board, 10)
        return [(each.stage.value, each.archived) for each in services.turns.progress(board, periods)]

    assert told() == [("open", None), ("ended", None)]
    turning.world.clock.advance(minutes=2)
    assert told() == [("open", None), ("frozen", None)]
    run(turning.another_process(), after_steps(8))
    assert told() == [("open", None), ("archived", 11)]
    turning.kept()
    assert told() == [("open", None), ("done", 11)]


def struck_at_every_call(strike: Callable[[Turning, Any], None], *, after: bool) -> Iterator[Turning]:
    """Yield turnings that are struck at their first call, at the second, and so on while there is such a call."""
    for number in count():
        turning, _ = ended()
        turning.world.clock.advance(minutes=2)
        calls = count()

        def hook(call: Any, turning: Turning = turning, calls: Iterator[int] = calls, number: int = number) -> None:
            if next(calls) == number:
                turning.undisturbed()
                strike(turning, call)

        turning.hooked(hook, after=after)
        yield turning
        if next(calls) <= number:
            return


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_rollover_killed_at_any_call_is_finished_by_another_process(after: bool) -> None:
    _, expected = ended()
    deaths = 0
    for turning in struck_at_every_call(lambda _, call: kill(call), after=after):
        try:
            run(turning.another_process())
        except Killed:
            deaths += 1
            turning.world.clock.instant += LEASE
        turning.undisturbed()
        turning.kept()
        turning.check(expected, RULES)
    assert deaths > 60


def be_busy(call: Any) -> NoReturn:
    """Refuse a call as AWS does when there are too many."""
    if isinstance(call, str):
        refuse("Throttled", call)
    if call.operation == "TransactWriteItems":
        conflict_on("")(call)
    throttle(call)


@pytest.mark.slow
@pytest.mark.parametrize(("fail", "after"), [(be_busy, False), (time_out, True)], ids=["busy", "reply lost"])
def test_a_rollover_that_fails_at_any_call_is_finished_by_the_next_run(
    fail: Callable[[Any], NoReturn], after: bool
) -> None:
    _, expected = ended()
    for turning in struck_at_every_call(lambda _, call: fail(call), after=after):
        with suppress(StoreUnavailableError):
            run(turning.another_process())
        turning.undisturbed()
        turning.world.clock.advance(minutes=1)
        turning.kept()
        turning.check(expected, RULES)


@pytest.mark.slow
@pytest.mark.parametrize("silent", [False, True], ids=["at once", "thought dead"])
def test_a_rollover_run_twice_at_the_same_time_is_exact(silent: bool) -> None:
    _, expected = ended()

    def run_beside(turning: Turning, call: Any) -> None:
        turning.world.clock.instant += LEASE if silent else LEASE * 0
        run(turning.another_process())

    for turning in struck_at_every_call(run_beside, after=False):
        run(turning.another_process())
        turning.undisturbed()
        turning.kept()
        turning.check(expected, RULES)


@pytest.mark.property
@pytest.mark.slow
@settings(max_examples=CASES)
@given(
    order=strategies.orders,
    layout=strategies.layout,
    scores=st.lists(strategies.scores, max_size=16),
    rules=rule_sets,
    pages=st.builds(Pages, archived=st.integers(1, 7), files=st.integers(1, 3), rewarded=st.integers(1, 5)),
    deaths=st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=5),
)
def test_whatever_is_turned_and_whoever_dies_meanwhile_it_is_exact(  # noqa: PLR0913, PLR0917  # as many as can vary
    order: SortOrder,
    layout: Layout,
    scores: list[int],
    rules: RuleSet,
    pages: Pages,
    deaths: list[tuple[int, bool]],
) -> None:
    world, _ = played(scores, sort_order=order, layouts=Layouts(first=layout))
    rules = rules if order is SortOrder.DESC else RuleSet(rules.rules, tuple(map(_turned_round, rules.tiers)))
    turning = Turning(world, pages=pages)
    turning.set_rules(rules)
    expected = turning.oracle()
    world.clock.advance(hours=1, minutes=2)

    for number, after in deaths:
        _killed_at(turning, number, after=after)
    turning.kept()

    turning.check(expected, rules)


def _turned_round(tier: Tier) -> Tier:
    return Tier(tier.name, -tier.from_score)


def _killed_at(turning: Turning, number: int, *, after: bool) -> None:
    """Run until a call, if there are so many, and wait until another process may take over."""
    calls = count()

    def die(call: Any) -> None:
        if next(calls) == number:
            raise Killed

    turning.hooked(die, after=after)
    with suppress(Killed):
        run(turning.another_process())
    turning.undisturbed()
    turning.world.clock.instant += LEASE


def test_without_rules_nobody_gets_anything() -> None:
    world, _ = played(SCORES)
    turning = Turning(world)
    world.clock.advance(hours=1, minutes=2)

    turning.kept()

    turning.check(turning.oracle(), NO_RULES)


def test_an_empty_period_has_a_manifest_without_files() -> None:
    world, _ = played([])
    turning = Turning(world)
    world.clock.advance(hours=1, minutes=2)

    turning.kept()

    assert turning.archived() == []
    assert turning.turn.state is TurnState.DONE


def test_runs_that_were_missed_are_made_up_for_oldest_first() -> None:
    world, ids = played([1, 2])
    turning = Turning(world)
    world.clock.advance(hours=1)
    submit(world, ids[0], 3)
    world.clock.advance(hours=2, minutes=5)

    jobs = turning.kept()

    assert [job.period_id for job in jobs] == [PERIOD, "20261122T1300Z", "20261122T1400Z"]
    turning.period_id = "20261122T1300Z"
    assert [(line["rank"], line["player_id"]) for line in turning.archived()] == [(1, ids[0])]


def test_what_moderation_does_until_the_manifest_is_in_the_archive() -> None:
    turning, _ = ended()
    turning.world.clock.advance(minutes=2)
    board = turning.world.services.boards.get("race")

    def hide(call: Any) -> None:
        if call.operation == "PutObject" and "part-00003" in call.key:
            turning.undisturbed()
            turning.world.services.moderation.hide(_best(turning), board, PERIOD, hidden=True)

    turning.s3.before.append(hide)
    turning.kept()

    turning.check(turning.oracle(), RULES)


def test_an_item_has_room_for_how_far_an_archive_is_of_a_hundred_million_records() -> None:
    pages, folder = DEFAULT_PAGES, f"archives/{'b' * 64}/{PERIOD}"
    files = [File(f"{folder}/part-05000-00005001.{form}.gz", pages.archived, 10**7, "f" * 64) for form in Form]
    lists = [f"{folder}/list-00005000.json"] * (10**8 // pages.archived // pages.files)

    state = ArchiveState(UNCUT.first, files=[Pair(*files)] * pages.files, lists=lists)

    assert len(cursor_of(state)) < _MAX_ITEM_BYTES / 4


def test_an_archive_stands_though_its_job_was_forgotten_before_the_end() -> None:
    """A job is forgotten when nothing has run for a month; one that begins anew is at its first revision again."""
    turning, expected = ended()
    turning.world.clock.advance(minutes=2)
    run(turning.another_process(), after_steps(8))
    assert turning.turn.state is TurnState.ARCHIVED
    services = turning.world.services
    services.moderation.remove(_best(turning), services.boards.get("race"), PERIOD)
    (job,) = [item for item in turning.world.items("ranks") if item["pk"]["S"].startswith("job#rollover")]
    turning.world.client.delete_item(TableName=f"{PREFIX}ranks", Key={"pk": job["pk"]})

    turning.kept()

    turning.check(expected, RULES)


def test_what_is_wrong_with_one_board_holds_up_no_other() -> None:
    turning, expected = ended()
    turning.world.board("broken", reset=HOURLY)
    turning.world.clock.advance(hours=1, minutes=2)

    def damage(call: Any) -> None:
        if call.operation == "PutObject" and "broken" in call.key:
            raise RuntimeError(call.key)

    turning.s3.before.append(damage)
    with pytest.raises(RuntimeError, match="archives/broken"):
        run(turning.another_process())

    turning.check(expected, RULES)


def test_what_moderation_does_later_changes_no_reward() -> None:
    turning, expected = ended()
    turning.world.clock.advance(minutes=2)
    services = turning.world.services

    def remove(call: Any) -> None:
        if call.operation == "PutObject" and "manifest" in call.key:
            turning.undisturbed()
            services.moderation.remove(_best(turning), services.boards.get("race"), PERIOD)

    turning.s3.after.append(remove)
    turning.kept()

    turning.check(expected, RULES)


def _best(turning: Turning) -> str:
    return turning.oracle().listing()[0][1]


def test_a_listing_that_lags_is_waited_for() -> None:
    world, ids = played(SCORES)
    turning = Turning(world)
    world.client.freeze_indexes()
    submit(world, ids[-1], 10**6)
    world.clock.advance(hours=1, minutes=2)

    waits = run(turning.another_process())
    world.client.thaw_indexes()
    turning.kept()

    assert (waits[-1].state, waits[-1].message) == (JobState.RUNNING, "the listing is behind the records")
    turning.check(turning.oracle(), NO_RULES)


def test_a_record_that_the_listing_has_not_yet_is_waited_for() -> None:
    world, _ = played(SCORES[:4])
    turning = Turning(world)
    world.client.freeze_indexes()
    submit(world, world.player("late"), -(10**6))
    world.clock.advance(hours=1, minutes=2)

    jobs = run(turning.another_process())
    assert jobs[-1].message == "the rank index counts 5, the listing has 4"
    world.client.thaw_indexes()
    turning.kept()

    turning.check(turning.oracle(), NO_RULES)


def test_counters_that_lag_are_waited_for_without_another_walk() -> None:
    world, ids = played(SCORES[:3])
    turning = Turning(world)
    late = world.player("late")
    world.before(Once(lambda call: call.operation == "TransactWriteItems", conflict_on("node#"), 1))
    submit(world, late, 50)
    world.undisturbed()
    world.clock.advance(hours=1, minutes=2)
    use = turning.another_process()

    jobs = run(use)
    assert jobs[-1].message == "the rank index counts 3, the listing has 4"
    world.follow()
    turning.kept(use)

    turning.check(turning.oracle(), NO_RULES)
    assert sum("part-" in name for name in turning.s3.objects) == 2
    assert len(ids) == 3


def test_a_listing_that_is_made_anew_meanwhile_is_walked_anew() -> None:
    turning, expected = ended()
    turning.world.clock.advance(minutes=2)
    works = Works(turning.world, period_id=PERIOD)
    steps = after_steps(5)

    turning.another_process().rollover.keep([turning.board], steps)
    works.rebuilt(Options(slices=1))
    turning.kept()

    turning.check(expected, RULES)


def test_records_that_expire_before_they_are_archived_are_given_up() -> None:
    world, _ = played([1, 2], retention_days=1)
    turning = Turning(world)
    world.clock.advance(hours=1, minutes=2)
    run(turning.another_process(), after_steps(2))
    assert turning.turn.state is TurnState.FROZEN
    world.clock.advance(days=1)

    jobs = turning.kept()

    assert (turning.turn.state, jobs[0].message) == (TurnState.FORGOTTEN, "the records had expired")
    assert {job.state for job in jobs} == {JobState.DONE}


def test_periods_that_expired_before_anything_ran_are_passed_over() -> None:
    world, _ = played([1, 2], retention_days=1)
    world.clock.advance(days=3, minutes=2)

    jobs = Turning(world).kept()

    assert (jobs[0].period_id, jobs[-1].period_id, len(jobs)) == ("20261124T1200Z", "20261125T1100Z", 24)


def test_rewards_of_an_archive_are_given_though_its_records_have_expired() -> None:
    world, _ = played(SCORES, retention_days=1)
    turning = Turning(world)
    turning.set_rules(RULES)
    expected = turning.oracle()
    world.clock.advance(hours=1, minutes=2)
    run(turning.another_process(), after_steps(8))
    assert turning.turn.state is TurnState.ARCHIVED
    world.clock.advance(days=1)

    turning.kept()

    turning.check(expected, RULES)


def test_a_bucket_that_refuses_is_tried_again() -> None:
    turning, expected = ended()
    turning.world.clock.advance(minutes=2)
    turning.s3.buckets.clear()

    jobs = turning.kept(runs=2)
    assert (jobs[-1].state, "NoSuchBucket" in jobs[-1].message) == (JobState.RUNNING, True)
    turning.s3.buckets.add(BUCKET)
    turning.kept()

    turning.check(expected, RULES)


@pytest.mark.parametrize(
    ("code", "line", "message"),
    [
        ("AuthorizationError", "rollover_blocked", "AWS did not do what it was asked to: AuthorizationError"),
        ("Throttled", "job_interrupted", ""),
    ],
)
def test_a_topic_that_refuses_is_tried_again(
    code: str, line: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    turning, expected = ended()
    turning.world.clock.advance(minutes=2)
    turning.sns.before.append(lambda operation: refuse(code, operation))

    jobs = turning.kept(runs=2)
    assert (jobs[-1].state, jobs[-1].phase, jobs[-1].message) == (JobState.RUNNING, "notify", message)
    assert {code in vars(record)["reason"] for record in caplog.records if record.message == line} == {True}
    turning.undisturbed()
    turning.kept()

    turning.check(expected, RULES)


def test_a_deployment_without_a_bucket_turns_nothing_and_says_so() -> None:
    turning, _ = ended()
    turning.world.clock.advance(minutes=2)
    turning.config = structs.replace(turning.config, exports_bucket="")
    use = turning.another_process()

    assert run(use) == []
    with pytest.raises(ConflictError, match="LAUREL_EXPORTS_BUCKET"):
        use.rollover.turn(turning.board, use.rollover.ended(turning.board, "previous"), never)
