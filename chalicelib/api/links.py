"""Links: the URLs of the pictures in an answer, absolute, so that a client may put them anywhere as they are."""

from collections.abc import Mapping
from typing import Any

from chalice.app import Request
from msgspec import Struct

from chalicelib.store import keys


class Links(Struct, frozen=True):
    """Where this request reached the API, and where everybody reads files of avatars; both with their last slash."""

    api_url: str
    media_url: str
    """"": nowhere, there are no avatars."""

    def identicon(self, player_id: str) -> str:
        """Return what a size follows, in pixels."""
        return f"{self.api_url}players/{player_id}/identicon?size="

    def avatar(self, player_id: str, reference: str) -> str:
        """Return what the names of an avatar's files follow. Such a key has nothing that a URL would have to escape."""
        return f"{self.media_url}{keys.avatar(player_id, reference)}"


def links(request: Request, media_url: str) -> Links:
    """Return the links of an answer to this request."""
    return Links(api_url(request.context, request.headers), media_url)


def api_url(context: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """Return the URL of the API as its caller knows it, which only API Gateway can tell.

    Behind a custom domain it is that domain and what it maps to the API; otherwise the gateway's name and the stage.

    Args:
        context: The request's, from API Gateway: ``path`` is the stage, or what a domain maps, and then the route.
        headers: Without regard to case. ``X-Forwarded-Proto`` is API Gateway's own too.

    >>> api_url({"domainName": "api.example.com", "path": "/v2/players/me", "resourcePath": "/players/me"}, {})
    'https://api.example.com/v2/'
    """
    host = context.get("domainName") or headers.get("host")
    if not host:
        return "/"  # nobody says: chalice's test client, or a function that is invoked by hand
    scheme = "http" if headers.get("x-forwarded-proto") == "http" else "https"
    return f"{scheme}://{host}{_base(context['path'], context['resourcePath'])}/"


def _base(path: str, route: str) -> str:
    """Return what comes before the route in a path: both have as many segments from there on."""
    segments = path.rstrip("/").split("/")
    depth = len(route.strip("/").split("/")) if route.strip("/") else 0
    return "/".join(segments[: len(segments) - depth])
