"""The policies of the functions' roles: written once, in .chalice/policies, for every stage, account and region.

They are written with CloudFormation's pseudo parameters, ``${AWS::Partition}``, ``${AWS::Region}`` and
``${AWS::AccountId}``, and with ``${Stage}``. What chalice deploys has them filled in, in the copy of the app that it
deploys; a template takes them through ``Fn::Sub``. IAM refuses a policy that nobody has filled in, whole.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.errors import DeployError
from deploy.layout import function_name
from deploy.stages import Stage
from deploy.target import Target

_ADDED = "added"
# IAM's own variables, such as ${aws:PrincipalTag/team}, begin in lower case and are left to IAM.
_PLACEHOLDER = re.compile(r"\$\{([A-Z][\w:]*)\}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the resources of a stage are."""

    stage: str
    partition: str
    region: str
    account: str

    @property
    def values(self) -> dict[str, str]:
        return {
            "Stage": self.stage,
            "AWS::Partition": self.partition,
            "AWS::Region": self.region,
            "AWS::AccountId": self.account,
        }


def place_of(target: Target) -> Place:
    """Return where a target's resources are: one call, which needs no permission."""
    tokens = target.client("sts")
    account = tokens.get_caller_identity()["Account"]
    return Place(target.stage, tokens.meta.partition, tokens.meta.region_name, account)


def additions(stage: Stage) -> list[str]:
    """Return the names of what is added to every policy in a stage whose functions need more of Lambda itself."""
    wanted = {"tracing": stage.functions.get("tracing"), "vpc": stage.functions.get("vpc", {}).get("subnet_ids")}
    return [name for name, value in wanted.items() if value]


def extend(policies: Path, stage: str, added: Iterable[str]) -> None:
    """Add the statements of ``added`` to every policy in a directory, in place."""
    for file in sorted(policies.glob("*.json")):
        file.write_text(json.dumps(_extended(file, stage, added), indent=2))


def render(policies: Path, place: Place) -> None:
    """Fill in every policy in a directory, in place: what chalice's own command needs to be done before."""
    for file in sorted(policies.glob("*.json")):
        file.write_text(json.dumps(completed(file, place, ()), indent=2))


def completed(policy: Path, place: Place, added: Iterable[str]) -> Any:
    """Return a policy as IAM takes it: with what its stage adds to every policy, and with every placeholder filled in.

    Raises:
        DeployError: The policy has a placeholder that nobody fills in.
    """
    document = rendered(_extended(policy, place.stage, added), place)
    if left := _PLACEHOLDER.search(json.dumps(document)):
        raise DeployError(f"{policy.parent.name}/{policy.name}: nobody fills in {left[0]}")
    return document


def rendered(value: Any, place: Place) -> Any:
    """Return a policy, or a part of one, with its placeholders filled in."""
    return _filled(value, place.values)


def substituted(value: Any, stage: str) -> Any:
    """Return a policy, or a part of one, as a CloudFormation template takes it."""

    def substitution(text: str) -> Any:
        return {"Fn::Sub": text} if _PLACEHOLDER.search(text) else text

    return _each_text(_filled(value, {"Stage": stage}), substitution)


def _extended(policy: Path, stage: str, added: Iterable[str]) -> Any:
    document = json.loads(policy.read_text())
    for name in added:
        extra = json.loads((policy.parent / _ADDED / f"{name}.json").read_text())["Statement"]
        document["Statement"] += _filled(extra, {"Function": function_name(stage, policy.stem)})
    return document


def _filled(value: Any, values: dict[str, str]) -> Any:
    return _each_text(value, lambda text: _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text))


def _each_text(value: Any, change: Callable[[str], Any]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_each_text(each, change) for each in value]
    if isinstance(value, dict):
        return {name: _each_text(each, change) for name, each in value.items()}
    return value
