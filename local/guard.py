"""The browser guard: no web page may drive the embedded AWS.

Its control plane has no authentication, answers CORS with ``*`` and runs code as the user who started it. Any page that
user opens could reach it: by a request to loopback, or by a name of its own that resolves to loopback. Command line
tools and SDKs send neither a foreign Host nor the headers every browser adds, so they are told apart without a secret.

Pages may do what the pages of a game do on AWS: call the API, send the form of an upload, show avatars.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from local.layout import API_PATH, MEDIA_BUCKET

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

OWN_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
UPLOAD_PATHS = frozenset({f"/{MEDIA_BUCKET}", f"/{MEDIA_BUCKET}/"})
AVATARS_PATH = f"/{MEDIA_BUCKET}/avatars/"
FORM = "multipart/form-data"
# Others, as X-Amz-Target and Authorization, would make another command of a request to the bucket.
HEADERS_OF_PAGES = frozenset(
    {
        "access-control-request-headers",
        "access-control-request-method",
        "content-length",
        "content-type",
        "host",
        "if-modified-since",
        "if-none-match",
        "origin",
        "range",
        "sec-fetch-site",
        "transfer-encoding",
    }
)
REFUSAL = (
    f"Refused: this port speaks to command line tools and SDKs, and to web pages only under {API_PATH}, "
    f"for uploads by form to /{MEDIA_BUCKET} and for {AVATARS_PATH}"
).encode()


def guarded(app: AsgiApp) -> AsgiApp:
    """Return ``app`` behind the guard: what ``admits`` turns away gets 403 and never reaches it."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or (scope["type"] == "http" and admits(scope, _headers(scope))):
            await app(_cleared(scope), receive, send)
        else:
            await _refuse(scope, send)

    return guard


def admits(request: Mapping[str, Any], headers: Mapping[str, str]) -> bool:
    """Tell whether a request may pass.

    Args:
        request: ``method``, ``path``, decoded, as the app will read it, and ``query_string``; of an ASGI scope.
        headers: By lower-case name.
    """
    if _host(headers) not in OWN_HOSTS:
        return False
    return not from_a_page(headers) or request["path"].startswith(API_PATH) or _is_for_media(request, headers)


def from_a_page(headers: Mapping[str, str]) -> bool:
    """Tell whether a browser sent a request on behalf of a page.

    Images and links carry no Origin, yet a GET can be a command; ``none`` is an address typed by the user.
    """
    return "origin" in headers or headers.get("sec-fetch-site", "none") != "none"


def _is_for_media(request: Mapping[str, Any], headers: Mapping[str, str]) -> bool:
    """Tell an upload by form, the question before it, and the reading of an avatar, from all else S3 can do."""
    method, path = request["method"], request["path"]
    if request["query_string"]:
        return False
    if path in UPLOAD_PATHS:
        return method == "OPTIONS" or (method == "POST" and headers.get("content-type", "").startswith(FORM))
    return method in {"GET", "HEAD"} and path.startswith(AVATARS_PATH)


def _host(headers: Mapping[str, str]) -> str:
    host, colon, port = headers.get("host", "").rpartition(":")
    return host if colon and port.isdigit() else headers.get("host", "")


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _cleared(scope: Scope) -> Scope:
    """Return what the app is to see of a request: from a page to the bucket, no more than uploads and images need."""
    if scope["type"] == "lifespan" or scope["path"].startswith(API_PATH) or not from_a_page(_headers(scope)):
        return scope
    headers = [(name, value) for name, value in scope["headers"] if name.decode("latin-1").lower() in HEADERS_OF_PAGES]
    return {**scope, "headers": headers}


async def _refuse(scope: Scope, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": REFUSAL})
