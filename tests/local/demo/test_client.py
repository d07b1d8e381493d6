"""The client against a server that says what it is told to."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from local.demo.client import Client, RefusedError, ServerGoneError


class Script(BaseHTTPRequestHandler):
    """Answers what stands next in ``lines``: a status with a body, or None to hang up."""

    protocol_version = "HTTP/1.1"
    lines: ClassVar[list[tuple[int, Any] | None]] = []
    asked: ClassVar[list[tuple[str, str, str | None]]] = []

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer()

    def answer(self) -> None:
        self.asked.append((self.command, self.path, self.headers.get("X-Laurel-Admin-Key")))
        line = self.lines.pop(0)
        if line is None:
            self.close_connection = True
            return
        status, body = line
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    Script.lines.clear()
    Script.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Script) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{server.server_port}/api/"
        server.shutdown()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def client(url: str, pauses: list[float]) -> Iterator[Client]:
    with Client(url, pauses.append) as client:
        yield client


def refusal(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "no"}}


def test_a_request_is_answered_and_timed(client: Client) -> None:
    Script.lines[:] = [(200, {"rank": 1}), (201, {"rank": 2})]

    assert client.get("rank read", "boards") == {"rank": 1}
    assert client.post("admin", "admin/boards", {}, {"X-Laurel-Admin-Key": "key"}) == {"rank": 2}
    assert Script.asked == [("GET", "/api/boards", None), ("POST", "/api/admin/boards", "key")]
    assert {kind: len(seconds) for kind, seconds in client.seconds_by_kind.items()} == {"rank read": 1, "admin": 1}
    assert not client.repeated


@pytest.mark.parametrize("problem", [None, (503, refusal("store_unavailable")), (409, refusal("contended"))])
def test_what_may_pass_is_tried_again(client: Client, pauses: list[float], problem: tuple[int, Any] | None) -> None:
    Script.lines[:] = [problem, problem, (200, {"rank": 1})]

    assert client.get("rank read", "boards") == {"rank": 1}
    assert client.repeated.total() == 2
    assert 0 < pauses[0] < pauses[1]


def test_what_will_not_pass_is_raised_at_once(client: Client) -> None:
    Script.lines[:] = [(409, refusal("game_ended"))]

    with pytest.raises(RefusedError, match="POST /api/gameEnd was answered 409: no") as refused:
        client.post("gameEnd", "gameEnd", {})

    assert refused.value.code == "game_ended"


def test_a_server_that_stays_busy_is_given_up(client: Client, pauses: list[float]) -> None:
    Script.lines[:] = [(503, refusal("store_unavailable"))] * 4

    with pytest.raises(RefusedError, match="503"):
        client.get("rank read", "boards")

    assert len(pauses) == 3


def test_a_server_that_is_gone_is_named(client: Client, url: str) -> None:
    Script.lines[:] = [None] * 4

    with pytest.raises(ServerGoneError, match=f"{url} no longer answers"):
        client.get("rank read", "boards")
