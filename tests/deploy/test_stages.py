from pathlib import Path

import pytest

from deploy import stages
from deploy.errors import DeployError
from deploy.layout import STAGES
from tests.repository import ROOT


@pytest.mark.parametrize("name", ["local", "dev", "prod"])
def test_every_stage_of_the_repository_is_read(name: str) -> None:
    stage = stages.read(name)

    assert stage.name == name
    assert {type(value) for value in (stage.template | stage.edge).values()} <= {str}


def test_an_unknown_stage_is_answered_with_those_there_are() -> None:
    with pytest.raises(DeployError, match=r"no stage 'pord'; stages\.yaml has dev, local, prod\. Name one: STAGE=dev"):
        stages.read("pord")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("dev-2: {}", "named in lower case letters and digits"),
        ("dev-2: {function: {}}", "named in lower case"),
        ("dev-2", "must map the name of each stage"),
        ("dev-2: [", "cannot be read"),
        ("", "must map the name of each stage"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "stages.yaml"
    file.write_text(text)

    with pytest.raises(DeployError, match=complaint):
        stages.read("dev-2", file)


def test_a_misspelt_part_is_named(tmp_path: Path) -> None:
    file = tmp_path / "stages.yaml"
    file.write_text("dev: {function: {tracing: true}}")

    with pytest.raises(DeployError, match="dev has function; known are api, edge, functions, pipeline, template"):
        stages.read("dev", file)


def test_parameters_are_texts_as_cloudformation_takes_them(tmp_path: Path) -> None:
    file = tmp_path / "stages.yaml"
    file.write_text("dev: {template: {Protected: true, Days: 14, Name: x}, api: {throttle_rate: 5}}")

    stage = stages.read("dev", file)

    assert stage.template == {"Protected": "true", "Days": "14", "Name": "x"}
    assert stage.api == {"throttle_rate": 5}


def test_the_stages_are_where_they_are_looked_for() -> None:
    assert STAGES == ROOT / "infra" / "stages.yaml"
