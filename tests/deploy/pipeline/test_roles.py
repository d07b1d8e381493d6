"""The roles that the documents give a pipeline: enough for what is deployed, and held to its names."""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest
from cfnlint.schema import (  # type: ignore[import-untyped]  # says nothing of its types
    PROVIDER_SCHEMA_MANAGER,
    ResourceNotFoundError,
)

from deploy.layout import EDGE, TEMPLATE
from deploy.pipeline.completion import completed
from deploy.templates import read
from tests.deploy.pipeline import watcher
from tests.deploy.pipeline.packages import Json, Package, settings
from tests.deploy.pipeline.translation import translated
from tests.deploy.pipeline.variants import everything, without_options
from tests.repository import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]

ROLES = read(ROOT / "docs" / "how-to" / "pipeline" / "roles.yaml")["Resources"]
LARGEST_INLINE = 10_240
"""Characters that IAM takes of all of a role's inline policies, white space aside."""
NUMBERED = {"apigateway", "cloudfront", "ec2", "kms", "route53", "wafv2", "acm"}
"""Services whose things have no name that could tell one stage's from another's."""

UNUSED = {
    *("cloudfront:CreateConnectionGroup", "cloudfront:GetConnectionGroup", "cloudfront:GetVpcOrigin"),
    *("iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary"),
    *("wafv2:GetPermissionPolicy", "wafv2:PutPermissionPolicy"),
}
"""What properties take that no template of ours has."""


def statements(role: str) -> list[Json]:
    [policy] = ROLES[role]["Properties"]["Policies"]
    found: list[Json] = policy["PolicyDocument"]["Statement"]
    return found


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def handled(kind: str) -> Iterator[str]:
    """Yield the actions of a type's own service that CloudFormation says it takes."""
    service = kind.split("::")[1].lower()
    try:
        handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-central-1", kind).schema.get("handlers", {})
    except ResourceNotFoundError:
        return
    for act in handlers.keys() - {"list"}:
        yield from (each for each in handlers[act].get("permissions", []) if each.startswith(f"{service}:"))


def test_cloudformation_may_make_what_the_templates_describe(
    packaged_prod: Json, watching: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    told = completed(watching.template, without_options(settings("prod")), watcher.OUTPUTS)
    documents = [translated(everything(packaged_prod)), translated(told), read(TEMPLATE), read(EDGE)]
    kinds = {resource["Type"] for document in documents for resource in document["Resources"].values()}
    allowed = [action for each in statements("ExecutionRole") for action in as_list(each["Action"])]

    needed = {action for kind in kinds for action in handled(kind)}

    assert len(needed) > 100
    assert {each for each in needed if not any(fnmatchcase(each, pattern) for pattern in allowed)} == UNUSED


@pytest.mark.parametrize("role", ["DeployRole", "ExecutionRole"])
def test_a_role_is_one_that_iam_takes(role: str) -> None:
    assert len(json.dumps(statements(role), separators=(",", ":"))) < LARGEST_INLINE


def test_what_has_a_name_is_held_to_the_stage_s() -> None:
    for each in statements("ExecutionRole"):
        services = {action.partition(":")[0] for action in as_list(each["Action"])}
        if as_list(each["Resource"]) != ["*"] and not services & NUMBERED:
            for resource in as_list(each["Resource"]):
                text = resource["Fn::Sub"]
                assert "laurel-${Stage}" in text or text.endswith(("deploymentconfig:*", "Serverless-2016-10-31")), text


def test_whoever_starts_a_deployment_changes_nothing_by_themselves() -> None:
    [passing] = [each for each in statements("DeployRole") if each["Action"] == "iam:PassRole"]
    services = {action.partition(":")[0] for each in statements("DeployRole") for action in as_list(each["Action"])}

    assert services == {"cloudformation", "iam", "logs", "s3", "secretsmanager"}
    assert passing["Resource"] == {"Fn::GetAtt": ["ExecutionRole", "Arn"]}


def test_cloudformation_gives_roles_to_who_runs_as_them_alone() -> None:
    [passing] = [each for each in statements("ExecutionRole") if each["Action"] == "iam:PassRole"]

    assert passing["Condition"] == {
        "StringEquals": {"iam:PassedToService": ["codedeploy.amazonaws.com", "lambda.amazonaws.com"]}
    }


def test_github_is_believed_for_one_environment_of_one_repository() -> None:
    [statement] = ROLES["DeployRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    trusted = statement["Fn::If"][1]["Condition"]["StringEquals"]

    assert trusted == {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": {"Fn::Sub": "repo:${GitHubRepository}:environment:${Stage}"},
    }
