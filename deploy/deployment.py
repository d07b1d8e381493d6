"""A stage brought in line with the checkout, step by step. Each step may be repeated; none undoes another."""

from dataclasses import dataclass
from pathlib import Path

from deploy.changes import Change
from deploy.target import Target


@dataclass(frozen=True)
class Deployment:
    """What is deployed, and where to: the functions of ``make deploy`` and of the local run.

    In this order: template.yaml, the environment, the app, what chalice cannot say of functions, edge.yaml, the API's
    stage.
    """

    target: Target
    project: Path
    thin: bool = False

    def plan(self) -> list[Change]:
        """Return what ``run`` would change, and change nothing."""
        raise NotImplementedError

    def run(self) -> list[Change]:
        """Deploy, and return what was changed."""
        raise NotImplementedError
