"""All resources, in the order in which they are described, and which of them a path belongs to."""

from collections.abc import Callable, Sequence

from chalice.app import Authorizer, Chalice, Request, Response

from chalicelib.api.routing import Api, Operation
from chalicelib.loading import load

MODULES = (
    "main",
    "description",
    "games",
    "players",
    "exports",
    "avatars",
    "notices",
    "devices",
    "boards",
    "figures",
    "rewards",
    "tournaments",
    "seasons",
    "admin",
    "incidents",
)
AT_ONCE = ("main", "games", "players", "boards")
"""What players call all the time: a process of Lambda's imports it before it takes its first request."""
_MODULE_BY_WORD = {
    "openapi.json": "description",
    "export": "exports",
    "avatar": "avatars",
    "identicon": "avatars",
    "notices": "notices",
    "devices": "devices",
    "thresholds": "figures",
    "rank": "figures",
    "distribution": "figures",
    "periods": "figures",
    "history": "figures",
    "rewards": "rewards",
    "balances": "rewards",
    "join": "tournaments",
    "withdraw": "tournaments",
    "participation": "tournaments",
    "stop": "tournaments",
    "seasons": "seasons",
    "incidents": "incidents",
    "mode": "incidents",
    "admin": "admin",
}
"""Of what is imported on demand, by the last of these words in a path."""


def resources() -> list[Api]:
    """Return all resources, imported."""
    return [_resource(module) for module in MODULES]


def operations() -> list[Operation]:
    """Return every route there is, imported."""
    return [operation for resource in resources() for operation in resource.operations]


def register(app: Chalice, player_authorizer: Authorizer) -> None:
    """Add all routes to the app: what is deployed, and what is served to many."""
    for resource in resources():
        resource.register(app, player_authorizer)


def register_on_demand(app: Chalice, player_authorizer: Authorizer) -> None:
    """Add the routes that players call all the time, and any others when the first request for one of them comes.

    A process of Lambda's serves few of them, and a player waits for what it imports.
    """
    registered: set[str] = set()

    def have(modules: Sequence[str]) -> None:
        for module in modules:
            if module not in registered:
                _resource(module).register(app, player_authorizer)
                registered.add(module)

    @app.middleware("http")
    def routed(request: Request, answer: Callable[[Request], Response]) -> Response:
        path = request.context["resourcePath"]
        if path not in app.routes:
            have(modules_of(path))
        return answer(request)

    have(AT_ONCE)


def modules_of(path: str) -> Sequence[str]:
    """Return where the routes of a path are, if they are not there at once: anywhere, if no word in it says so.

    >>> modules_of("/admin/boards/{board_id}/rewards")
    ('rewards',)
    """
    words = reversed(path.split("/"))
    return next(((_MODULE_BY_WORD[word],) for word in words if word in _MODULE_BY_WORD), MODULES)


def _resource(module: str) -> Api:
    resource: Api = load(f"chalicelib.api.{module}").api
    return resource
