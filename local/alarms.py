"""What the emulator's CloudWatch tells of alarms by way of EventBridge.

Runs in the emulator's process.
"""

# ruff: noqa: SLF001  (mending an inside means reaching into it)

import json
from datetime import UTC, datetime
from typing import Any

from ministack.services import cloudwatch, eventbridge  # type: ignore[import-untyped]  # ships no types

Json = dict[str, Any]

# As CloudWatch calls them: what this machine runs is not asked, for it may not be importable.
_CHANGED = "CloudWatch Alarm State Change"
_CONFIGURED = "CloudWatch Alarm Configuration Change"
_SAID = ("MetricName", "Namespace", "Period", "Statistic", "Threshold", "ComparisonOperator", "EvaluationPeriods")


def tell_of_alarms() -> None:
    """Put an event on the default bus whenever an alarm changes its state, or is deleted.

    Defect: ministack tells the topics that the alarm names, and nobody else. CloudWatch puts an event on the bus too,
    though the alarm's actions be off.
    """
    state_by_alarm: dict[str, Json] = {}
    act = cloudwatch._dispatch_alarm_actions

    def act_and_tell(alarm: Json, before: str, after: str, reason: str) -> None:
        act(alarm, before, after, reason)
        previous = state_by_alarm.get(alarm["AlarmArn"], {"value": before})
        state = _state(after, reason, alarm.get("StateReasonData"))
        state_by_alarm[alarm["AlarmArn"]] = state
        eventbridge._put_events({"Entries": [entry(alarm, state, previous)]}, allow_aws_source=True)

    cloudwatch._dispatch_alarm_actions = act_and_tell
    delete = cloudwatch._delete_alarms

    def delete_and_tell(*asked: Any, **more: Any) -> Any:
        before = dict(cloudwatch._alarms.items())
        answer = delete(*asked, **more)
        gone = [deletion(alarm) for name, alarm in before.items() if name not in cloudwatch._alarms]
        eventbridge._put_events({"Entries": gone}, allow_aws_source=True)
        return answer

    cloudwatch._delete_alarms = delete_and_tell


def entry(alarm: Json, state: Json, previous: Json) -> Json:
    """Return what is put on the bus of an alarm's change, as CloudWatch documents it."""
    return _entry(alarm, _CHANGED, {"previousState": previous, "state": state})


def deletion(alarm: Json) -> Json:
    """Return what is put on the bus of an alarm that is no more."""
    state = _state(alarm.get("StateValue", "OK"), alarm.get("StateReason", ""), None)
    return _entry(alarm, _CONFIGURED, {"operation": "delete", "state": state})


def _entry(alarm: Json, kind: str, of_kind: Json) -> Json:
    said = {name[0].lower() + name[1:]: alarm[name] for name in _SAID if alarm.get(name) is not None}
    configuration = {"description": alarm.get("AlarmDescription", ""), "metrics": [said]}
    return {
        "Source": "aws.cloudwatch",
        "DetailType": kind,
        "Detail": json.dumps({"alarmName": alarm["AlarmName"], "configuration": configuration, **of_kind}),
        "Resources": [alarm["AlarmArn"]],
    }


def _state(value: str, reason: str, reason_data: str | None) -> Json:
    now = datetime.now(UTC)
    timestamp = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}+0000"
    data = {"reasonData": reason_data} if reason_data else {}
    return {"value": value, "reason": reason, **data, "timestamp": timestamp}
