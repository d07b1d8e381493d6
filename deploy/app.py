"""The app, deployed by chalice's own deployer in a process of its own: its modules never mix with the caller's.

The process imports chalice at once and then waits for its request, so that one started ahead of its need saves half a
second. It is deploy/deployer.py.
"""

from collections.abc import Mapping
from pathlib import Path

from deploy.changes import Change
from deploy.target import Target


class AppDeployment:
    """One deployment of the app, its process started ahead of its request."""

    def __init__(self, target: Target) -> None:
        raise NotImplementedError

    def plan(self, project: Path, environment: Mapping[str, str], *, thin: bool = False) -> list[Change]:
        """Return what ``deploy`` would change, and change nothing."""
        raise NotImplementedError

    def deploy(self, project: Path, environment: Mapping[str, str], *, thin: bool = False) -> list[Change]:
        """Deploy the app in ``project``, its functions' environment extended by ``environment``.

        Args:
            thin: Package the app without its dependencies, for functions that run in this very environment.

        Raises:
            DeployError: With what the process said. An app that cannot be read or imported changes nothing.
        """
        raise NotImplementedError

    def cancel(self) -> None:
        """End the process without a request."""
        raise NotImplementedError
