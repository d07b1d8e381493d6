"""What outlives its stack: tables, buckets, queues and secrets, and how each is deleted for good."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deploy import templates
from deploy.layout import TEMPLATE
from deploy.stacks import Stack
from deploy.target import Target

GONE = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "NoSuchBucket",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
    }
)


@dataclass(frozen=True, slots=True)
class Retained:
    """One resource that its template retains."""

    kind: str
    """Its type: AWS::DynamoDB::Table."""
    name: str
    """Its name, URL or ARN."""

    def delete(self, target: Target) -> None:
        """Delete it with all that it holds, if it is there."""
        try:
            DELETE_BY_KIND[self.kind](target, self.name)
        except ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
                raise

    def is_protected(self, target: Target) -> bool:
        """Tell whether AWS refuses to delete it, until that is lifted."""
        return self.kind == "AWS::DynamoDB::Table" and _protected(target, self.name)


def of(stack: Stack) -> list[Retained]:
    """Return what the stack has made and its template retains."""
    resources = templates.data_only(templates.read(TEMPLATE))["Resources"]
    ids = stack.physical_ids()
    return [Retained(part["Type"], ids[name]) for name, part in resources.items() if name in ids]


def _protected(target: Target, table: str) -> bool:
    dynamodb = target.client("dynamodb")
    try:
        described = dynamodb.describe_table(TableName=table)["Table"]
    except dynamodb.exceptions.ResourceNotFoundException:
        return False
    return bool(described.get("DeletionProtectionEnabled"))


def _delete_table(target: Target, name: str) -> None:
    dynamodb = target.client("dynamodb")
    if _protected(target, name):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    dynamodb.delete_table(TableName=name)


def _delete_bucket(target: Target, name: str) -> None:
    s3 = target.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        if objects:
            s3.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})
    s3.delete_bucket(Bucket=name)


def _delete_queue(target: Target, url: str) -> None:
    target.client("sqs").delete_queue(QueueUrl=url)


def _delete_secret(target: Target, arn: str) -> None:
    target.client("secretsmanager").delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


DELETE_BY_KIND: Mapping[str, Callable[[Target, str], Any]] = {
    "AWS::DynamoDB::Table": _delete_table,
    "AWS::S3::Bucket": _delete_bucket,
    "AWS::SQS::Queue": _delete_queue,
    "AWS::SecretsManager::Secret": _delete_secret,
}
"""A test holds the template to these."""
