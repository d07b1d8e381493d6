"""The model checker itself: it tries every order, finds what only one of them shows, and can show it again."""

from collections.abc import Callable
from itertools import combinations

import pytest

from tests.faults.schedules import FAULTS, Act, End, Event, Search, Violation
from tests.world import World

KEY = {"pk": {"S": "mark#counter"}}


def counter(world: World) -> int:
    return next((int(item["count"]["N"]) for item in world.items("ranks")), 0)


def read(world: World) -> int:
    reply = world.client.batch_get_item(RequestItems={"laurel-test-ranks": {"Keys": [KEY]}})
    return sum(int(item["count"]["N"]) for item in reply["Responses"]["laurel-test-ranks"])


def put(world: World, count: int) -> None:
    item = {**KEY, "count": {"N": str(count)}}
    world.client.transact_write_items(TransactItems=[{"Put": {"TableName": "laurel-test-ranks", "Item": item}}])


def add(world: World) -> int:
    """Read, then write: what nobody may do."""
    count = read(world) + 1
    put(world, count)
    return count


def look(times: int) -> Act:
    return lambda world: [read(world) for _ in range(times)]


def search(
    check: Callable[[End], None] = lambda _: None, faults: int = 0, kinds: tuple[Event, ...] = FAULTS, **acts: Act
) -> Search:
    return Search(World(), acts, check, faults=faults, kinds=kinds)


@pytest.mark.parametrize(("first", "second"), [(1, 1), (2, 3), (4, 4)])
def test_every_order_of_calls_is_tried(first: int, second: int) -> None:
    report = search(one=look(first), other=look(second)).run()

    assert report.schedules == len(list(combinations(range(first + second), first)))
    assert report.states == (first + 1) * (second + 1)


def test_an_update_that_is_lost_in_some_orders_only_is_found_and_shown_again() -> None:
    def both_counted(end: End) -> None:
        assert counter(end.world) == 2

    searched = search(both_counted, one=add, other=add)
    with pytest.raises(Violation) as violation:
        searched.run()

    schedule = str(violation.value).rpartition('"')[0].rpartition('"')[2]
    end = searched.replay(schedule)
    assert counter(end.world) == 1
    assert [answer and answer.value for answer in end.answers] == [1, 1]


def test_operations_one_after_the_other_see_each_other() -> None:
    end = search(one=add, other=add).alone([1, 0])

    assert [answer and answer.value for answer in end.answers] == [2, 1]


def test_a_lost_answer_leaves_what_was_done_and_a_throttled_call_nothing() -> None:
    ends = {}

    def tried(world: World) -> str:
        try:
            add(world)
        except Exception as error:  # noqa: BLE001  # whatever the client raises
            return type(error).__name__
        return "done"

    def note(end: End) -> None:
        answer = end.answers[0]
        ends[answer and answer.value, end.faults] = counter(end.world)

    search(note, faults=1, kinds=(Event.LOST, Event.THROTTLED, Event.CRASHED, Event.RESTARTED), one=tried).run()

    assert ends == {("done", 0): 1, ("ReadTimeoutError", 1): 1, ("ClientError", 1): 0, (None, 1): 0, ("done", 1): 1}


@pytest.mark.parametrize("draws", [(2, 1), (2, 0), (2, 3, 1)])
def test_an_operation_that_does_otherwise_when_it_is_run_again_is_refused(draws: tuple[int, ...]) -> None:
    drawn = iter(draws)

    def fickle(world: World) -> object:
        count = next(drawn)
        put(world, count)
        return [read(world) for _ in range(count)]

    with pytest.raises(AssertionError, match="the operation"):
        search(one=fickle).run()
