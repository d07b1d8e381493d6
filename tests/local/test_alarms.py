"""What the emulator's CloudWatch tells nobody. The day a ``still`` fails, its mending can go."""

# ruff: noqa: SLF001  (the defects are inside)

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from ministack.services import cloudwatch, eventbridge  # type: ignore[import-untyped]  # ships no types

from chalicelib import config
from local import alarms
from tests.alarms import alarm_event, deletion_event

ALARM = "laurel-local-rank-drift"


@pytest.fixture(autouse=True)
def inside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(cloudwatch, "_dispatch_alarm_actions", cloudwatch._dispatch_alarm_actions)
    monkeypatch.setattr(cloudwatch, "_delete_alarms", cloudwatch._delete_alarms)
    made = {"AlarmName": ALARM, "AlarmArn": f"arn:{ALARM}", "StateValue": "OK", "Namespace": "Laurel"}
    cloudwatch._alarms[ALARM] = {**made, "MetricName": "rank_drift", "Threshold": 0}
    yield
    cloudwatch._delete_alarms({}, {"AlarmNames": [ALARM]}, is_cbor=True)
    eventbridge.reset()


def change(state: str, reason: str = "why") -> None:
    cloudwatch._set_alarm_state({}, {"AlarmName": ALARM, "StateValue": state, "StateReason": reason}, is_cbor=True)


def told() -> list[dict[str, Any]]:
    """Return the events on the bus, as a rule's target gets them."""
    return [eventbridge._pattern_event_view(each).event_with_detail() for each in eventbridge._events_log_list()]


def delete() -> None:
    cloudwatch._delete_alarms({}, {"AlarmNames": [ALARM, "never-made"]}, is_cbor=True)


def test_an_alarm_still_tells_the_bus_nothing() -> None:
    change("ALARM")
    delete()

    assert told() == []


def test_an_alarm_tells_the_bus_in_the_form_of_aws() -> None:
    alarms.tell_of_alarms()

    change("ALARM", "first")
    change("ALARM", "no change")
    change("OK", "second")

    first, second = told()
    assert first.keys() == alarm_event(ALARM, "ALARM").keys()
    assert (first["source"], first["detail-type"]) == ("aws.cloudwatch", "CloudWatch Alarm State Change")
    assert first["resources"] == [f"arn:{ALARM}"]
    assert first["detail"]["state"].keys() == {"value", "reason", "timestamp"}
    assert (first["detail"]["previousState"], first["detail"]["alarmName"]) == ({"value": "OK"}, ALARM)
    assert first["detail"]["configuration"]["metrics"] == [
        {"metricName": "rank_drift", "namespace": "Laurel", "threshold": 0}
    ]
    assert second["detail"]["previousState"] == first["detail"]["state"]
    timestamp = second["detail"]["state"]["timestamp"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", timestamp)
    assert datetime.fromisoformat(timestamp) >= datetime.fromisoformat(first["detail"]["state"]["timestamp"])


def test_an_alarm_that_is_deleted_tells_the_bus_in_the_form_of_aws() -> None:
    alarms.tell_of_alarms()

    delete()

    [event] = told()
    expected = deletion_event(ALARM)
    assert event.keys() == expected.keys()
    assert event["detail"].keys() == expected["detail"].keys()
    assert (event["detail-type"], event["detail"]["operation"]) == (expected["detail-type"], "delete")
    assert datetime.fromisoformat(event["time"]).tzinfo


@pytest.mark.parametrize(
    ("alarm", "matches"),
    [
        ("laurel-dev-rank-drift", True),
        ("laurel-dev2-rank-drift", False),
        ("laurel-dev", False),
        ("laurel-prod-rank-drift", False),
        ("other-laurel-dev-rank-drift", False),
    ],
)
def test_the_rule_lets_alarms_of_its_stage_through_and_of_no_other(alarm: str, matches: bool) -> None:
    pattern = config.alarm_pattern({"LAUREL_STAGE": "dev"})
    named = {"AlarmName": alarm, "AlarmArn": alarm}
    change, deletion = alarms.entry(named, {"value": "ALARM"}, {"value": "OK"}), alarms.deletion(named)
    update = {**deletion, "Detail": deletion["Detail"].replace('"delete"', '"update"')}

    told = [eventbridge._matches_pattern(json.dumps(pattern), event) for event in (change, deletion, update)]
    assert told == [matches, matches, False]
