"""The templates of infra/ as CloudFormation reads them: with parameters put in, conditions decided, names made.

What only AWS knows, as the ARN of a queue, stands as ``<Queue.Arn>``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

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
_VARIABLE = re.compile(r"\$\{([\w.:]+)\}")
_NOTHING = object()
"""What ``AWS::NoValue`` leaves of a property."""

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
        self.text = file.read_text(encoding="utf-8")
        self._document: Json = yaml.load(self.text, Loader=_TemplateLoader)  # noqa: S506  # its loader is a SafeLoader
        self.parameters: Json = self._document.get("Parameters", {})
        defaults = {name: str(rules["Default"]) for name, rules in self.parameters.items() if "Default" in rules}
        self._values = {**PSEUDO_PARAMETERS, **defaults, **arguments}
        self.conditions: Json = self._document.get("Conditions", {})

    def resources(self, kind: str = "AWS::") -> list[Resource]:
        """Return those that this deployment has, of one type or of all."""
        return [resource for resource in self._resources() if resource.kind.startswith(kind)]

    def outputs(self) -> Json:
        outputs = self._document.get("Outputs", {})
        return {name: self._value(output["Value"]) for name, output in outputs.items() if self._is_wanted(output)}

    def types(self) -> set[str]:
        """Return the types of all resources, whether this deployment has them or not."""
        return {resource["Type"] for resource in self._document["Resources"].values()}

    def _resources(self) -> Iterator[Resource]:
        for name, resource in self._document["Resources"].items():
            if self._is_wanted(resource):
                attributes = {key: value for key, value in resource.items() if key not in {"Type", "Properties"}}
                yield Resource(name, resource["Type"], self._value(resource["Properties"]), attributes)

    def _is_wanted(self, conditional: Json) -> bool:
        return "Condition" not in conditional or self._holds(conditional["Condition"])

    def _holds(self, condition: str) -> bool:
        return bool(self._value(self.conditions[condition]))

    def _value(self, node: Any) -> Any:
        match node:
            case _Call():
                return self._called(node)
            case dict():
                values = {name: self._value(child) for name, child in node.items()}
                return {name: value for name, value in values.items() if value is not _NOTHING}
            case list():
                return [value for value in map(self._value, node) if value is not _NOTHING]
            case _:
                return node

    def _called(self, call: "_Call") -> Any:  # noqa: C901, PLR0911  # a case for each function of CloudFormation's
        match call.function, call.argument:
            case "Ref", str(name):
                return self._named(name)
            case "GetAtt", str(attribute):
                return self._named(attribute)
            case "Sub", str(text):
                return _VARIABLE.sub(lambda variable: str(self._named(variable[1])), text)
            case "Condition", str(condition):
                return self._holds(condition)
            case "If", [condition, then, otherwise]:
                return self._value(then if self._holds(condition) else otherwise)
            case "Equals", [one, other]:
                return self._value(one) == self._value(other)
            case "And", [*conditions]:
                return all(self._value(conditions))
            case "Not", [condition]:
                return not self._value(condition)
            case "Split", [separator, text]:
                return self._value(text).split(separator)
            case _:
                raise NotImplementedError(f"!{call.function} {call.argument}: teach it to tests/templates.py")

    def _named(self, name: str) -> Any:
        return _NOTHING if name == "AWS::NoValue" else self._values.get(name, f"<{name}>")


def of_stage(stage: str, **arguments: str) -> Template:
    """Return template.yaml as it is deployed to a stage; one that stages.yaml does not know has the defaults."""
    return Template(TEMPLATE, {"Stage": stage, **STAGES.get(stage, {}).get("template", {}), **arguments})


def edge_of_stage(stage: str, **arguments: str) -> Template:
    """Return edge.yaml as it is deployed to a stage."""
    return Template(EDGE, {"Stage": stage, "RestApiId": "a1b2c3", **STAGES[stage]["edge"], **arguments})


@dataclass(frozen=True, slots=True)
class _Call:
    function: str
    argument: Any


class _TemplateLoader(yaml.SafeLoader):
    """Reads the short tags of a template (!Sub, !If) as calls."""


def _call(loader: yaml.SafeLoader, function: str, node: yaml.Node) -> _Call:
    if isinstance(node, yaml.SequenceNode):
        return _Call(function, loader.construct_sequence(node, deep=True))
    return _Call(function, node.value)


_TemplateLoader.add_multi_constructor("!", _call)
