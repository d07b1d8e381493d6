"""The notices' topic: one message in, its notices into the inboxes."""

import logging
import time
from datetime import UTC, datetime
from typing import Any

from chalice.app import SNSEvent

from chalicelib import logs
from chalicelib.bootstrap.delivering import delivering
from chalicelib.services.delivery import Delivered

_METRICS = {
    "notices_delivered": "Count",
    "notices_dead_lettered": "Count",
    "notices_pushed": "Count",
    "notice_lag_ms": "Milliseconds",
}
_log = logging.getLogger(logs.LOGGER_NAME)


def deliver(event: SNSEvent) -> None:
    """Deliver a message of the topic. What it raises makes Lambda deliver it again, twice at most."""
    started = time.perf_counter()
    context: Any = event.context
    delivered = delivering().delivery.deliver(event.message, context.get_remaining_time_in_millis)
    _log_delivery(delivered, event, started)


def _log_delivery(delivered: Delivered, event: SNSEvent, started: float) -> None:
    fields = {
        "duration_ms": round((time.perf_counter() - started) * 1000, 3),
        "kind": delivered.kind,
        "notice_id": delivered.notice_id,
        "reason": delivered.fault,
        "recipients": delivered.recipients,
        "repeated": delivered.repeated,
        "gone": delivered.gone,
        "devices_dropped": delivered.pushed.dropped,
        "devices_failed": delivered.pushed.failed,
        "notices_delivered": delivered.delivered,
        "notices_dead_lettered": int(delivered.fault is not None),
        "notices_pushed": delivered.pushed.sent,
        "notice_lag_ms": _lag_ms(event),
    }
    _log.info("delivered", extra={**fields, **logs.metrics(_METRICS)})


def _lag_ms(event: SNSEvent) -> int:
    """Return how long ago the message was published; SNS says when, to the millisecond."""
    published_at = datetime.fromisoformat(event.to_dict()["Records"][0]["Sns"]["Timestamp"])
    return max(0, int((datetime.now(UTC) - published_at).total_seconds() * 1000))
