"""Routing: what every route does alike: who may call, what it takes and answers, and what errors look like.

A view is a plain function. The names of its parameters say what it wants, their types say what is valid: ``path``,
``query`` and ``body`` are msgspec structs, ``caller`` is the player's id, ``links`` makes URLs. The same types make the
OpenAPI document. An answer is JSON, unless its type is a kind of ``Content``.
"""

import logging
import re
import time
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, lru_cache
from http import HTTPStatus
from typing import Any, ClassVar, cast
from urllib.parse import unquote

import msgspec
from chalice.app import Authorizer, Chalice, CORSConfig, Request, Response

from chalicelib import logs
from chalicelib.api.authorizer import bearer
from chalicelib.api.links import links
from chalicelib.bootstrap.serving import services
from chalicelib.bootstrap.signing import tokens
from chalicelib.errors import (
    DegradedError,
    GameError,
    MalformedError,
    MediaTypeError,
    TokenError,
    TokenExpiredError,
    TooLargeError,
    UnauthenticatedError,
)
from chalicelib.services.tokens import digest, same

ADMIN_HEADER = "X-Laurel-Admin-Key"
MAX_BODY_BYTES = 256 * 1024
MAX_ECHO = 200
"""How much of what a caller sent comes back in a message."""
_CORS = CORSConfig(allow_origin="*", allow_headers=[ADMIN_HEADER], expose_headers=["Retry-After"], max_age=600)
_JSON = {"Content-Type": "application/json", "Cache-Control": "no-store"}
_PLACE = re.compile(r" - at (?P<key>`key` in )?`\$\.?(?P<field>[^`]*)`$")
_NAME = re.compile("[a-z_]+")
_INSTANT = "2026-11-22T12:00:00Z"
_log = logging.getLogger(logs.LOGGER_NAME)

View = Callable[..., Any]
MADE = frozenset({"caller", "links"})
"""Parameters of views that come from the request as a whole, not from a value in it."""


class Access(StrEnum):
    """Who may call a route."""

    PUBLIC = "public"
    OPTIONAL = "optional"
    """Anybody; a player's token shows more."""
    PLAYER = "player"
    ADMIN = "admin"


class Content(msgspec.Struct, frozen=True):
    """An answer that is not JSON: a text of the media type, and with the headers, that its class declares."""

    media_type: ClassVar[str]
    headers: ClassVar[Mapping[str, str]]

    text: str


class Operation(msgspec.Struct, frozen=True):
    """One route: everything there is to know of it, for dispatch and for the OpenAPI document."""

    method: str
    path: str
    access: Access
    status: int
    view: View
    errors: tuple[type[GameError], ...]
    tag: str
    optional: bool = False
    """Whether players do without it in the degraded mode."""

    @property
    def types(self) -> Mapping[str, Any]:
        """Return the view's types by parameter name; "return" is the answer's."""
        return _types(self.view)


@cache
def _types(view: View) -> Mapping[str, Any]:
    """Resolve a view's annotations: on its first use, because a function that starts serves one route."""
    return typing.get_type_hints(view, include_extras=True)


