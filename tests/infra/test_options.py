"""A stage that takes every option of its functions and its API, deployed whole to the embedded AWS."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy import inventory, stages
from deploy.deployment import Deployment
from deploy.layout import API_STAGE, role_name
from deploy.target import Target
from infra.alarms import functions
from local.children import Emulator
from local.target import embedded
from tests.infra.test_created import NETWORK, Stacks

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("infra")]

LIMITS = {"throttle_rate": 20, "throttle_burst": 10}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(0, None) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def network(emulator: Emulator) -> dict[str, str]:
    return Stacks(embedded(emulator.endpoint)).apply("network", NETWORK)


@pytest.fixture(scope="module")
def target(emulator: Emulator, network: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Target:
    """A stage like dev, with all its functions in a VPC."""
    target = embedded(emulator.endpoint, stage="dev", home=_home(tmp_path_factory))
    dev = stages.read("dev")
    stage = replace(
        dev,
        template={**dev.template, **network},
        edge={**dev.edge, "WithServerKey": "true"},
        api={**dev.api, "key_required": ["/admin"], "routes": {"POST /gameEnd": LIMITS}},
        functions={**dev.functions, "tracing": True, "vpc": {"subnet_ids": [network["QueueEndpointSubnetIds"]]}},
    )
    Deployment(target, stage, thin=True).run()
    return target


def _home(factory: pytest.TempPathFactory) -> Path:
    return factory.mktemp("home")


def test_every_function_runs_in_the_vpc_and_is_traced(target: Target, network: dict[str, str]) -> None:
    arns_by_function = inventory.function_arns(target)

    assert arns_by_function.keys() == set(functions())
    for arn in arns_by_function.values():
        deployed = target.client("lambda").get_function_configuration(FunctionName=arn)
        assert deployed["VpcConfig"]["SubnetIds"] == [network["QueueEndpointSubnetIds"]]
        assert len(deployed["VpcConfig"]["SecurityGroupIds"]) == 1
        assert deployed["TracingConfig"] == {"Mode": "Active"}


def test_every_role_may_do_what_lambda_needs_for_that(target: Target) -> None:
    for function in functions():
        allowed = {action for statement in _policy(target, function) for action in _allowed(statement)}
        assert {"ec2:CreateNetworkInterface", "xray:PutTraceSegments"} <= allowed, function


def _policy(target: Target, function: str) -> list[Any]:
    iam, role = target.client("iam"), role_name(target.stage, function)
    [name] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    statements: list[Any] = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]
    return statements


def _allowed(statement: Any) -> list[str]:
    return list(statement["Action"]) if statement["Effect"] == "Allow" else []


def test_what_nobody_waits_for_ends_in_the_queue(target: Target) -> None:
    invoked = target.client("lambda").get_function_event_invoke_config(FunctionName="laurel-dev-keep_ranks")

    assert invoked["DestinationConfig"]["OnFailure"]["Destination"].endswith(":laurel-dev-async-dead-letters")


def test_the_api_writes_its_access_log_and_keeps_its_limits(target: Target) -> None:
    api_id = inventory.rest_api_id(target)
    stage = target.client("apigateway").get_stage(restApiId=api_id, stageName=API_STAGE)

    assert stage["accessLogSettings"]["destinationArn"].endswith(":log-group:/aws/apigateway/laurel-dev")
    assert "$context.requestId" in json.loads(stage["accessLogSettings"]["format"]).values()
    limits = {route.lstrip("/"): settings["throttlingRateLimit"] for route, settings in stage["methodSettings"].items()}
    assert limits == {"*/*": 200.0, "gameEnd/POST": 20.0}


def test_admin_routes_ask_for_the_servers_key_and_others_do_not(target: Target, emulator: Emulator) -> None:
    gateway = target.client("apigateway")
    [key] = gateway.get_api_keys(nameQuery="laurel-dev-server", includeValues=True)["items"]
    root = f"{emulator.endpoint}/_aws/execute-api/{inventory.rest_api_id(target)}/{API_STAGE}"

    assert _status(f"{root}/boards") == 200
    assert _status(f"{root}/admin/boards") == 403
    # With the key it is the app that answers: the admin key is missing still.
    assert _status(f"{root}/admin/boards", {"X-Api-Key": key["value"]}) == 401


def _status(url: str, headers: dict[str, str] | None = None) -> int:
    body = b"{}" if url.endswith("/admin/boards") else None
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(request) as response:
            return int(response.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code
