"""The OpenAPI 3.1 document, made from the types that validate and answer."""

import inspect
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from chalicelib import VERSION
from chalicelib.api.routing import ADMIN_HEADER, Access, Operation
from chalicelib.errors import (
    GameError,
    MalformedError,
    MediaTypeError,
    StoreUnavailableError,
    TokenError,
    TokenExpiredError,
    TooLargeError,
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
    Access.PLAYER: (TokenError, TokenExpiredError),
    Access.ADMIN: (UnauthenticatedError,),
}
_SCHEMES = {
    _TOKEN: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    _ADMIN: {"type": "apiKey", "in": "header", "name": ADMIN_HEADER},
}
_TAGS = {
    "main": "Who we are, and the lobby",
    "games": "The game loop",
    "players": "Accounts, tokens, profiles",
    "boards": "Boards and standings",
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
    names, components = msgspec.json.schema_components(_types(operations), ref_template=_SCHEMAS)
    schemas = dict(zip(map(repr, _types(operations)), names, strict=True))
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, schemas, components)
    _drop_spread(components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Laurel", "version": VERSION, "description": "A game backend whose rankings are exact."},
        "tags": [{"name": name, "description": description} for name, description in _TAGS.items()],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _SCHEMES},
    }


def error_kinds(operation: Operation) -> list[type[GameError]]:
    """Return every kind of error an operation can answer, in order of status and code."""
    kinds = {*operation.errors, *_REFUSALS[operation.access], StoreUnavailableError, GameError, MalformedError}
    if "body" in operation.types:
        kinds |= {MediaTypeError, TooLargeError}
    return sorted(kinds, key=lambda kind: (kind.status, kind.code))


def _types(operations: Iterable[Operation]) -> list[Any]:
    kinds = [kind for operation in operations for name, kind in operation.types.items() if name != "caller"]
    return [Error, *(kind for kind in kinds if kind is not type(None))]


def _described(operation: Operation, schemas: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    lines = inspect.cleandoc(operation.view.__doc__ or "").splitlines()
    described: dict[str, Any] = {
        "operationId": f"{operation.tag}_{operation.view.__name__}",
        "tags": [operation.tag],
        "summary": lines[0],
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
        {"name": name, "in": where, "required": name in required, "schema": kind}
        for name, kind in schema["properties"].items()
    ]


def _responses(operation: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase}
    answer = operation.types["return"]
    if answer is not type(None):
        success["content"] = {"application/json": {"schema": schemas[repr(answer)]}}
    responses = {str(operation.status): success}
    kinds_by_status: dict[int, list[type[GameError]]] = {}
    for kind in error_kinds(operation):
        kinds_by_status.setdefault(kind.status, []).append(kind)
    for status, kinds in kinds_by_status.items():
        responses[str(status)] = {
            "description": "; ".join(f"`{kind.code}`: {_first_line(kind)}" for kind in kinds),
            "content": {"application/json": {"schema": schemas[repr(Error)]}},
        }
    return responses


def _first_line(kind: type[GameError]) -> str:
    name = re.sub(r"(?<!^)([A-Z])", r" \1", kind.__name__.removesuffix("Error")).lower()
    return (kind.__doc__ or f"{name}.").splitlines()[0]


def _drop_spread(components: dict[str, Any]) -> None:
    """Leave out the schemas of path and query structs: they are spread over parameters."""
    for name in [name for name in components if name.endswith(("Path", "Query"))]:
        del components[name]
