"""APIs made of documents, in the emulator's own process. The day the first test fails, local/rest_apis.py can go."""

# ruff: noqa: SLF001  (the defects are inside)

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import apigateway_v1  # type: ignore[import-untyped]  # ships no types

from local import rest_apis
from local.layout import API_ID, API_NAME

PREFLIGHT = {
    "type": "mock",
    "requestTemplates": {"application/json": '{"statusCode": 200}'},
    "responses": {
        "default": {"statusCode": "200", "responseParameters": {"method.response.header.Access-Control-Max-Age": "'9'"}}
    },
}


def document(*paths: str, title: str = "laurel-dev") -> dict[str, Any]:
    proxied = {
        "x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": "arn:aws:lambda:x", "httpMethod": "POST"}
    }
    return {
        "swagger": "2.0",
        "info": {"title": title, "version": "1.0"},
        "paths": {path: {"get": proxied, "options": {"x-amazon-apigateway-integration": PREFLIGHT}} for path in paths},
        "x-amazon-apigateway-binary-media-types": ["image/webp"],
        "x-amazon-apigateway-gateway-responses": {"UNAUTHORIZED": {"statusCode": "401"}},
    }


def sent(method: str, path: str, body: dict[str, Any], query: dict[str, Any]) -> dict[str, Any]:
    answered = apigateway_v1.handle_request(method, path, {}, json.dumps(body).encode(), query)
    status, _, text = asyncio.run(answered)
    assert status in {200, 201, 404}, text
    answer: dict[str, Any] = json.loads(text)
    return answer


def paths(api_id: str) -> set[str]:
    return {resource["path"] for resource in apigateway_v1._resources[api_id].values()}


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(apigateway_v1, "handle_request", apigateway_v1.handle_request)
    yield
    for api_id in list(apigateway_v1._rest_apis):
        apigateway_v1._delete_rest_api(api_id)


def imported(body: dict[str, Any]) -> dict[str, Any]:
    return sent("POST", "/restapis", body, {"mode": "import", "endpointConfigurationTypes": "REGIONAL"})


def test_an_import_still_ignores_its_document() -> None:
    assert paths(imported(document("/here"))["id"]) == {"/"}


def test_an_api_is_made_of_its_document() -> None:
    rest_apis.take_documents()

    api = imported(document("/", "/boards/{board_id}"))

    assert paths(api["id"]) == {"/", "/boards", "/boards/{board_id}"}
    assert (api["name"], api["binaryMediaTypes"]) == ("laurel-dev", ["image/webp"])
    assert api["endpointConfiguration"]["types"] == ["REGIONAL"]
    assert apigateway_v1._gateway_responses[api["id"]]["UNAUTHORIZED"]["statusCode"] == "401"
    [leaf] = [each for each in apigateway_v1._resources[api["id"]].values() if each["path"] == "/boards/{board_id}"]
    preflight = leaf["resourceMethods"]["OPTIONS"]["methodIntegration"]["integrationResponses"]["200"]
    assert preflight["responseParameters"] == {"method.response.header.Access-Control-Max-Age": "'9'"}


def test_an_api_is_overwritten_under_its_id() -> None:
    rest_apis.take_documents()
    before = imported(document("/old"))
    known = list(apigateway_v1._rest_apis)

    after = sent("PUT", f"/restapis/{before['id']}", document("/new"), {"mode": "overwrite"})

    assert after["id"] == before["id"]
    assert paths(before["id"]) == {"/", "/new"}
    assert list(apigateway_v1._rest_apis) == known


def test_the_local_api_alone_has_an_id_of_ours() -> None:
    rest_apis.take_documents()

    assert imported(document("/", title=API_NAME))["id"] == API_ID
    assert imported(document("/"))["id"] != API_ID


def test_an_api_that_is_not_there_is_not_overwritten() -> None:
    rest_apis.take_documents()

    assert "Invalid API identifier" in sent("PUT", "/restapis/gone", document("/"), {"mode": "overwrite"})["message"]
