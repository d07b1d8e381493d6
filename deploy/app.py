"""The app, deployed by chalice's own deployer in a process of its own: its modules never mix with the caller's.

The process is deploy/deployer.py.
"""

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer
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

    The process ends when the one who started it does, in order or not: it reads that as the end of its standard input.

    Args:
        target: Whether it is rehearsed decides whether the deployment is.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        # A file: a pipe that nobody reads meanwhile would stop a process that has much to complain about.
        self._complaint = TemporaryFile("w+")  # noqa: SIM115  (as long-lived as the process; cancel closes it)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploy.deployer"],
            cwd=CHECKOUT,
            env=dict(target.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaint,
            text=True,
            # Ctrl-C in the terminal reaches the command alone, which then ends this child.
            start_new_session=True,
        )

    def run(self, request: Request) -> list[Change]:
        """Deploy, or rehearse it, and return what was changed, or would be.

        Raises:
            DeployError: With what the process said. An app that cannot be read or imported changes nothing.
        """
        patience = Timer(DEPLOY_SECONDS, self._process.kill)
        patience.start()
        try:
            answer = self._asked(request)
            complaint = self._complained()
        finally:
            patience.cancel()
            self.cancel()
        if self._process.returncode:
            raise DeployError(complaint)
        return [Change(Kind(change["kind"]), change["subject"], change["detail"]) for change in json.loads(answer)]

    def cancel(self) -> None:
        """End the process, whatever it does."""
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._complaint):
            if stream:
                stream.close()

    def _asked(self, request: Request) -> str:
        """Return what the process answers before it ends."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise AssertionError("the process was started with both")
        asked = {"stage": self._target.stage, "rehearsed": self._target.rehearsed, **asdict(request)}
        with suppress(BrokenPipeError):
            stdin.write(f"{json.dumps(asked, default=str)}\n")
            stdin.flush()
        answer = stdout.read()
        self._process.wait()
        return answer

    def _complained(self) -> str:
        self._complaint.seek(0)
        return self._complaint.read().strip() or f"The app was not deployed within {DEPLOY_SECONDS / 60:.0f} minutes."
