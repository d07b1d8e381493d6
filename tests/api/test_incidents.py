"""Incidents and the mode as players see them, and as operators set them."""

import re
from datetime import UTC, datetime

import pytest

import app as manifest
from chalicelib.api.resources import operations
from chalicelib.bootstrap import heeding, serving
from chalicelib.errors import StoreUnavailableError
from chalicelib.store.incidents import IncidentStore
from chalicelib.store.notices import NoticeStore
from tests.alarms import alarm_event
from tests.api.world import World
from tests.contexts import Context
from tests.repository import ROOT


@pytest.fixture(autouse=True)
def heeded() -> None:
    heeding.heeding.cache_clear()


def tell(alarm: str, state: str, second: int) -> None:
    """Tell of an alarm, and let five seconds pass for the API."""
    at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M}:{second:02d}.000+0000"
    manifest.heed_alarms(alarm_event(f"laurel-test-{alarm}", state, at), Context())
    serving.services.cache_clear()


def test_an_incident_is_shown_while_it_is_open(world: World) -> None:
    tell("deliver_notices-errors", "ALARM", 1)

    shown = world.api.get("/").body
    assert shown["mode"] == "normal"
    [incident] = shown["incidents"]
    assert incident.keys() == {"alarm", "affects", "opened_at"}, "operators' affairs are not for players"
    assert (incident["alarm"], incident["affects"]) == ("deliver_notices-errors", "notices")

    tell("deliver_notices-errors", "OK", 2)
    assert world.api.get("/").body["incidents"] == []


def test_operators_see_why_and_what_is_over(world: World) -> None:
    tell("rank-drift", "ALARM", 1)
    tell("rank-drift", "OK", 2)
    tell("records-errors", "ALARM", 3)

    body = world.api.get("/admin/incidents", admin=True).body

    assert (body["mode"], body["setting"], body["set_at"]) == ("degraded", "automatic", None)
    assert [(each["alarm"], each["closed_at"] is None) for each in body["incidents"]] == [
        ("records-errors", True),
        ("rank-drift", False),
    ]
    assert body["incidents"][0]["reason"] == "It is ALARM."


def test_a_mode_is_set_by_hand(world: World) -> None:
    body = world.api.put("/admin/mode", {"mode": "degraded"}, admin=True).body
    assert (body["mode"], body["setting"]) == ("degraded", "degraded")
    assert datetime.fromisoformat(body["set_at"]) <= datetime.now(UTC)
    assert world.api.get("/").body["mode"] == "degraded"

    assert world.api.put("/admin/mode", {"mode": "automatic"}, admin=True).body["mode"] == "normal"
    assert world.api.get("/").body["mode"] == "normal"


def test_an_incident_is_closed_by_hand(world: World) -> None:
    tell("records-errors", "ALARM", 1)

    body = world.api.delete("/admin/incidents/records-errors", admin=True).body

    assert (body["mode"], body["incidents"][0]["closed_at"] is None) == ("normal", False)
    assert world.api.delete("/admin/incidents/rank-drift", admin=True).body["error"]["code"] == "incident_not_found"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/admin/incidents", None),
        ("PUT", "/admin/mode", {"mode": "normal"}),
        ("DELETE", "/admin/incidents/a", None),
    ],
)
def test_only_admins_see_and_switch(world: World, method: str, path: str, body: object) -> None:
    assert world.api.call(method, path, body).status == 401


def test_the_lobby_is_shown_though_notices_do_not_answer(world: World, settings: pytest.MonkeyPatch) -> None:
    world.board()
    player = world.player()

    def silent(*_: object, **__: object) -> object:
        raise StoreUnavailableError("no answer")

    settings.setattr(IncidentStore, "known", silent)
    settings.setattr(NoticeStore, "slips", silent)

    answer = world.api.get("/", token=player.token)

    assert answer.status == 200
    assert (answer.body["mode"], answer.body["incidents"]) == ("normal", [])
    assert answer.body["lobby"]["unread_notices"] is None
    assert [board["board_id"] for board in answer.body["boards"]] == ["speedrun"]


def test_standings_say_when_they_are_a_copy(world: World) -> None:
    world.play(world.player(), **{world.board(): 5})
    manifest.keep_ranks({}, Context())

    assert world.api.get("/boards/speedrun/entries").body["as_of"] is None
    world.api.put("/admin/mode", {"mode": "degraded"}, admin=True)
    body = world.api.get("/boards/speedrun/entries").body
    assert datetime.fromisoformat(body["as_of"]) <= datetime.now(UTC)
    assert [entry["score"] for entry in body["entries"]] == [5]


def test_what_is_optional_is_refused_and_nothing_else(world: World) -> None:
    world.play(world.player(), **{world.board(): 5})
    world.api.put("/admin/mode", {"mode": "degraded"}, admin=True)

    refused = world.api.get("/boards/speedrun/thresholds?ranks=1")
    assert refused.refusal == (503, "degraded")
    assert refused.error["detail"] == {"retry_after": 60}
    player = world.player()
    assert world.play(player, speedrun=9).status == 200
    assert world.api.get("/boards/speedrun/entries/me", token=player.token).body["entry"]["rank"] == 1


def test_what_is_switched_off_is_counted_apart_from_failures(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Else the alarm of server errors, which degrades a stage, would keep it degraded for ever."""
    world.board()
    world.api.put("/admin/mode", {"mode": "degraded"}, admin=True)
    caplog.set_level("INFO", "laurel")

    world.api.get("/boards/speedrun/thresholds?ranks=1")
    world.api.get("/boards/speedrun/entries")

    *_, refused, answered = (vars(record) for record in caplog.records if record.message == "request")
    assert (refused["status"], refused["server_error"], refused["switched_off"]) == (503, 0, 1)
    assert (answered["status"], answered["server_error"], answered["switched_off"]) == (200, 0, 0)
    assert "switched_off" in [each["Name"] for each in refused["_aws"]["CloudWatchMetrics"][0]["Metrics"]]


def test_what_is_said_to_be_switched_off_is() -> None:
    page = (ROOT / "docs" / "explanation" / "degraded-mode.md").read_text(encoding="utf-8")
    routes = {f"{operation.method} {operation.path}" for operation in operations() if operation.optional}

    assert set(re.findall(r"`([A-Z]+ /[^`]*)` off", page)) == routes
