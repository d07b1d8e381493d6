"""A way to AWS on which a deployment is killed at a call: before AWS hears of it, or before it answers."""

import http.client
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self
from urllib.parse import parse_qs, urlsplit

LOOK_SECONDS = 0.05
NOT_HANDED_ON = frozenset({"connection", "transfer-encoding", "content-length"})


@dataclass(frozen=True, slots=True)
class Call:
    """A call as the wire has it.

    Args:
        name: ``POST /2015-03-31/functions``, or the action that a query names: ``CreateStack laurel-dev``.
    """

    name: str

    @classmethod
    def read(cls, method: str, path: str, body: bytes) -> Self:
        query = parse_qs(body.decode(errors="replace")) if body.startswith(b"Action=") else {}
        if "Action" in query:
            return cls(f"{query['Action'][0]} {query.get('StackName', [''])[0]}".strip())
        return cls(f"{method} {path}")


@dataclass
class Trap:
    """Where to kill.

    Args:
        call: The beginning of a call's name.
        times: At which of such calls.
        heard: Whether AWS hears of it.
    """

    call: str
    times: int = 1
    heard: bool = False


class Tripwire:
    """A proxy in front of ``endpoint``, as a context manager; ``kill`` is called once, when the trap is stepped on."""

    def __init__(self, endpoint: str, trap: Trap) -> None:
        self.sprung = False
        self._upstream = urlsplit(endpoint).netloc
        self._trap = trap
        self._seen = 0
        self.kill: Callable[[], None] = lambda: None
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Headers and body in one packet: each answer would take 40 ms otherwise.
            wbufsize = -1

            def __getattr__(self, name: str) -> Callable[[], None]:
                if not name.startswith("do_"):
                    raise AttributeError(name)
                return lambda: wire.serve(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(LOOK_SECONDS,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        trapped = self._is_trapped(Call.read(request.command, request.path, body))
        if trapped and not self._trap.heard:
            self._spring()
        if self.sprung:
            request.close_connection = True
            return
        status, headers, answer = self._handed_on(request, body)
        if trapped:
            self._spring()
            request.close_connection = True
            return
        request.send_response(status)
        for name, value in headers:
            if name.lower() not in NOT_HANDED_ON:
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer)

    def _is_trapped(self, call: Call) -> bool:
        self._seen += call.name.startswith(self._trap.call)
        return not self.sprung and self._seen == self._trap.times

    def _spring(self) -> None:
        self.sprung = True
        self.kill()

    def _handed_on(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self._upstream, timeout=120)
        try:
            headers = {**request.headers, "Host": self._upstream}
            connection.request(request.command, request.path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()
