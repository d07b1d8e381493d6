"""Creates what the CloudFormation template describes, and keeps it in step with the template."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore.session
import yaml
from botocore.exceptions import ClientError

from local.layout import ACCESS_KEY, CLOUDFORMATION_STACK, REGION, SECRET_KEY, STAGE

POLL_SECONDS = 0.02


class ResourceError(Exception):
    """CloudFormation refused the template; the message is its own."""


def client(service: str, endpoint: str) -> Any:
    """Return a botocore client of the embedded AWS, whatever the environment says about the real one."""
    return botocore.session.Session().create_client(
        service,
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )


def apply(template: Path, endpoint: str) -> dict[str, str]:
    """Create the stack, or update it where it exists already, and return its outputs.

    Raises:
        ResourceError: CloudFormation failed.
    """
    cloudformation = client("cloudformation", endpoint)
    _create_or_update(cloudformation, template.read_text())
    stack = _settled(cloudformation)
    physical_names = _physical_names(cloudformation)
    _enable_time_to_live(client("dynamodb", endpoint), _time_to_live(template), physical_names)
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _create_or_update(cloudformation: Any, body: str) -> None:
    arguments = {
        "StackName": CLOUDFORMATION_STACK,
        "TemplateBody": body,
        "Parameters": [{"ParameterKey": "Stage", "ParameterValue": STAGE}],
    }
    try:
        cloudformation.create_stack(**arguments)
    except cloudformation.exceptions.AlreadyExistsException:
        _update(cloudformation, arguments)


def _update(cloudformation: Any, arguments: Mapping[str, Any]) -> None:
    try:
        cloudformation.update_stack(**arguments)
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise ResourceError(str(error)) from error


def _settled(cloudformation: Any) -> dict[str, Any]:
    while True:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=CLOUDFORMATION_STACK)["Stacks"][0]
        status = stack["StackStatus"]
        if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            return stack
        if "FAILED" in status or "ROLLBACK" in status:
            raise ResourceError(f"{status}: {stack.get('StackStatusReason', 'no reason given')}")
        time.sleep(POLL_SECONDS)


def _physical_names(cloudformation: Any) -> dict[str, str]:
    resources = cloudformation.describe_stack_resources(StackName=CLOUDFORMATION_STACK)["StackResources"]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}


def _time_to_live(template: Path) -> dict[str, dict[str, Any]]:
    resources = yaml.load(template.read_text(), Loader=_TemplateLoader)["Resources"]  # noqa: S506  (its loader is a SafeLoader)
    return {
        name: resource["Properties"]["TimeToLiveSpecification"]
        for name, resource in resources.items()
        if "TimeToLiveSpecification" in resource["Properties"]
    }


def _enable_time_to_live(
    dynamodb: Any, specifications: Mapping[str, dict[str, Any]], physical_names: Mapping[str, str]
) -> None:
    # ministack's CloudFormation ignores the specification in the template; on AWS this would find it enabled already.
    for logical_name, specification in specifications.items():
        table = physical_names[logical_name]
        described = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        if described["TimeToLiveStatus"] == "DISABLED":
            dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)


class _TemplateLoader(yaml.SafeLoader):
    """Reads a template's plain values; what its short tags (!Ref, !Sub) would give is not needed here."""


_TemplateLoader.add_multi_constructor("!", lambda _loader, tag, _node: tag)
