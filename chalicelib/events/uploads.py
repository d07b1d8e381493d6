"""Uploads as S3 tells of them: each becomes an avatar or is refused, and only what may yet succeed is tried again."""

import logging
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from chalicelib import logs
from chalicelib.bootstrap.publishing import publishing
from chalicelib.events.notifications import Notification
from chalicelib.services.publication import Fate, Outcome
from chalicelib.store import keys
from chalicelib.store.keys import UploadKey

_METRICS = {
    "avatar_ms": "Milliseconds",
    "avatars_published": "Count",
    "avatars_refused": "Count",
    "avatars_late": "Count",
}
_log = logging.getLogger(logs.LOGGER_NAME)


def take(event: Notification) -> None:
    """Decide on every file of an event; raise what failed last, once all were tried.

    Lambda tries the whole event twice more then, and puts it among the dead letters after that: what was decided is
    not decided again.
    """
    message = event.to_dict()
    records = message.get("Records", [message])
    failures = [failure for record in records if (failure := _failure(record))]
    if failures:
        raise failures[-1]


def _failure(record: Mapping[str, Any]) -> Exception | None:
    """Take one record, whose failure must not keep the others from being taken."""
    key = _key(record)
    if key is None:
        _log.warning("upload_ignored")
        return None
    try:
        _take(key)
    except Exception as error:  # noqa: BLE001  # the edge: it is raised again when all records were tried
        _log.exception("upload_failed", extra=_named(key))
        return error
    return None


def _key(record: Mapping[str, Any]) -> UploadKey | None:
    """Return which upload a record is of: none where S3 tells of anything else, or makes a trial."""
    written = record.get("s3", {}).get("object", {}).get("key", "")
    return keys.parsed_upload(unquote_plus(written))


def _take(key: UploadKey) -> None:
    started = time.perf_counter()
    outcome = publishing().take(key)
    duration = round((time.perf_counter() - started) * 1000, 3)
    fields = {**_named(key), **_told(outcome), "avatar_ms": duration}
    _log.info(f"avatar_{outcome.fate}", extra={**fields, **logs.metrics(_METRICS)})


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "bytes": outcome.bytes_read,
        "reason": outcome.refused.reason if outcome.refused else None,
        "avatars_published": int(outcome.fate is Fate.PUBLISHED),
        "avatars_refused": int(outcome.fate is Fate.REFUSED),
        "avatars_late": int(outcome.fate is Fate.LATE),
    }


def _named(key: UploadKey) -> dict[str, str]:
    """Return what to call an upload in the log: not by its file's name, which is the player's own."""
    return {"player_id": key.player_id, "upload_id": key.upload_id}
