"""The records' stream: a batch in, what must be delivered again out."""

import logging
import time
from typing import Any

from chalice.app import DynamoDBEvent

from chalicelib import logs
from chalicelib.bootstrap.following import following
from chalicelib.services.followup import Report

_METRICS = {
    "settle_lag_ms": "Milliseconds",
    "settled": "Count",
    "deferred": "Count",
    "dead_lettered": "Count",
}
_log = logging.getLogger(logs.LOGGER_NAME)

Answer = dict[str, Any]


def follow(event: DynamoDBEvent) -> Answer:
    """Settle a batch of the records' stream; answer the sequence numbers that Lambda must deliver again.

    Lambda goes on from the lowest of them, so what comes after it comes twice: that does no harm.
    """
    started = time.perf_counter()
    context: Any = event.context
    # The raw records: Chalice's own read their time in a way that Python deprecates, and would parse them one by one.
    report = following().follow_up.follow(event.to_dict()["Records"], context.get_remaining_time_in_millis)
    _log_batch(report, started)
    return {"batchItemFailures": [{"itemIdentifier": number} for number in report.again]}


def _log_batch(report: Report, started: float) -> None:
    fields = {
        "duration_ms": round((time.perf_counter() - started) * 1000, 3),
        "records": report.records,
        "players": report.players,
        "settled": report.settled,
        "settled_before": report.settled_before,
        "deferred": report.deferred,
        "dead_lettered": report.dead_lettered,
        "settle_lag_ms": report.lag_ms,
    }
    _log.info("followed", extra={**fields, **logs.metrics(_METRICS)})
