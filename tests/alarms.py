"""What EventBridge tells of alarms, as CloudWatch documents it."""

from typing import Any

ACCOUNT, REGION = "123456789012", "eu-central-1"


def alarm_event(alarm: str, state: str, at: str = "2026-11-22T12:00:00.250+0000", **detail: Any) -> dict[str, Any]:
    """Return an event of an alarm that has changed its state.

    Args:
        at: When, as CloudWatch writes it: with milliseconds, and without a colon in the offset.
    """
    return {
        "version": "0",
        "id": "c4c1c1c9-6542-e61b-6ef0-8c4d36933a92",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": ACCOUNT,
        "time": "2026-11-22T12:00:00Z",
        "region": REGION,
        "resources": [f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{alarm}"],
        "detail": {
            "alarmName": alarm,
            "configuration": {"description": "An alarm.", "metrics": []},
            "previousState": {"reason": "Before.", "timestamp": "2026-11-22T11:00:00.000+0000", "value": "OK"},
            "state": {"reason": f"It is {state}.", "reasonData": "{}", "timestamp": at, "value": state},
            **detail,
        },
    }


def deletion_event(alarm: str, at: str = "2026-11-22T12:00:00Z") -> dict[str, Any]:
    """Return an event of an alarm that has been deleted, at a whole second."""
    event = alarm_event(alarm, "ALARM")
    detail = {name: event["detail"][name] for name in ("alarmName", "configuration", "state")}
    kind = "CloudWatch Alarm Configuration Change"
    return {**event, "detail-type": kind, "time": at, "detail": {**detail, "operation": "delete"}}
