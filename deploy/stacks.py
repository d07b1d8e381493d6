"""CloudFormation stacks: what a template would change, its changes made, its deletion; each awaited to its end."""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import ClientError

from deploy.changes import Change, Kind
from deploy.errors import DeployError
from deploy.target import Target

FIRST_LOOK_SECONDS = 0.01
SELDOM_SECONDS = 3.0
PATIENCE_SECONDS = 45 * 60.0
SAY_SECONDS = 15.0

GONE = frozenset({"DELETE_COMPLETE", "REVIEW_IN_PROGRESS"})
"""Nothing is there yet, or any more. A stack under review has been planned, but not made."""
NEVER_MADE = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"})
SETTLED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"})
NO_CHANGES = ("No updates are to be performed", "didn't contain changes")
CAPABILITIES = ["CAPABILITY_NAMED_IAM"]

WHAT_TO_DO = {
    "UPDATE_ROLLBACK_FAILED": "aws cloudformation continue-update-rollback --stack-name {name}, then run this again.",
    "DELETE_FAILED": "make destroy once more, then run this again.",
}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Stack:
    """One stack of a stage.

    All methods raise DeployError where CloudFormation refuses or fails, with the resource and the reason it gives.

    Args:
        body: The template.
        say: Is told of what takes long.
    """

    target: Target
    name: str
    body: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    say: Say = lambda _: None

    def changes(self) -> list[Change]:
        """Return what ``apply`` would change. Changes nothing: a change set is made, read and deleted."""
        stack = self._described()
        if not stack:
            return [Change(Kind.ADD, f"stack {self.name}")]
        if stack["StackStatus"] in NEVER_MADE:
            return [Change(Kind.REPLACE, f"stack {self.name}", "its creation had failed")]
        self._require_settled(stack)
        return self._change_set()

    def apply(self) -> dict[str, str]:
        """Create the stack, or bring it in line with its template, and return its outputs.

        A creation that fails is undone whole, so that the next may begin; a change that fails is rolled back.
        """
        stack = self._described()
        if stack and stack["StackStatus"] in NEVER_MADE:
            self.delete()
            stack = None
        if stack:
            self._require_settled(stack)
        arn = self._update() if stack else self._create()
        return _outputs(self._settled(arn)) if arn else self.outputs()

    def outputs(self) -> dict[str, str]:
        """Return the outputs of the stack as it is; none where it does not exist."""
        return _outputs(self._described() or {})

    def exists(self) -> bool:
        return self._described() is not None

    def was_made(self) -> bool:
        """Tell whether it is there, and more than what a creation that failed has left."""
        stack = self._described()
        return stack is not None and stack["StackStatus"] not in NEVER_MADE

    def with_body(self, body: str) -> "Stack":
        """Return the same stack with another template."""
        return replace(self, body=body)

    def physical_ids(self) -> dict[str, str]:
        """Return what the stack's resources are called, by their names in the template."""
        if not self._described():
            return {}
        pages = self._client.get_paginator("list_stack_resources").paginate(StackName=self.name)
        listed = [resource for page in pages for resource in page["StackResourceSummaries"]]
        return {each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in listed if _is_there(each)}

    def delete(self) -> None:
        """Delete the stack, if it is there; what its template retains stays."""
        stack = self._described()
        if not stack:
            return
        self._call("delete_stack", StackName=self.name)
        self._awaited(stack["StackId"], lambda status: status == "DELETE_COMPLETE")

    @property
    def _client(self) -> Any:
        return self.target.client("cloudformation")

    @property
    def _arguments(self) -> dict[str, Any]:
        parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in self.parameters.items()]
        return {
            "StackName": self.name,
            "TemplateBody": self.body,
            "Parameters": parameters,
            "Capabilities": CAPABILITIES,
        }

    def _described(self, identifier: str | None = None) -> dict[str, Any] | None:
        try:
            [stack] = self._client.describe_stacks(StackName=identifier or self.name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        gone = not identifier and stack["StackStatus"] in GONE
        return None if gone else dict(stack)

    def _require_settled(self, stack: Mapping[str, Any]) -> None:
        status = stack["StackStatus"]
        if status in SETTLED:
            return
        if status.endswith("IN_PROGRESS"):
            raise DeployError(
                f"The stack {self.name} is being changed already ({status}): another deployment is under way, or was "
                "broken off. Run this again when CloudFormation has ended."
            )
        advice = WHAT_TO_DO.get(
            status, "Look at its events: aws cloudformation describe-stack-events --stack-name {name}"
        )
        raise DeployError(f"The stack {self.name} is in {status} and takes no change. {advice.format(name=self.name)}")

    def _create(self) -> str:
        return str(self._call("create_stack", **self._arguments, OnFailure="DELETE")["StackId"])

    def _update(self) -> str | None:
        try:
            return str(self._client.update_stack(**self._arguments)["StackId"])
        except ClientError as error:
            if any(text in str(error) for text in NO_CHANGES):
                return None
            raise self._refusal(error) from error

    def _call(self, method: str, **arguments: object) -> Any:
        try:
            return getattr(self._client, method)(**arguments)
        except ClientError as error:
            raise self._refusal(error) from error

    def _refusal(self, error: ClientError) -> Exception:
        details = error.response["Error"]
        if details["Code"] != "ValidationError":
            return error
        return DeployError(f"CloudFormation refuses the template of {self.name}: {details['Message']}")

    def _settled(self, arn: str) -> dict[str, Any]:
        return self._awaited(arn, lambda status: status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"})

    def _awaited(self, arn: str, well: Callable[[str], bool]) -> dict[str, Any]:
        began = said = time.monotonic()
        pause = FIRST_LOOK_SECONDS
        while (now := time.monotonic()) < began + PATIENCE_SECONDS:
            stack = self._described(arn) or {"StackStatus": "DELETE_COMPLETE"}
            status = stack["StackStatus"]
            if well(status):
                return stack
            if not status.endswith("IN_PROGRESS"):
                raise DeployError(f"The stack {self.name} ended in {status}.\n{self._reasons(arn)}")
            if now > said + SAY_SECONDS:
                self.say(f"  {self.name}: {status}, after {now - began:.0f} s")
                said = now
            time.sleep(pause)
            pause = min(2 * pause, SELDOM_SECONDS)
        raise DeployError(f"The stack {self.name} was not done within {PATIENCE_SECONDS / 60:.0f} minutes.")

    def _reasons(self, arn: str) -> str:
        """Return the failures of the last operation, the first one first: what came after it was called off."""
        failures: list[str] = []
        for page in self._client.get_paginator("describe_stack_events").paginate(StackName=arn):
            for event in page["StackEvents"]:
                if event["ResourceStatus"].endswith("FAILED") and "cancelled" not in event.get(REASON, ""):
                    failures.insert(0, f"  {event['LogicalResourceId']}: {event.get(REASON, 'no reason given')}")
                if event["PhysicalResourceId"] == arn and event.get(REASON) == "User Initiated":
                    return "\n".join(failures)
        return "\n".join(failures)

    def _change_set(self) -> list[Change]:
        name = f"laurel-{uuid.uuid4().hex[:12]}"
        arn = self._call("create_change_set", **self._arguments, ChangeSetName=name)["Id"]
        try:
            described = self._awaited_change_set(arn)
            return [_line(change["ResourceChange"]) for change in described.get("Changes", [])]
        finally:
            self._client.delete_change_set(ChangeSetName=arn, StackName=self.name)

    def _awaited_change_set(self, arn: str) -> dict[str, Any]:
        pause = FIRST_LOOK_SECONDS
        while (described := self._client.describe_change_set(ChangeSetName=arn, StackName=self.name))[
            "Status"
        ] != "CREATE_COMPLETE":
            reason = described.get("StatusReason", "")
            if described["Status"] == "FAILED" and not any(text in reason for text in NO_CHANGES):
                raise DeployError(f"CloudFormation refuses the template of {self.name}: {reason}")
            if described["Status"] == "FAILED":
                return {}
            time.sleep(pause)
            pause = min(2 * pause, SELDOM_SECONDS)
        return dict(described)


REASON = "ResourceStatusReason"


def _outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _is_there(resource: Mapping[str, Any]) -> bool:
    return resource["ResourceStatus"] not in {"DELETE_COMPLETE", "CREATE_FAILED"}


def _line(change: Mapping[str, Any]) -> Change:
    kind = {"Add": Kind.ADD, "Remove": Kind.REMOVE}.get(change["Action"], Kind.CHANGE)
    if change.get("Replacement") == "True":
        kind = Kind.REPLACE
    properties = {detail["Target"].get("Name", "") for detail in change.get("Details", [])} - {""}
    subject = f"{change['ResourceType'].removeprefix('AWS::')} {change['LogicalResourceId']}"
    return Change(kind, subject, ", ".join(sorted(properties)))
