"""Writes docs/reference/permissions.md from .chalice/policies and infra/deployer."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deploy.layout import CHECKOUT, INFRA

POLICIES = CHECKOUT / ".chalice" / "policies"
DEPLOYER = INFRA / "deployer"
PLACE = r"(?:\$\{AWS::Region\})?:(?:\$\{AWS::AccountId\})?"
ARN = re.compile(rf"arn:\$\{{AWS::Partition\}}:(?P<service>[\w-]+):{PLACE}:(?P<name>.+)")
SERVICES = {"dynamodb": "", "s3": "bucket/", "sqs": "queue/", "sns": "topic/"}
"""What stands before a resource's name, where the name itself does not begin with what it is."""

INTRODUCTION = """\
# Permissions

Made from `.chalice/policies` and `infra/deployer` by `make docs`. Each function has a role of its own, with one policy
of its own, written by hand once for all stages: `${Stage}` is the stage's name, and every resource is of the stage's
own account and region. There is no permission on all resources, none for PartiQL, and none for keys of KMS: the tables'
encryption is DynamoDB's own.

Every test run holds all calls of all functions to these policies, and the policies to the calls: a call that is not
allowed fails its test, and a permission that no call uses fails the run. The embedded AWS enforces them too, in
`make run` as in the tests. [Why, and how](../decisions/0017-least-privilege.md).

*In a transaction* means that the action is allowed as a part of `TransactWriteItems` or `TransactGetItems` only: what
counts, a record, its game and its place in the ranks, cannot be written alone. Keys like `node#*` are what the
partition keys of the items in question begin with; beside `s3:ListBucket` stands what listed keys begin with.
"""
ADDED = """\
## Added where a stage asks for it

By `tracing` and `vpc` of `infra/stages.yaml`, to every function's policy. X-Ray and EC2 know no narrower resources
here. What a function needs to be in a VPC is for Lambda alone: the function's own code is denied it.
"""
DEPLOYERS = """\
## Whoever deploys

Policies for the role of a person or a pipeline, each small enough for a managed policy. This writes them for your
account and region into `dist/dev/permissions`:

```console
$ STAGE=dev .venv/bin/python -m deploy.permissions
```

`deploy` is for `make deploy` and `make diff`, and `destroy`, beside it, for `make destroy`. CloudFormation makes what
the templates describe in the name of whoever asks it to: `template`, `cdn` and `edge` are for that, and for nothing
that does not come through CloudFormation. Statements for options, as a VPC or a domain, can be left out where they are
not used.

The end-to-end tests make, change and delete a stage with `deploy` and `destroy` enforced, and nothing else. What
CloudFormation needs is what its own descriptions of the resource types say, but for properties that the templates do
not use. Whoever deploys decides what functions may do: it is a role for few.
"""
TITLES = {
    "deploy": "Bring a stage in line: `deploy`",
    "destroy": "Delete a stage, and its data: `destroy`",
    "template": "Through CloudFormation, for infra/template.yaml: `template`",
    "cdn": "Through CloudFormation, for infra/template.yaml where avatars have a CDN: `cdn`",
    "edge": "Through CloudFormation, for infra/edge.yaml and infra/account.yaml: `edge`",
}
HEADER = "| statement | may | on | only |\n|---|---|---|---|"


def page() -> str:
    functions = sorted(POLICIES.glob("*.json"))
    lines = [
        INTRODUCTION,
        *(line for file in functions for line in _section(f"## {file.stem}", file)),
        ADDED,
        *(line for file in sorted((POLICIES / "added").glob("*.json")) for line in _section(f"### {file.stem}", file)),
        DEPLOYERS,
        *(line for name, title in TITLES.items() for line in _section(f"### {title}", DEPLOYER / f"{name}.json")),
    ]
    return "\n".join(lines)


def _section(title: str, policy: Path) -> Iterator[str]:
    yield f"{title}\n\n{HEADER}"
    for statement in json.loads(policy.read_text())["Statement"]:
        actions = ", ".join(f"`{action}`" for action in statement["Action"])
        resources = "<br>".join(f"`{_name(resource)}`" for resource in statement["Resource"])
        may = f"**not** {actions}" if statement["Effect"] == "Deny" else actions
        yield f"| {statement['Sid']} | {may} | {resources} | {_condition(statement.get('Condition', {}))} |"
    yield ""


def _name(resource: str) -> str:
    found = ARN.fullmatch(resource)
    return SERVICES.get(found["service"], "") + found["name"] if found else resource


def _condition(condition: Mapping[str, Mapping[str, Any]]) -> str:
    return "<br>".join(_said(key, values) for by_key in condition.values() for key, values in by_key.items())


def _said(key: str, values: list[str]) -> str:
    match key:
        case "dynamodb:EnclosingOperation":
            return "in a transaction"
        case "dynamodb:LeadingKeys" | "s3:prefix":
            return ", ".join(f"`{value}`" for value in values)
        case "aws:CalledVia":
            return "through CloudFormation"
        case "iam:PassedToService":
            return f"given to `{values[0]}`"
        case _:
            return "called from the function's code"
