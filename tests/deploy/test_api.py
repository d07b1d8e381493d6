"""What chalice cannot say of the API: its document, and the settings of its stage."""

import json
from pathlib import Path
from typing import Any

from chalice.app import Chalice

from deploy import gateway
from deploy.document import StageSwaggerGenerator, digest
from deploy.layout import GATEWAY_RESPONSES
from deploy.stages import Stage
from deploy.target import Target
from tests.deploy.aws import Listed

LOGS = {"AccessLogGroupArn": "arn:aws:logs:r:a:log-group:/aws/apigateway/laurel-dev:*"}


def document(*, title: str = "laurel-dev", key_required: tuple[str, ...] = ()) -> Any:
    app = Chalice("laurel", configure_logs=False)
    for path in ("/", "/admin", "/admin/boards", "/administration"):
        app.route(path, cors=True)(dict)
    return StageSwaggerGenerator(title, GATEWAY_RESPONSES, key_required).generate_swagger(app)


def test_the_api_is_named_after_its_stage_and_answers_as_the_app_does() -> None:
    made = document()

    assert made["info"]["title"] == "laurel-dev"
    assert made["x-amazon-apigateway-gateway-responses"] == json.loads(GATEWAY_RESPONSES.read_text())


def test_a_key_is_asked_for_at_a_path_and_below_it_and_not_by_a_preflight() -> None:
    paths = document(key_required=("/admin/",))["paths"]

    asked = {path for path, operations in paths.items() if {"api_key": []} in operations["get"].get("security", [])}
    assert asked == {"/admin", "/admin/boards"}
    assert all("security" not in operations["options"] for operations in paths.values())


def test_documents_of_one_app_are_told_apart_by_what_is_said_in_them() -> None:
    assert digest(document()) == digest(document())
    assert digest(document()) != digest(document(title="laurel-prod"))
    assert digest(document()) != digest(document(key_required=("/admin",)))


class Told(Target):
    """A target whose one stage has the settings it is given, and which keeps what it is told."""

    def __init__(self, stage: dict[str, Any]) -> None:
        super().__init__("dev", {})
        self._stage = stage
        self.patches: list[dict[str, str]] = []

    def client(self, service: str) -> Any:
        assert service == "apigateway"
        return self

    def get_paginator(self, _operation: str) -> Any:
        return self

    def paginate(self) -> Any:
        return [{"items": [{"id": "1", "name": "laurel-dev", "createdDate": 1}]}]

    @property
    def meta(self) -> Any:
        return type("Meta", (), {"region_name": "eu-central-1"})

    @property
    def exceptions(self) -> Any:
        return type("Exceptions", (), {"NotFoundException": LookupError})

    def get_stage(self, **_: str) -> dict[str, Any]:
        return self._stage

    def update_stage(self, patchOperations: list[dict[str, str]], **_: str) -> None:  # noqa: N803  (named as the wire names it)
        self.patches = patchOperations


def test_a_route_has_limits_of_its_own_until_it_is_left_out() -> None:
    route = {"throttlingRateLimit": 5.0, "throttlingBurstLimit": 5}
    told = Told({"methodSettings": {"players/POST": route, "~1old/GET": route}})
    wanted = {
        "POST /gameEnd": {"throttle_rate": 20, "throttle_burst": 40},
        "POST /players": {"throttle_rate": 5, "throttle_burst": 5},
    }

    gateway.complete(told, Stage("dev", api={"routes": wanted}), {})

    assert told.patches == [
        {"op": "replace", "path": "/~1gameEnd/POST/throttling/rateLimit", "value": "20"},
        {"op": "replace", "path": "/~1gameEnd/POST/throttling/burstLimit", "value": "40"},
        {"op": "remove", "path": "/~1old/GET"},
    ]


def test_access_logs_are_switched_off_where_they_are_not_wanted() -> None:
    told = Told({"accessLogSettings": {"destinationArn": "x", "format": "y"}})

    gateway.complete(told, Stage("dev"), {})

    assert told.patches == [{"op": "remove", "path": "/accessLogSettings"}]


def test_limits_tracing_and_logs_are_switched_on() -> None:
    told = Told({})
    wanted: dict[str, Any] = {"throttle_rate": 200, "throttle_burst": 100, "tracing": True, "access_logs": True}

    gateway.complete(told, Stage("dev", api=wanted), LOGS)

    values = {patch["path"]: patch["value"] for patch in told.patches}
    assert values.pop("/accessLogSettings/destinationArn") == LOGS["AccessLogGroupArn"].removesuffix(":*")
    assert "$context.requestId" in values.pop("/accessLogSettings/format")
    assert values == {
        "/*/*/throttling/rateLimit": "200",
        "/*/*/throttling/burstLimit": "100",
        "/tracingEnabled": "true",
    }


def test_what_is_as_wanted_is_left_alone() -> None:
    limits = {"throttlingRateLimit": 200.0, "throttlingBurstLimit": 100}
    told = Told({"methodSettings": {"*/*": limits}, "tracingEnabled": True})

    gateway.complete(told, Stage("dev", api={"throttle_rate": 200, "throttle_burst": 100, "tracing": True}), {})

    assert told.patches == []


def test_tracing_that_is_no_longer_wanted_is_switched_off() -> None:
    told = Told({"tracingEnabled": True})

    gateway.complete(told, Stage("dev"), {})

    assert told.patches == [{"op": "replace", "path": "/tracingEnabled", "value": "false"}]


def test_nothing_is_done_where_there_is_no_api() -> None:
    gateway.complete(Listed({}), Stage("dev", api={"throttle_rate": 1, "throttle_burst": 1}), {})


def test_the_gateway_responses_are_where_they_are_looked_for() -> None:
    assert Path(__file__).parents[2] / "infra" / "gateway_responses.json" == GATEWAY_RESPONSES
