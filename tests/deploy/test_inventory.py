"""What is deployed, found by its names."""

import importlib
import os
from typing import Any

import pytest
from chalice.cli.factory import CLIFactory
from chalice.deploy.appgraph import ApplicationGraphBuilder, DependencyBuilder
from chalice.deploy.models import ManagedModel, S3BucketNotification

from chalicelib import config as app_config
from deploy import inventory
from deploy.destruction import NOUNS
from deploy.target import Target
from tests.deploy.aws import Listed
from tests.repository import ROOT

ARNS = "arn:aws:lambda:eu-central-1:123456789012:function"


def names(dev: Target) -> list[str]:
    return [resource["name"] for resource in inventory.record(dev)["resources"]]


def test_an_empty_account_has_nothing() -> None:
    assert inventory.record(Listed({})) == {"resources": [], "schema_version": "2.0", "backend": "api"}


def test_names_of_the_stage_are_found_and_no_others() -> None:
    functions = (
        "laurel-dev",
        "laurel-dev-keep_ranks",
        "laurel-prod",
        "laurel-dev2",
        "laurel-dev-app-Handler-1AB",
        "laurel",
    )
    roles = ("laurel-dev-keep_ranks", "laurel-dev2-keep_ranks", "my-laurel-dev-keep_ranks")
    rules = ("laurel-dev-keep_ranks-event", "laurel-dev-other", "laurel-dev-a-b-event")
    apis = ("laurel-dev", "laurel-prod", "laurel")
    dev = Listed(
        {
            "list_functions": [
                {"Functions": [{"FunctionName": name, "FunctionArn": f"{ARNS}:{name}"} for name in functions]}
            ],
            "list_roles": [{"Roles": [{"RoleName": name, "Arn": name} for name in roles]}],
            "list_rules": [{"Rules": [{"Name": name} for name in rules]}],
            "get_rest_apis": [{"items": [{"name": name, "id": name, "createdDate": 1} for name in apis]}],
        }
    )

    assert names(dev) == ["keep_ranks_role", "api_handler", "keep_ranks", "keep_ranks-event", "rest_api"]
    assert inventory.function_arns(dev) == {
        "api_handler": f"{ARNS}:laurel-dev",
        "keep_ranks": f"{ARNS}:laurel-dev-keep_ranks",
    }


def test_an_api_that_is_there_twice_is_named_apart_to_be_removed() -> None:
    apis = [
        {"name": "laurel-dev", "id": "second", "createdDate": 2},
        {"name": "laurel-dev", "id": "first", "createdDate": 1},
    ]
    dev = Listed({"get_rest_apis": [{"items": [api]} for api in apis]})

    found = inventory.record(dev)["resources"]

    assert [(api["name"], api["rest_api_id"]) for api in found] == [("rest_api", "first"), ("rest_api-2", "second")]
    assert inventory.rest_api_id(dev) == "first"


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("arn:aws:dynamodb:r:a:table/t/stream/s", {"stream_arn": "arn:aws:dynamodb:r:a:table/t/stream/s"}),
        ("arn:aws:kinesis:r:a:stream/s", {"kinesis_arn": "arn:aws:kinesis:r:a:stream/s", "stream": "s"}),
        ("arn:aws:sqs:r:a:q", {"queue_arn": "arn:aws:sqs:r:a:q", "queue": "q"}),
    ],
)
def test_an_event_source_is_recorded_as_chalice_does(arn: str, expected: dict[str, str]) -> None:
    service = arn.split(":")[2]
    mappings = [
        {"UUID": "1", "EventSourceArn": arn, "State": "Enabled"},
        {"UUID": "2", "EventSourceArn": arn, "State": "Deleting"},
    ]

    dev = Listed({"list_event_source_mappings": [{"EventSourceMappings": mappings}]})

    found = list(inventory.event_sources(dev, {"name": "follow", "lambda_arn": "f"}))

    assert found == [
        {
            "name": f"follow-{service}-event-source",
            "resource_type": f"{service}_event",
            "event_uuid": "1",
            "lambda_arn": "f",
            **expected,
        }
    ]


def test_a_subscription_is_recorded_as_chalice_does() -> None:
    topic, function = "arn:aws:sns:r:a:laurel-dev-notices", "arn:aws:lambda:r:a:function:laurel-dev-deliver"
    endpoints = {"1": function, "2": "arn:aws:lambda:r:a:function:other", "3": "me@example.com"}
    told = [
        {"SubscriptionArn": f"{topic}:{key}", "TopicArn": topic, "Endpoint": each} for key, each in endpoints.items()
    ]
    dev = Listed({"list_subscriptions": [{"Subscriptions": [each]} for each in told]})

    found = list(inventory.subscriptions(dev, [{"name": "deliver", "lambda_arn": function}]))

    assert found == [
        {
            "name": "deliver-sns-subscription",
            "resource_type": "sns_event",
            "topic": "laurel-dev-notices",
            "topic_arn": topic,
            "lambda_arn": function,
            "subscription_arn": f"{topic}:1",
        }
    ]


def test_everything_the_app_declares_is_of_a_kind_that_is_found() -> None:
    app = importlib.import_module("app").app
    config = CLIFactory(str(ROOT), environ=dict(os.environ)).create_config_obj("dev", user_provided_params={})
    config._user_provided_params["chalice_app"] = app  # noqa: SLF001  (chalice would import it again)

    resources = DependencyBuilder().build_dependencies(ApplicationGraphBuilder().build(config, "dev"))

    buckets = {resource.bucket for resource in resources if isinstance(resource, S3BucketNotification)}
    kinds = {_recorded(resource) for resource in resources if isinstance(resource, ManagedModel)}
    assert set(NOUNS) == inventory.KINDS
    assert kinds <= inventory.KINDS, (
        "teach deploy/inventory.py to find them, or a deployment that breaks off leaves some"
    )
    assert buckets == {app_config.media_bucket()}, "the one whose notifications are looked up"


def _recorded(resource: Any) -> str:
    kind = str(resource.resource_type)
    return {"scheduled_event": "cloudwatch_event"}.get(kind, kind)
