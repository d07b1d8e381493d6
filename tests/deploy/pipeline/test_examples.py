"""The pipelines that the documents offer: read as what they are, their script run with commands that only note."""

import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.repository import ROOT

FOLDER = ROOT / "docs" / "how-to" / "pipeline"
SCRIPT = ROOT / "deploy" / "pipeline" / "deploy.sh"
EXAMPLES = ("github-actions.yaml", "buildspec.yaml")
MAKE = re.compile(r"\bmake ([a-z-]+)")
TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)
STACKS = ["laurel-dev", "laurel-dev-app", "laurel-dev-edge"]


def example(name: str) -> Any:
    # YAML 1.1 takes the word "on" for true.
    return yaml.safe_load((FOLDER / name).read_text().replace("\non:\n", "\n'on':\n"))


def commands(document: Any) -> Iterator[str]:
    if "jobs" in document:
        for job in document["jobs"].values():
            yield from (step["run"] for step in job["steps"] if "run" in step)
    else:
        for phase in document["phases"].values():
            yield from phase["commands"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_what_there_is(name: str) -> None:
    run = list(commands(example(name)))
    targets = set(TARGET.findall((ROOT / "Makefile").read_text()))

    assert {target for command in run for target in MAKE.findall(command)} <= targets
    assert {"make check", "make package", SCRIPT.relative_to(ROOT).as_posix()} <= set(run)
    assert os.access(SCRIPT, os.X_OK)


@pytest.mark.parametrize("name", [*EXAMPLES, "roles.yaml"])
def test_no_example_holds_a_key(name: str) -> None:
    text = (FOLDER / name).read_text()

    assert not re.search(r"AKIA|aws-access-key-id|AWS_SECRET_ACCESS_KEY|\{\{ *secrets\.|AccessKey", text)


def test_github_gives_a_token_to_the_job_that_deploys_alone() -> None:
    workflow = example("github-actions.yaml")
    package, deploy = workflow["jobs"]["package"], workflow["jobs"]["deploy"]

    assert workflow["permissions"] == {"contents": "read"}
    assert "permissions" not in package
    assert deploy["permissions"] == {"contents": "read", "id-token": "write"}
    assert deploy["needs"] == "package"


def test_github_deploys_to_the_environment_that_the_role_trusts() -> None:
    environment = example("github-actions.yaml")["jobs"]["deploy"]["environment"]
    stages = example("github-actions.yaml")["on"]["workflow_dispatch"]["inputs"]["stage"]["options"]

    assert environment == "${{ inputs.stage || 'dev' }}"
    assert "repo:${GitHubRepository}:environment:${Stage}" in (FOLDER / "roles.yaml").read_text()
    assert set(stages) == {"dev", "prod"}


def test_both_pipelines_package_on_the_same_python() -> None:
    jobs = example("github-actions.yaml")["jobs"].values()
    pythons = {
        step["with"]["python-version"]
        for job in jobs
        for step in job["steps"]
        if "setup-python" in step.get("uses", "")
    }

    assert pythons == {example("buildspec.yaml")["phases"]["install"]["runtime-versions"]["python"]} == {"3.13"}


class Checkout:
    """A copy of what the script stands on, with commands that note how they were called."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._notes = folder / "notes"
        self._script = folder / "deploy" / "pipeline" / SCRIPT.name
        self._script.parent.mkdir(parents=True)
        self._script.write_text(SCRIPT.read_text())
        (folder / "dist" / "dev").mkdir(parents=True)
        self.command("aws", "")

    def command(self, name: str, does: str) -> None:
        path = self._folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> "{self._notes}"\n{does}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def run(self, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"{self._folder / 'bin'}:{os.environ['PATH']}", **variables}
        return subprocess.run(
            ["bash", self._script], env=environment, check=False, capture_output=True, text=True, timeout=600
        )

    def notes(self, command: str) -> list[str]:
        lines = self._notes.read_text().splitlines() if self._notes.exists() else []
        return [line for line in lines if line.startswith(command)]

    def deployed(self) -> list[str]:
        return re.findall(r"deploy --stack-name (\S+)", "\n".join(self.notes("aws cloudformation deploy")))


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_the_script_deploys_each_stack_after_what_it_needs(checkout: Checkout) -> None:
    checkout.command("make", "echo [] > dist/dev/app-parameters.json")

    ran = checkout.run(STAGE="dev", ARTEFACTS="bucket")

    assert ran.returncode == 0, ran.stderr
    assert checkout.deployed() == STACKS
    assert "make parameters STAGE=dev" in checkout.notes("make")
    assert "--role-arn" not in "".join(checkout.notes("aws"))


def test_the_script_deploys_the_app_again_when_the_edge_has_made_what_it_lacked(checkout: Checkout) -> None:
    checkout.command("make", "wc -l < notes > dist/dev/app-parameters.json")

    ran = checkout.run(STAGE="dev", ARTEFACTS="bucket")

    assert ran.returncode == 0, ran.stderr
    assert checkout.deployed() == [*STACKS, "laurel-dev-app"]


def test_the_script_acts_by_the_role_it_is_given(checkout: Checkout) -> None:
    checkout.command("make", "echo [] > dist/dev/app-parameters.json")

    checkout.run(STAGE="dev", ARTEFACTS="bucket", EXECUTION_ROLE="arn:role")

    assert all("--role-arn arn:role" in line for line in checkout.notes("aws cloudformation deploy"))


@pytest.mark.parametrize("given", [{}, {"STAGE": "dev"}, {"ARTEFACTS": "bucket"}, {"STAGE": "", "ARTEFACTS": "bucket"}])
def test_the_script_deploys_nothing_unless_it_is_told_what(checkout: Checkout, given: dict[str, str]) -> None:
    ran = checkout.run(**given)

    assert ran.returncode
    assert re.search("STAGE: which one|ARTEFACTS: the bucket", ran.stderr)
    assert not checkout.notes("aws")


def test_the_script_ends_with_the_first_thing_that_fails(checkout: Checkout) -> None:
    checkout.command("make", "exit 3")

    ran = checkout.run(STAGE="dev", ARTEFACTS="bucket")

    assert ran.returncode
    assert checkout.deployed() == STACKS[:1]
