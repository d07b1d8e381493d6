"""The stages there are, and what distinguishes them: infra/stages.yaml."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from deploy.errors import DeployError
from deploy.layout import STAGES

# No hyphen: the names of one stage's parts begin with laurel-<stage>-, and must not begin another's.
NAME = re.compile(r"[a-z][a-z0-9]{0,19}")
PARTS = frozenset({"template", "edge", "api", "functions", "pipeline"})


@dataclass(frozen=True, slots=True)
class Stage:
    """What infra/stages.yaml says of a stage.

    Args:
        template: Parameters of infra/template.yaml, by name.
        edge: Parameters of infra/edge.yaml, by name.
        api: Settings of API Gateway's stage: throttle_rate, throttle_burst, routes, access_logs, tracing, key_required.
        functions: Settings of every function: log_retention_days, tracing, vpc.
        pipeline: Settings of a release from a pipeline: see deploy/pipeline.
    """

    name: str
    template: dict[str, str] = field(default_factory=dict)
    edge: dict[str, str] = field(default_factory=dict)
    api: dict[str, Any] = field(default_factory=dict)
    functions: dict[str, Any] = field(default_factory=dict)
    pipeline: dict[str, Any] = field(default_factory=dict)


def read(name: str, file: Path = STAGES) -> Stage:
    """Return the stage, or raise DeployError naming the stages there are."""
    stages = _document(file)
    if name not in stages:
        known = ", ".join(sorted(stages))
        raise DeployError(f"There is no stage {name!r}; {file.name} has {known}. Name one: STAGE={min(stages)}")
    if not NAME.fullmatch(name):
        raise DeployError(f"{file.name}: a stage is named in lower case letters and digits, 20 at most, not {name!r}")
    parts = stages[name] or {}
    if unknown := parts.keys() - PARTS:
        raise DeployError(f"{file.name}: {name} has {', '.join(sorted(unknown))}; known are {', '.join(sorted(PARTS))}")
    parameters = {part: _texts(parts.get(part) or {}) for part in ("template", "edge")}
    rest = {part: parts.get(part) or {} for part in PARTS - parameters.keys()}
    return Stage(name, **parameters, **rest)


def _document(file: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(file.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise DeployError(f"{file.name} cannot be read: {error}") from error
    if not isinstance(document, dict) or not document:
        raise DeployError(f"{file.name} must map the name of each stage to its settings")
    return document


def _texts(parameters: dict[str, Any]) -> dict[str, str]:
    """Return parameters as CloudFormation takes them: as text, whatever YAML has made of it."""
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in parameters.items()}
