"""What keeps seasons is run by the schedule, and by hand: the answers say what was done."""

from typing import Any

import pytest
from msgspec.structs import replace

import app
from chalicelib.bootstrap.seasons import Seasons
from chalicelib.domain.turns import TurnState
from chalicelib.errors import StoreUnavailableError
from chalicelib.events import seasons
from chalicelib.events.occasions import Occasion
from tests.contexts import Context
from tests.fake_dynamodb import throttle
from tests.fake_s3 import FakeS3
from tests.lines import Lines
from tests.services.turning import PERIOD, RULES, Turning, played
from tests.services.works import BUCKET

SCHEDULED = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-11-22T13:02:00Z",
    "region": "eu-central-1",
    "resources": [],
    "detail": {},
}


@pytest.fixture
def turning() -> Turning:
    world, _ = played([5, 7, 40, 4096])
    turning = Turning(world)
    turning.set_rules(RULES)
    world.clock.advance(hours=1, minutes=2)
    return turning


def keep(turning: Turning, event: Any, use: Seasons | None = None) -> Any:
    found = use or turning.another_process()
    return seasons.keep(Occasion(event, Context()), lambda: found)


def test_the_schedule_turns_what_is_over_and_says_what_it_did(turning: Turning) -> None:
    answer = keep(turning, SCHEDULED)

    assert [kept["job"]["period_id"] for kept in answer["rollovers"]] == [PERIOD]
    turn = answer["rollovers"][0]["turn"]
    assert turn | {"done_at": ""} == {
        "state": "done",
        "ended_at": "2026-11-22T13:00:00Z",
        "frozen_at": "2026-11-22T13:01:10Z",
        "done_at": "",
        "records": 4,
        "manifest": turning.turn.manifest,
        "rewarded": 4,
        "left": 0,
    }
    assert keep(turning, SCHEDULED) == {"rollovers": [], "closings": []}


@pytest.mark.parametrize("event", [None, {}, {"board_id": "race"}, {"board_id": "race", "period": "previous"}])
def test_an_operator_does_what_the_schedule_does(turning: Turning, event: Any) -> None:
    answer = keep(turning, event)

    assert answer["rollovers"][0]["turn"]["state"] == "done"


def test_a_period_that_is_done_is_answered_as_it_is(turning: Turning) -> None:
    keep(turning, SCHEDULED)

    (kept,) = keep(turning, {"board_id": "race", "period": "previous"})["rollovers"]

    assert (kept["job"], kept["turn"]["manifest"]) == (None, turning.turn.manifest)


def test_a_period_is_turned_by_hand_though_older_ones_wait(turning: Turning) -> None:
    turning.world.clock.advance(hours=2)

    answer = keep(turning, {"board_id": "race", "period": "20261122T1300Z"})

    assert [kept["job"]["period_id"] for kept in answer["rollovers"]] == ["20261122T1300Z"]
    assert [kept["job"]["period_id"] for kept in keep(turning, SCHEDULED)["rollovers"]] == [PERIOD, "20261122T1400Z"]


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"board": "race"}, "malformed"),
        ({"board_id": "none"}, "board_not_found"),
        ({"board_id": "race", "period": "current"}, "conflict"),
        ({"board_id": "race", "period": "20261122T1230Z"}, "period_not_found"),
    ],
)
def test_an_operator_is_told_why_not(turning: Turning, event: Any, code: str) -> None:
    assert keep(turning, event)["error"]["code"] == code


def test_every_run_says_for_how_long_a_period_has_waited(turning: Turning, lines: Lines) -> None:
    turning.s3 = FakeS3(set())
    keep(turning, SCHEDULED)
    turning.world.clock.advance(hours=2)
    keep(turning, SCHEDULED)
    turning.s3 = FakeS3({BUCKET})
    turning.world.clock.advance(minutes=10)
    keep(turning, SCHEDULED)

    told = lines.of("seasons_kept")
    assert [(line["running"], line["turn_lag_ms"]) for line in told] == [(1, 0), (1, 2 * 3_600_000), (0, 0)]
    assert told[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [{"Name": "turn_lag_ms", "Unit": "Milliseconds"}]


class Broken:
    """An outbox with a notice in it that nobody can read."""

    def due(self) -> int:
        raise LookupError("no notice")


def test_notices_that_something_is_wrong_with_hold_up_no_period(turning: Turning, lines: Lines) -> None:
    broken: Any = Broken()

    with pytest.raises(LookupError):
        keep(turning, SCHEDULED, replace(turning.another_process(), outbox=broken))

    assert turning.turn.state is TurnState.DONE
    [line] = lines.of("failed_apart")
    assert (line["work"], "no notice" in line["traceback"]) == ("scheduled notices", True)
    assert lines.of("seasons_kept") == [], "the alarm hears nothing of a run that fails"


def test_what_the_schedule_cannot_do_fails(turning: Turning) -> None:
    use = turning.another_process()
    turning.world.before(throttle)

    with pytest.raises(StoreUnavailableError):
        keep(turning, SCHEDULED, use)
    assert keep(turning, {}, use)["error"]["code"] == "store_unavailable"


def test_the_manifest_lets_operators_in_beside_the_schedule() -> None:
    assert app.keep_seasons.event_class is Occasion
