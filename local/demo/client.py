"""Speaks to Laurel as a game client does: kept connections, bounded patience, the same request again when told so."""

import http.client
import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

LAST_ATTEMPT = 3
TIMEOUT_SECONDS = 15.0
IDLE_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 0.1
BUSY = frozenset({429, 502, 503, 504})
CONTENDED = "contended"

Json = dict[str, Any]


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


class ServerGoneError(DemoError):
    """Laurel no longer answers."""


class RefusedError(DemoError):
    """Laurel refused what it should have taken."""

    def __init__(self, request: str, status: int, answer: Json) -> None:
        error = answer.get("error", {})
        super().__init__(f"{request} was answered {status}: {error.get('message', answer)}")
        self.status = status
        self.code = error.get("code")


class Client:
    """Laurel's API at ``url``, for any number of threads, each of which keeps a connection."""

    def __init__(self, url: str, sleep: Callable[[float], object] = time.sleep) -> None:
        self.url = url
        self._sleep = sleep
        parts = urlsplit(url)
        self._address = parts.netloc
        self._root = parts.path
        self._own = threading.local()
        self._lock = threading.Lock()
        self._connections: list[http.client.HTTPConnection] = []
        self.seconds_by_kind: defaultdict[str, list[float]] = defaultdict(list)
        """How long each answered request took, by what the caller called it."""
        self.repeated: Counter[str] = Counter()
        """How many requests were sent again, by what they had met."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for connection in self._connections:
            connection.close()

    def get(self, kind: str, path: str) -> Json:
        return self.call(kind, "GET", path, None, {})

    def post(self, kind: str, path: str, body: Json, headers: Mapping[str, str] | None = None) -> Json:
        return self.call(kind, "POST", path, body, headers or {})

    def call(self, kind: str, method: str, path: str, body: Json | None, headers: Mapping[str, str]) -> Json:
        """Return the answer's body.

        What is not answered is sent again: a game that was started twice is simply never ended once.

        Raises:
            ServerGoneError: After several attempts.
            RefusedError: The answer is an error that the same request would meet again.
        """
        attempt = 0
        while True:
            try:
                return self._answer(kind, method, path, body, headers)
            except RefusedError as error:
                if attempt == LAST_ATTEMPT or (error.status not in BUSY and error.code != CONTENDED):
                    raise
                reason = f"{kind} met {error.code or error.status}"
            except (OSError, http.client.HTTPException) as error:
                if attempt == LAST_ATTEMPT:
                    raise ServerGoneError(f"Laurel at {self.url} no longer answers: {error!r}") from error
                reason = f"{kind} met {type(error).__name__}"
            self._note(reason)
            self._sleep(FIRST_PAUSE_SECONDS * 4**attempt)
            attempt += 1

    def _answer(self, kind: str, method: str, path: str, body: Json | None, headers: Mapping[str, str]) -> Json:
        started = time.perf_counter()
        status, answer = self._sent(method, path, body, headers)
        self.seconds_by_kind[kind].append(time.perf_counter() - started)
        if status >= http.HTTPStatus.BAD_REQUEST:
            raise RefusedError(f"{method} {self._root}{path}", status, answer)
        return answer

    def _sent(self, method: str, path: str, body: Json | None, headers: Mapping[str, str]) -> tuple[int, Json]:
        connection = self._connection()
        try:
            encoded = None if body is None else json.dumps(body)
            connection.request(method, self._root + path, encoded, {"Content-Type": "application/json", **headers})
            response = connection.getresponse()
            content = response.read()
        except BaseException:
            # Whatever was on its way would be taken for the next answer.
            connection.close()
            raise
        return response.status, _parsed(content)

    def _connection(self) -> http.client.HTTPConnection:
        now = time.monotonic()
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPConnection(self._address, timeout=TIMEOUT_SECONDS)
            with self._lock:
                self._connections.append(self._own.connection)
        elif now > self._own.used + IDLE_SECONDS:
            # The server may have closed it meanwhile; it opens itself anew.
            self._own.connection.close()
        self._own.used = now
        connection: http.client.HTTPConnection = self._own.connection
        return connection

    def _note(self, reason: str) -> None:
        with self._lock:
            self.repeated[reason] += 1


def _parsed(content: bytes) -> Json:
    try:
        parsed: Json = json.loads(content or b"{}")
    except ValueError:
        return {"error": {"message": content.decode(errors="replace")}}
    return parsed