class Api:
    """The routes of one resource."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.operations: list[Operation] = []

    def route(  # noqa: PLR0913  # everything there is to say of a route
        self,
        method: str,
        path: str,
        *,
        access: Access = Access.PUBLIC,
        status: int = 200,
        errors: tuple[type[GameError], ...] = (),
        optional: bool = False,
    ) -> Callable[[View], View]:
        """Declare a route. ``errors`` are those the view raises, beyond what access, values and the store imply.

        An ``optional`` one is switched off in the degraded mode.
        """

        def declare(view: View) -> View:
            self.operations.append(Operation(method, path, access, status, view, errors, self.tag, optional))
            return view

        return declare

    def register(self, app: Chalice, player_authorizer: Authorizer) -> None:
        """Add the routes to the app. Player routes are guarded by the authorizer before they are reached."""
        for operation in self.operations:
            guard = {"authorizer": player_authorizer} if operation.access is Access.PLAYER else {}
            app.route(operation.path, methods=[operation.method], cors=_CORS, content_types=[], **guard)(
                _endpoint(app, operation)
            )


def _endpoint(app: Chalice, operation: Operation) -> Callable[..., Response]:
    def endpoint(**path: str) -> Response:
        request = cast("Request", app.current_request)
        started = time.perf_counter()
        facts = logs.collect()
        response = _answered(operation, request, path)
        logs.note(status=response.status_code, duration_ms=round((time.perf_counter() - started) * 1000, 3))
        _log_access(operation, request, facts)
        return response

    endpoint.__name__ = f"{operation.tag}_{operation.view.__name__}"
    return endpoint


def _answered(operation: Operation, request: Request, path: Mapping[str, str]) -> Response:
    try:
        return _success(operation, request, path)
    except GameError as error:
        return _refusal(error, request)
    except Exception:  # noqa: BLE001  # the edge: whatever it is, the caller gets an answer and the log the traceback
        _log.exception("bug", extra={"route": operation.path})
        return _refusal(GameError("something is broken on our side; it has been logged"), request)


def _success(operation: Operation, request: Request, path: Mapping[str, str]) -> Response:
    arguments = _arguments(operation, request, path)
    if operation.optional:
        services().incidents.require_normal()
    answer = operation.view(**arguments)
    if answer is None:
        return Response("", {"Cache-Control": "no-store"}, operation.status)
    if isinstance(answer, Content):
        return Response(answer.text, {"Content-Type": answer.media_type, **answer.headers}, operation.status)
    return Response(msgspec.json.encode(answer).decode(), dict(_JSON), operation.status)


def _arguments(operation: Operation, request: Request, path: Mapping[str, str]) -> dict[str, Any]:
    """Return the view's arguments; who is calling comes first, so that strangers learn nothing about values."""
    caller = _caller(operation.access, request)
    arguments: dict[str, Any] = {}
    for name, kind in operation.types.items():
        if name == "caller":
            arguments[name] = caller
        elif name == "links":
            arguments[name] = links(request, services().config.media_url)
        elif name == "path":
            arguments[name] = _converted(name, {key: _decoded(key, value) for key, value in path.items()}, kind)
        elif name == "query":
            arguments[name] = _converted(name, _single_values(request), kind)
        elif name == "body":
            arguments[name] = _body(request, kind)
    if "query" not in operation.types and request.query_params:
        raise MalformedError("query: this route takes no query parameters", field="query")
    return arguments


def _caller(access: Access, request: Request) -> str | None:
    if access is Access.PLAYER:
        return _authorized_player(request)
    if access is Access.ADMIN:
        _require_admin(request)
    if access is Access.OPTIONAL and request.headers.get("authorization"):
        return tokens().verified(bearer(request.headers["authorization"])).player_id
    return None


def _authorized_player(request: Request) -> str:
    """Return the player API Gateway let through.

    The gateway keeps the authorizer's word for some minutes, so the token's own end is looked at again.
    """
    context = request.context.get("authorizer") or {}
    if "player_id" not in context:
        raise TokenError("the access token is not one of ours; sign in again")
    if datetime.now(UTC).timestamp() >= float(context["expires_at"]):
        raise TokenExpiredError("the access token has expired; refresh it with POST /players/refresh")
    return str(context["player_id"])


def _require_admin(request: Request) -> None:
    given = digest(request.headers.get(ADMIN_HEADER, ""))
    matches = [same(given, each) for each in services().config.admin_key_hashes]
    if not any(matches):
        raise UnauthenticatedError(f"this route takes an admin key in the header {ADMIN_HEADER}")


