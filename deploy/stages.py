"""The stages there are, and what distinguishes them: infra/stages.yaml."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Stage:
    """What infra/stages.yaml says of a stage.

    Args:
        template: Parameters of infra/template.yaml, by name.
        edge: Parameters of infra/edge.yaml, by name.
        api: Settings of API Gateway's stage: throttle_rate, throttle_burst, methods, access_logs.
        functions: Settings of every function: log_retention_days, vpc.
        pipeline: What only deploy/pipeline does: shift, tolerated_errors, snap_start.
    """

    name: str
    template: dict[str, str] = field(default_factory=dict)
    edge: dict[str, str] = field(default_factory=dict)
    api: dict[str, Any] = field(default_factory=dict)
    functions: dict[str, Any] = field(default_factory=dict)
    pipeline: dict[str, Any] = field(default_factory=dict)


def read(name: str, file: Path) -> Stage:
    """Return the stage, or raise DeployError naming the stages there are."""
    raise NotImplementedError
