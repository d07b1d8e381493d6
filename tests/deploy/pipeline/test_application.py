"""What chalice packages, before anything is completed."""

import json
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.deploy.pipeline import packages, watcher
from tests.deploy.pipeline.packages import Json, Package
from tests.deploy.pipeline.variants import SUBNETS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]

OF_A_VPC_AND_TRACES = {"ec2:CreateNetworkInterface", "xray:PutTraceSegments"}


def names_in(package: Package) -> set[str]:
    with ZipFile(BytesIO(package.archive)) as archive:
        return {name.partition("/")[0] for name in archive.namelist()}


def actions_by_role(template: Json) -> dict[str, set[str]]:
    return {
        name: {
            action
            for policy in each["Properties"]["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Allow"
            for action in statement["Action"]
        }
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::IAM::Role"
    }


def test_an_archive_holds_what_the_app_imports(tmp_path: Path) -> None:
    app = watcher.write(tmp_path / "watcher")

    full = packages.made(app, "prod", tmp_path / "full", thin=False)
    thin = packages.made(app, "prod", tmp_path / "thin")

    assert {"app.py", "chalice"} <= names_in(full)
    assert full.template == thin.template


def test_packaging_leaves_the_project_as_it_was(tmp_path: Path) -> None:
    app = watcher.write(tmp_path / "watcher")
    before = {path: path.read_bytes() for path in app.project.rglob("*") if path.is_file()}

    packages.made(app, "prod", tmp_path / "dist")

    kept = {path for path in app.project.rglob("*") if path.is_file() and "deployments" not in path.parts}
    assert kept == set(before)
    assert all(path.read_bytes() == content for path, content in before.items())


def test_roles_have_the_rights_that_a_vpc_and_traces_take(tmp_path: Path, packaged_prod: Json) -> None:
    wanted = {"tracing": True, "vpc": {"subnet_ids": SUBNETS, "security_group_ids": []}}
    package = packages.made(packages.LAUREL, "prod", tmp_path, wanted)

    assert all(actions >= OF_A_VPC_AND_TRACES for actions in actions_by_role(package.template).values())
    assert not any(OF_A_VPC_AND_TRACES & actions for actions in actions_by_role(packaged_prod).values())


def test_the_app_is_imported_with_what_stands_for_the_stage_s_own(watching: Package) -> None:
    [event] = watching.template["Resources"]["MakeAvatar"]["Properties"]["Events"].values()

    assert event["Properties"]["Bucket"] == "${MediaBucketName}"


def test_a_stage_that_chalice_does_not_know_is_refused(tmp_path: Path) -> None:
    app = watcher.write(tmp_path / "watcher")

    with pytest.raises(AssertionError, match=r"The stage dev is not in \.chalice/config\.json"):
        packages.made(app, "dev", tmp_path / "dist")


def test_the_template_is_the_same_wherever_it_is_packaged(watching: Package, tmp_path: Path) -> None:
    elsewhere = packages.made(watcher.write(tmp_path / "elsewhere"), "prod", tmp_path / "dist")

    assert json.dumps(elsewhere.template) == json.dumps(watching.template)
