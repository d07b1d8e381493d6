"""The app's functions, each with an event that makes it do what it is for, up to its first call."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.cold.starts import READ_BOARD, Way
from bench.scene import ENVIRONMENT
from chalicelib import config
from chalicelib.services import clock
from chalicelib.services.tokens import Tokens
from tests.alarms import alarm_event
from tests.notices import announced
from tests.stream import delivery
from tests.tables import PREFIX

API, AUTHORIZER, STREAM, UPLOADS = "app", "player_authorizer", "settle_records", "make_avatar"
PLAYER, _SESSION = "1" * 32, "2" * 32
_STORED = {
    "player_id": {"S": PLAYER},
    "board_period": {"S": "points#all"},
    "score": {"N": "100"},
    "subscore": {"N": "0"},
    "achieved_at": {"N": "1795348800000"},
    "generation": {"N": "1"},
    "display_name": {"S": "Ada"},
    "hidden": {"BOOL": False},
}
_BOARD = {"board_id": "points"}
_SCHEDULED = {
    "version": "0",
    "id": PREFIX,
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-11-22T12:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {},
}

_LATE_UPLOAD = {
    "eventSource": "aws:s3",
    "eventName": "ObjectCreated:Post",
    "s3": {"bucket": {"name": "media"}, "object": {"key": f"uploads/{PLAYER}/{'3' * 32}/a+face.png", "size": 9}},
}
"""Of a player who has asked for another since: it is deleted, unread."""


def events() -> Mapping[str, Any]:
    """Return what each function is called with, by its name in app.py."""
    token, _ = Tokens(config.load(ENVIRONMENT).signing_keys, clock.now).access(PLAYER, _SESSION)
    return {
        API: READ_BOARD,
        AUTHORIZER: {
            "type": "TOKEN",
            "authorizationToken": f"Bearer {token}",
            "methodArn": "arn:aws:execute-api:us-east-1:123456789012:laurel/api/GET/players/me",
        },
        STREAM: {"Records": [delivery(1, None, _STORED)]},
        "deliver_notices": announced(),
        UPLOADS: {"Records": [_LATE_UPLOAD]},
        "replay_dead_letters": {},
        "audit_ranks": _BOARD,
        "rebuild_ranks": _BOARD,
        "export_records": _BOARD,
        "advise_ranks": _BOARD,
        "keep_ranks": _SCHEDULED,
        "keep_seasons": _SCHEDULED,
        "heed_alarms": alarm_event("laurel-bench-rank-drift", "ALARM"),
    }


def ways(tree: Path) -> list[Way]:
    """Return how each function starts from an unpacked package."""
    return [Way(name, tree, f"app.{name}", event, calls_aws=name != AUTHORIZER) for name, event in events().items()]
