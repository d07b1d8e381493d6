"""Writes what docs/reference says and what identicons look like, from the code: ``python -m docs.generate``."""

import json
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from itertools import groupby
from pathlib import Path
from typing import Any

from chalicelib import errors
from chalicelib.api import openapi, resources
from chalicelib.api.routing import ADMIN_HEADER, MAX_BODY_BYTES, Access, Operation
from chalicelib.domain.identicons import svg
from chalicelib.domain.periods import FIRST_YEAR, LAST_YEAR
from chalicelib.errors import GameError
from docs import avatars, infrastructure, permissions

REFERENCE = Path(__file__).parent / "reference"
IMAGES = Path(__file__).parent / "images"
Json = dict[str, Any]
JSON = "application/json"

ROUTES = """\
# Routes

Made from the code by `make docs`; [openapi.json](openapi.json) says the same to programs, and a running Laurel serves
it at `/openapi.json`.

- Paths are below the URL that `make run` or `chalice deploy` prints. Bodies and answers are JSON, unless a route says
  otherwise; a body needs the header `Content-Type: application/json` and has at most {limit} KB.
- **Everybody** may call without credentials. **Players** send `Authorization: Bearer <access token>`, **admins**
  `{admin}: <admin key>`.
- Fields and query parameters that are not listed are refused, not ignored. In answers, fields may be added over time.
- A list in a query is one parameter, its items separated by commas: `ranks=1,10,100`.
- Numbers called integer are signed, of at most 64 bits, and written without a fraction: `1.0` is refused. Times are
  RFC 3339, in UTC; those of requests may have any offset, and lie in the years {first} to {last}.
- Refusals look alike, and [errors](errors.md) explains their codes. Any route can also answer
  [internal](errors.md#internal) and [store_unavailable](errors.md#store_unavailable); a path that is no route answers
  [route_not_found](errors.md#route_not_found).
"""
ERRORS = """\
# Errors

Made from the code by `make docs`. Every refusal has the same shape:

```json
{
  "error": {
    "code": "board_not_found",
    "message": "there is no board 'speedrun'",
    "detail": {"board_id": "speedrun"},
    "request_id": "4f2c1b8e-0d0f-4a55-9c55-3a3e5d2f6d10"
  }
}
```

Programs decide by `code`, which never changes its meaning; `message` is for people and may change; `detail` holds the
facts of the message; `request_id` finds the request in the logs.
"""
GATEWAY_ERRORS = """## Answered by API Gateway itself

These never reach the app. They have the same shape, with the gateway's own upper-case name as `code`:

| status | code | meaning | what to do |
|---|---|---|---|
| 403 | `INVALID_API_KEY` | The stage asks for an API key on this route, in the header `X-Api-Key`. | Send it. |
| 403 | `WAF_FILTERED` | The stage's web ACL refused the request. | Ask who keeps its rules. |
| 413 | `REQUEST_TOO_LARGE` | The body is larger than the 10 MB API Gateway takes. | Send less. |
| 429 | `THROTTLED` | More requests than the stage allows. | Wait, then send the same request again. |
| 429 | `QUOTA_EXCEEDED` | The API key has made all the requests of its month. | Ask for a larger quota. |
| 500 | `AUTHORIZER_FAILURE` | The authorizer could not run, as with missing signing keys. | See its log. |
| 502 | `INTEGRATION_FAILURE` | The function ended without an answer. | Send the same request again. |
| 504 | `INTEGRATION_TIMEOUT` | The function took longer than 29 s. | Send the same request again. |

Sending the same request again is safe wherever this page says so: `gameEnd` and submissions with a `submission_id`
count once, however often they are sent.
"""
WHAT_TO_DO: Mapping[str, str] = {
    "internal": "Report the `request_id`.",
    "malformed": "Correct the field that `detail.field` names; the message tells its rule.",
    "too_large": "Send less.",
    "media_type": "Send the header `Content-Type: application/json`.",
    "cursor_invalid": "Start again from the first page, without a cursor.",
    "unauthenticated": f"Send an admin key in the header `{ADMIN_HEADER}`.",
    "token_missing": "Send the header `Authorization: Bearer <access token>`.",
    "token_invalid": "Sign in again.",
    "token_expired": "Refresh the access token; if it was the refresh token that expired, sign in again.",
    "token_reused": "Sign in again, and ask who else holds the token.",
    "identity_unknown": "Register.",
    "forbidden": "Nothing: this caller may not.",
    "avatars_off": "Show placeholders, and offer no upload.",
    "not_found": "Look for it elsewhere.",
    "route_not_found": "Compare method and path with [the routes](routes.md).",
    "board_not_found": "Ask `GET /boards` which there are.",
    "period_not_found": "Use `current`, or an id from an answer.",
    "player_not_found": "Take the player off the list.",
    "game_not_found": "Start a game.",
    "record_not_found": "Show the board without an own entry.",
    "notice_not_found": "Take the notice off the list.",
    "incident_not_found": "Look at what `GET /admin/incidents` answers.",
    "reward_not_found": "Show what `GET /players/me/rewards` answers.",
    "season_not_found": "Show what `GET /seasons` answers.",
    "tournament_not_found": "Show the board without joining.",
    "conflict": "Read what is stored, then decide.",
    "board_exists": "Choose another id, or change the board with PATCH.",
    "board_sealed": "Make a new board for new rules; `detail.fields` names those that are final.",
    "tournament_over": "Show the final standings.",
    "tournament_full": "Show the standings, or another tournament.",
    "tournament_begun": "Nothing: the player takes part.",
    "balance_too_low": "Show what `detail.item` costs, and what `GET /players/me/balances` answers.",
    "season_exists": "Choose another id, or periods after the board's last season.",
    "season_closed": "Show the bucket of the last round, with `?round=`.",
    "round_settling": "Show the round before; look again after `detail.retry_after` seconds, as the header says.",
    "identity_taken": "Sign in instead.",
    "game_ended": "Keep the first result: it counts.",
    "game_expired": "Start a game.",
    "submission_reused": "Give every submission an id of its own.",
    "publication_reused": "Give every publication an id of its own.",
    "notice_due": "Nothing: it is on its way.",
    "push_off": "Do without push; the inbox has the notices.",
    "contended": "Send the same request again.",
    "rejected": "Nothing: the game does not count.",
    "game_too_short": "Play on, and end the game later.",
    "game_too_long": "Start a game.",
    "too_many": "Wait for `detail.retry_after` seconds, as the header `Retry-After` says too.",
    "degraded": "Do without it; ask again after `detail.retry_after` seconds, as the header `Retry-After` says too.",
    "store_unavailable": "Wait a moment, then send the same request again.",
}
CALLERS: Mapping[Access, str] = {
    Access.PUBLIC: "everybody",
    Access.OPTIONAL: "everybody; with a player's token it answers more",
    Access.PLAYER: "players",
    Access.ADMIN: "admins",
}
ANSWERED_BY_EVERY_ROUTE = {"internal", "store_unavailable"}

_RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}
"""As RFC 9110 calls them; Python does from 3.13 on."""


def main() -> None:
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


def pages() -> dict[Path, str]:
    """Return the text of each generated file."""
    operations = resources.operations()
    document = openapi.document(operations)
    return {
        REFERENCE / "routes.md": "\n".join(_routes(operations, document)),
        REFERENCE / "errors.md": "\n".join([ERRORS, *_errors(), GATEWAY_ERRORS]),
        REFERENCE / "avatars.md": avatars.page(),
        REFERENCE / "infrastructure.md": infrastructure.page(),
        REFERENCE / "permissions.md": permissions.page(),
        REFERENCE / "openapi.json": json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        IMAGES / "identicons.svg": _identicons(rows=2, columns=12),
    }


def _identicons(rows: int, columns: int) -> str:
    """Return a sheet of identicons, as those of players 0, 1, 2 and so on."""
    side, space = 64, 12
    step = side + space
    drawn = (
        f'<g transform="translate({column * step} {row * step})">{svg(f"{row * columns + column:032x}", side)}</g>\n'
        for row in range(rows)
        for column in range(columns)
    )
    size = f'width="{columns * step - space}" height="{rows * step - space}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n{"".join(drawn)}</svg>\n'


def error_kinds() -> list[type[GameError]]:
    """Return every kind of error by status and code."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, GameError)]
    return sorted(kinds, key=lambda kind: (kind.status, kind.code))


def _errors() -> Iterator[str]:
    for status, kinds in groupby(error_kinds(), key=lambda kind: kind.status):
        yield f"## {status} {_RENAMED.get(status, HTTPStatus(status).phrase)}\n"
        for kind in kinds:
            yield f"### {kind.code}\n\n{openapi.meaning(kind)}\n\n*To do:* {WHAT_TO_DO[kind.code]}\n"


def _routes(operations: list[Operation], document: Json) -> Iterator[str]:
    yield ROUTES.format(limit=MAX_BODY_BYTES // 1024, admin=ADMIN_HEADER, first=FIRST_YEAR, last=LAST_YEAR)
    for tag in document["tags"]:
        yield f"## {tag['description']}\n"
        for operation in operations:
            if operation.tag == tag["name"]:
                yield from _route(operation, document["paths"][operation.path][operation.method.lower()])
    yield "## Types\n"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield from _type(name, schema)


def _route(operation: Operation, described: Json) -> Iterator[str]:
    yield f"### {operation.method} {operation.path}\n"
    yield f"{described['summary']}. {described.get('description', '')}".strip() + "\n"
    yield f"- Who: {CALLERS[operation.access]}"
    if "requestBody" in described:
        yield f"- Body: {_kind(_content(described['requestBody']))}"
    success = described["responses"][str(operation.status)]
    yield f"- Answer: {operation.status} {HTTPStatus(operation.status).phrase}, {_success(success)}"
    codes = [kind.code for kind in openapi.error_kinds(operation) if kind.code not in ANSWERED_BY_EVERY_ROUTE]
    yield f"- Errors: {', '.join(f'[{code}](errors.md#{code})' for code in codes)}\n"
    if described["parameters"]:
        yield "| parameter | in | rule | default | |\n|---|---|---|---|---|"
        for each in described["parameters"]:
            yield f"| `{each['name']}` | {each['in']} {_rule(each['schema'], required=each['required'])}"
        yield ""


def _type(name: str, schema: Json) -> Iterator[str]:
    yield f"### {name}\n"
    if "description" in schema:
        yield schema["description"] + "\n"
    if "enum" in schema:
        yield f"{_kind(schema)}.\n"
        return
    yield "| field | rule | default | |\n|---|---|---|---|"
    required = schema.get("required", ())
    for field, kind in schema["properties"].items():
        yield f"| `{field}` {_rule(kind, required=field in required)}"
    yield ""


def _rule(schema: Json, *, required: bool) -> str:
    """Return the cells of a table: what is valid, what holds when it is left out, what it means."""
    default = f"`{json.dumps(schema['default'])}`" if "default" in schema else "" if required else "may be left out"
    return f"| {_kind(schema)} | {default} | {_description(schema)} |"


def _description(schema: Json) -> str:
    own: str = schema.get("description", "")
    alternatives = [_description(each) for each in schema.get("anyOf", ())]
    return own or next(filter(None, alternatives), "")


def _content(body: Json) -> Json:
    schema: Json = body["content"][JSON]["schema"]
    return schema


def _success(answer: Json) -> str:
    """Return what a successful answer holds: a type of ours, a media type that is not JSON, or nothing."""
    media_types = answer.get("content", {}).keys()
    return _kind(_content(answer)) if JSON in media_types else next((f"`{name}`" for name in media_types), "nothing")


def _kind(schema: Json) -> str:
    """Return what is valid, in words; a type of its own as a link."""
    alternatives = schema.get("anyOf") or schema.get("allOf")
    if alternatives:
        return " or ".join(map(_kind, alternatives))
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f"`{json.dumps(value)}`" for value in values)
    return _SPOKEN[schema["type"]](schema)


def _text(schema: Json) -> str:
    if schema.get("format") == "date-time":
        return "time"
    pattern = schema.get("pattern", "").replace("|", "\\|")
    return f"text like `{pattern}`" if pattern else "text" + _range(schema, "Length", " characters")


def _list(schema: Json) -> str:
    return f"list of {_kind(schema['items'])}" + _range(schema, "Items", " items")


def _map(schema: Json) -> str:
    if "additionalProperties" not in schema:
        return "object"
    keys = f" by {_text(schema['propertyNames'])}" if "propertyNames" in schema else ""
    return f"map of {_kind(schema['additionalProperties'])}{keys}" + _range(schema, "Properties", " entries")


def _integer(schema: Json) -> str:
    return "integer" + _bounds(schema.get("minimum"), schema.get("maximum"), "")


def _decimal(schema: Json) -> str:
    above = f", above {schema['exclusiveMinimum']}" if "exclusiveMinimum" in schema else ""
    return f"number{above}" + _bounds(schema.get("minimum"), schema.get("maximum"), "")


def _range(schema: Json, what: str, unit: str) -> str:
    return _bounds(schema.get(f"min{what}"), schema.get(f"max{what}"), unit)


def _bounds(least: int | None, most: int | None, unit: str) -> str:
    if least is None and most is None:
        return ""
    if most is None:
        return f", at least {least}{unit}"
    return f", at most {most}{unit}" if least is None else f", {_number(least)} to {_number(most)}{unit}"


def _number(number: int) -> str:
    """Return a number as people write it: -2⁶³ rather than nineteen digits."""
    powers = {-(2**63): "-2⁶³", 2**63 - 1: "2⁶³-1", 2**53: "2⁵³"}
    return powers.get(number, str(number))


_SPOKEN: Mapping[str, Callable[[Json], str]] = {
    "string": _text,
    "array": _list,
    "object": _map,
    "integer": _integer,
    "number": _decimal,
    "boolean": lambda _: "`true` or `false`",
    "null": lambda _: "null",
}


if __name__ == "__main__":
    main()
