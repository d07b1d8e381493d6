"""A rebuild changes nothing but the layout, whatever comes between its calls, and whichever of them is its last."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.bootstrap.serving import Services
from chalicelib.domain.boards import Board, Operator, SortOrder
from chalicelib.domain.jobs import LEASE, Job, JobState
from chalicelib.domain.layouts import Layout
from chalicelib.domain.records import Submission
from chalicelib.errors import ConflictError, ContendedError, MalformedError, RecordNotFoundError, StoreUnavailableError
from chalicelib.services.rebuild import Options, RebuildPhase
from tests import invariants
from tests.fake_dynamodb import Call, Hook, conflict_on, throttle
from tests.oracle import Oracle
from tests.services.histories import ranked
from tests.services.works import Works, after_steps, altered, crowd, delete, never, put
from tests.strategies import EXAMPLES
from tests.strikes import Killed, kill
from tests.world import HandClock, World

SCORES = [5, 5, 7, 40, 41, 4096, 4097, 8192, 100_000, 100_013, 100_013, -3]
CHANGES = [
    Options(),
    Options(lanes=3),
    Options(digits=4),
    Options(slices=1),
    Options(digits=4, lanes=2, slices=1),
]
changes = pytest.mark.parametrize("options", CHANGES, ids=str)
options = st.sampled_from(CHANGES)


@cache
def _master(options: Options | None) -> tuple[World, list[str]]:
    world = World()
    world.board(operator=Operator.SET, subscore_order=SortOrder.ASC)
    ids = crowd(world, SCORES, subscores=[number % 3 for number in range(len(SCORES))])
    world.services.moderation.hide(ids[3], world.services.boards.get("race"), "all", hidden=True)
    if options is not None:
        Works(world).rebuilt(options)
    return world, ids


def played(first: Options | None = None) -> tuple[Works, list[str]]:
    """Return a board with records of its own, copied from one that was played before."""
    master, ids = _master(first)
    return Works(World(client=master.client.copy(), clock=HandClock(master.clock()))), list(ids)


def check_all(works: Works, *, followed: bool = True) -> None:
    """Assert that everything agrees, and that nothing is left of any other build."""
    invariants.check(works.world, followed=followed)
    kept = works.layout.generation
    generations = {item["pk"]["S"].split("#")[3] for item in works.world.items("ranks") if "node#" in item["pk"]["S"]}
    assert generations == {str(kept)}
    attribute = {"a": "standing_b", "b": "standing"}[works.layout.listing]
    assert not [item for item in works.world.items("records") if attribute in item]


@changes
@pytest.mark.parametrize("first", [None, Options(slices=1)], ids=str)
def test_a_rebuild_ends_with_the_layout_wanted_and_every_rank_as_before(
    options: Options, first: Options | None
) -> None:
    works, _ = played(first)
    before = works.layout
    ranks = works.world.ranks()

    job = works.rebuilt(options)

    wanted = options.applied(before, before.generation)
    assert (job.state, works.layout, works.board.indexing("all").also_written) == (JobState.DONE, wanted, ())
    assert works.world.ranks() == ranks
    assert Works(works.world).world.another_process().standings.total("race", "current")[2] == len(SCORES) - 1
    check_all(works)


def test_an_empty_board_is_rebuilt_too() -> None:
    works = Works(World())
    works.world.board()

    assert works.rebuilt(Options(digits=4, slices=1)).state is JobState.DONE
    crowd(works.world, [1, 2])
    check_all(works)


@pytest.mark.parametrize("damage", ["counter", "node", "root", "mark", "wrong mark"])
def test_a_rebuild_with_the_same_options_heals(damage: str) -> None:
    works, ids = played()
    items = {item["pk"]["S"]: item for item in works.world.items("ranks")}
    nodes = sorted(
        (item for key, item in items.items() if key.startswith("node#")), key=lambda item: len(item["pk"]["S"])
    )
    mark = items[f"mark#race#all#{ids[0]}"]
    match damage:
        case "counter":
            put(works.world, altered(nodes[-1], c63={"N": "5"}))
        case "node":
            delete(works.world, nodes[-1])
        case "root":
            delete(works.world, nodes[0])
        case "mark":
            delete(works.world, mark)
        case _:
            put(works.world, altered(mark, value={"N": "77"}))

    assert works.rebuilt().state is JobState.DONE

    invariants.check(works.world)
    assert works.audited().drift == 0


Action = Callable[[Works, list[str], Services, int], object]


def _submit(works: Works, ids: list[str], services: Services, seed: int) -> object:
    submission = Submission("race", SCORES[seed % len(SCORES)] + seed % 7 - 3, seed % 4)
    return services.games.submit(ids[seed % len(ids)], submission, None)


def _join(works: Works, ids: list[str], services: Services, seed: int) -> object:
    ids.append(works.world.player(f"new-{len(ids)}"))
    return services.games.submit(ids[-1], Submission("race", seed * 1000 % 300_000), None)


def _play(works: Works, ids: list[str], services: Services, seed: int) -> object:
    game = services.games.start(ids[seed % len(ids)], "classic")
    return services.games.end(ids[seed % len(ids)], game.game_id, [Submission("race", -seed)])


def _hide(works: Works, ids: list[str], services: Services, seed: int) -> object:
    board = services.boards.get("race")
    return services.moderation.hide(ids[seed % len(ids)], board, "all", hidden=bool(seed // len(ids) % 2))


def _remove(works: Works, ids: list[str], services: Services, seed: int) -> object:
    services.moderation.remove(ids[seed % len(ids)], services.boards.get("race"), "all")
    return None


def _rename(works: Works, ids: list[str], services: Services, seed: int) -> object:
    return services.players.change(ids[seed % len(ids)], display_name=f"name-{seed}", locale=None, metadata=None)


ACTIONS: dict[str, Action] = {
    "submit": _submit,
    "join": _join,
    "play": _play,
    "hide": _hide,
    "remove": _remove,
    "rename": _rename,
}


@dataclass
class Traffic:
    """Operations of other processes, done between the calls of a rebuild; after each, everything read is exact."""

    works: Works
    ids: list[str]
    plan: dict[int, list[tuple[str, int]]]
    calls: int = 0
    asleep: bool = False
    writer: Services = field(init=False)
    reader: Services = field(init=False)

    def __post_init__(self) -> None:
        self.writer, self.reader = self.works.world.another_process(), self.works.world.another_process()
        self.reader.standings.top("race", "current", 1)

    def __call__(self, call: Call) -> None:
        del call
        if self.asleep:
            return
        self.asleep = True
        for name, seed in self.plan.get(self.calls, ()):
            try:
                ACTIONS[name](self.works, self.ids, self.writer, seed)
            except RecordNotFoundError:
                assert name in {"hide", "remove"}
            check_reads(self.works, self.reader)
        self.calls += 1
        self.asleep = False


def check_reads(works: Works, reader: Services) -> None:
    """Assert that a process that may still know the layouts of a moment ago reads every rank as the records say."""
    oracle = Oracle.of(works.board, works.world.items("records"), "all")
    assert ranked(reader.standings.top("race", "current", 100)) == oracle.listing()
    for player_id, line in oracle.lines.items():
        own = reader.standings.own("race", "current", player_id)
        assert (own.entry.rank, own.entry.score, own.total) == (oracle.rank_of(player_id), line.score, oracle.total)


plans = st.dictionaries(
    st.integers(0, 400),
    st.lists(st.tuples(st.sampled_from(sorted(ACTIONS)), st.integers(0, 1000)), min_size=1, max_size=3),
)


@pytest.mark.property
@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@given(options=options, plan=plans, first=st.sampled_from([None, Options(slices=1)]))
def test_traffic_between_the_calls_of_a_rebuild_is_counted_once_and_read_exactly(
    options: Options, plan: dict[int, list[tuple[str, int]]], first: Options | None
) -> None:
    works, ids = played(first)
    traffic = Traffic(works, ids, plan)
    works.world.before(traffic)

    job = works.rebuilt(options)

    works.world.undisturbed()
    assert job.state is JobState.DONE, job.message
    check_reads(works, works.world.another_process())
    check_all(works)


@pytest.mark.property
@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@given(
    options=options,
    plan=plans,
    busy=st.sets(st.integers(0, 200), max_size=40),
    lags=st.sets(st.integers(0, 400), max_size=5),
)
def test_settles_that_gave_up_and_listings_that_lag_are_found_and_made_up_for(
    options: Options, plan: dict[int, list[tuple[str, int]]], busy: set[int], lags: set[int]
) -> None:
    works, ids = played()
    works.on_wait = works.world.client.thaw_indexes
    turns = count()

    def contend(call: Call) -> None:
        if call.operation == "TransactWriteItems" and call.touches("node#") and next(turns) in busy:
            conflict_on("node#")(call)

    traffic = Traffic(works, ids, plan)
    traffic.reader = works.world.another_process()
    works.world.before(contend)
    works.world.before(_without_checks(traffic, lags))

    job = works.rebuilt(options)

    works.world.undisturbed()
    works.world.client.thaw_indexes()
    assert job.state is JobState.DONE, job.message
    assert works.audited().drift == 0
    check_all(works, followed=False)


def _without_checks(traffic: Traffic, lags: set[int]) -> Hook:
    """Return the traffic without a look at what is read: what is not settled or listed yet is not shown yet.

    Args:
        lags: At which calls the listings stop following; they catch up in each wait.
    """

    def act(call: Call) -> None:
        del call
        if traffic.asleep:
            return
        traffic.asleep = True
        if traffic.calls in lags:
            traffic.works.world.client.freeze_indexes()
        for name, seed in traffic.plan.get(traffic.calls, ()):
            try:
                ACTIONS[name](traffic.works, traffic.ids, traffic.writer, seed)
            except (RecordNotFoundError, ContendedError):
                assert name != "join"
        traffic.calls += 1
        traffic.asleep = False

    return act


def at_every_write(act: Hook, *, after: bool = False) -> Iterator[Works]:
    """Yield works in which something happens at the first write of a runner, then at the second, and so on.

    Reads leave nothing behind: what ends a process at one of them ends it before the next write.
    """
    for number in count():
        works, _ = played()
        turns = count()
        happened: list[int] = []

        def strike(call: Call, number: int = number, turns: Iterator[int] = turns, done: list[int] = happened) -> None:
            if (call.writes or call.operation == "BatchWriteItem") and next(turns) == number:
                done.append(number)
                act(call)

        (works.world.after if after else works.world.before)(strike)
        yield works
        if not happened:
            return


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("options", [Options(lanes=2), Options(slices=1)], ids=str)
def test_a_rebuild_killed_at_any_write_is_finished_by_another_process(options: Options, after: bool) -> None:
    for works in at_every_write(kill, after=after):
        try:
            works.rebuilt(options)
        except Killed:
            works.world.undisturbed()
            works.world.clock.instant += LEASE
            works.use = works.another_process()
            begun = works.use.rebuild.find("race", "all")
            job = works.rebuilt(options) if begun is None else works.finished(begun)
            assert job.state is JobState.DONE
        works.world.undisturbed()
        check_all(works)
        assert works.layout.generation == 2


@pytest.mark.slow
@pytest.mark.parametrize("options", [Options(lanes=2), Options(slices=1)], ids=str)
def test_a_rebuild_throttled_at_any_write_goes_on(options: Options) -> None:
    for works in at_every_write(throttle):
        job = None
        while job is None or job.state is JobState.RUNNING:
            try:
                job = works.rebuilt(options) if job is None else works.finished(job)
            except StoreUnavailableError:
                works.world.clock.instant += LEASE
                job = works.use.rebuild.find("race", "all")
        works.world.undisturbed()
        check_all(works)


def after(steps: int, options: Options) -> tuple[Works, list[str], Job]:
    """Return a rebuild that has gone so far."""
    works, ids = played()
    job = works.use.rebuild.begin(works.board, "all", options)
    for _ in range(steps):
        job = works.use.rebuild.advance(job, after_steps(1))
        works.wait(job)
    return works, ids, job


@pytest.mark.parametrize("options", [Options(lanes=2), Options(slices=1)], ids=str)
def test_a_rebuild_can_be_given_up_at_every_step_before_the_switch(options: Options) -> None:
    works, ids, job = after(1, options)
    for steps in count(2):
        job = works.finished(works.use.rebuild.abort(job))
        assert (job.state, works.layout, works.nodes(2)) == (JobState.ABORTED, Layout(), [])
        works.world.play(ids[0], Submission("race", 1))
        check_all(works)
        assert works.rebuilt(options).state is JobState.DONE
        assert works.layout.generation == 3
        check_all(works)
        works, ids, job = after(steps, options)
        if job.phase == RebuildPhase.FORGET:
            break
    with pytest.raises(ConflictError, match="no longer"):
        works.use.rebuild.abort(job)


def test_a_rebuild_given_up_while_its_switch_is_under_way_is_finished() -> None:
    works, _ = played()
    job = works.use.rebuild.begin(works.board, "all", Options(lanes=2))
    while job.phase != RebuildPhase.SWITCH:
        job = works.use.rebuild.advance(job, after_steps(1))
        works.wait(job)
    aborted: list[Job] = []

    def give_up(call: Call) -> None:
        if call.operation == "PutItem" and call.touches("laurel-test-boards") and not aborted:
            other = works.another_process()
            aborted.append(other.rebuild.abort(works.rebuild_job()))

    works.world.before(give_up)

    works.use.rebuild.advance(job, never)

    works.world.undisturbed()
    job = works.finished(works.rebuild_job())
    assert (job.state, works.layout.lanes) == (JobState.DONE, 2)
    check_all(works)


def test_two_runners_do_not_work_on_one_job_at_once() -> None:
    works, _ = played()
    job = works.use.rebuild.begin(works.board, "all", Options(lanes=2))
    other = works.another_process()
    answers: list[Job] = []

    def interfere(call: Call) -> None:
        if call.operation != "PutItem" and len(answers) < 20 and not works.rebuild_job().is_free(works.world.clock()):
            revision = works.rebuild_job().revision
            answers.append(other.rebuild.advance(works.rebuild_job(), never))
            assert answers[-1].revision == revision

    works.world.before(_once_at_a_time(interfere))

    job = works.finished(job)

    works.world.undisturbed()
    assert job.state is JobState.DONE
    assert len(answers) == 20
    check_all(works)


def test_a_runner_that_was_thought_dead_stops_at_its_next_step() -> None:
    works, _ = played()
    job = works.use.rebuild.begin(works.board, "all", Options(lanes=2))
    finished: list[Job] = []

    def take_over(call: Call) -> None:
        if call.operation == "TransactWriteItems" and not finished:
            works.world.clock.instant += LEASE + timedelta(seconds=1)
            rescue = Works(works.world)
            finished.append(rescue.finished(works.rebuild_job()))

    works.world.before(_once_at_a_time(take_over))

    job = works.finished(job)

    works.world.undisturbed()
    assert (job.state, finished[0].state) == (JobState.DONE, JobState.DONE)
    invariants.check(works.world)


def _once_at_a_time(act: Hook) -> Hook:
    busy: list[bool] = []

    def guarded(call: Call) -> None:
        if not busy:
            busy.append(True)
            act(call)
            busy.clear()

    return guarded


def test_another_rebuild_is_refused_while_one_is_under_way_and_the_same_goes_on() -> None:
    works, _ = played()
    job = works.use.rebuild.begin(works.board, "all", Options(lanes=2))

    assert works.use.rebuild.begin(works.board, "all", Options(lanes=2)).job_id == job.job_id
    with pytest.raises(ConflictError, match="2 lanes"):
        works.use.rebuild.begin(works.board, "all", Options(lanes=4))


def test_a_layout_that_is_there_needs_no_rebuild_but_healing_does() -> None:
    works, _ = played()

    assert works.use.rebuild.is_done(works.board, "all", Options(lanes=1, digits=3))
    assert not works.use.rebuild.is_done(works.board, "all", Options())
    assert not works.use.rebuild.is_done(works.board, "all", Options(lanes=2))


@changes
def test_a_fresh_build_counts_and_lists_everybody_before_it_is_verified(options: Options) -> None:
    works, _ = played()
    job = works.use.rebuild.begin(works.board, "all", options)
    while job.phase != RebuildPhase.VERIFY:
        job = works.use.rebuild.advance(job, after_steps(1))
        works.wait(job)

    assert len(works.board.indexing("all").written) == 2
    invariants.check(works.world)


def test_a_fresh_build_that_is_wrong_is_given_up_instead_of_read() -> None:
    works, _ = played()
    job = works.use.rebuild.begin(works.board, "all", Options(lanes=2))
    while job.phase != RebuildPhase.VERIFY:
        job = works.use.rebuild.advance(job, after_steps(1))
        works.wait(job)
    put(works.world, altered(works.nodes(2)[0], c1={"N": "9"}))

    job = works.finished(job)

    assert (job.state, works.layout) == (JobState.FAILED, Layout())
    assert "wrong" in job.message
    check_all(works)


def test_later_periods_begin_with_the_layout_set_for_them() -> None:
    works = Works(World(), period_id="20261122T0000Z")
    works.world.board(reset="0 0 * * *")
    crowd(works.world, [1, 2, 3])

    first = works.use.rebuild.set_later("race", Options(lanes=4, digits=4))

    assert first == "20261123T0000Z"
    assert works.layout == Layout()
    works.world.clock.advance(days=1)
    works.world.services.games.submit(works.world.player("late"), Submission("race", 9), None)
    board: Board = works.board
    assert (board.layout(first).lanes, board.layout(first).digits) == (4, 4)
    assert works.world.ranks() == [(1, "late", 9)]
    invariants.check(works.world)


def test_a_board_that_never_resets_has_no_later_periods() -> None:
    works, _ = played()

    with pytest.raises(MalformedError, match="never resets"):
        works.use.rebuild.set_later("race", Options(lanes=2))
