"""What SNS tells of messages of the notices' topic."""

import json
from typing import Any

CONTENT = {"title": "Hello"}


def announced() -> dict[str, Any]:
    """Return the event of an announcement."""
    return _told("announcement", {"content": CONTENT})


def told(player_id: str) -> dict[str, Any]:
    """Return the event of a notice for one player, the same whenever it is told."""
    return _told("personal", {"content": CONTENT, "recipients": [player_id]})


def _told(kind: str, edition: dict[str, Any]) -> dict[str, Any]:
    message = {
        "version": 1,
        "kind": kind,
        "notice_id": f"019aabd3c480{'0' * 20}",
        "expires_at": "2099-01-01T00:00:00Z",
        "editions": [edition],
    }
    published: dict[str, Any] = {
        "Message": json.dumps(message),
        "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
        "Timestamp": "2026-11-22T12:00:00.000Z",
        "Type": "Notification",
        "Subject": None,
        "MessageAttributes": {},
    }
    return {"Records": [{"EventVersion": "1.0", "EventSource": "aws:sns", "Sns": published}]}
