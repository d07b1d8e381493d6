"""What CloudWatch tells of alarms by way of EventBridge: their changes are heeded."""

import logging
from collections.abc import Callable
from datetime import datetime

import msgspec
from chalice.app import CloudWatchEvent
from msgspec import Struct

from chalicelib import config, logs
from chalicelib.bootstrap.heeding import heeding
from chalicelib.domain.incidents import AlarmState, Change
from chalicelib.services.incidents import Incidents

_METRICS = {"alarms_unreadable": "Count"}
_log = logging.getLogger(logs.LOGGER_NAME)


class _State(Struct):
    value: AlarmState
    timestamp: str
    reason: str = ""


class _Detail(Struct, rename="camel"):
    """What is read of the event "CloudWatch Alarm State Change"."""

    alarm_name: str
    state: _State


def heed(event: CloudWatchEvent, use: Callable[[], Incidents] = heeding) -> None:
    """Heed a change of one of the stage's alarms. What is none can never be: it is counted, and done with."""
    try:
        detail = msgspec.convert(event.detail, _Detail)
        # AWS writes its offset without a colon, which msgspec does not read.
        at = datetime.fromisoformat(detail.state.timestamp)
    except (msgspec.ValidationError, ValueError) as error:
        _unreadable(event, str(error))
        return
    prefix = config.alarm_prefix()
    if at.tzinfo is None or not detail.alarm_name.startswith(prefix):
        _unreadable(event, f"an alarm of another stage, or a time of no zone: {detail.alarm_name!r}, {at}")
        return
    use().heed(detail.alarm_name.removeprefix(prefix), Change(at, detail.state.value, detail.state.reason))


def _unreadable(event: CloudWatchEvent, reason: str) -> None:
    facts = {"event_id": event.event_id, "reason": reason, "alarms_unreadable": 1}
    _log.error("alarm_unreadable", extra={**facts, **logs.metrics(_METRICS)})
