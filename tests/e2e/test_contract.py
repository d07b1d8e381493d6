"""The running system against its own description: schemathesis makes requests, right and wrong, and judges answers."""

import json
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from schemathesis import Case, CheckContext, Response
from schemathesis.openapi import from_dict
from schemathesis.specs.openapi.checks import unsupported_method

from chalicelib.api import openapi, resources
from tests.e2e.client import Client
from tests.e2e.known import Known

pytestmark = pytest.mark.e2e

DOCUMENT = json.loads(json.dumps(openapi.document(resources.operations())))
DESCRIBED = from_dict(DOCUMENT)
EXAMPLES = 15
"""Drawn for each route, beside the many more that schemathesis derives from its schemas."""
SWITCHED_OFF = [
    unsupported_method,  # wants 405; API Gateway does not tell a wrong method from a wrong path, and both are our 404
]


def error_code_is_described(_context: CheckContext, response: Response, case: Case[Any]) -> None:
    """Hold a refusal to the codes its route names, unless it missed the route."""
    if response.status_code < HTTPStatus.BAD_REQUEST:
        return
    code = response.json()["error"]["code"]
    if code == "route_not_found":
        return
    described = DOCUMENT["paths"][case.path][case.method.lower()]["responses"][str(response.status_code)]
    assert f"`{code}`: " in described["description"]


@pytest.fixture(scope="session")
def known(client: Client) -> Known:
    return Known(client)


def test_the_running_system_serves_this_description(client: Client) -> None:
    assert client.made("GET", "/openapi.json") == DOCUMENT


@DESCRIBED.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
def test_every_answer_is_as_described(case: Case[Any], client: Client, known: Known) -> None:
    known.put_into(case)
    case.call_and_validate(
        base_url=client.stack.url.rstrip("/"),
        session=client.connection,
        headers=known.credentials(case),
        additional_checks=[error_code_is_described],
        excluded_checks=SWITCHED_OFF,
    )
