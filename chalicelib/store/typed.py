"""Typed DynamoDB values, and instants as whole milliseconds."""

from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def s(text: str) -> dict[str, Any]:
    return {"S": text}


def n(number: int) -> dict[str, Any]:
    return {"N": str(number)}


def milliseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // _MILLISECOND


def seconds(instant: datetime) -> int:
    """Return epoch seconds, the unit of DynamoDB's time to live."""
    return int(instant.timestamp())


def from_milliseconds(number: float) -> datetime:
    return _EPOCH + timedelta(milliseconds=number)


def from_seconds(number: float) -> datetime:
    return _EPOCH + timedelta(seconds=number)
