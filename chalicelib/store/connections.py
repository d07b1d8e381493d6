"""Kept connections to one host: what a call needs of HTTP, on the standard library's own client.

The pools of urllib3, on which botocore sends, are made for any host, method, redirect and body. One host, POST, bodies
in memory and replies read whole take half of that. Connections are opened as botocore would open them; where it takes
more than a socket and TLS, such as a proxy, botocore's own session sends.
"""

import socket
import ssl
import weakref
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Protocol
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config as ClientConfig
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.httpsession import get_cert_path
from msgspec import Struct
from urllib3.util import wait_for_read

from chalicelib.store.trust import Trust


class Response(Protocol):
    """What is read of a reply, whoever received it."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def content(self) -> bytes: ...


class Sender(Protocol):
    def send(self, request: AWSPreparedRequest) -> Response:
        """Send a request and return the reply, or raise one of botocore's HTTP exceptions."""

    def close(self) -> None: ...


class _Received(Struct, frozen=True):
    status_code: int
    headers: Any
    """An email.message.Message: names in any case."""
    content: bytes


def sender(session: Any, url: str, config: ClientConfig) -> Sender:
    """Return connections opened as botocore's HTTP session would open them, or that session where they cannot be."""
    proxy = session._proxy_config.proxy_url_for(url)  # noqa: SLF001  # what environment and settings came to
    if proxy or session._cert_file or not session._verify:  # noqa: SLF001  # the same
        return session  # type: ignore[no-any-return]  # it sends too
    return Connections(url, get_cert_path(session._verify), config)  # noqa: SLF001  # the same


class Connections:
    """Sends to one host; threads may share it.

    A connection is kept only after a reply was read to its end, and used again only if nothing came on it since: no
    reply is ever taken for that of another request.
    """

    def __init__(self, url: str, certificates: str | None, config: ClientConfig) -> None:
        parts = urlsplit(url)
        self._url = url
        self._host, self._port = parts.hostname or "", parts.port
        self._is_secure = parts.scheme == "https"
        self._certificates = certificates
        self._config: Any = config
        self._kept: deque[HTTPConnection] = deque()
        weakref.finalize(self, _close_all, self._kept)

    def send(self, request: AWSPreparedRequest) -> Response:
        connection = self._idle() or self._opened()
        try:
            received = self._exchanged(connection, request)
        except BaseException:  # half a reply may still come on it
            connection.close()
            raise
        self._keep(connection)
        return received

    def close(self) -> None:
        """Close what is idle; what is under way ends as it would."""
        _close_all(self._kept)

    def _idle(self) -> HTTPConnection | None:
        """Return the connection used last, unless something came on it since: its end, or nothing we asked for."""
        while True:
            try:
                connection = self._kept.pop()
            except IndexError:
                return None
            if _is_quiet(connection):
                return connection
            connection.close()

    def _keep(self, connection: HTTPConnection) -> None:
        if connection.sock is None:  # the server said that it closes, and http.client did
            return
        self._kept.append(connection)
        if len(self._kept) > self._config.max_pool_connections:
            with suppress(IndexError):  # other threads took them all meanwhile
                self._kept.popleft().close()

    @cached_property
    def _trust(self) -> Trust:
        """One for all connections: reading certificates takes longer than a call."""
        return Trust(self._certificates)

    def _opened(self) -> HTTPConnection:
        if not self._is_secure:
            return self._connected(HTTPConnection(self._host, self._port, timeout=self._config.connect_timeout))
        context = self._trust.context
        try:
            return self._connected(self._secured(context))
        except SSLError as error:
            unknown = isinstance(error.__cause__, ssl.SSLCertVerificationError)
            if not (unknown and self._trust.widened(context)):
                raise
        return self._connected(self._secured(self._trust.context))

    def _secured(self, context: ssl.SSLContext) -> HTTPSConnection:
        return HTTPSConnection(self._host, self._port, timeout=self._config.connect_timeout, context=context)

    def _connected(self, connection: HTTPConnection) -> HTTPConnection:
        try:
            self._connect(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(self, connection: HTTPConnection) -> None:
        try:
            connection.connect()
        except TimeoutError as error:
            raise ConnectTimeoutError(endpoint_url=self._url, error=error) from error
        except ssl.SSLError as error:
            raise SSLError(endpoint_url=self._url, error=error) from error
        except OSError as error:
            raise EndpointConnectionError(endpoint_url=self._url, error=error) from error
        connection.sock.settimeout(self._config.read_timeout)
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def _exchanged(self, connection: HTTPConnection, request: AWSPreparedRequest) -> _Received:
        try:
            connection.request("POST", "/", request.body, request.headers)  # type: ignore[arg-type]  # bytes, a mapping
            return _received(connection.getresponse())
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=self._url, error=error) from error
        except (OSError, HTTPException) as error:
            raise ConnectionClosedError(endpoint_url=self._url, error=error) from error


def _received(response: HTTPResponse) -> _Received:
    if "Content-Length" not in response.headers and not response.chunked:
        raise HTTPException("a reply that ends with its connection may have been cut")
    return _Received(response.status, response.headers, response.read())


def _is_quiet(connection: HTTPConnection) -> bool:
    decrypted = connection.sock.pending() if isinstance(connection.sock, ssl.SSLSocket) else 0
    return not decrypted and not wait_for_read(connection.sock, timeout=0.0)


def _close_all(connections: deque[HTTPConnection]) -> None:
    while connections:
        connections.pop().close()
