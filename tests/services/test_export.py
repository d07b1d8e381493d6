"""An export names everybody once, in rank order, whatever moves meanwhile and whichever of its writes is the last."""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from chalicelib.domain.boards import Board, Operator, SortOrder
from chalicelib.domain.jobs import LEASE, Job, JobState
from chalicelib.domain.layouts import Layout, Layouts
from chalicelib.domain.records import Submission
from chalicelib.errors import ConflictError, RecordNotFoundError
from chalicelib.services.export import ExportPhase, manifest_name
from chalicelib.services.forms import Form
from chalicelib.services.rebuild import Options
from chalicelib.services.rollcall import Pages
from tests import strategies
from tests.fake_dynamodb import Call
from tests.fake_s3 import Request, refuse
from tests.oracle import Line, Oracle
from tests.services.crowds import Crowd, Values, lists_of_values
from tests.services.works import SMALL, Works, after_steps, crowd, never
from tests.strategies import EXAMPLES
from tests.strikes import Killed, kill
from tests.world import HandClock, World

SCORES = [5, 5, 7, 40, 41, 4096, 4097, 8192, 100_000, 100_013, 100_013, -3]
CASES = max(40, EXAMPLES // 5)
State = tuple[int, int, datetime]
"""Score, subscore, and when they were reached."""


MESSAGE = "more than 3 records changed meanwhile: export when fewer do, or when the period is over"


@cache
def _master(operator: Operator, layout: Layout) -> tuple[World, list[str]]:
    world = World()
    world.board(operator=operator, subscore_order=SortOrder.ASC, layouts=Layouts(first=layout))
    ids = crowd(world, SCORES, subscores=[number % 3 for number in range(len(SCORES))])
    world.services.moderation.hide(ids[3], world.services.boards.get("race"), "all", hidden=True)
    world.clock.advance(hours=1)
    return world, ids


def played(operator: Operator = Operator.BEST, slices: int = 0, pages: Pages = SMALL) -> tuple[Works, list[str]]:
    """Return a board whose records are an hour old, copied from one that was played before."""
    master, ids = _master(operator, Layout(slices=slices))
    return Works(World(client=master.client.copy(), clock=HandClock(master.clock())), pages=pages), list(ids)


def begun(works: Works, form: Form = Form.JSONL) -> Job:
    return works.use.export.begin(works.board, works.period_id, form)


def finished(works: Works, job: Job | None = None) -> Job:
    job = job or begun(works)
    while job.state is JobState.RUNNING:
        job = works.use.export.advance(job, never)
    return job


def manifest(works: Works, job: Job) -> Any:
    assert job.state is JobState.DONE, job.message
    return json.loads(works.s3.objects[manifest_name(job)])


def text(works: Works, job: Job) -> bytes:
    """Return the export's files in one, each held to what the manifest says of it."""
    told = manifest(works, job)
    assert {name for name in works.s3.objects if name.startswith("exports/")} == {
        *(each["name"] for each in told["files"]),
        manifest_name(job),
    }
    for each in told["files"]:
        stored = works.s3.objects[each["name"]]
        assert (len(stored), hashlib.sha256(stored).hexdigest()) == (each["bytes"], each["sha256"])
    assert sum(each["lines"] for each in told["files"]) == told["records"]
    return gzip.decompress(b"".join(works.s3.objects[each["name"]] for each in told["files"]))


def lines(works: Works, job: Job) -> list[Any]:
    return [json.loads(line) for line in text(works, job).splitlines()]


def ranked(found: list[Any]) -> list[tuple[int, str]]:
    return [(line["rank"], line["player_id"]) for line in found]


def oracle(works: Works) -> Oracle:
    return Oracle.of(works.board, works.world.items("records"), works.period_id)


def check(works: Works, job: Job) -> None:
    """Assert that an export says exactly what a sorted list says now."""
    expected = oracle(works)
    found = lines(works, job)
    assert ranked(found) == expected.listing()
    for line in found:
        own = expected.lines[line["player_id"]]
        assert (line["score"], line["subscore"]) == (own.score, own.subscore)
        assert datetime.fromisoformat(line["achieved_at"]) == own.achieved_at


@pytest.mark.property
@settings(max_examples=CASES)
@given(
    board=strategies.boards,
    records=lists_of_values,
    slices=st.integers(0, 1),
    age=st.sampled_from([0, 3600]),
    exported=st.integers(1, 7),
    written=st.integers(1, 7),
    looked_through=st.sampled_from([1, 40]),
)
def test_an_export_is_what_a_sorted_list_says(  # noqa: PLR0913, PLR0917  # as many as there are things to vary
    board: Board, records: Values, slices: int, age: int, exported: int, written: int, looked_through: int
) -> None:
    crowd = Crowd(_cut(board, slices), records)
    crowd.world.clock.advance(seconds=age)
    works = Works(crowd.world, pages=Pages(exported=exported, lines=written, slices=looked_through))

    job = finished(works)

    check(works, job)
    assert manifest(works, job)["changed"] == (0 if age else len(records))


def _cut(board: Board, slices: int) -> Board:
    return structs.replace(board, layouts=Layouts(first=structs.replace(board.layouts.first, slices=slices)))


@pytest.mark.parametrize("together", [100, 10_000])
def test_a_listing_cut_two_deep_is_exported_too(together: int) -> None:
    works, _ = played(Operator.SET, slices=2, pages=Pages(slices=together))

    check(works, finished(works))


def test_an_empty_board_makes_a_manifest_without_files() -> None:
    works = Works(World())
    works.world.board()

    told = manifest(works, finished(works))

    assert (told["records"], told["files"]) == (0, [])


def test_a_manifest_says_what_the_export_is_of() -> None:
    works, _ = played()
    job = finished(works)

    told = manifest(works, job)

    assert {name: told[name] for name in ("board_id", "period_id", "format", "records", "changed", "generation")} == {
        "board_id": "race",
        "period_id": "all",
        "format": "jsonl",
        "records": len(SCORES) - 1,
        "changed": 0,
        "generation": 1,
    }
    assert [each["lines"] for each in told["files"]] == [4, 4, 3]
    assert told["started_at"] <= told["finished_at"]
    assert (job.done, job.total) == (len(SCORES) - 1, len(SCORES) - 1)


def test_the_forms_say_the_same() -> None:
    works, _ = played()
    as_json = lines(works, finished(works))
    works.s3.objects.clear()
    works.world.clock.advance(minutes=1)

    as_csv = text(works, finished(works, begun(works, Form.CSV))).decode()

    rows = list(csv.DictReader(io.StringIO(as_csv, newline="")))
    assert rows == [{name: str(value) for name, value in line.items()} for line in as_json]


def test_a_name_is_text_in_every_form() -> None:
    name = '=1+1,"Ünïcödé"'
    works = Works(World())
    works.world.board()
    works.world.services.games.submit(works.world.player(name), Submission("race", 1), None)

    assert lines(works, finished(works))[0]["display_name"] == name
    works.s3.objects.clear()
    works.world.clock.advance(minutes=1)
    rows = csv.DictReader(io.StringIO(text(works, finished(works, begun(works, Form.CSV))).decode(), newline=""))
    assert [row["display_name"] for row in rows] == [name]


@dataclass
class Traffic:
    """Operations of other processes, done between the calls of an export, and every state that records had."""

    works: Works
    ids: list[str]
    plan: dict[int, list[tuple[str, int]]]
    states: dict[str, list[State | None]] = field(default_factory=dict)
    calls: int = 0
    asleep: bool = False

    def __post_init__(self) -> None:
        self.writer = self.works.world.another_process()
        self._note()

    def __call__(self, call: Call | Request) -> None:
        del call
        if self.asleep:
            return
        self.asleep = True
        for name, seed in self.plan.get(self.calls, ()):
            self.works.world.clock.advance(milliseconds=1)
            try:
                _ACTIONS[name](self, seed)
            except RecordNotFoundError:
                assert name in {"hide", "remove"}
            self._note()
        self.calls += 1
        self.asleep = False

    def submit(self, seed: int) -> None:
        submission = Submission("race", SCORES[seed % len(SCORES)] + seed % 7 - 3, seed % 4)
        self.writer.games.submit(self.ids[seed % len(self.ids)], submission, None)

    def join(self, seed: int) -> None:
        self.ids.append(self.works.world.player(f"new-{len(self.ids)}"))
        self.writer.games.submit(self.ids[-1], Submission("race", seed * 1000 % 300_000), None)

    def hide(self, seed: int) -> None:
        board = self.writer.boards.get("race")
        hidden = bool(seed // len(self.ids) % 2)
        self.writer.moderation.hide(self.ids[seed % len(self.ids)], board, "all", hidden=hidden)

    def remove(self, seed: int) -> None:
        self.writer.moderation.remove(self.ids[seed % len(self.ids)], self.writer.boards.get("race"), "all")

    def _note(self) -> None:
        line_by_player = oracle(self.works).lines
        for player_id in {*line_by_player, *self.states}:
            states = self.states.setdefault(player_id, [None] if self.calls else [])
            state = _state(line_by_player.get(player_id))
            if not states or states[-1] != state:
                states.append(state)


_ACTIONS: dict[str, Callable[[Traffic, int], object]] = {
    "submit": Traffic.submit,
    "join": Traffic.join,
    "hide": Traffic.hide,
    "remove": Traffic.remove,
}
plans = st.dictionaries(
    st.integers(0, 60),
    st.lists(
        st.tuples(st.sampled_from(["submit", "submit", "submit", *sorted(_ACTIONS)]), st.integers(0, 1000)),
        min_size=1,
        max_size=4,
    ),
)


def _state(line: Line | None) -> State | None:
    """Return what an export may say of a record; nothing of one that is hidden or gone."""
    return None if line is None or line.hidden else (line.score, line.subscore, line.achieved_at)


@pytest.mark.property
@pytest.mark.slow
@settings(max_examples=CASES)
@given(operator=st.sampled_from([Operator.BEST, Operator.SET]), slices=st.integers(0, 1), plan=plans)
def test_under_traffic_nobody_is_named_twice_and_nobody_who_should_be_is_missing(
    operator: Operator, slices: int, plan: dict[int, list[tuple[str, int]]]
) -> None:
    works, ids = played(operator, slices)
    traffic = Traffic(works, ids, plan)
    works.world.before(traffic)
    works.s3.before.append(traffic)

    job = finished(works)

    works.world.undisturbed()
    works.s3.before.clear()
    found = lines(works, job)
    state_by_player = {line["player_id"]: _exported(line) for line in found}
    assert len(state_by_player) == len(found)
    assert ranked(found) == _competition(works.board, state_by_player)
    for player_id, states in traffic.states.items():
        if player_id in state_by_player:
            assert state_by_player[player_id] in states
        else:
            assert None in states or (operator is Operator.SET and len(states) > 2), states


def _exported(line: Any) -> State:
    return line["score"], line["subscore"], datetime.fromisoformat(line["achieved_at"])


def _competition(board: Board, state_by_player: dict[str, State]) -> list[tuple[int, str]]:
    listed = {player_id: Line(player_id, *state) for player_id, state in state_by_player.items()}
    return Oracle(board, listed).listing()


def test_a_record_that_rises_past_the_walk_is_named_once_where_it_was_seen_last() -> None:
    works, ids = played()
    job = works.use.export.advance(begun(works), after_steps(1))
    worst = ids[-1]
    works.world.services.games.submit(worst, Submission("race", 10**6), None)

    found = lines(works, finished(works, job))

    assert ranked(found)[0] == (1, worst)
    assert [line["player_id"] for line in found].count(worst) == 1
    assert manifest(works, finished(works, job))["changed"] == 1


def test_a_record_that_falls_past_the_first_walk_is_found_by_the_second() -> None:
    works, ids = played(Operator.SET)
    job = works.use.export.advance(begun(works), after_steps(1))
    best = ids[8]
    works.world.services.games.submit(best, Submission("race", -50), None)

    found = lines(works, finished(works, job))

    assert ranked(found)[-1] == (len(SCORES) - 1, best)


@pytest.mark.parametrize("steps", range(4))
def test_an_index_that_lags_shows_nobody_twice_and_nobody_in_vain(steps: int) -> None:
    works, ids = played()
    works.world.client.freeze_indexes()
    works.world.services.games.submit(ids[-1], Submission("race", 10**6), None)
    works.world.clock.advance(minutes=1)
    job = works.use.export.advance(begun(works), after_steps(steps))
    works.world.client.thaw_indexes()

    job = finished(works, job)

    check(works, job)


def test_a_board_that_is_listed_anew_meanwhile_is_exported_from_its_new_listing() -> None:
    works, _ = played()
    job = works.use.export.advance(begun(works), after_steps(2))
    works.rebuilt(Options(slices=1))

    job = finished(works, job)

    check(works, job)
    assert manifest(works, job)["generation"] == 2


def test_more_movement_than_memory_can_hold_ends_the_export_with_words() -> None:
    works, ids = played(pages=Pages(exported=3, lines=4, moved=3))
    for number, player_id in enumerate(ids[4:8]):
        works.world.services.games.submit(player_id, Submission("race", 10**6 + number), None)

    job = finished(works)

    assert (job.state, job.message) == (JobState.FAILED, MESSAGE)
    works.world.clock.advance(minutes=6)
    check(works, finished(works))


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("operator", [Operator.BEST, Operator.SET])
def test_an_export_killed_at_any_write_is_finished_by_another_process(operator: Operator, after: bool) -> None:
    for works in _struck_at_every_write(partial(played, operator), kill, after=after):
        try:
            job = finished(works)
        except Killed:
            _calm(works)
            works.world.clock.instant += LEASE
            works.use = works.another_process()
            job = finished(works, works.use.export.find("race", "all"))
        _calm(works)
        check(works, job)


def _struck_at_every_write(
    make: Callable[[], tuple[Works, list[str]]], act: Callable[[Call | Request], object], *, after: bool = False
) -> Iterator[Works]:
    """Yield works in which something happens at the first write to database or bucket, then at the second, and so on.

    One record has just changed, so that every kind of write there is gets made.
    """
    for number in count():
        works, ids = make()
        works.world.services.games.submit(ids[0], Submission("race", 6), None)
        turns = count()
        struck: list[int] = []

        def strike(call: Call | Request, number: int = number, turns: Any = turns, struck: list[int] = struck) -> None:
            writes = call.operation == "PutObject" if isinstance(call, Request) else call.writes
            if writes and next(turns) == number:
                struck.append(number)
                act(call)

        (works.world.after if after else works.world.before)(strike)
        (works.s3.after if after else works.s3.before).append(strike)
        yield works
        if not struck:
            return


def _calm(works: Works) -> None:
    works.world.undisturbed()
    works.s3.before.clear()
    works.s3.after.clear()


@pytest.mark.parametrize("lost", [False, True], ids=["refused", "lost"])
@pytest.mark.parametrize("operation", ["PutObject", "GetObject"])
def test_a_bucket_that_is_slow_for_a_moment_delays_an_export_and_ends_nothing(operation: str, lost: bool) -> None:
    works, ids = played()
    works.world.services.games.submit(ids[0], Submission("race", 6), None)
    turns = count()

    def slow_down(request: Request) -> None:
        if request.operation == operation and next(turns) % 3 == 0:
            refuse("SlowDown", operation)

    (works.s3.after if lost else works.s3.before).append(slow_down)

    job = finished(works)

    _calm(works)
    check(works, job)
    assert next(turns) > 2


@pytest.mark.parametrize("reason", ["AccessDenied", "NoSuchBucket"])
def test_a_bucket_that_refuses_us_ends_an_export_with_words(reason: str) -> None:
    works, _ = played()
    works.s3.before.append(lambda _: refuse(reason))

    job = finished(works)

    assert job.state is JobState.FAILED
    assert reason in job.message
    _calm(works)
    works.world.clock.advance(seconds=1)
    check(works, finished(works))


def test_parts_that_are_gone_end_an_export_with_words() -> None:
    works, _ = played()
    job = begun(works)
    while job.phase != ExportPhase.WRITE:
        job = works.use.export.advance(job, after_steps(1))
    works.s3.objects.clear()

    job = finished(works, job)

    assert (job.state, "NoSuchKey" in job.message) == (JobState.FAILED, True)


@pytest.mark.parametrize("turn", range(9))
def test_a_runner_that_was_thought_dead_spoils_nothing(turn: int) -> None:
    works, ids = played()
    works.world.services.games.submit(ids[0], Submission("race", 6), None)
    job, turns = begun(works), count()
    rescued: list[Job] = []

    def take_over(request: Request) -> None:
        if request.operation == "PutObject" and not rescued and next(turns) == turn:
            rescued.append(job)
            works.world.clock.instant += LEASE + timedelta(seconds=1)
            works.world.services.games.submit(works.world.player("late"), Submission("race", 10**7), None)
            rescued[0] = works.another_process().export.advance(begun(works), never)

    works.s3.before.append(take_over)
    job = finished(works, job)

    _calm(works)
    assert rescued[0].job_id == job.job_id
    found = lines(works, job)
    assert len({line["player_id"] for line in found}) == len(found) >= len(SCORES) - 1


def test_another_form_is_refused_while_an_export_is_under_way_and_the_same_goes_on() -> None:
    works, _ = played()
    job = begun(works)

    assert begun(works).job_id == job.job_id
    with pytest.raises(ConflictError, match="as jsonl"):
        begun(works, Form.CSV)


def test_without_a_bucket_there_are_no_exports() -> None:
    works, _ = played()
    works.use.export._store.bucket = ""  # noqa: SLF001  # what a deployment without the setting has

    with pytest.raises(ConflictError, match="LAUREL_EXPORTS_BUCKET"):
        begun(works)


def test_the_schedule_goes_on_with_an_export_that_nobody_watches() -> None:
    works, _ = played()
    job = works.use.export.advance(begun(works), after_steps(1))

    works.use.upkeep.keep(never)

    found = works.use.export.find("race", "all")
    assert found is not None
    assert (found.job_id, found.state) == (job.job_id, JobState.DONE)
    check(works, found)
