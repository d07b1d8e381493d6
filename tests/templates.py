"""The templates of infra/ as CloudFormation reads them: with parameters put in, conditions decided, names made.

What only AWS knows, as the ARN of a queue, stands as ``<Queue.Arn>``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from deploy import templates

INFRA = Path(__file__).parents[1] / "infra"
TEMPLATE = INFRA / "template.yaml"
EDGE = INFRA / "edge.yaml"
ACCOUNT = INFRA / "account.yaml"
STAGES: Mapping[str, Any] = yaml.safe_load((INFRA / "stages.yaml").read_text(encoding="utf-8"))

PSEUDO_PARAMETERS = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::URLSuffix": "amazonaws.com",
}
_NAMED_BY = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Kinesis::Stream": "Name",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
}
_VARIABLE = re.compile(r"\$\{([\w.:]+)\}")
_NOTHING = object()
"""What ``AWS::NoValue`` leaves of a property."""
_NO_CALL = object()
"""An object like any other: it calls no function of CloudFormation's."""

read = cache(templates.read)
"""Reading takes longer than all that is asked of a template afterwards."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    name: str
    kind: str
    properties: Json
    attributes: Json
    """Beside the properties: DeletionPolicy, UpdateReplacePolicy, Condition."""


class Template:
    """A template with the parameters of one deployment."""

    def __init__(self, file: Path, arguments: Mapping[str, str]) -> None:
        self.document = read(file)
        self.parameters: Json = self.document.get("Parameters", {})
        defaults = {name: str(rules["Default"]) for name, rules in self.parameters.items() if "Default" in rules}
        self._values = {**PSEUDO_PARAMETERS, **defaults, **arguments}
        self.conditions: Json = self.document.get("Conditions", {})

    def resources(self, kind: str = "AWS") -> list[Resource]:
        """Return those that this deployment has, of one type, of one service, or all."""
        return [resource for resource in self._resources() if f"{resource.kind}::".startswith(f"{kind}::")]

    def outputs(self) -> Json:
        outputs = self.document.get("Outputs", {})
        return {name: self._value(output["Value"]) for name, output in outputs.items() if self._is_wanted(output)}

    def types(self) -> set[str]:
        """Return the types of all resources, whether this deployment has them or not."""
        return {resource["Type"] for resource in self.document["Resources"].values()}

    def _resources(self) -> Iterator[Resource]:
        for name, resource in self.document["Resources"].items():
            if self._is_wanted(resource):
                attributes = {key: value for key, value in resource.items() if key not in {"Type", "Properties"}}
                yield Resource(name, resource["Type"], self._value(resource["Properties"]), attributes)

    def _is_wanted(self, conditional: Json) -> bool:
        return "Condition" not in conditional or self._holds(conditional["Condition"])

    def _holds(self, condition: str) -> bool:
        return bool(self._value(self.conditions[condition]))

    def _value(self, node: Any) -> Any:
        if isinstance(node, list):
            return [value for value in map(self._value, node) if value is not _NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1 and (found := self._called(*next(iter(node.items())))) is not _NO_CALL:
            return found
        values = {name: self._value(child) for name, child in node.items()}
        return {name: value for name, value in values.items() if value is not _NOTHING}

    def _called(self, function: str, argument: Any) -> Any:  # noqa: C901, PLR0911  # a case for each of CloudFormation's
        match function, argument:
            case "Ref", str(name):
                return self._named(name)
            case "Fn::GetAtt", [resource, attribute]:
                return self._named(f"{resource}.{attribute}")
            case "Fn::Sub", str(text):
                return _VARIABLE.sub(lambda variable: str(self._named(variable[1])), text)
            case "Condition", str(condition):
                return self._holds(condition)
            case "Fn::If", [condition, then, otherwise]:
                return self._value(then if self._holds(condition) else otherwise)
            case "Fn::Equals", [one, other]:
                return self._value(one) == self._value(other)
            case "Fn::And", [*conditions]:
                return all(self._value(conditions))
            case "Fn::Not", [condition]:
                return not self._value(condition)
            case "Fn::Split", [separator, text]:
                return self._value(text).split(separator)
            case _ if function.startswith("Fn::"):
                raise NotImplementedError(f"{function} of {argument}: teach it to tests/templates.py")
            case _:
                return _NO_CALL

    def _named(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        return self._values[name] if name in self._values else self._given_name(name) or f"<{name}>"

    def _given_name(self, reference: str) -> Any:
        """Return the name a resource is given, where a reference to it, or to one of its attributes, is just that."""
        logical_name, _, attribute = reference.partition(".")
        resource = self.document["Resources"][logical_name]
        attribute = attribute or _NAMED_BY.get(resource["Type"], "")
        return self._value(resource["Properties"].get(attribute))


def of_stage(stage: str, **arguments: str) -> Template:
    """Return template.yaml as it is deployed to a stage; one that stages.yaml does not know has the defaults."""
    return Template(TEMPLATE, {"Stage": stage, **STAGES.get(stage, {}).get("template", {}), **arguments})


def edge_of_stage(stage: str, **arguments: str) -> Template:
    """Return edge.yaml as it is deployed to a stage."""
    return Template(EDGE, {"Stage": stage, "RestApiId": "a1b2c3", **STAGES[stage]["edge"], **arguments})
