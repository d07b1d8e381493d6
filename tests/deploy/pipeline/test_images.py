"""A template whose functions are made of a container image."""

import json
from copy import deepcopy
from pathlib import Path
from subprocess import run
from sys import executable
from typing import Any

import pytest
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]  # says nothing of its types

from deploy.errors import DeployError
from deploy.pipeline.buckets import NOTIFIER_ID
from deploy.pipeline.images import as_image
from tests.deploy.pipeline.packages import Json, complete, settings
from tests.deploy.pipeline.variants import changed, on_runtime

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]

IMAGE = f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/laurel@sha256:{'0' * 64}"


class ManagedPolicies:
    """The names of AWS's managed policies, which the translator would ask IAM for; no function of ours has one."""

    def load(self) -> dict[str, str]:
        return {}


@pytest.fixture
def zipped(prod: Json) -> Json:
    return complete(prod, settings("prod"))


def functions(template: Json, kind: str = "AWS::Serverless::Function") -> dict[str, Any]:
    return {name: each["Properties"] for name, each in template["Resources"].items() if each["Type"] == kind}


def test_each_function_is_the_image_with_its_handler_for_a_command(zipped: Json) -> None:
    made = functions(as_image(zipped, IMAGE))

    for name, before in functions(zipped).items():
        assert made[name]["ImageConfig"] == {"Command": [before["Handler"]]}
        assert (made[name]["PackageType"], made[name]["ImageUri"]) == ("Image", IMAGE)
        assert made[name].keys().isdisjoint({"CodeUri", "Handler", "Runtime", "Layers"})
    commands = [each["ImageConfig"]["Command"] for each in made.values()]
    assert {"app.app", "app.settle_records", "app.export_records"} <= {command for [command] in commands}


def test_a_snapshot_of_an_image_is_refused(prod: Json) -> None:
    on_runtime(prod, "python3.13")
    snapped = complete(prod, changed(settings("prod"), "pipeline", snap_start=True))

    with pytest.raises(DeployError, match="leave IMAGE out"):
        as_image(snapped, IMAGE)


def test_all_else_stays_as_it_is_and_so_does_the_template_given(zipped: Json) -> None:
    before = deepcopy(zipped)

    made = as_image(zipped, IMAGE)

    assert zipped == before
    of_images = {"PackageType", "ImageUri", "ImageConfig"}
    for name, properties in functions(made).items():
        rest = {key: value for key, value in properties.items() if key not in of_images}
        assert rest.items() <= functions(zipped)[name].items()
    others = {name: each for name, each in made["Resources"].items() if name not in functions(made)}
    assert others.items() <= zipped["Resources"].items()


@pytest.mark.parametrize("uri", ["laurel", "laurel:latest", "docker.io/laurel/laurel:1", IMAGE.partition("@")[0]])
def test_what_is_no_image_in_ecr_is_refused_with_an_example(zipped: Json, uri: str) -> None:
    with pytest.raises(DeployError, match=r"dkr\.ecr"):
        as_image(zipped, uri)


def test_the_translator_takes_it_and_cfn_lint_finds_nothing(
    zipped: Json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    translated = transform(as_image(zipped, IMAGE), {}, ManagedPolicies())
    file = tmp_path / "template.json"
    file.write_text(json.dumps(translated))

    linted = run([Path(executable).with_name("cfn-lint"), file], check=False, capture_output=True, text=True)

    made = functions(translated, "AWS::Lambda::Function")
    # What asks the bucket stands in the template.
    assert {each["Code"].get("ImageUri") for name, each in made.items() if name != NOTIFIER_ID} == {IMAGE}
    assert (linted.returncode, linted.stdout) == (0, ""), linted.stderr
