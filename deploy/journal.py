"""A journal of the calls that change something, written by the clients that make them.

Rehearsed, such a call is noted and answered rather than made. So a plan is what the deployment itself would do, said
by the same code, and a report is what it did.
"""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import botocore.session

from deploy.changes import Change, Kind

READS = ("Get", "List", "Describe", "Head")
OF_STACKS = frozenset({"CreateStack", "UpdateStack", "DeleteStack", "CreateChangeSet", "DeleteChangeSet"})
"""What a stack changes is told by itself."""
ARGUMENTS = "laurel_arguments"
"""Where a call's arguments are kept while botocore makes a request of them."""

Answer = tuple[SimpleNamespace, dict[str, Any]]

SUBJECTS: Mapping[str, tuple[Kind, str]] = {
    "CreateRole": (Kind.ADD, "role {RoleName}"),
    "PutRolePolicy": (Kind.CHANGE, "role {RoleName}"),
    "DeleteRolePolicy": (Kind.REMOVE, "role {RoleName}"),
    "DeleteRole": (Kind.REMOVE, "role {RoleName}"),
    "CreateFunction": (Kind.ADD, "function {FunctionName}"),
    "UpdateFunctionCode": (Kind.CHANGE, "function {FunctionName}"),
    "UpdateFunctionConfiguration": (Kind.CHANGE, "function {FunctionName}"),
    "PutFunctionConcurrency": (Kind.CHANGE, "function {FunctionName}"),
    "DeleteFunctionConcurrency": (Kind.CHANGE, "function {FunctionName}"),
    "PutFunctionEventInvokeConfig": (Kind.CHANGE, "function {FunctionName}"),
    "AddPermission": (Kind.CHANGE, "function {FunctionName}"),
    "RemovePermission": (Kind.CHANGE, "function {FunctionName}"),
    "DeleteFunction": (Kind.REMOVE, "function {FunctionName}"),
    "CreateEventSourceMapping": (Kind.ADD, "event source of {FunctionName}"),
    "UpdateEventSourceMapping": (Kind.CHANGE, "event source {UUID}"),
    "DeleteEventSourceMapping": (Kind.REMOVE, "event source {UUID}"),
    "Subscribe": (Kind.ADD, "subscription to {TopicArn}"),
    "Unsubscribe": (Kind.REMOVE, "subscription {SubscriptionArn}"),
    "PutBucketNotificationConfiguration": (Kind.CHANGE, "bucket {Bucket}"),
    "PutRule": (Kind.CHANGE, "rule {Name}"),
    "PutTargets": (Kind.CHANGE, "rule {Rule}"),
    "RemoveTargets": (Kind.REMOVE, "rule {Rule}"),
    "DeleteRule": (Kind.REMOVE, "rule {Name}"),
    "ImportRestApi": (Kind.ADD, "API"),
    "PutRestApi": (Kind.CHANGE, "API"),
    "UpdateRestApi": (Kind.CHANGE, "API"),
    "CreateDeployment": (Kind.CHANGE, "API"),
    "UpdateStage": (Kind.CHANGE, "API"),
    "DeleteRestApi": (Kind.REMOVE, "API"),
    "CreateLogGroup": (Kind.ADD, "log group {logGroupName}"),
    "PutRetentionPolicy": (Kind.CHANGE, "log group {logGroupName}"),
    "DeleteLogGroup": (Kind.REMOVE, "log group {logGroupName}"),
}

DETAILS: Mapping[str, str] = {
    "PutRolePolicy": "policy",
    "UpdateFunctionCode": "code",
    "PutFunctionConcurrency": "concurrency",
    "DeleteFunctionConcurrency": "concurrency",
    "PutFunctionEventInvokeConfig": "asynchronous calls",
    "AddPermission": "permission",
    "RemovePermission": "permission",
    "PutBucketNotificationConfiguration": "notifications",
    "PutRestApi": "routes",
    "CreateDeployment": "routes",
    "UpdateRestApi": "settings",
    "PutRetentionPolicy": "retention {retentionInDays} days",
}


NAMES = frozenset({"FunctionName", "Name", "UUID", "restApiId", "stageName"})


class Journal:
    """Notes what clients of a session change, from the moment it is attached.

    Args:
        rehearsed: Whether the calls are only noted.
    """

    def __init__(self, *, rehearsed: bool = False) -> None:
        self.changes: list[Change] = []
        self._rehearsed = rehearsed

    def attach(self, session: botocore.session.Session) -> None:
        """Watch the clients that ``session`` makes from now on."""
        session.register("before-parameter-build", _remember)
        # Typed as if no handler might answer; one that does takes the place of the request.
        session.register("before-call", cast("Any", self._note))

    def _note(self, **call: Any) -> Answer | None:
        operation, arguments = call["model"].name, call["context"][ARGUMENTS]
        if operation.startswith(READS) or operation in OF_STACKS:
            return None
        self.changes.append(change(operation, arguments))
        return _answer(arguments) if self._rehearsed else None


def _remember(**call: Any) -> None:
    call["context"][ARGUMENTS] = dict(call["params"])


def _answer(arguments: Mapping[str, Any]) -> Answer:
    """Return what AWS might answer, as far as anybody reads it who deploys."""
    name = arguments.get("FunctionName") or arguments.get("RoleName") or arguments.get("Name") or "new"
    arn = name if name.startswith("arn:") else f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    function = {"FunctionArn": arn, "State": "Active", "LastUpdateStatus": "Successful"}
    other = {
        "Role": {"Arn": arn},
        "UUID": "new",
        "RuleArn": arn,
        "SubscriptionArn": "new",
        "id": arguments.get("restApiId", "new"),
    }
    return SimpleNamespace(status_code=200, headers={}), {**function, **other, "ResponseMetadata": {}}


def change(operation: str, arguments: Mapping[str, Any]) -> Change:
    """Return the line that tells of a call.

    >>> print(change("UpdateFunctionConfiguration", {"FunctionName": "laurel-dev", "MemorySize": 1024}))
    ~ function laurel-dev (MemorySize 1024)
    """
    kind, subject = SUBJECTS.get(operation, (Kind.CHANGE, operation))
    named = {name: str(value).rpartition(":function:")[2] or value for name, value in arguments.items()}
    detail = DETAILS[operation].format_map(named) if operation in DETAILS else ", ".join(_details(operation, arguments))
    return Change(kind, subject.format_map(named), detail)


def _details(operation: str, arguments: Mapping[str, Any]) -> list[str]:
    """Return what an update changes: values where they are plain, and nothing of the environment, which has secrets."""
    if not operation.startswith(("Update", "PutRule")):
        return []
    changed = {name: value for name, value in arguments.items() if name not in NAMES and value != ""}
    return [f"{name} {value}" if isinstance(value, int | str) else name for name, value in changed.items()]
