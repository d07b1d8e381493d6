"""What chalice cannot say of functions: event sources' options, asynchronous invocations, log groups with retention."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from deploy import inventory
from deploy.errors import DeployError
from deploy.layout import ASYNC_INVOCATIONS, EVENT_SOURCES, log_group_name
from deploy.stages import Stage
from deploy.target import Target

PATIENCE_SECONDS = 120.0
LOOK_SECONDS = 0.5
AT_REST = frozenset({"Enabled", "Disabled"})

Json = dict[str, Any]


def complete(target: Target, stage: Stage, outputs: Mapping[str, str]) -> None:
    """Make each setting that is not as wanted yet. An app without one of the functions is left as it is."""
    arns_by_function = inventory.function_arns(target)
    for function, options in _wanted(EVENT_SOURCES, outputs).items():
        if function in arns_by_function:
            _complete_event_sources(target, arns_by_function[function], options)
    for function, options in _wanted(ASYNC_INVOCATIONS, outputs).items():
        if function in arns_by_function:
            _complete_invocations(target, arns_by_function[function], options)
    if days := stage.functions.get("log_retention_days"):
        keep_logs(target, [log_group_name(stage.name, function) for function in arns_by_function], days)


def keep_logs(target: Target, names: list[str], days: int) -> None:
    """Make the log groups that are not there yet, and have all of them forget after so many days."""
    logs = target.client("logs")
    days_by_group = log_groups(target)
    for name in names:
        if name not in days_by_group:
            _make_log_group(logs, name)
        if days_by_group.get(name) != days:
            logs.put_retention_policy(logGroupName=name, retentionInDays=days)


def log_groups(target: Target) -> dict[str, int | None]:
    """Return the days that the log groups of the stage's functions are kept; None is for ever."""
    own = log_group_name(target.stage, "api_handler")
    pages = target.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=own)
    groups = [group for page in pages for group in page["logGroups"]]
    return {
        group["logGroupName"]: group.get("retentionInDays")
        for group in groups
        if group["logGroupName"] == own or group["logGroupName"].startswith(f"{own}-")
    }


def _make_log_group(logs: Any, name: str) -> None:
    # A function that has been called meanwhile has its group: Lambda was faster.
    with suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=name)


def _wanted(file: Path, outputs: Mapping[str, str]) -> dict[str, Json]:
    """Return options by function, with the ARN that the stack gives wherever a destination names one of its outputs."""
    document: dict[str, Json] = json.loads(file.read_text())
    return {function: _resolved(options, outputs) for function, options in document.items()}


def _resolved(options: Json, outputs: Mapping[str, str]) -> Json:
    destination = options.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if destination is None:
        return options
    return {**options, "DestinationConfig": {"OnFailure": {"Destination": outputs.get(destination, destination)}}}


def _complete_event_sources(target: Target, function_arn: str, wanted: Json) -> None:
    functions = target.client("lambda")
    for mapping in functions.list_event_source_mappings(FunctionName=function_arn)["EventSourceMappings"]:
        if any(mapping.get(name) != value for name, value in wanted.items()):
            _await_rest(functions, mapping)
            functions.update_event_source_mapping(UUID=mapping["UUID"], **wanted)


def _await_rest(functions: Any, mapping: Json) -> None:
    # Lambda refuses to change a mapping that it is still making.
    deadline = time.monotonic() + PATIENCE_SECONDS
    while mapping.get("State", "Enabled") not in AT_REST:
        if time.monotonic() > deadline:
            raise DeployError(f"The event source {mapping['UUID']} stays in {mapping['State']}. Run this again later.")
        time.sleep(LOOK_SECONDS)
        mapping = functions.get_event_source_mapping(UUID=mapping["UUID"])


def _complete_invocations(target: Target, function_arn: str, wanted: Json) -> None:
    functions = target.client("lambda")
    try:
        deployed = functions.get_function_event_invoke_config(FunctionName=function_arn)
    except functions.exceptions.ResourceNotFoundException:
        deployed = {}
    if any(_told(deployed.get(name)) != value for name, value in wanted.items()):
        functions.put_function_event_invoke_config(FunctionName=function_arn, **wanted)


def _told(value: Any) -> Any:
    """Return a setting without what AWS fills in beside it: the success destination that there is not."""
    return {"OnFailure": value["OnFailure"]} if isinstance(value, dict) and "OnFailure" in value else value
