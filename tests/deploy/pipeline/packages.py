"""What chalice packages, made in a process of its own: it imports the app, and one process has room for one."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from deploy import environment, stages
from deploy.pipeline.completion import completed
from deploy.pipeline.settings import Settings
from tests.repository import ROOT

Json = dict[str, Any]
STAGES = ("local", "dev", "prod")
SLOWEST_SECONDS = 600
_PROGRAM = """
import json, sys
from dataclasses import replace
from pathlib import Path
from deploy import stages
from deploy.pipeline.application import packaged
project, name, target, outputs, functions, *thin = sys.argv[1:]
stage = stages.read(name)
stage = replace(stage, functions={**stage.functions, **json.loads(functions)})
print(json.dumps(packaged(Path(project), stage, json.loads(outputs), Path(target), thin=bool(thin))))
"""


@dataclass(frozen=True, slots=True)
class Package:
    """A thin package: nothing but the app is in its archive."""

    template: Json
    archive: bytes


class App(NamedTuple):
    project: Path
    outputs: Mapping[str, str]
    """What app.py reads that the infrastructure stack gives out, by variable."""


LAUREL = App(ROOT, environment.OUTPUTS)


@cache
def of_laurel(stage: str, target: Path) -> Package:
    """Package Laurel itself for a stage, once per test session."""
    return made(LAUREL, stage, target)


def made(
    app: App, stage: str, target: Path, functions: Mapping[str, object] | None = None, *, thin: bool = True
) -> Package:
    """Package an app for a stage, whose functions may have other settings than infra/stages.yaml says."""
    arguments = [str(app.project), stage, str(target), json.dumps(app.outputs), json.dumps(functions or {})]
    command = [sys.executable, "-c", _PROGRAM, *arguments, *(["thin"] if thin else [])]
    packaged = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=SLOWEST_SECONDS)
    assert packaged.returncode == 0, packaged.stderr
    return Package(json.loads(packaged.stdout), (target / "deployment.zip").read_bytes())


def settings(stage: str) -> Settings:
    return Settings.of(stages.read(stage))


def complete(template: Json, given: Settings) -> Json:
    return completed(template, given, environment.OUTPUTS)
