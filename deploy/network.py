"""The VPC a stage's functions run in, when it has one, and tracing: as chalice is told of them."""

from collections.abc import Mapping
from typing import Any

from deploy.errors import DeployError


def chalice_settings(functions: Mapping[str, Any], outputs: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of every function that chalice takes from its config.json.

    The rights they take are in .chalice/policies/added.

    Args:
        functions: Of a stage, as infra/stages.yaml has them.
        outputs: Of the stack that infra/template.yaml makes.

    Raises:
        DeployError: Functions are to run in a VPC, but no security group is named or made.
    """
    settings: dict[str, Any] = {"xray": True} if functions.get("tracing") else {}
    subnets = functions.get("vpc", {}).get("subnet_ids")
    if subnets:
        settings |= {"subnet_ids": subnets, "security_group_ids": _groups(functions["vpc"], outputs)}
    return settings


def _groups(vpc: Mapping[str, Any], outputs: Mapping[str, str]) -> list[str]:
    own: list[str] = vpc.get("security_group_ids", [])
    if own:
        return own
    if "FunctionsGroupId" not in outputs:
        complaint = "infra/stages.yaml names subnets for the functions, but neither functions.vpc.security_group_ids"
        raise DeployError(f"{complaint} nor the parameter VpcId of the template, which makes a group for them.")
    return [outputs["FunctionsGroupId"]]
