"""CloudFormation stacks: what a template would change, its changes made, its deletion; each awaited to its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.changes import Change
from deploy.target import Target


@dataclass(frozen=True)
class Stack:
    """One stack of a stage.

    All methods raise DeployError where CloudFormation refuses or fails, with the resource and the reason it gives.
    """

    target: Target
    name: str
    template: Path
    parameters: Mapping[str, str]

    def changes(self) -> list[Change]:
        """Return what ``apply`` would change. Changes nothing: a change set is made, read and deleted."""
        raise NotImplementedError

    def apply(self) -> dict[str, str]:
        """Create the stack, or bring it in line with its template, and return its outputs."""
        raise NotImplementedError

    def outputs(self) -> dict[str, str]:
        """Return the outputs of the stack as it is; none where it does not exist."""
        raise NotImplementedError

    def delete(self) -> None:
        """Delete the stack; what its template retains stays."""
        raise NotImplementedError
