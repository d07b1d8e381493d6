"""The edge around all routes: CORS, the access log, the description, and how little it takes to import the app."""

import subprocess
import sys
from typing import Any

import pytest
import schemathesis
from chalice.config import Config
from chalice.local import LocalGateway

import app as manifest
from tests.api.client import ADMIN_KEY, Api
from tests.api.world import World, token
from tests.lines import Lines
from tests.repository import ROOT

WITHOUT_NETWORK_AND_SETTINGS = """
import sys
def refuse(event, arguments):
    assert event not in {"socket.connect", "socket.getaddrinfo"}, event
sys.addaudithook(refuse)
sys.path.insert(0, sys.argv[1])
import app
print(app.app.app_name)
"""


def test_a_request_is_one_line(world: World, lines: Lines) -> None:
    player = world.player()
    world.board("speedrun")

    world.api.get("/boards/speedrun/around/me?size=5", token=player.token)

    registered, created, line = lines.of("request")
    assert (registered["route"], created["route"]) == ("/players", "/admin/boards")
    assert (line["method"], line["route"], line["status"]) == ("GET", "/boards/{board_id}/around/me", 404)
    assert (line["level"], line["service"], line["error_code"]) == ("INFO", "laurel", "record_not_found")
    assert (line["player_id"], line["board_id"]) == (player.player_id, "speedrun")
    assert line["duration_ms"] > 0
    assert {"timestamp", "stage", "request_id", "function", "version", "cold_start"} <= set(line)


def test_the_line_of_a_game_s_end_says_what_became_of_its_scores(world: World, lines: Lines) -> None:
    player = world.player()
    world.board("points", limits={"max_score": 10})
    game_id = world.game(player)

    world.end(player, game_id, points=11)

    line = lines.all()[-1]
    rejected = {"board_id": "points", "period_id": "all", "outcome": "rejected", "reason": "above_max"}
    assert (line["game_id"], line["placements"]) == (game_id, [rejected])


def test_a_line_holds_no_secret(world: World, lines: Lines) -> None:
    player = world.player(display_name="Adelheid")
    world.api.get("/players/me", token=player.token)
    world.api.patch("/players/me", {"metadata": {"k": "confidential"}}, token=player.token)
    world.api.post("/players/refresh", {"refresh_token": player.refresh_token})
    world.api.post("/players/signIn", {"device_id": "wrong-secret-of-a-device"})
    world.api.post("/admin/boards", {}, admin=True)
    world.api.post("/players", raw=b"confidential, and no JSON")

    text = lines.text

    assert text.count('"message":"request"') == 7
    secrets = [player.token, player.refresh_token, player.device_id, ADMIN_KEY, "wrong-secret", "confidential"]
    assert not [secret for secret in [*secrets, "Adelheid", "Bearer", "Authorization"] if secret in text]


def test_hostile_text_stays_one_line(api: Api, lines: Lines) -> None:
    api.get('/boards/%0A{"message":"forged"}%0D%E2%80%A8')

    (line,) = lines.all()
    assert line["message"] == "request"


def test_a_bug_is_logged_with_its_traceback(api: Api, aws: None, lines: Lines) -> None:
    api.get("/boards")  # and there are no tables

    bug, request = lines.all()
    assert (bug["message"], bug["level"], bug["route"]) == ("bug", "ERROR", "/boards")
    assert "ResourceNotFound" in bug["traceback"]
    assert {"request_id", "function", "cold_start"} <= set(bug)
    assert (request["status"], request["error_code"]) == (500, "internal")


@pytest.mark.parametrize("path", sorted(manifest.app.routes))
def test_a_browser_may_call_every_route(path: str) -> None:
    gateway = LocalGateway(manifest.app, Config.create())

    headers = gateway.handle_request("OPTIONS", path, {"Origin": "https://game.example"}, None)["headers"]

    assert headers["Access-Control-Allow-Origin"] == "*"
    assert {"Authorization", "Content-Type", "X-Laurel-Admin-Key"} <= set(
        headers["Access-Control-Allow-Headers"].split(",")
    )
    assert set(manifest.app.routes[path]) < set(headers["Access-Control-Allow-Methods"].split(","))
    assert headers["Access-Control-Expose-Headers"] == "Retry-After"


def test_answers_are_not_kept_by_caches(world: World) -> None:
    player = world.player()

    answers = [
        world.api.get("/boards"),
        world.api.get("/boards/none"),
        world.api.delete("/players/me", token=player.token),
    ]

    assert [answer.headers["Cache-Control"] for answer in answers] == ["no-store"] * 3


def test_a_browser_reads_our_errors_too(api: Api) -> None:
    for answer in (api.get("/boards/%ff"), api.get("/players/me"), api.get("/players/me", token="x")):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_the_description_is_valid(document: dict[str, Any]) -> None:
    schemathesis.openapi.from_dict(document).validate()


def test_every_route_is_described(document: dict[str, Any]) -> None:
    described = {(path, method.upper()) for path, item in document["paths"].items() for method in item}

    assert described == {(path, method) for path, methods in manifest.app.routes.items() for method in methods}


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]

    assert len(set(names)) == len(names)


def test_the_app_is_imported_without_network_and_settings() -> None:
    command = [sys.executable, "-I", "-c", WITHOUT_NETWORK_AND_SETTINGS, str(ROOT)]

    imported = subprocess.run(command, env={}, cwd="/", capture_output=True, text=True, check=False)

    assert (imported.returncode, imported.stdout) == (0, "laurel\n"), imported.stderr


def test_chalice_tells_callers_nothing_in_its_own_words() -> None:
    assert manifest.app.debug is False


def test_a_token_is_not_asked_for_where_everybody_may_call(api: Api) -> None:
    assert api.get("/openapi.json", token=token()).status == 200
