"""An HTTP server that answers byte for byte what a test tells it to, and keeps every request as it came."""

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Event, Lock, Thread
from typing import Any, NamedTuple
from zlib import crc32

LOOPBACK = "127.0.0.1"
PATIENCE_SECONDS = 60
"""With a server that answers at once, on a machine that is busy."""


class Request(NamedTuple):
    """A request of one connection; headers have names in lower case."""

    connection: int
    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Answer(NamedTuple):
    """What goes over the wire. ``after``: what to wait for before; ``closes``: hang up after."""

    sent: bytes
    closes: bool = False
    after: Event | None = None


Script = Callable[[Request], Answer]

CUT = Answer(b"", closes=True)


def reply(body: Any = None, status: int = 200, **headers: str) -> Answer:
    """Return an answer as DynamoDB gives it. ``body``: what to write as JSON, or bytes as they are."""
    sent = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
    fields = {"x-amz-crc32": str(crc32(sent)), "Content-Length": str(len(sent))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return Answer("\r\n".join(lines).encode() + sent)


def error(code: str, status: int = 400, **members: Any) -> Answer:
    return reply({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code, **members}, status)


@dataclass(slots=True)
class Server:
    """Answers by its script, which may be changed between requests."""

    url: str = ""
    script: Script = field(default=lambda _: reply())
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    lock: Any = field(default_factory=Lock)

    def answers(self, *answers: Answer) -> None:
        """Give these answers, one a request, and the last one for ever after."""
        left = list(answers)
        self.script = lambda _: left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Serve on a free port of this machine."""
    server = Server()

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            with server.lock:
                server.connections += 1
                number = server.connections
            with suppress(OSError):
                while (request := _read(self.rfile, number, self.wfile)) and self._answered(request):
                    pass

        def _answered(self, request: Request) -> bool:
            with server.lock:
                server.requests.append(request)
                answer = server.script(request)
            if answer.after:
                answer.after.wait(PATIENCE_SECONDS)
            self.wfile.write(answer.sent)
            return not answer.closes

    class Tcp(ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 64

        def get_request(self) -> tuple[socket.socket, Any]:
            accepted, address = super().get_request()
            if tls:
                accepted = tls.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
            return accepted, address

        def handle_error(self, *_failed: Any) -> None:
            """A client that refuses a certificate is no news."""

    with Tcp((LOOPBACK, 0), Handler) as tcp:
        name = "localhost" if tls else LOOPBACK
        server.url = f"{'https' if tls else 'http'}://{name}:{tcp.server_address[1]}"
        Thread(target=tcp.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield server
        finally:
            tcp.shutdown()


def _read(stream: Any, connection: int, back: Any) -> Request | None:
    line = stream.readline().decode().strip()
    if not line:
        return None
    headers = {}
    while field_line := stream.readline().decode().strip():
        name, _, value = field_line.partition(":")
        headers[name.lower()] = value.strip()
    if "expect" in headers:
        back.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return Request(connection, line, headers, stream.read(int(headers.get("content-length", 0))))


@contextmanager
def silent() -> Iterator[str]:
    """Yield the host and port of who takes connections and never says a word."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        yield f"{LOOPBACK}:{listening.getsockname()[1]}"


def unused() -> str:
    """Return a host and port where nobody listens."""
    with silent() as address:
        return address
