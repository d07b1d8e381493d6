"""Writes docs/reference/infrastructure.md from the templates and infra/stages.yaml."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy import layout, stages, templates

ALARM = "AWS::CloudWatch::Alarm"
STAGES = ("local", "dev", "prod")
NAMES = (
    "TableName",
    "BucketName",
    "TopicName",
    "QueueName",
    "LogGroupName",
    "DashboardName",
    "UsagePlanName",
    "GroupName",
    "Name",
)
VARIABLE = re.compile(r"\$\{(?:AWS::)?(\w+)\}")
HOW_TO = re.compile(r"^(.+) See docs/(how-to/\S+)\.$")

INTRODUCTION = """\
# Infrastructure

Made from the templates and `infra/stages.yaml` by `make docs`. A stage has three parts, made in this order:

1. the stack `laurel-<stage>`, from `infra/template.yaml`: what Laurel keeps and speaks through;
2. the app, deployed by chalice: functions, their roles and triggers, the API;
3. the stack `laurel-<stage>-edge`, from `infra/edge.yaml`: what needs the API's id. It is deleted before the API.

[Set up a stage](../how-to/set-up-a-stage.md) says which parameters to think about. All have defaults but the stage's
name and the API's id, which `make deploy` fills in.

`infra/account.yaml` belongs to no stage: it is the role with which API Gateway writes access logs, one for an account
and region. It is left out where there is one, and is never deleted.
"""


def page() -> str:
    template, edge = templates.read(layout.TEMPLATE), templates.read(layout.EDGE)
    lines = [
        INTRODUCTION,
        *_parameters("Parameters of the template", layout.TEMPLATE, "template"),
        *_parameters("Parameters of the edge", layout.EDGE, "edge"),
        *_resources("What the template makes", layout.TEMPLATE),
        *_resources("What the edge makes", layout.EDGE),
        "## Alarms\n",
        "Each begins with `laurel-<stage>-`, and tells the topic `laurel-<stage>-alarms`.\n",
        "| alarm | says | goes off above | |\n|---|---|---|---|",
        *_alarms(template),
        *_alarms(edge),
        "",
    ]
    return "\n".join(lines)


def _parameters(title: str, file: Path, part: str) -> Iterator[str]:
    yield f"## {title}\n"
    yield "| parameter | default | in `stages.yaml` | |\n|---|---|---|---|"
    for name, rules in templates.read(file)["Parameters"].items():
        default = (
            f"`{rules['Default']}`" if rules.get("Default", "") != "" else "" if "Default" in rules else "required"
        )
        yield f"| `{name}` | {default} | {', '.join(_by_stage(part, name))} | {rules['Description']} |"
    yield ""


def _by_stage(part: str, parameter: str) -> Iterator[str]:
    for stage in STAGES:
        values: dict[str, str] = getattr(stages.read(stage), part)
        if parameter in values:
            yield f"{stage} `{values[parameter]}`"


def _resources(title: str, file: Path) -> Iterator[str]:
    document = templates.read(file)
    yield f"## {title}\n"
    yield "| | type | name | only with | when the stack is deleted |\n|---|---|---|---|---|"
    for name, resource in document["Resources"].items():
        if resource["Type"] != ALARM:
            wanted = _wanted(document, resource)
            stays = "stays" if resource.get("DeletionPolicy") in templates.RETAINED else "goes"
            yield f"| `{name}` | {resource['Type']} | {_name(resource)} | {wanted} | {stays} |"
    yield ""
    yield f"Outputs: {', '.join(f'`{output}`' for output in document['Outputs'])}.\n"


def _name(resource: dict[str, Any]) -> str:
    for key in NAMES:
        value = resource["Properties"].get(key)
        if isinstance(value, dict) and "Fn::Sub" in value:
            return f"`{VARIABLE.sub(_spelled, value['Fn::Sub'])}`"
    return ""


def _spelled(variable: re.Match[str]) -> str:
    return f"<{variable[1].removesuffix('Id').lower()}>"


def _wanted(document: dict[str, Any], resource: dict[str, Any]) -> str:
    """Return the parameters that decide whether there is such a resource."""
    condition = json.dumps(_resolved(document, resource.get("Condition")))
    return ", ".join(f"`{name}`" for name in re.findall(r'"Ref": "(\w+)"', condition))


def _resolved(document: dict[str, Any], name: str | None) -> Any:
    condition = document["Conditions"].get(name)
    parts = condition.get("Fn::And", []) if isinstance(condition, dict) else []
    nested = [_resolved(document, part["Condition"]) for part in parts if "Condition" in part]
    return [*nested, condition]


def _alarms(document: dict[str, Any]) -> Iterator[str]:
    for resource in document["Resources"].values():
        if resource["Type"] == ALARM:
            properties = resource["Properties"]
            says, how_to = HOW_TO.findall(properties["AlarmDescription"])[0]
            name = properties["AlarmName"]["Fn::Sub"].removeprefix("laurel-${Stage}-")
            threshold = properties["Threshold"]
            above = f"`{threshold['Ref']}`" if isinstance(threshold, dict) else str(threshold)
            yield f"| `{name}` | {says} | {above} | [what to do](../{how_to}) |"
