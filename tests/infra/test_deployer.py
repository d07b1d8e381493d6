"""What whoever deploys may do: as much as the steps ask for, and CloudFormation in their name, and no more."""

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

import pytest
import yaml

from deploy.policies import Place, rendered
from tests.permissions.evaluation import Policy
from tests.repository import ROOT

DEPLOYER = ROOT / "infra" / "deployer"
BY_CLOUDFORMATION = ("template", "cdn", "edge")
"""What CloudFormation needs for infra/template.yaml, and beside it for infra/edge.yaml and infra/account.yaml."""
HERE = Place("prod", "aws", "eu-central-1", "123456789012")
LARGEST = 6_144
"""Characters that IAM takes of a managed policy, white space aside."""
CALLED_BY_CLOUDFORMATION = {"aws:CalledVia": ["cloudformation.amazonaws.com"]}

UNUSED: Mapping[str, tuple[str, ...]] = {
    # Nothing is imported, copied to other regions or into Kinesis; data is nobody's who deploys.
    "AWS::DynamoDB::Table": (
        *("*Import*", "*Replica", "EnableKinesis*", "DisableKinesis*", "UpdateKinesis*"),
        *("*Item", "Query", "Scan", "UpdateContributorInsights", "PutResourcePolicy", "DeleteResourcePolicy"),
    ),
    # One origin, which is public as far as it is one; no second distribution is tried beside it.
    "AWS::CloudFront::Distribution": ("*ConnectionGroup", "*VpcOrigin", "*StagingConfig"),
    # Buckets have neither versions, replicas, notifications of the template's, pages, logs nor lists of themselves.
    "AWS::S3::Bucket": (
        *("*MetadataTable*", "UpdateBucketMetadata*", "DeleteObject", "PutObject*", "PutBucketObjectLock*"),
        *("PutBucketAcl", "*Abac", "PutAccelerate*", "PutAnalytics*", "PutIntelligent*", "PutInventory*"),
        *("PutMetrics*", "PutReplication*", "PutBucketWebsite", "DeleteBucketWebsite", "PutBucketLogging"),
        *("PutBucketNotification", "PutBucketVersioning"),
    ),
    "AWS::SNS::Topic": ("PutDataProtectionPolicy",),
    "AWS::Kinesis::Stream": (
        *("*EnhancedMonitoring", "UpdateMaxRecordSize", "UpdateStreamWarmThroughput"),
        "UpdateStreamRecordDistributionStrategy",
    ),
    "AWS::SecretsManager::Secret": ("*Regions*",),
    "AWS::Logs::LogGroup": (
        *("*LogDelivery", "*DataProtectionPolicy", "*IndexPolicy", "*ResourcePolicy", "PutBearer*"),
        *("PutLogGroupDeletion*", "*KmsKey"),
    ),
    # The role with which API Gateway writes logs has a policy of AWS, and none of its own.
    "AWS::IAM::Role": ("*PermissionsBoundary", "PutRolePolicy", "DeleteRolePolicy"),
    "AWS::WAFv2::WebACLAssociation": ("*PermissionPolicy",),
    "AWS::EC2::SecurityGroup": ("DescribeInstances",),
}
"""By type of resource, what CloudFormation would need for properties that the templates leave out."""
PASSED = {"iam:PassRole"}
"""What is needed though no handler says so: API Gateway is given the role it writes logs with."""


@cache
def handlers() -> dict[str, Any]:
    """Return what CloudFormation says it needs, by type of resource and what it does to one."""
    schemas = files("cfnlint") / "data" / "schemas" / "resources"
    read = (json.loads(file.read_text()) for file in schemas.iterdir() if file.name.endswith(".json"))
    return {schema["typeName"]: schema["handlers"] for schema in read if "handlers" in schema}


@cache
def known() -> Any:
    return json.loads((files("cfnlint") / "data" / "AdditionalSpecs" / "Policies.json").read_text())


def policy(name: str) -> Any:
    return rendered(json.loads((DEPLOYER / f"{name}.json").read_text()), HERE)


def types(template: str) -> set[str]:
    loader = yaml.SafeLoader
    document = yaml.compose((ROOT / "infra" / f"{template}.yaml").read_text(), Loader=loader)
    resources = dict(document.value)  # type: ignore[union-attr]  # a mapping of nodes
    [made] = [node for key, node in resources.items() if key.value == "Resources"]
    return {part.value for _, node in made.value for key, part in node.value if key.value == "Type"}


def needed(kind: str) -> Iterator[str]:
    """Yield the actions of a type's own service that making, reading, changing and deleting one takes."""
    service = kind.split("::")[1].lower()
    for act in ("create", "read", "update", "delete"):
        for permission in handlers()[kind].get(act, {}).get("permissions", ()):
            namespace, _, action = permission.partition(":")
            is_known = action.lower() in known().get(namespace, {}).get("Actions", {})
            if (
                namespace == service
                and is_known
                and not any(fnmatchcase(action, each) for each in UNUSED.get(kind, ()))
            ):
                yield permission


@pytest.mark.slow
def test_cloudformation_may_make_what_the_templates_describe_and_nothing_else() -> None:
    made = {kind for template in ("template", "edge", "account") for kind in types(template)}
    statements = [each for name in BY_CLOUDFORMATION for each in policy(name)["Statement"]]

    allowed = {action for each in statements for action in each["Action"]}

    assert allowed - PASSED == {action for kind in made for action in needed(kind)}
    assert all(each["Condition"]["ForAnyValue:StringEquals"] == CALLED_BY_CLOUDFORMATION for each in statements)


@pytest.mark.parametrize("name", ["deploy", "destroy", *BY_CLOUDFORMATION])
def test_a_policy_is_one_that_iam_takes(name: str) -> None:
    document = policy(name)
    sids = [each["Sid"] for each in document["Statement"]]

    assert len(json.dumps(document, separators=(",", ":"))) < LARGEST
    assert len(set(sids)) == len(sids)
    assert "${" not in json.dumps(document)
    assert Policy.of(document).permissions()
    for each in document["Statement"]:
        for action in each["Action"]:
            service, _, called = action.partition(":")
            assert called.lower() in known()[service]["Actions"], action


@pytest.mark.parametrize("name", ["deploy", "destroy"])
def test_what_has_a_name_is_named_after_its_stage(name: str) -> None:
    unnamed = {
        *("WhatThereIs", "LogsOfApis", "ApiAccount"),
        *("Apis", "Api", "Subscriptions"),  # they are numbered by AWS
    }
    for each in policy(name)["Statement"]:
        assert each["Sid"] in unnamed or all("laurel-prod" in resource for resource in each["Resource"]), each


def test_roles_are_given_to_lambda_alone() -> None:
    [passing] = [each for each in policy("deploy")["Statement"] if "iam:PassRole" in each["Action"]]

    assert passing["Action"] == ["iam:PassRole"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": ["lambda.amazonaws.com"]}}


def test_whoever_deploys_cannot_delete_data() -> None:
    services = {action.partition(":")[0] for each in policy("deploy")["Statement"] for action in each["Action"]}

    of_buckets = {each.subject for each in Policy.of(policy("deploy")).permissions() if "s3:" in each.subject}

    assert services.isdisjoint({"dynamodb", "sqs", "kinesis"})
    assert of_buckets == {"s3:GetBucketNotification", "s3:PutBucketNotification"}
    assert not [
        each
        for each in Policy.of(policy("deploy")).permissions()
        if "Delete" in each.subject and "Secret" in each.subject
    ]
