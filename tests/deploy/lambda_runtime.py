"""Lambda as a container sees it: the runtime API, and the real runtime interface client that asks it for work.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import importlib.util
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

_API = "/2018-06-01/runtime/"
_NEXT, _INIT_ERROR = f"{_API}invocation/next", f"{_API}init/error"
_ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
_REGISTERED = 202
_SLOWEST_SECONDS = 300
_CLIENT = ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a runtime reports: of an invocation, or of a start that failed."""

    kind: str
    """``response``, ``error``, or ``init/error``."""
    body: Any
    error_type: str | None = None


class RuntimeApi:
    """Serves one runtime on loopback: hands it events, takes its reports."""

    def __init__(self) -> None:
        self._events: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
        self.outcomes: queue.Queue[Outcome] = queue.Queue()
        self.polled = threading.Event()
        api = self

        class Handler(_Handler):
            runtime = api

        self._server = _Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def hand(self, event: Any, arn: str, seconds: int) -> None:
        headers = {
            "Lambda-Runtime-Aws-Request-Id": str(uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + seconds) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": arn,
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
        }
        self._events.put((headers, json.dumps(event).encode()))

    def next(self) -> tuple[dict[str, str], bytes] | None:
        """Return the next event, or None when there will be none."""
        self.polled.set()
        headers, body = self._events.get()
        return (headers, body) if headers else None

    def close(self) -> None:
        self._events.put(({}, b""))
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *request: Any) -> None:
        """Say nothing of runtimes that were ended while they asked for work."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*request)


class _Handler(BaseHTTPRequestHandler):
    runtime: ClassVar[RuntimeApi]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert self.path == _NEXT, self.path
        found = self.runtime.next()
        if found is None:
            self.close_connection = True
            return
        headers, body = found
        self._answer(200, body, headers)

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or _unchunked(self)
        if self.path == _INIT_ERROR:
            kind = "init/error"
        else:
            kind = self.path.rpartition("/")[2]
            assert kind in {"response", "error"}, self.path
        self._answer(_REGISTERED, b'{"status": "OK"}', {})
        self.runtime.outcomes.put(Outcome(kind, json.loads(said or b"null"), self.headers.get(_ERROR_TYPE)))

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing of requests."""


def _unchunked(request: BaseHTTPRequestHandler) -> bytes:
    """Return a body that was sent in chunks, as the runtime's own client sends it."""
    body = b""
    if request.headers.get("Transfer-Encoding", "").lower() == "chunked":
        while size := int(request.rfile.readline().strip(), 16):
            body += request.rfile.read(size)
            request.rfile.readline()
        request.rfile.readline()
    return body


@dataclass
class Function:
    """A process as Lambda starts it in a container, with nothing to import but the image's files and its runtime.

    Args:
        root: The files of the image, from /.
        client: A folder with the runtime interface client; see ``runtime_client``.
    """

    root: Path
    client: Path
    handler: str
    environment: Mapping[str, str]
    name: str = "laurel-local"
    api: RuntimeApi = field(default_factory=RuntimeApi)
    process: "subprocess.Popen[bytes]" = field(init=False)

    def __post_init__(self) -> None:
        task_root = self.root / "var" / "task"
        environment = {
            "AWS_LAMBDA_RUNTIME_API": self.api.address,
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "LAMBDA_TASK_ROOT": str(task_root),
            "_HANDLER": self.handler,
            "PYTHONPATH": str(self.client),
            "PATH": "/usr/bin:/bin",
            **self.environment,
        }
        # Without site, nothing of the environment that the tests run in can be imported.
        command = [sys.executable, "-S", "-m", "awslambdaric", self.handler]
        self.process = subprocess.Popen(
            command, cwd=task_root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def invoke(self, event: Any, seconds: int = _SLOWEST_SECONDS) -> Outcome:
        """Return what becomes of an event, or of the start."""
        self.api.hand(event, f"arn:aws:lambda:us-east-1:000000000000:function:{self.name}", seconds)
        return self.outcome()

    def outcome(self) -> Outcome:
        try:
            return self.api.outcomes.get(timeout=_SLOWEST_SECONDS)
        except queue.Empty:
            raise AssertionError(f"{self.handler} reported nothing:\n{self.stop()}") from None

    def stop(self) -> str:
        """End the process, and return what it printed."""
        self.process.terminate()
        output, _ = self.process.communicate()
        self.api.close()
        return output.decode(errors="replace")


@contextmanager
def started(*arguments: Any, **named: Any) -> Iterator[Function]:
    function = Function(*arguments, **named)
    try:
        yield function
    finally:
        function.stop()


def runtime_client(folder: Path) -> Path:
    """Fill a folder with the runtime interface client and what it needs, as /var/runtime has it, and return it."""
    folder.mkdir()
    for module in _CLIENT:
        spec = importlib.util.find_spec(module)
        assert spec is not None, f"{module} is not installed"
        origin = Path(spec.origin or "")
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)
    return folder
