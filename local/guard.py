"""The browser guard: no web page may drive the embedded AWS.

Its control plane has no authentication, answers CORS with ``*`` and runs code as the user who started it. Any page that
user opens could reach it: by a request to loopback, or by a name of its own that resolves to loopback. Command line
tools and SDKs send neither a foreign Host nor the headers every browser adds, so they are told apart without a secret.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from local.layout import API_PATH

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

OWN_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
REFUSAL = b"Refused: this port speaks to command line tools and SDKs, and to web pages only under " + API_PATH.encode()


def guarded(app: AsgiApp) -> AsgiApp:
    """Return ``app`` behind the guard: what ``admits`` turns away gets 403 and never reaches it."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or (scope["type"] == "http" and admits(scope["path"], _headers(scope))):
            await app(scope, receive, send)
        else:
            await _refuse(scope, send)

    return guard


def admits(path: str, headers: dict[str, str]) -> bool:
    """Tell whether a request may pass.

    Args:
        path: Decoded, as the app will read it.
        headers: By lower-case name.
    """
    return _host(headers) in OWN_HOSTS and (path.startswith(API_PATH) or not _from_a_page(headers))


def _host(headers: dict[str, str]) -> str:
    host, colon, port = headers.get("host", "").rpartition(":")
    return host if colon and port.isdigit() else headers.get("host", "")


def _from_a_page(headers: dict[str, str]) -> bool:
    # Images and links carry no Origin, yet a GET can be a command; "none" is an address typed by the user.
    return "origin" in headers or headers.get("sec-fetch-site", "none") != "none"


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def _refuse(scope: Scope, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": REFUSAL})
