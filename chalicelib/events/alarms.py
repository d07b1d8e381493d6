"""What CloudWatch tells of alarms by way of EventBridge: their changes are heeded."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from chalice.app import CloudWatchEvent
from msgspec import Struct

from chalicelib import config, logs
from chalicelib.bootstrap.heeding import heeding
from chalicelib.domain.incidents import AlarmState, Change, is_name
from chalicelib.services.incidents import Incidents

DELETED = "The alarm was deleted."
_METRICS = {"alarms_unreadable": "Count"}
_log = logging.getLogger(logs.LOGGER_NAME)


class _State(Struct):
    value: AlarmState
    timestamp: str
    reason: str = ""


class _Changed(Struct, rename="camel"):
    """What is read of the event "CloudWatch Alarm State Change"."""

    alarm_name: str
    state: _State


class _Deleted(Struct, rename="camel"):
    """And of "CloudWatch Alarm Configuration Change", of which the rule asks for one operation alone."""

    alarm_name: str
    operation: Literal["delete"]


def heed(event: CloudWatchEvent, use: Callable[[], Incidents] = heeding) -> None:
    """Heed a change of one of the stage's alarms. What is none can never be: it is counted, and done with."""
    try:
        alarm, change = _deletion(event) if event.detail_type == config.ALARM_CONFIGURED else _change(event)
    except (msgspec.ValidationError, ValueError) as error:
        _unreadable(event, str(error))
        return
    use().heed(alarm, change)


def _change(event: CloudWatchEvent) -> tuple[str, Change]:
    detail = msgspec.convert(event.detail, _Changed)
    # AWS writes its offset without a colon, which msgspec does not read.
    at = datetime.fromisoformat(detail.state.timestamp)
    if at.tzinfo is None:
        raise ValueError(f"a time of no zone: {at}")
    return _alarm(event, detail.alarm_name), Change(at, detail.state.value, detail.state.reason)


def _deletion(event: CloudWatchEvent) -> tuple[str, Change]:
    """Take an alarm that is no more for one that is over: it will not say so itself."""
    detail = msgspec.convert(event.detail, _Deleted)
    # In whole seconds: at the end of its second it is after whatever the alarm went through.
    at = datetime.fromisoformat(event.time) + timedelta(seconds=1)
    return _alarm(event, detail.alarm_name), Change(at, AlarmState.OK, DELETED)


def _alarm(event: CloudWatchEvent, name: str) -> str:
    """Return an alarm's name without what all of the stage begin with.

    Raises:
        ValueError: It is of another stage; or of another account or region, whose events a bus may be given too; or
            has a name that no operator could close it by.
    """
    alarm = name.removeprefix(config.alarm_prefix())
    if alarm == name or not is_name(alarm):
        raise ValueError(f"no alarm of this stage: {name!r}")
    context: Any = event.context  # Lambda's, which chalice declares as a dict
    if [event.region, event.account] != context.invoked_function_arn.split(":")[3:5]:
        raise ValueError(f"an alarm of another account or region: {event.account}, {event.region}")
    return alarm


def _unreadable(event: CloudWatchEvent, reason: str) -> None:
    facts = {"event_id": event.event_id, "reason": reason, "alarms_unreadable": 1}
    _log.error("alarm_unreadable", extra={**facts, **logs.metrics(_METRICS)})
