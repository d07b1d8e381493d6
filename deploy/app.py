"""The app, deployed by chalice's own deployer in a process of its own: its modules never mix with the caller's.

The process is deploy/deployer.py.
"""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deploy.changes import Change, Kind
from deploy.errors import DeployError
from deploy.layout import CHECKOUT
from deploy.policies import Place
from deploy.target import Target

DEPLOY_SECONDS = 15 * 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """One deployment of the app.

    Args:
        project: The directory of app.py, chalicelib and .chalice.
        parameters: What overrides the stage's settings in .chalice/config.json, for every function.
        place: Where the resources are that the functions' policies name.
        added: What is added to every policy: names of files in .chalice/policies/added.
        key_required: Paths below which the API asks for an API key.
        thin: Package the app without its dependencies, for functions that run in this very environment.
    """

    project: Path
    parameters: dict[str, Any]
    place: Place
    added: list[str]
    key_required: list[str]
    thin: bool = False


class AppDeployment:
    """One deployment of the app, its process started ahead of its request.

    Args:
        target: Whether it is rehearsed decides whether the deployment is.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploy.deployer"],
            cwd=CHECKOUT,
            env=dict(target.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Ctrl-C in the terminal reaches the command alone, which then ends this child.
            start_new_session=True,
        )

    def run(self, request: Request) -> list[Change]:
        """Deploy, or rehearse it, and return what was changed, or would be.

        Raises:
            DeployError: With what the process said. An app that cannot be read or imported changes nothing.
        """
        asked = {"stage": self._target.stage, "rehearsed": self._target.rehearsed, **asdict(request)}
        try:
            answer, complaint = self._process.communicate(json.dumps(asked, default=str), DEPLOY_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise DeployError(f"The app was not imported and deployed within {DEPLOY_SECONDS:.0f} s.") from error
        finally:
            self._process.kill()
        if self._process.returncode:
            raise DeployError(complaint.strip())
        return [Change(Kind(change["kind"]), change["subject"], change["detail"]) for change in json.loads(answer)]

    def cancel(self) -> None:
        """End the process without a request."""
        self._process.kill()
        self._process.communicate()
