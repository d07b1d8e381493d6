"""Stacks in every state they can be found in, against a CloudFormation that answers as it is told."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deploy.changes import Change, Kind
from deploy.errors import DeployError
from deploy.stacks import Stack

ARN = "arn:aws:cloudformation:us-east-1:000000000000:stack/laurel-dev/1"


class CloudFormation:
    """One stack, which takes the statuses it is given one after the other, and notes what is asked for."""

    def __init__(self, *statuses: str) -> None:
        self.statuses = list(statuses)
        self.calls: list[str] = []
        self.refusal = ""
        self.events: list[dict[str, str]] = []
        self.change_set: dict[str, Any] = {"Status": "CREATE_COMPLETE", "Changes": []}

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803  (named as the wire names it)
        if not self.statuses:
            raise self._error("DescribeStacks", f"Stack with id {StackName} does not exist")
        status = self.statuses[0] if len(self.statuses) == 1 else self.statuses.pop(0)
        output = {"OutputKey": "Name", "OutputValue": "value"}
        return {"Stacks": [{"StackId": ARN, "StackStatus": status, "Outputs": [output]}]}

    def create_stack(self, **arguments: Any) -> Any:
        assert arguments["OnFailure"] == "DELETE"
        return self._changed("create", "CreateStack")

    def update_stack(self, **_: Any) -> Any:
        return self._changed("update", "UpdateStack")

    def delete_stack(self, **_: Any) -> None:
        self.calls.append("delete")
        self.statuses = ["DELETE_COMPLETE"]

    def create_change_set(self, **_: Any) -> Any:
        return self._changed("change set", "CreateChangeSet") | {"Id": "change-set"}

    def describe_change_set(self, **_: Any) -> Any:
        return self.change_set

    def delete_change_set(self, **_: Any) -> None:
        self.calls.append("no change set")

    def get_paginator(self, operation: str) -> Any:
        assert operation == "describe_stack_events"
        return SimpleNamespace(paginate=lambda **_: iter([{"StackEvents": self.events}]))

    def _changed(self, call: str, operation: str) -> dict[str, str]:
        if self.refusal:
            raise self._error(operation, self.refusal)
        self.calls.append(call)
        if call == "create":
            self.statuses = ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"] if not self.events else ["DELETE_COMPLETE"]
        return {"StackId": ARN}

    def _error(self, operation: str, message: str) -> ClientError:
        return ClientError({"Error": {"Code": "ValidationError", "Message": message}}, operation)


def stack(cloudformation: CloudFormation) -> Stack:
    target: Any = SimpleNamespace(client=lambda _service: cloudformation)
    return Stack(target, "laurel-dev", "Resources: {}", {"Stage": "dev"})


def test_a_stack_is_created_where_there_is_none() -> None:
    cloudformation = CloudFormation()

    assert stack(cloudformation).apply() == {"Name": "value"}
    assert cloudformation.calls == ["create"]


def test_a_stack_that_was_only_planned_is_created() -> None:
    cloudformation = CloudFormation("REVIEW_IN_PROGRESS")

    assert [str(change) for change in stack(cloudformation).changes()] == ["+ stack laurel-dev"]


def test_a_stack_that_is_there_is_updated() -> None:
    cloudformation = CloudFormation("UPDATE_ROLLBACK_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")

    assert stack(cloudformation).apply() == {"Name": "value"}
    assert cloudformation.calls == ["update"]


def test_nothing_to_update_is_no_failure() -> None:
    cloudformation = CloudFormation("CREATE_COMPLETE")
    cloudformation.refusal = "No updates are to be performed."

    assert stack(cloudformation).apply() == {"Name": "value"}


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "CREATE_FAILED"])
def test_a_creation_that_failed_is_cleared_away_and_made_anew(status: str) -> None:
    cloudformation = CloudFormation(status)

    assert stack(cloudformation).changes() == [Change(Kind.REPLACE, "stack laurel-dev", "its creation had failed")]
    assert cloudformation.calls == []
    assert stack(cloudformation).apply() == {"Name": "value"}
    assert cloudformation.calls == ["delete", "create"]


@pytest.mark.parametrize(
    ("status", "complaint"),
    [
        ("UPDATE_IN_PROGRESS", r"being changed already \(UPDATE_IN_PROGRESS\): another deployment is under way"),
        ("DELETE_IN_PROGRESS", "being changed already"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name laurel-dev"),
        ("DELETE_FAILED", "make destroy once more"),
        ("IMPORT_ROLLBACK_FAILED", "Look at its events"),
    ],
)
def test_a_stack_that_takes_no_change_is_left_alone(status: str, complaint: str) -> None:
    cloudformation = CloudFormation(status)

    for attempt in (stack(cloudformation).apply, stack(cloudformation).changes):
        with pytest.raises(DeployError, match=complaint):
            attempt()
    assert cloudformation.calls == []


@pytest.mark.parametrize("statuses", [(), ("CREATE_COMPLETE",)])
def test_a_template_that_is_refused_says_why(statuses: tuple[str, ...]) -> None:
    cloudformation = CloudFormation(*statuses)
    cloudformation.refusal = "Template format error: Unresolved resource dependencies [Nobody]"

    with pytest.raises(DeployError, match=r"refuses the template of laurel-dev: Template format .*\[Nobody\]"):
        stack(cloudformation).apply()


def test_a_creation_that_fails_names_the_resource_that_began_it() -> None:
    cloudformation = CloudFormation()
    cloudformation.events = list(failures())

    with pytest.raises(DeployError, match=r"(?s)ended in DELETE_COMPLETE.*Media: the name is taken") as failed:
        stack(cloudformation).apply()

    assert "cancelled" not in str(failed.value)
    assert "of a year ago" not in str(failed.value)


def failures() -> Iterator[dict[str, str]]:
    """Yield a stack's events, the newest first."""
    other = {"PhysicalResourceId": "x", "ResourceStatus": "CREATE_FAILED"}
    yield {**other, "LogicalResourceId": "Boards", "ResourceStatusReason": "Resource creation cancelled"}
    yield {**other, "LogicalResourceId": "Media", "ResourceStatusReason": "the name is taken"}
    yield {
        "LogicalResourceId": "laurel-dev",
        "PhysicalResourceId": ARN,
        "ResourceStatus": "CREATE_IN_PROGRESS",
        "ResourceStatusReason": "User Initiated",
    }
    yield {**other, "LogicalResourceId": "Games", "ResourceStatusReason": "of a year ago"}


