"""What EventBridge tells of alarms, as CloudWatch documents it."""

from typing import Any


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
        "account": "123456789012",
        "time": "2026-11-22T12:00:00Z",
        "region": "eu-central-1",
        "resources": [f"arn:aws:cloudwatch:eu-central-1:123456789012:alarm:{alarm}"],
        "detail": {
            "alarmName": alarm,
            "configuration": {"description": "An alarm.", "metrics": []},
            "previousState": {"reason": "Before.", "timestamp": "2026-11-22T11:00:00.000+0000", "value": "OK"},
            "state": {"reason": f"It is {state}.", "reasonData": "{}", "timestamp": at, "value": state},
            **detail,
        },
    }
