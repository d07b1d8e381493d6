"""What API Gateway itself answers, before any function runs."""

import json
from pathlib import Path

import pytest
import requests

from deploy.layout import GATEWAY_RESPONSES
from local.layout import API_ID
from local.stack import LocalStack
from tests.local.program import PATIENCE_SECONDS


def test_every_gateway_response_is_an_error_body_that_pages_may_read() -> None:
    for response in json.loads(GATEWAY_RESPONSES.read_text()).values():
        template = response["responseTemplates"]["application/json"]
        body = json.loads(template.replace("$context.error.messageString", '"Forbidden"'))

        assert set(body) == {"error"}
        assert set(body["error"]) == {"code", "message", "detail", "request_id"}
        assert response["responseParameters"] == {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"}


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("path", "token", "status", "code"),
    [
        ("me", None, 401, "token_missing"),
        ("me", "Bearer bad", 401, "token_expired"),
        ("nowhere", None, 404, "route_not_found"),
    ],
)
def test_refusals_have_the_shape_of_every_error(
    laurel: LocalStack, path: str, token: str | None, status: int, code: str
) -> None:
    for _ in ("fresh", "cached"):
        answer = requests.get(
            laurel.url + path, headers={"Authorization": token} if token else {}, timeout=PATIENCE_SECONDS
        )

        assert answer.status_code == status
        assert answer.json()["error"]["code"] == code
        assert answer.json()["error"]["request_id"] == answer.headers["x-amzn-requestid"]
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.e2e
def test_an_accepted_token_reaches_the_function(laurel: LocalStack) -> None:
    answer = requests.get(f"{laurel.url}me", headers={"Authorization": "Bearer good"}, timeout=PATIENCE_SECONDS)

    assert answer.json() == {"player": "ada"}


@pytest.mark.e2e
def test_a_preflight_is_answered_without_a_token(laurel: LocalStack) -> None:
    answer = requests.options(f"{laurel.url}me", headers={"Origin": "https://game.example"}, timeout=PATIENCE_SECONDS)

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Methods"] == "GET,OPTIONS"
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


@pytest.mark.e2e
def test_the_api_is_rebuilt_when_its_routes_change(laurel: LocalStack, project: Path) -> None:
    before = (project / "app.py").read_text()
    (project / "app.py").write_text(before + '\n\n@app.route("/new")\ndef new():\n    return {}\n')
    try:
        laurel.deploy()
        added = requests.get(f"{laurel.url}new", timeout=PATIENCE_SECONDS).status_code
    finally:
        (project / "app.py").write_text(before)
        laurel.deploy()

    assert added == 200
    assert requests.get(f"{laurel.url}new", timeout=PATIENCE_SECONDS).status_code == 404
    assert API_ID in laurel.url