def _decoded(name: str, value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        raise MalformedError(f"path.{name}: not percent-encoded UTF-8", field=name) from error


def _single_values(request: Request) -> dict[str, str]:
    values: dict[str, str] = {}
    params = request.query_params
    for name in params or ():
        given = params.getlist(name) if params else []
        if len(given) != 1:
            raise MalformedError(f"query.{name}: given {len(given)} times, expected once", field=name)
        values[name] = given[0]
    return values


def _converted(where: str, values: Mapping[str, str], kind: Any) -> Any:
    lists = _lists(kind)
    parts = {name: text.split(",") if name in lists else text for name, text in values.items()}
    try:
        converted = msgspec.convert(parts, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _malformed(where, str(error), kind) from error
    for name, given in parts.items():
        value = getattr(converted, name)
        pairs = zip(value, given, strict=True) if isinstance(given, list) else [(value, given)]
        # msgspec takes 1.0 and 1e1 for integers; bodies may not say so either.
        if any(type(number) is int and not text.removeprefix("-").isdigit() for number, text in pairs):
            raise MalformedError(f"{where}.{name}: expected `int`, got `float`", field=name)
    return converted


@lru_cache
def _lists(kind: Any) -> frozenset[str]:
    """Return the names of the fields that hold a list: it is given as one text, separated by commas."""
    hint_by_name = typing.get_type_hints(kind)
    return frozenset(
        name
        for name, hint in hint_by_name.items()
        if any(typing.get_origin(each) is list for each in (hint, *typing.get_args(hint)))
    )


def _body(request: Request, kind: Any) -> Any:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise MediaTypeError(f"the body must be application/json, not {media_type or 'undeclared'}")
    raw = request.raw_body
    if len(raw) > MAX_BODY_BYTES:
        raise TooLargeError(f"the body has {len(raw)} bytes; at most {MAX_BODY_BYTES} are taken")
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed("body", str(error), kind) from error


def _malformed(where: str, message: str, kind: Any) -> MalformedError:
    """Turn msgspec's message, as "Expected `int` <= 100 - at `$.limit`", into ours: "query.limit: expected ..."."""
    placed = _PLACE.search(message)
    field = placed["field"][:MAX_ECHO] if placed else ""
    # A pattern is told as Python writes texts, its backslashes twice.
    rule = _PLACE.sub("", message).replace(r"\\Z'", "$'").replace(r"\\", "\\")
    rule = rule if rule[:2].isupper() else rule[:1].lower() + rule[1:]
    subject = f"{where}.{field}" if field else where
    if placed and placed["key"]:
        subject = f"a key of {subject}"
    return MalformedError(f"{subject}: {rule[:MAX_ECHO]}{_right(rule, kind, field)}", field=field or where)


def _right(rule: str, kind: Any, field: str) -> str:
    """Return what would be right, where the rule only says what is wrong."""
    if "datetime" in rule or "RFC3339" in rule:
        return f", for example {_INSTANT}"
    choices = _choices(rule, kind, field)
    return f", expected one of {', '.join(choices)}" if choices else ""


def _choices(rule: str, kind: Any, field: str) -> list[str]:
    if rule.startswith("invalid enum value"):
        return [str(member) for each in _kinds_at(kind, field) if issubclass(each, StrEnum) for member in each]
    if rule.startswith("invalid value"):
        return [str(each.__struct_config__.tag) for each in _structs_at(kind, field.rpartition(".")[0])]
    if rule.startswith("object contains unknown field"):
        names = (part.encode_name for each in _structs_at(kind, field) for part in msgspec.structs.fields(each))
        return list(dict.fromkeys(names))
    return []


def _structs_at(kind: Any, field: str) -> list[type[msgspec.Struct]]:
    return [each for each in _kinds_at(kind, field) if issubclass(each, msgspec.Struct)]


def _kinds_at(kind: Any, field: str) -> list[type]:
    """Return the classes that a field, as "limits.min_score" or "scores[0].score", takes."""
    kinds = _parts(kind)
    for name in _NAME.findall(field):
        kinds = [part for each in kinds for part in _parts(typing.get_type_hints(each).get(name))]
    return kinds


def _parts(kind: Any) -> list[type]:
    """Return the classes that a type is put together from."""
    arguments = typing.get_args(kind)
    return [part for each in arguments for part in _parts(each)] or ([kind] if isinstance(kind, type) else [])


def _refusal(error: GameError, request: Request) -> Response:
    body = {
        "error": {
            "code": error.code,
            "message": error.message,
            "detail": error.detail,
            "request_id": _request_id(request),
        }
    }
    logs.note(error_code=error.code)
    headers: dict[str, str | list[str]] = dict(_JSON)
    if "retry_after" in error.detail:
        headers["Retry-After"] = str(error.detail["retry_after"])
    return Response(msgspec.json.encode(body).decode(), headers, error.status)


def _request_id(request: Request) -> str:
    return str(request.context.get("requestId", ""))


_METRICS = {"duration_ms": "Milliseconds", "server_error": "Count", "switched_off": "Count"}


def _log_access(operation: Operation, request: Request, facts: dict[str, Any]) -> None:
    fields = {
        "method": operation.method,
        "route": operation.path,
        "player_id": (request.context.get("authorizer") or {}).get("player_id"),
        "board_id": (request.uri_params or {}).get("board_id"),
        "error_code": None,
        **facts,
        **_counts(facts),
        **logs.metrics(_METRICS),
    }
    _log.info("request", extra=fields)


def _counts(facts: Mapping[str, Any]) -> dict[str, int]:
    """Tell failures from what is switched off: what the degraded mode refuses must not keep it on."""
    off = facts.get("error_code") == DegradedError.code
    failed = facts["status"] >= HTTPStatus.INTERNAL_SERVER_ERROR and not off
    return {"server_error": int(failed), "switched_off": int(off)}
