"""The tables of infra/template.yaml, made one by one: for stand-ins of AWS that read no CloudFormation."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

INFRA = Path(__file__).parents[1] / "infra"
TEMPLATE = INFRA / "template.yaml"
STAGES = INFRA / "stages.yaml"
STAGE = "test"
PREFIX = f"laurel-{STAGE}-"

_CREATED_WITH = (
    "TableName",
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
)


def create_tables(dynamodb: Any, stage: str = STAGE) -> list[str]:
    """Create every table of the template with a DynamoDB client and return their names."""
    definitions = list(tables(stage))
    for definition in definitions:
        dynamodb.create_table(**_creation(definition))
        if "TimeToLiveSpecification" in definition:
            dynamodb.update_time_to_live(
                TableName=definition["TableName"], TimeToLiveSpecification=definition["TimeToLiveSpecification"]
            )
    return [definition["TableName"] for definition in definitions]


def tables(stage: str = STAGE, template: Path = TEMPLATE) -> Iterator[dict[str, Any]]:
    """Yield the properties of each table as CloudFormation would see them in this stage."""
    document = yaml.load(template.read_text(encoding="utf-8"), Loader=_TemplateLoader)  # noqa: S506  # its loader is a SafeLoader
    evaluation = _Evaluation(document, {"Stage": stage, **parameters(stage)})
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::DynamoDB::Table":
            yield evaluation.value(resource["Properties"])


def parameters(stage: str, stack: str = "template") -> dict[str, str]:
    """Return the parameters that infra/stages.yaml sets for a stage; none for a stage it does not know."""
    known: dict[str, Any] = yaml.safe_load(STAGES.read_text(encoding="utf-8"))
    values: dict[str, str] = known.get(stage, {}).get(stack, {})
    return values


def _creation(definition: Mapping[str, Any]) -> dict[str, Any]:
    request = {name: definition[name] for name in _CREATED_WITH if name in definition}
    if "StreamSpecification" in definition:
        request["StreamSpecification"] = {"StreamEnabled": True, **definition["StreamSpecification"]}
    return request


class _Evaluation:
    """Evaluates the intrinsic functions that a table's definition uses: Ref, Sub, If, Equals, Not."""

    def __init__(self, document: Mapping[str, Any], arguments: Mapping[str, str]) -> None:
        parameters: Mapping[str, Any] = document.get("Parameters", {})
        defaults = {name: str(rules["Default"]) for name, rules in parameters.items() if "Default" in rules}
        self._values_by_parameter = {**defaults, **arguments}
        self._conditions: Mapping[str, Any] = document.get("Conditions", {})

    def value(self, node: Any) -> Any:
        if isinstance(node, _Call):
            return self._called(node)
        if isinstance(node, dict):
            return {name: self.value(child) for name, child in node.items()}
        if isinstance(node, list):
            return [self.value(child) for child in node]
        return node

    def _called(self, call: "_Call") -> Any:
        match call.function, call.argument:
            case "Ref", str(parameter):
                return self._values_by_parameter[parameter]
            case "Sub", str(text):
                for parameter, value in self._values_by_parameter.items():
                    text = text.replace(f"${{{parameter}}}", value)
                return text
            case "If", [condition, then, otherwise]:
                return self.value(then if self.value(self._conditions[condition]) else otherwise)
            case "Equals", [one, other]:
                return self.value(one) == self.value(other)
            case "Not", [condition]:
                return not self.value(condition)
            case _:
                raise NotImplementedError(f"!{call.function} {call.argument}: teach it to tests/tables.py")


class _Call:
    def __init__(self, function: str, argument: Any) -> None:
        self.function = function
        self.argument = argument


class _TemplateLoader(yaml.SafeLoader):
    """Reads the short tags of a template (!Sub, !If) as calls."""


def _call(loader: yaml.SafeLoader, function: str, node: yaml.Node) -> _Call:
    if isinstance(node, yaml.SequenceNode):
        return _Call(function, loader.construct_sequence(node, deep=True))
    if isinstance(node, yaml.MappingNode):
        return _Call(function, loader.construct_mapping(node, deep=True))
    return _Call(function, node.value)


_TemplateLoader.add_multi_constructor("!", _call)
