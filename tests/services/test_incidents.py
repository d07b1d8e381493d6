"""Incidents are heeded once, whoever tells of them; the mode is known, or remembered, whatever fails."""

import itertools
from concurrent.futures import Executor, Future
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.domain.incidents import AlarmState, Change, Mode, Setting
from chalicelib.errors import DegradedError, IncidentNotFoundError, StoreUnavailableError
from chalicelib.services.incidents import BY_HAND, Incidents
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.incidents import IncidentStore
from tests.fake_dynamodb import Call, Once, throttle
from tests.tables import PREFIX
from tests.world import Inline, World

DEGRADE_ON = ("records-*",)
OF_INCIDENTS = f"{PREFIX}notices"


class Never(Executor):
    """Takes work on, and does it when told to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Any]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.waiting.append((future, lambda: fn(*args, **kwargs)))
        return future

    def work(self) -> None:
        for future, act in self.waiting:
            future.set_result(act())
        self.waiting.clear()


@pytest.fixture
def world() -> World:
    return World()


def another(world: World, threads: Executor | None = None) -> Incidents:
    dynamo = Dynamo(world.client, threads or Inline(), world.pauses.append)
    store = IncidentStore(OF_INCIDENTS, dynamo)
    return Incidents(dynamo=dynamo, store=store, degrade_on=DEGRADE_ON, clock=world.clock)


def heed(world: World, alarm: str, state: AlarmState, seconds: float = 0) -> None:
    another(world).heed(alarm, Change(world.clock() + timedelta(seconds=seconds), state, f"{state}!"))


def open_alarms(world: World) -> list[str]:
    return [each.alarm for each in another(world).situation().open]


def test_an_alarm_opens_an_incident_and_closes_it(world: World) -> None:
    heed(world, "rank-drift", AlarmState.ALARM)
    assert open_alarms(world) == ["rank-drift"]

    heed(world, "rank-drift", AlarmState.OK, 60)
    [incident] = another(world).situation().incidents
    assert (incident.is_open, incident.reason) == (False, "ALARM!")
    assert incident.closed_at == world.clock() + timedelta(seconds=60)


def test_incidents_come_open_ones_first_and_newest_first(world: World) -> None:
    for second, alarm in enumerate(["a", "b", "c", "d"]):
        heed(world, alarm, AlarmState.ALARM, second)
    heed(world, "d", AlarmState.OK, 9)

    assert [each.alarm for each in another(world).current().incidents] == ["c", "b", "a", "d"]


def test_a_chosen_alarm_degrades_by_itself_and_back(world: World) -> None:
    heed(world, "rank-drift", AlarmState.ALARM)
    another(world).require_normal()

    heed(world, "records-errors", AlarmState.ALARM)
    with pytest.raises(DegradedError):
        another(world).require_normal()

    heed(world, "records-errors", AlarmState.OK, 1)
    another(world).require_normal()


def test_an_operator_has_the_last_word_until_it_is_left_to_the_alarms(world: World) -> None:
    heed(world, "records-errors", AlarmState.ALARM)

    modes = [another(world).set(setting).mode for setting in (Setting.NORMAL, Setting.DEGRADED, Setting.AUTOMATIC)]
    assert modes == [Mode.NORMAL, Mode.DEGRADED, Mode.DEGRADED]
    assert another(world).current().set_at == world.clock()
    heed(world, "records-errors", AlarmState.OK, 1)
    assert another(world).situation().mode is Mode.NORMAL


def test_the_mode_is_read_once_in_five_seconds(world: World) -> None:
    incidents = another(world)
    calls: list[Call] = []
    world.before(calls.append)

    for _ in range(10):
        incidents.situation()
        world.clock.advance(seconds=0.99)

    assert [call.operation for call in calls] == ["Query", "Query"]
    assert not any(call.request.get("ConsistentRead") for call in calls)


def test_a_process_follows_within_five_seconds_and_the_one_that_switched_at_once(world: World) -> None:
    other, own = another(world), another(world)
    assert (other.is_degraded(), own.is_degraded()) == (False, False)

    own.set(Setting.DEGRADED)

    assert (other.is_degraded(), own.is_degraded()) == (False, True)
    world.clock.advance(seconds=5)
    assert other.is_degraded()


@pytest.mark.parametrize("degraded", [False, True])
def test_the_last_known_mode_holds_while_the_database_does_not_answer(world: World, degraded: bool) -> None:
    incidents = another(world)
    incidents.set(Setting.DEGRADED if degraded else Setting.AUTOMATIC)
    incidents.situation()
    world.clock.advance(seconds=5)
    world.before(throttle)

    assert incidents.is_degraded() is degraded
    calls: list[Call] = []
    world.before(calls.append)
    assert incidents.is_degraded() is degraded
    assert calls == [], "asked again though it did not answer a moment ago"


def test_a_mode_that_was_never_known_is_normal(world: World) -> None:
    another(world).set(Setting.DEGRADED)
    world.before(throttle)

    assert another(world).situation().mode is Mode.NORMAL


def test_a_mode_that_cannot_be_known_at_all_is_normal(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """As while its table is restored under its name."""

    def gone(call: Call) -> None:
        raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no such table"}}, call.operation)

    another(world).set(Setting.DEGRADED)
    world.before(gone)

    assert another(world).situation().mode is Mode.NORMAL
    assert [record.levelname for record in caplog.records if record.message == "mode_unknown"] == ["ERROR"]


def test_nobody_waits_for_a_mode_that_does_not_come_and_it_counts_when_it_does(world: World) -> None:
    another(world).set(Setting.DEGRADED)
    threads = Never()
    incidents = another(world, threads)

    assert not incidents.is_degraded()
    world.clock.advance(seconds=5)
    assert not incidents.is_degraded()
    assert len(threads.waiting) == 1, "one question at a time"
    threads.work()
    world.clock.advance(seconds=5)
    assert incidents.is_degraded()


def test_an_incident_is_closed_by_hand_and_opens_again_when_its_alarm_goes_off(world: World) -> None:
    heed(world, "records-errors", AlarmState.ALARM, -60)

    situation = another(world).close("records-errors")
    assert (situation.open, situation.mode) == ([], Mode.NORMAL)

    heed(world, "records-errors", AlarmState.ALARM, 60)
    assert open_alarms(world) == ["records-errors"]
    with pytest.raises(IncidentNotFoundError):
        another(world).close("never")


def test_an_incident_is_closed_by_hand_though_the_clock_that_opened_it_is_ahead(world: World) -> None:
    heed(world, "records-errors", AlarmState.ALARM, 0.5)

    assert another(world).close("records-errors").mode is Mode.NORMAL


def test_what_is_told_twice_is_written_once(world: World) -> None:
    heed(world, "rank-drift", AlarmState.ALARM)
    calls: list[Call] = []
    world.before(calls.append)

    heed(world, "rank-drift", AlarmState.ALARM)

    assert [call.operation for call in calls] == ["BatchGetItem"]


def test_what_is_closed_is_forgotten_after_a_month_and_what_is_open_never(world: World) -> None:
    heed(world, "rank-drift", AlarmState.ALARM)
    assert "expires_at" not in world.items("notices")[0]

    heed(world, "rank-drift", AlarmState.OK, 60)
    end = int((world.clock() + timedelta(days=30, seconds=60)).timestamp())
    assert world.items("notices")[0]["expires_at"] == {"N": str(end)}


CHANGES = [
    Change(World().clock() + timedelta(seconds=second), state)
    for second, state in enumerate([AlarmState.ALARM, AlarmState.OK, AlarmState.ALARM, AlarmState.OK, AlarmState.ALARM])
]


@given(st.permutations(range(len(CHANGES))), st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=4))
@settings(max_examples=60)
def test_changes_count_once_in_any_order_told_by_several_at_once_whoever_dies(
    order: list[int], deaths: list[tuple[int, bool]]
) -> None:
    """Each change is told until somebody has heeded it; at some calls, another one tells of the next just before."""
    world = World()
    told = iter([CHANGES[number] for number in order])
    dies = dict(deaths)
    counted = itertools.count()

    def disturb(after: bool) -> None:
        call = next(counted)
        if dies.get(call) is after:
            raise StoreUnavailableError("died")
        if call % 3 == 0 and (other := next(told, None)):
            tell(other)

    def tell(change: Change) -> None:
        for _ in range(10):
            try:
                another(world).heed("rank-drift", change)
            except StoreUnavailableError:
                continue
            return

    world.before(lambda _: disturb(after=False))
    world.after(lambda _: disturb(after=True))
    for change in told:
        tell(change)
    world.undisturbed()

    [incident] = another(world).current().incidents
    assert (incident.is_open, incident.opened_at) == (True, CHANGES[-1].at)


def test_reasons_are_cut_to_what_one_reads(world: World) -> None:
    another(world).heed("rank-drift", Change(world.clock(), AlarmState.ALARM, "why " * 1000))

    assert len(another(world).current().incidents[0].reason) == 300
    another(world).close("rank-drift")
    assert BY_HAND in world.items("notices")[0]["changes"]["S"]


def test_who_is_disturbed_by_another_tells_both(world: World) -> None:
    second = replace(CHANGES[1], reason="second")
    world.before(Once(lambda call: call.operation == "PutItem", lambda _: heed_as_is(world, second)))

    heed_as_is(world, CHANGES[0])

    [incident] = another(world).current().incidents
    assert incident.closed_at == second.at


def heed_as_is(world: World, change: Change) -> None:
    another(world).heed("rank-drift", change)
