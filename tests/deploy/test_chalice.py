"""The command itself, ``chalice deploy``: the same app, and the same AWS, without anything of ours between them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from deploy import environment, policies, stages
from deploy.deployment import data_stack
from deploy.destruction import Destruction
from deploy.layout import CHECKOUT
from deploy.target import Target
from local.children import Emulator
from local.project import copied
from local.target import embedded
from tests.deploy.account import everything

pytestmark = pytest.mark.e2e

STAGE = "local"
SLOWEST_SECONDS = 600


@dataclass(frozen=True)
class Project:
    """A copy of the project that chalice can deploy as it is."""

    folder: Path
    target: Target

    def chalice(self, command: str) -> str:
        """Run chalice's command, and return what it prints."""
        done = subprocess.run(
            [Path(sys.executable).with_name("chalice"), command, "--stage", STAGE],
            cwd=self.folder,
            env={**self.target.environment},
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SLOWEST_SECONDS,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture
def project(emulator: Emulator, tmp_path: Path) -> Iterator[Project]:
    """The project with its infrastructure, and what make deploy would have filled in for chalice."""
    target, stage = embedded(emulator.endpoint, stage=STAGE, home=tmp_path), stages.read(STAGE)
    outputs = data_stack(target, stage).apply()
    folder = copied(CHECKOUT, tmp_path / "project")
    policies.render(folder / ".chalice" / "policies", policies.place_of(target))
    config = json.loads((folder / ".chalice" / "config.json").read_text())
    config["stages"][STAGE]["environment_variables"].update(environment.of_functions(target, outputs))
    (folder / ".chalice" / "config.json").write_text(json.dumps(config))
    # Functions run in this very environment, which has what the app needs: nothing is downloaded.
    (folder / "requirements.txt").write_text("")
    yield Project(folder, target)
    Destruction(target, stage, data=True).run()
    assert everything(target) == {}


def test_chalice_deploys_by_its_own_command(project: Project, emulator: Emulator) -> None:
    printed = project.chalice("deploy")
    [api] = project.target.client("apigateway").get_rest_apis()["items"]
    url = f"{emulator.endpoint}/_aws/execute-api/{api['id']}/api/"

    assert f"https://{api['id']}.execute-api.us-east-1.amazonaws.com/api/" in printed
    assert requests.get(url, timeout=SLOWEST_SECONDS).json()["name"] == "laurel"
    assert requests.post(f"{url}gameStart", json={}, timeout=SLOWEST_SECONDS).status_code == 401

    made = everything(project.target)
    (project.folder / "chalicelib" / "__init__.py").write_text('VERSION = "2.0.0"\n')
    project.chalice("deploy")

    assert requests.get(url, timeout=SLOWEST_SECONDS).json()["version"] == "2.0.0"
    assert everything(project.target) == made
    assert len(made["event source mapping"]) == 1

    project.chalice("delete")

    assert everything(project.target).keys() & {"function", "role", "rule", "event source mapping"} == set()
    assert project.target.client("apigateway").get_rest_apis()["items"] == []
