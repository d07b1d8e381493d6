"""The VPC a stage's functions run in, when it has one, and tracing: as chalice is told, with the rights they take."""

from collections.abc import Iterator, Mapping
from typing import Any

from chalice.deploy.deployer import PolicyGenerator

from deploy.errors import DeployError
from deploy.layout import APP

INTERFACES = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
TRACES = ("xray:PutTelemetryRecords", "xray:PutTraceSegments")

Json = dict[str, Any]


def chalice_settings(functions: Mapping[str, Any], outputs: Mapping[str, str]) -> Json:
    """Return the settings of every function that chalice takes from its config.json.

    Args:
        functions: Of a stage, as infra/stages.yaml has them.
        outputs: Of the stack that infra/template.yaml makes.

    Raises:
        DeployError: Functions are to run in a VPC, but no security group is named or made.
    """
    settings: Json = {"xray": True} if functions.get("tracing") else {}
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


def statements(settings: Mapping[str, Any], stage: str) -> Iterator[Json]:
    """Yield what chalice's settings, as above, take beside a function's own policy.

    EC2 and X-Ray know no narrower resource for these actions. Lambda uses a function's role for its network interfaces:
    the function itself is denied what Lambda is allowed.
    """
    if "subnet_ids" in settings:
        functions = [f"arn:aws*:lambda:*:*:function:{APP}-{stage}", f"arn:aws*:lambda:*:*:function:{APP}-{stage}-*"]
        by_code = {"ArnLike": {"lambda:SourceFunctionArn": functions}}
        yield {"Effect": "Allow", "Action": list(INTERFACES), "Resource": "*"}
        yield {"Effect": "Deny", "Action": list(INTERFACES), "Resource": "*", "Condition": by_code}
    if settings.get("xray"):
        yield {"Effect": "Allow", "Action": list(TRACES), "Resource": "*"}


class StagePolicyGenerator(PolicyGenerator):
    """Adds these statements to the policies in .chalice/policies. Chalice adds them to those it generates only."""

    def handle_filebasediampolicy(self, config: Any, resource: Any) -> None:
        super().handle_filebasediampolicy(config, resource)
        settings = {"subnet_ids": config.subnet_ids} if config.subnet_ids else {}
        settings |= {"xray": config.xray_enabled}
        resource.document["Statement"] += statements(settings, config.chalice_stage)
