"""What functions ask for now and then only: under contention, after a rebuild, where something is damaged."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from chalicelib.events import operations
from chalicelib.events.occasions import Occasion
from chalicelib.services.rebuild import Options, RebuildPhase
from tests.contexts import Context
from tests.fake_dynamodb import Call
from tests.permissions.calls import LEADING_KEYS
from tests.permissions.listeners import LISTENERS
from tests.permissions.plugin import WITNESS
from tests.services.works import Works, after_steps, altered, crowd, delete, put
from tests.stream import PLENTY, Followed, record
from tests.tables import PREFIX
from tests.world import World

Asked = set[tuple[str | None, str, str]]
"""Functions, actions, and the last part of the resources' names, by itself and with each kind of item asked for."""
DAMAGED_MARK = {"pk": {"S": f"mark#duel#all#{3:032x}"}}


@pytest.fixture
def asked() -> Iterator[Asked]:
    """What is asked for from now on."""
    asked: Asked = set()

    def note(service: str, operation: str, params: Mapping[str, Any]) -> None:
        for request in WITNESS.location.asked(service, operation, params):
            action, noun = request.action.partition(":")[2], request.resource.rpartition(PREFIX)[2]
            kinds = dict(request.keys).get(LEADING_KEYS, ())
            asked.update((WITNESS.acting(), action, each) for each in (noun, *(f"{noun} {kind}" for kind in kinds)))

    LISTENERS.append(note)
    yield asked
    LISTENERS.remove(note)


@pytest.fixture
def works() -> Works:
    """A board with four records, one of which has lost its mark."""
    works = Works(World())
    works.world.board()
    ids = crowd(works.world, [5, 7, 4096, 100_000])
    delete(works.world, next(item for item in works.world.items("ranks") if item["pk"]["S"].endswith(ids[0])))
    return works


def kept(works: Works, times: int) -> None:
    for _ in range(times):
        operations.keep(Occasion({}, Context()), lambda: works.use)
        works.world.clock.advance(minutes=2)


def test_the_schedule_rebuilds_into_a_second_listing(works: Works, asked: Asked) -> None:
    works.use.rebuild.begin(works.board, "all", Options(slices=1))

    kept(works, 5)

    assert ("keep_ranks", "UpdateItem", "records") in asked
    assert works.layout.slices == 1


@pytest.mark.parametrize("function", ["audit_ranks", "advise_ranks", "keep_ranks", "export_records"])
def test_a_board_is_read_in_its_second_listing(works: Works, asked: Asked, function: str) -> None:
    works.rebuilt(Options(slices=1))
    works.use = works.another_process()
    acts: dict[str, Callable[[], object]] = {
        "audit_ranks": lambda: operations.audit({"board_id": "race"}, Context(), lambda: works.use),
        "advise_ranks": lambda: operations.advise({"board_id": "race"}, Context(), lambda: works.use),
        "keep_ranks": lambda: kept(works, 2),
        "export_records": lambda: operations.export({"board_id": "race"}, Context(), lambda: works.use),
    }

    acts[function]()

    assert (function, "Query", "records/index/ranking_b") in asked


def test_a_rebuild_compares_a_wrong_counter_with_its_marks(works: Works, asked: Asked) -> None:
    job = works.use.rebuild.begin(works.board, "all", Options(lanes=2))
    while job.phase != RebuildPhase.VERIFY:
        job = works.use.rebuild.advance(job, after_steps(1))
        works.wait(job)
    deepest = max(works.nodes(2), key=lambda node: node["pk"]["S"].count("."))
    put(works.world, altered(deepest, **{name: {"N": "9"} for name in deepest if name.startswith("c")}))

    works.finished(job)

    assert ("rebuild_ranks", "GetItem", "ranks mark#") in asked


def test_the_schedule_goes_on_with_a_thorough_audit(works: Works, asked: Asked) -> None:
    works.use.upkeep.begin_audit(works.board, "all", thorough=True)

    kept(works, 3)

    assert ("keep_ranks", "GetItem", "ranks mark#") in asked


@pytest.fixture
def followed() -> Followed:
    """A stream that tells of a record to count, of one whose board is gone, and of one with a damaged mark."""
    followed = Followed()
    for board_id in ("race", "gone", "duel"):
        followed.world.board(board_id)
    followed.write(record(1, 5))
    followed.write(record(2, 5, board_id="gone"))
    followed.write(record(3, 5, board_id="duel"))
    mark = {**DAMAGED_MARK, "generation": {"N": "0"}, "builds": {"S": "7"}}
    for operation, request in [
        ("DeleteItem", {"TableName": f"{PREFIX}boards", "Key": {"board_id": {"S": "gone"}}}),
        ("PutItem", {"TableName": f"{PREFIX}ranks", "Item": mark}),
    ]:
        followed.world.client.perform(Call(operation, request))
    return followed


def test_a_damaged_mark_has_its_board_looked_up(followed: Followed, asked: Asked) -> None:
    report = followed.follow()

    assert (report.settled, report.deferred, report.dead_lettered) == (1, 0, 2)
    assert {("settle_records", "GetItem", "boards"), ("settle_records", "SendMessage", "record-dead-letters")} <= asked


def test_and_so_it_has_when_its_letter_is_replayed(followed: Followed, asked: Asked) -> None:
    followed.follow()
    followed.world.board("gone")

    fates = followed.following.replay.replay(lambda: PLENTY).fates

    assert sorted(fate.replayed for fate in fates) == [False, True]
    assert {("replay_dead_letters", "GetItem", "boards"), ("replay_dead_letters", "PutItem", "ranks")} <= asked
