"""The OpenAPI 3.1 document, made from the types that validate and answer."""

import inspect
import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from chalicelib import VERSION
from chalicelib.api.routing import ADMIN_HEADER, MADE, Access, Content, Operation
from chalicelib.errors import (
    DegradedError,
    GameError,
    MalformedError,
    MediaTypeError,
    RoundSettlingError,
    StoreUnavailableError,
    TokenError,
    TokenExpiredError,
    TokenMissingError,
    TooLargeError,
    TooManyError,
    UnauthenticatedError,
)

_SCHEMAS = "#/components/schemas/{name}"
_TOKEN, _ADMIN = "playerToken", "adminKey"
_SECURITY: Mapping[Access, list[dict[str, list[str]]]] = {
    Access.PUBLIC: [],
    Access.OPTIONAL: [{}, {_TOKEN: []}],
    Access.PLAYER: [{_TOKEN: []}],
    Access.ADMIN: [{_ADMIN: []}],
}
_REFUSALS: Mapping[Access, tuple[type[GameError], ...]] = {
    Access.PUBLIC: (),
    Access.OPTIONAL: (),
    Access.PLAYER: (TokenMissingError, TokenError, TokenExpiredError),
    Access.ADMIN: (UnauthenticatedError,),
}
_SCHEMES = {
    _TOKEN: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    _ADMIN: {"type": "apiKey", "in": "header", "name": ADMIN_HEADER},
}
_RETRY_AFTER = {
    "Retry-After": {"description": "Seconds until it is worth trying again.", "schema": {"type": "integer"}}
}
_PUT_OFF = frozenset({TooManyError, RoundSettlingError, DegradedError})
"""Those that come with ``retry_after``."""
_TAGS = {
    "main": "Who we are, and the lobby",
    "games": "The game loop",
    "players": "Accounts, tokens, profiles",
    "notices": "Notices",
    "devices": "Devices that notices are pushed to",
    "avatars": "Pictures of players",
    "boards": "Boards and standings",
    "seasons": "Seasons: rounds, tiers and buckets",
    "tournaments": "Tournaments: boards with a start and an end",
    "rewards": "Rewards: what places are worth, and what players have",
    "admin": "For your own servers and people",
}


class ErrorFields(Struct):
    code: str
    message: str
    detail: dict[str, str | int | bool | None]
    request_id: str


class Error(Struct):
    """Every refusal looks like this."""

    error: ErrorFields


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the OpenAPI document of these routes."""
    operations = list(operations)
    names, schemas_by_name = msgspec.json.schema_components(_types(operations), ref_template=_SCHEMAS)
    components = _for_everybody(schemas_by_name)
    schemas = dict(zip(map(repr, _types(operations)), names, strict=True))
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, schemas, components)
    _drop_spread(components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Laurel", "version": VERSION, "description": "A game backend whose rankings are exact."},
        "servers": [{"url": "./", "description": "Beside this document."}],
        "tags": [{"name": name, "description": description} for name, description in _TAGS.items()],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _SCHEMES},
    }


def error_kinds(operation: Operation) -> list[type[GameError]]:
    """Return every kind of error an operation can answer, in order of status and code."""
    kinds = {*operation.errors, *_REFUSALS[operation.access], StoreUnavailableError, GameError, MalformedError}
    if "body" in operation.types:
        kinds |= {MediaTypeError, TooLargeError}
    if operation.optional:
        kinds.add(DegradedError)
    return sorted(kinds, key=lambda kind: (kind.status, kind.code))


def _types(operations: Iterable[Operation]) -> list[Any]:
    kinds = [kind for operation in operations for name, kind in operation.types.items() if name not in MADE]
    return [Error, *(kind for kind in kinds if kind is not type(None) and not _is_content(kind))]


def _is_content(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Content)


def _described(operation: Operation, schemas: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    summary, _, description = inspect.cleandoc(operation.view.__doc__ or "").partition(". ")
    described: dict[str, Any] = {
        "operationId": f"{operation.tag}_{operation.view.__name__}",
        "tags": [operation.tag],
        "summary": summary.removesuffix("."),
        **({"description": description} if description else {}),
        "security": _SECURITY[operation.access],
        "parameters": [
            parameter
            for where in ("path", "query")
            if where in operation.types
            for parameter in _parameters(where, schemas[repr(operation.types[where])], components)
        ],
        "responses": _responses(operation, schemas),
    }
    if "body" in operation.types:
        content = {"application/json": {"schema": schemas[repr(operation.types["body"])]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _parameters(where: str, reference: Mapping[str, Any], components: Mapping[str, Any]) -> list[dict[str, Any]]:
    schema = components[reference["$ref"].rpartition("/")[2]]
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": where, "required": name in required, **_style(kind), "schema": kind}
        for name, kind in schema["properties"].items()
    ]


def _style(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a parameter is written, where that is not the default: lists as one text, separated by commas."""
    return {"style": "form", "explode": False} if schema.get("type") == "array" else {}


def _responses(operation: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    responses = {
        str(operation.status): {
            "description": HTTPStatus(operation.status).phrase,
            **_answer(operation.types["return"], schemas),
        }
    }
    kinds_by_status: dict[int, list[type[GameError]]] = {}
    for kind in error_kinds(operation):
        kinds_by_status.setdefault(kind.status, []).append(kind)
    for status, kinds in kinds_by_status.items():
        responses[str(status)] = {
            "description": "\n".join(f"`{kind.code}`: {meaning(kind)}" for kind in kinds),
            **({"headers": _RETRY_AFTER} if not _PUT_OFF.isdisjoint(kinds) else {}),
            "content": {"application/json": {"schema": schemas[repr(Error)]}},
        }
    return responses


def _answer(kind: Any, schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a successful answer holds."""
    if kind is type(None):
        return {}
    if not _is_content(kind):
        return {"content": {"application/json": {"schema": schemas[repr(kind)]}}}
    headers = {name: {"schema": {"type": "string", "const": value}} for name, value in kind.headers.items()}
    return {"headers": headers, "content": {kind.media_type: {"schema": {"type": "string"}}}}


def meaning(kind: type[GameError]) -> str:
    """Return what an error kind means, in a sentence."""
    return inspect.cleandoc(kind.__doc__ or "").splitlines()[0]


def _for_everybody(components: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas with JSON Schema's sign for the end of a text; Python's own ``$`` lets a line break pass."""
    text = json.dumps(components).replace(r"\\Z", "$")
    return json.loads(text)  # type: ignore[no-any-return]  # an object, as above


def _drop_spread(components: dict[str, Any]) -> None:
    """Leave out the schemas of path and query structs: they are spread over parameters."""
    for name in [name for name in components if name.endswith(("Path", "Query"))]:
        del components[name]