def test_changes_are_told_by_kind_and_the_change_set_is_deleted() -> None:
    cloudformation = CloudFormation("CREATE_COMPLETE")
    change = {"ResourceType": "AWS::DynamoDB::Table", "LogicalResourceId": "Boards", "Details": []}
    billing = {"Target": {"Name": "BillingMode"}}
    cloudformation.change_set["Changes"] = [
        {"ResourceChange": {**change, "Action": "Add"}},
        {"ResourceChange": {**change, "Action": "Modify", "Replacement": "False", "Details": [billing]}},
        {"ResourceChange": {**change, "Action": "Modify", "Replacement": "True"}},
        {"ResourceChange": {**change, "Action": "Remove"}},
    ]

    told = [str(change) for change in stack(cloudformation).changes()]

    table = "DynamoDB::Table Boards"
    assert told == [f"+ {table}", f"~ {table} (BillingMode)", f"! {table}", f"- {table}"]
    assert cloudformation.calls == ["change set", "no change set"]


@pytest.mark.parametrize(
    "reason", ["The submitted information didn't contain changes.", "No updates are to be performed."]
)
def test_a_change_set_of_nothing_is_no_change(reason: str) -> None:
    cloudformation = CloudFormation("CREATE_COMPLETE")
    cloudformation.change_set = {"Status": "FAILED", "StatusReason": reason}

    assert stack(cloudformation).changes() == []


def test_a_change_set_that_fails_says_why() -> None:
    cloudformation = CloudFormation("CREATE_COMPLETE")
    cloudformation.change_set = {"Status": "FAILED", "StatusReason": "Parameters: [Days] must be a number"}

    with pytest.raises(DeployError, match=r"laurel-dev: Parameters: \[Days\] must be a number"):
        stack(cloudformation).changes()
    assert cloudformation.calls[-1] == "no change set"


@pytest.mark.parametrize(
    ("statuses", "there", "made"),
    [((), False, False), (("ROLLBACK_COMPLETE",), True, False), (("UPDATE_COMPLETE",), True, True)],
)
def test_a_creation_that_failed_has_made_nothing(statuses: tuple[str, ...], there: bool, made: bool) -> None:
    cloudformation = CloudFormation(*statuses)

    assert stack(cloudformation).exists() is there
    assert stack(cloudformation).was_made() is made


def test_a_stack_that_is_not_there_is_deleted_already() -> None:
    cloudformation = CloudFormation()

    stack(cloudformation).delete()

    assert cloudformation.calls == []
