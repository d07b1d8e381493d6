"""Everything there is in an account, asked service by service: what a deployment made, and what a destruction left."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from deploy.target import Target

Inventory = dict[str, list[str]]


def everything(target: Target) -> Inventory:
    """Return the names of all that is the stage's, by kind; kinds of which there is nothing are left out."""
    of_stage = re.compile(rf"\blaurel-{target.stage}\b")
    found = {kind: sorted(filter(of_stage.search, names(target))) for kind, names in KINDS.items()}
    return {kind: names for kind, names in found.items() if names}


def state(target: Target) -> dict[str, list[Any]]:
    """Return all that is told of what there is, to be compared with what is told later."""
    return {kind: [_lasting(each) for each in of(target)] for kind, of in DESCRIPTIONS.items()}


_PASSING = frozenset(
    {
        "LastAccessedDate",  # reading changes it
        "LastProcessingResult",
        "StateReason",
        "StateReasonData",
        "StateUpdatedTimestamp",
        "StateValue",
        "storedBytes",
    }
)
"""What changes by itself: the schedule has functions run, which write logs and metrics."""


def _lasting(described: Any) -> Any:
    if not isinstance(described, dict):
        return described
    return {name: value for name, value in described.items() if name not in _PASSING}


def _listed(service: str, operation: str, field: str, **arguments: Any) -> Callable[[Target], list[Any]]:
    def listed(target: Target) -> list[Any]:
        client = target.client(service)
        if client.can_paginate(operation):
            pages = client.get_paginator(operation).paginate(**arguments)
            return [each for page in pages for each in page.get(field) or []]
        return list(getattr(client, operation)(**arguments).get(field) or [])

    return listed


def _named(of: Callable[[Target], list[Any]], name: str | None = None) -> Callable[[Target], Iterator[str]]:
    return lambda target: (each if name is None else str(each[name]) for each in of(target))


def _stacks(target: Target) -> Iterator[str]:
    stacks = _listed("cloudformation", "list_stacks", "StackSummaries")(target)
    return (stack["StackName"] for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE")


def _distributions(target: Target) -> list[Any]:
    listed = target.client("cloudfront").list_distributions()["DistributionList"]
    return list(listed.get("Items", []))


def _notifications(target: Target) -> list[Any]:
    """Return what buckets tell functions, each with the name of the bucket."""
    s3 = target.client("s3")
    buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    configurations = {name: s3.get_bucket_notification_configuration(Bucket=name) for name in buckets}
    return [
        {"Bucket": name, **each}
        for name, configuration in configurations.items()
        for each in configuration.get("LambdaFunctionConfigurations", [])
    ]


def _bucket_policies(target: Target) -> Iterator[str]:
    s3 = target.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        with suppress(ClientError):  # it has none
            s3.get_bucket_policy(Bucket=bucket["Name"])
            yield bucket["Name"]


DESCRIPTIONS: Mapping[str, Callable[[Target], list[Any]]] = {
    "table": _listed("dynamodb", "list_tables", "TableNames"),
    "function": _listed("lambda", "list_functions", "Functions"),
    "event source mapping": _listed("lambda", "list_event_source_mappings", "EventSourceMappings"),
    "role": _listed("iam", "list_roles", "Roles"),
    "API": _listed("apigateway", "get_rest_apis", "items"),
    "usage plan": _listed("apigateway", "get_usage_plans", "items"),
    "API key": _listed("apigateway", "get_api_keys", "items"),
    "rule": _listed("events", "list_rules", "Rules"),
    "topic": _listed("sns", "list_topics", "Topics"),
    "queue": _listed("sqs", "list_queues", "QueueUrls"),
    "stream": _listed("kinesis", "list_streams", "StreamNames"),
    "log group": _listed("logs", "describe_log_groups", "logGroups"),
    "bucket": _listed("s3", "list_buckets", "Buckets"),
    "bucket notification": _notifications,
    "bucket policy": lambda target: list(_bucket_policies(target)),
    "distribution": _distributions,
    "secret": _listed("secretsmanager", "list_secrets", "SecretList"),
    "alarm": _listed("cloudwatch", "describe_alarms", "MetricAlarms"),
    "dashboard": _listed("cloudwatch", "list_dashboards", "DashboardEntries"),
    "stack": _listed("cloudformation", "list_stacks", "StackSummaries"),
}

KINDS: Mapping[str, Callable[[Target], Iterator[str]]] = {
    "table": _named(DESCRIPTIONS["table"]),
    "function": _named(DESCRIPTIONS["function"], "FunctionName"),
    "event source mapping": _named(DESCRIPTIONS["event source mapping"], "FunctionArn"),
    "role": _named(DESCRIPTIONS["role"], "RoleName"),
    "API": _named(DESCRIPTIONS["API"], "name"),
    "usage plan": _named(DESCRIPTIONS["usage plan"], "name"),
    "API key": _named(DESCRIPTIONS["API key"], "name"),
    "rule": _named(DESCRIPTIONS["rule"], "Name"),
    "topic": _named(DESCRIPTIONS["topic"], "TopicArn"),
    "queue": _named(DESCRIPTIONS["queue"]),
    "stream": _named(DESCRIPTIONS["stream"]),
    "log group": _named(DESCRIPTIONS["log group"], "logGroupName"),
    "bucket": _named(DESCRIPTIONS["bucket"], "Name"),
    "bucket notification": _named(DESCRIPTIONS["bucket notification"], "Bucket"),
    "bucket policy": _bucket_policies,
    "distribution": _named(DESCRIPTIONS["distribution"], "Comment"),
    "secret": _named(DESCRIPTIONS["secret"], "Name"),
    "alarm": _named(DESCRIPTIONS["alarm"], "AlarmName"),
    "dashboard": _named(DESCRIPTIONS["dashboard"], "DashboardName"),
    "stack": _stacks,
}
