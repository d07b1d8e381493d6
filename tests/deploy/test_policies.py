"""Policies filled in for a place, added to where a stage asks for it, and refused where nobody fills them in."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy import policies
from deploy.errors import DeployError
from deploy.permissions import DEPLOYER, write
from deploy.policies import Place
from deploy.stages import Stage

HERE = Place("dev", "aws-cn", "cn-north-1", "123456789012")
TABLE = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/laurel-${Stage}-boards"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policy of the API's function, and what tracing adds to it."""
    (tmp_path / "added").mkdir()
    save(tmp_path / "api_handler.json", TABLE)
    save(tmp_path / "added" / "tracing.json", "${Function}")
    return tmp_path


def save(file: Path, resource: str) -> None:
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": [{"Resource": [resource]}]}))


def resources(document: Any) -> list[Any]:
    return [resource for statement in document["Statement"] for resource in statement["Resource"]]


def test_placeholders_are_filled_in_for_the_place(folder: Path) -> None:
    document = policies.completed(folder / "api_handler.json", HERE, ())

    assert resources(document) == ["arn:aws-cn:dynamodb:cn-north-1:123456789012:table/laurel-dev-boards"]


def test_what_is_added_knows_its_function(folder: Path) -> None:
    policies.extend(folder, "dev", ["tracing"])

    assert resources(json.loads((folder / "api_handler.json").read_text())) == [TABLE, "laurel-dev"]


def test_the_variables_of_iam_are_left_to_iam(folder: Path) -> None:
    save(folder / "audit_ranks.json", "${aws:PrincipalTag/team}")

    policies.render(folder, HERE)

    assert resources(json.loads((folder / "audit_ranks.json").read_text())) == ["${aws:PrincipalTag/team}"]


def test_a_placeholder_that_nobody_knows_is_no_policy(folder: Path) -> None:
    save(folder / "audit_ranks.json", "${Team}")

    with pytest.raises(DeployError, match=r"audit_ranks\.json: nobody fills in \$\{Team\}"):
        policies.completed(folder / "audit_ranks.json", HERE, ())


def test_a_template_takes_the_rest_from_cloudformation() -> None:
    assert policies.substituted({"Resource": [TABLE, "*"]}, "dev") == {
        "Resource": [{"Fn::Sub": TABLE.replace("${Stage}", "dev")}, "*"]
    }


@pytest.mark.parametrize(
    ("functions", "added"),
    [
        ({}, []),
        ({"tracing": True, "vpc": {"subnet_ids": []}}, ["tracing"]),
        ({"tracing": False, "vpc": {"subnet_ids": ["subnet-1"]}}, ["vpc"]),
    ],
)
def test_a_stage_adds_what_it_switches_on(functions: dict[str, Any], added: list[str]) -> None:
    assert policies.additions(Stage("dev", functions=functions)) == added


def test_whoever_deploys_gets_policies_for_a_stage(tmp_path: Path) -> None:
    files = write(HERE, tmp_path / "dist")

    assert [file.name for file in files] == [f"laurel-dev-{each.name}" for each in sorted(DEPLOYER.glob("*.json"))]
    assert not [file for file in files if "${" in file.read_text()]
