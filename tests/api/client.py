"""A client of the real app that holds every answer to the API's own description."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jsonschema_rs
from chalice.app import AuthRequest, Chalice
from chalice.local import RouteMatcher
from chalice.test import Client, HTTPResponse

from chalicelib.api.authorizer import authorize
from chalicelib.api.routing import ADMIN_HEADER

GATEWAY_RESPONSES = Path(__file__).parents[2] / "infra" / "gateway_responses.json"
ADMIN_KEY = "admin-key-of-the-tests"
STAGE_WITHOUT_SETTINGS = "test"
"""No stage of .chalice/config.json, so that only the test's own settings count."""

HOST = "api.laurel.test"
JSON = "application/json"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> Json:
        error: Json = self.body["error"]
        return error

    @property
    def refusal(self) -> tuple[int, str]:
        """The status and the code of an error."""
        return self.status, self.error["code"]


class Api:
    """Calls routes as API Gateway would, and fails when an answer is not as the OpenAPI document says."""

    def __init__(self, app: Chalice, document: Json) -> None:
        self._client = Client(app, stage_name=STAGE_WITHOUT_SETTINGS)
        self._matcher = RouteMatcher(list(app.routes))
        self._description = _Description(document)

    def call(  # noqa: PLR0913  # everything a request has
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        token: str | None = None,
        admin: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make a request; ``body`` is sent as JSON, ``raw`` as it is."""
        sent = {
            "Host": HOST,
            **({"Content-Type": JSON} if body is not None or raw is not None else {}),
            **({"Authorization": f"Bearer {token}"} if token is not None else {}),
            **({ADMIN_HEADER: ADMIN_KEY} if admin else {}),
            **(headers or {}),
        }
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        response = self._client.http.request(method, path, sent, content)
        answer = _answer(response, sent.get("Authorization", ""))
        self._description.check(method, self._route(path), answer)
        return answer

    def get(self, path: str, **options: Any) -> Answer:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.call("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.call("PUT", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.call("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        return self.call("DELETE", path, **options)

    def _route(self, path: str) -> str:
        try:
            return str(self._matcher.match_route(path).route)
        except ValueError:
            return ""


class _Description:
    def __init__(self, document: Json) -> None:
        self._document = document
        self._validator = cache(self._made_validator)

    def check(self, method: str, route: str, answer: Answer) -> None:
        operation = self._document["paths"].get(route, {}).get(method.lower())
        if operation is None:
            assert answer.refusal == (404, "route_not_found")
            return
        where = f"{method} {route} -> {answer.status}"
        assert str(answer.status) in operation["responses"], f"{where} is not described: {answer.text}"
        assert answer.headers["Access-Control-Allow-Origin"] == "*", where
        described = operation["responses"][str(answer.status)]
        content = described.get("content")
        if content is None:
            assert not answer.text, where
            return
        assert answer.headers["Content-Type"] in content, where
        fixed = {
            name: each["schema"]["const"]
            for name, each in described.get("headers", {}).items()
            if "const" in each["schema"]
        }
        assert fixed.items() <= answer.headers.items(), where
        if answer.headers["Content-Type"] != JSON:
            return
        problems = list(self._validator(method.lower(), route, answer.status).iter_errors(answer.body))
        assert not problems, f"{where} is not as described: {problems}"
        if answer.status >= HTTPStatus.BAD_REQUEST:
            assert f"`{answer.error['code']}`: " in described["description"], f"{where} hides {answer.error['code']}"

    def _made_validator(self, method: str, route: str, status: int) -> jsonschema_rs.Draft202012Validator:
        response = self._document["paths"][route][method]["responses"][str(status)]
        schema = response["content"][JSON]["schema"]
        components = {"schemas": dict(_closed(self._document["components"]["schemas"]))}
        return jsonschema_rs.Draft202012Validator({**schema, "components": components}, validate_formats=True)


def _closed(schemas: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """Yield the schemas such that a field they do not name is an error: answers may grow, but not in secret."""
    for name, schema in schemas.items():
        yield name, {"additionalProperties": False, **schema} if "properties" in schema else schema


def _answer(response: HTTPResponse, authorization: str) -> Answer:
    headers = dict(_single(response.headers))
    kind = headers.get("x-amzn-ErrorType")
    if kind is None:
        return Answer(response.status_code, headers, response.body.decode())
    if kind == "AccessDeniedException":
        context = authorize(AuthRequest("TOKEN", authorization, "")).context
        return _gateway_answer("ACCESS_DENIED", context)
    if response.status_code == 401:
        return _gateway_answer("UNAUTHORIZED", {})
    return _gateway_answer("MISSING_AUTHENTICATION_TOKEN", {})


def _single(headers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the one value of each header, which chalice wraps in a list or not."""
    for name, value in headers.items():
        yield name, value[0] if isinstance(value, list) else value


def _gateway_answer(kind: str, context: Mapping[str, str]) -> Answer:
    """Return what our gateway responses make of a refusal by API Gateway itself."""
    response = json.loads(GATEWAY_RESPONSES.read_text())[kind]
    text = response["responseTemplates"]["application/json"].replace("$context.requestId", "of-the-gateway")
    for name, value in context.items():
        text = text.replace(f"$context.authorizer.{name}", value)
    headers = {
        name.removeprefix("gatewayresponse.header."): value.strip("'")
        for name, value in response["responseParameters"].items()
    }
    return Answer(int(response["statusCode"]), {"Content-Type": JSON, **headers}, text)
