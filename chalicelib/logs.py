"""Logs: one JSON object a line, whose message is a constant event name and whose facts are fields.

Figures go out in CloudWatch's embedded metric format, which is a log line too: no call, no agent, no wait.
"""

import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import msgspec

LOGGER_NAME = "laurel"
NAMESPACE = "Laurel"
SERVICE = "laurel"
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_nothing: Mapping[str, Any] = MappingProxyType({})
_invocation: ContextVar[Mapping[str, Any]] = ContextVar("invocation", default=_nothing)
_noted: ContextVar[dict[str, Any]] = ContextVar("noted")


_cold = True


def begin(context: Any, request_id: str) -> None:
    """Put on every line from now on of which invocation it is, and whether that is the first of its process.

    Args:
        context: Lambda's.
        request_id: By what an operator looks for the invocation: Lambda's own id, or API Gateway's for a request.
    """
    global _cold  # noqa: PLW0603  # a process is cold once
    _invocation.set(
        {
            "request_id": request_id,
            "function": getattr(context, "function_name", ""),
            "version": getattr(context, "function_version", ""),
            "cold_start": _cold,
        }
    )
    _cold = False


def collect() -> dict[str, Any]:
    """Begin a request's line and return the facts that ``note`` will put on it."""
    facts: dict[str, Any] = {}
    _noted.set(facts)
    return facts


def note(**facts: Any) -> None:
    """Put facts on the line of the request that is being served, if one is: one line tells its whole story."""
    _noted.get({}).update(facts)


class JsonFormatter(logging.Formatter):
    """Formats a record with its extra fields; ``always`` and the facts of the invocation are on every line."""

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
            **_invocation.get(),
            **fields,
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


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


def metrics(unit_by_field: Mapping[str, str]) -> dict[str, Any]:
    """Return the log field that makes CloudWatch read other fields of the line as metrics, by service and stage.

    Args:
        unit_by_field: CloudWatch's unit for each. Dimensions have few values: a player id is never one.
    """
    declared = [{"Name": name, "Unit": unit} for name, unit in unit_by_field.items()]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["service", "stage"]], "Metrics": declared}
    return {"_aws": {"Timestamp": int(datetime.now(UTC).timestamp() * 1000), "CloudWatchMetrics": [directive]}}
