"""Logs: one JSON object a line, whose message is a constant event name and whose facts are fields.

Figures go out in CloudWatch's embedded metric format, which is a log line too: no call, no agent, no wait.
"""

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

LOGGER_NAME = "laurel"
NAMESPACE = "Laurel"
SERVICE = "laurel"
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Formats a record with its extra fields, and ``always`` on every line."""

    def __init__(self, always: Mapping[str, Any]) -> None:
        super().__init__()
        self._always = always

    def format(self, record: logging.LogRecord) -> str:
        fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "message": record.getMessage(),
            **self._always,
            **fields,
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def configure(stage: str) -> logging.Logger:
    """Make the app's logger write JSON lines to standard error; a second call changes nothing."""
    logger = logging.getLogger(LOGGER_NAME)
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonFormatter({"service": SERVICE, "stage": stage}))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    return logger


def metrics(figures: Mapping[str, tuple[float, str]], dimensions: Mapping[str, str]) -> dict[str, Any]:
    """Return the log fields that CloudWatch reads as metrics.

    Args:
        figures: Value and CloudWatch unit by metric name.
        dimensions: Few values each: a player id never belongs here.
    """
    declared = [{"Name": name, "Unit": unit} for name, (_, unit) in figures.items()]
    directive = {"Namespace": NAMESPACE, "Dimensions": [list(dimensions)], "Metrics": declared}
    timestamp = int(datetime.now(UTC).timestamp() * 1000)
    values = {name: value for name, (value, _) in figures.items()}
    return {"_aws": {"Timestamp": timestamp, "CloudWatchMetrics": [directive]}, **dimensions, **values}
