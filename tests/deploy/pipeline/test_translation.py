"""The completed template as CloudFormation gets to see it: translated by AWS's own translator, and linted."""

import json
import logging
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from subprocess import run
from sys import executable

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]  # says nothing of its types

from deploy.pipeline.completion import completed
from tests.deploy.pipeline import packages, watcher
from tests.deploy.pipeline.packages import STAGES, Json, Package, complete, settings
from tests.deploy.pipeline.translation import translated
from tests.deploy.pipeline.variants import everything, on_runtime, without_options
from tests.repository import ROOT

ROLES = ROOT / "docs" / "how-to" / "pipeline" / "roles.yaml"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    logging.getLogger("samtranslator").setLevel(logging.ERROR)


@pytest.fixture(scope="module")
def templates(folder: Path, packaged_prod: Json, watching: Package) -> dict[str, Json]:
    """Every stage as it is, and one that has and wants everything."""
    by_stage = {
        stage: complete(packages.of_laurel(stage, folder / stage).template, settings(stage)) for stage in STAGES
    }
    return {**by_stage, "everything": everything(packaged_prod), "watching": watching_completed(watching)}


def watching_completed(watching: Package) -> Json:
    return completed(watching.template, without_options(settings("prod")), watcher.OUTPUTS)


def test_cfn_lint_finds_nothing(templates: dict[str, Json], tmp_path: Path, region: None) -> None:
    for name, template in templates.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(translated(template)))
    (tmp_path / "everything.sam.json").write_text(json.dumps(templates["everything"]))
    linter = Path(executable).with_name("cfn-lint")

    linted = run([linter, ROLES, *sorted(tmp_path.iterdir())], check=False, capture_output=True, text=True)

    assert (linted.returncode, linted.stdout) == (0, ""), linted.stderr


def test_everything_that_calls_a_function_calls_its_alias(templates: dict[str, Json]) -> None:
    resources = translated(templates["prod"])["Resources"]
    called = list(_called(resources))

    assert len(called) >= 5
    for target in called:
        assert target["Ref"].endswith("Aliaslive")


def test_api_gateway_has_one_stage(templates: dict[str, Json]) -> None:
    resources = translated(templates["prod"])["Resources"]
    deployments = [each for each in resources.values() if each["Type"] == "AWS::ApiGateway::Deployment"]

    assert [each["Type"] for each in resources.values()].count("AWS::ApiGateway::Stage") == 1
    assert "StageName" not in deployments[0]["Properties"]


def test_no_function_is_given_rights_by_the_translator(templates: dict[str, Json]) -> None:
    managed = {
        name: each["Properties"]["ManagedPolicyArns"]
        for name, each in translated(templates["everything"])["Resources"].items()
        if each["Type"] == "AWS::IAM::Role" and "ManagedPolicyArns" in each["Properties"]
    }

    assert managed == {"CodeDeployServiceRole": ["arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda"]}


def test_changed_code_or_settings_make_a_version(packaged_prod: Json) -> None:
    def version(memory: int) -> str:
        template = deepcopy(packaged_prod)
        template["Resources"]["APIHandler"]["Properties"]["MemorySize"] = memory
        resources = translated(complete(template, settings("prod")))["Resources"]
        [name] = [name for name in resources if name.startswith("APIHandlerVersion")]
        return str(name)

    assert version(1024) == version(1024) != version(2048)


def test_a_rotated_key_makes_a_version(templates: dict[str, Json]) -> None:
    # The translator leaves parameters alone: it is CloudFormation that replaces a version whose description differs.
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-central-1", "AWS::Lambda::Version").schema
    resources = translated(templates["prod"], {"SigningKeyVersion": "0a1b2c3d-0000"})["Resources"]
    versions = [each for each in resources.values() if each["Type"] == "AWS::Lambda::Version"]

    assert "/properties/Description" in schema["createOnlyProperties"]
    assert len(versions) >= 4
    for version in versions:
        assert "${SigningKeyVersion}" in version["Properties"]["Description"]["Fn::Sub"]


def test_versions_that_were_replaced_are_deleted(templates: dict[str, Json]) -> None:
    versions = [
        each for each in translated(templates["prod"])["Resources"].values() if each["Type"] == "AWS::Lambda::Version"
    ]

    assert {each["DeletionPolicy"] for each in versions} == {"Delete"}


def test_snapshots_are_taken_of_versions(packaged_prod: Json) -> None:
    template = deepcopy(packaged_prod)
    on_runtime(template, "python3.13")
    resources = translated(everything(template))["Resources"]

    snapped = {name for name, each in resources.items() if "SnapStart" in each["Properties"]}
    assert snapped == {"APIHandler", "PlayerAuthorizer"}
    assert resources["APIHandler"]["Properties"]["SnapStart"] == {"ApplyOn": "PublishedVersions"}


def _called(resources: Json) -> Iterator[Json]:
    """Yield what is invoked by whatever is no person."""
    for resource in resources.values():
        properties = resource["Properties"]
        match resource["Type"]:
            case "AWS::Lambda::Permission" | "AWS::Lambda::EventSourceMapping":
                yield properties["FunctionName"]
            case "AWS::Events::Rule":
                yield from (target["Arn"] for target in properties["Targets"])
