"""What chalice packages, made in a process of its own: it imports the app, and one process has room for one."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from deploy import environment, stages
from deploy.pipeline.completion import completed
from deploy.pipeline.settings import Settings
from tests.repository import ROOT

Json = dict[str, Any]
STAGES = ("local", "dev", "prod")
SLOWEST_SECONDS = 60
_PROGRAM = """
import json, sys
from pathlib import Path
from deploy import stages
from deploy.pipeline.application import packaged
project, stage, target, outputs = sys.argv[1:]
print(json.dumps(packaged(Path(project), stages.read(stage), json.loads(outputs), Path(target), thin=True)))
"""


@dataclass(frozen=True, slots=True)
class Package:
    """A thin package: nothing but the app is in its archive."""

    template: Json
    archive: bytes


@cache
def of_laurel(stage: str, target: Path) -> Package:
    """Package Laurel itself for a stage, once per test session."""
    return made(ROOT, stage, target, environment.OUTPUTS)


def made(project: Path, stage: str, target: Path, outputs: Mapping[str, str]) -> Package:
    command = [sys.executable, "-c", _PROGRAM, str(project), stage, str(target), json.dumps(outputs)]
    packaged = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=SLOWEST_SECONDS)
    assert packaged.returncode == 0, packaged.stderr
    return Package(json.loads(packaged.stdout), (target / "deployment.zip").read_bytes())


def settings(stage: str) -> Settings:
    return Settings.of(stages.read(stage))


def complete(template: Json, given: Settings) -> Json:
    return completed(template, given, environment.OUTPUTS)
