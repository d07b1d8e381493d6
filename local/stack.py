"""The whole of Laurel as one object: the embedded AWS, its resources and the deployed app."""

import urllib.error
import urllib.request
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy import secrets, stages
from deploy.app import AppDeployment
from deploy.deployment import Deployment, edge_stack
from deploy.errors import DeployError
from deploy.target import Target
from local import project, state
from local.children import Emulator
from local.layout import API_ID, API_PATH, ASKED, CHECKOUT, LAYOUT_GRACE_SECONDS, MEDIA_BUCKET, STAGE
from local.target import embedded

FIRST_ANSWER_SECONDS = 30.0


class LocalStack:
    """Laurel on loopback, as a context manager.

    Args:
        project: The directory of app.py, chalicelib and .chalice.
        port: 0 takes a free one.
        state_dir: Where data and credentials are kept; without one, all is thrown away at the end.

    Raises:
        StateInUseError: On entry: another run holds ``state_dir``.
        StartError: On entry: the port is taken, or the embedded AWS did not start.
        DeployError: On entry: CloudFormation refused the template, or the app could not be deployed.
    """

    def __init__(self, project: Path = CHECKOUT, *, port: int = 0, state_dir: Path | None = None) -> None:
        self._project = project
        self._port = port
        self._state_dir = state_dir
        self._cleanup = ExitStack()
        self._prepared: AppDeployment | None = None

    def __enter__(self) -> Self:
        with ExitStack() as unfinished:
            unfinished.callback(self.stop)
            self._start()
            self.deploy()
            unfinished.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def aws_endpoint(self) -> str:
        return self._emulator.endpoint

    @property
    def url(self) -> str:
        """The root of the API, with its final slash."""
        return f"{self.aws_endpoint}{API_PATH}"

    @property
    def target(self) -> Target:
        """Where this Laurel is deployed to: the embedded AWS, whatever the environment says about the real one."""
        return self._target

    @property
    def media_url(self) -> str:
        """Where everybody reads avatars, by their keys; with its final slash."""
        return f"{self.aws_endpoint}/{MEDIA_BUCKET}/"

    @cached_property
    def admin_key(self) -> str:
        return secrets.admin_key(self._target)

    @property
    def running(self) -> bool:
        return self._emulator.running

    @property
    def asked(self) -> Path:
        """The file of what functions asked the embedded AWS for; see ``local.layout.ASKED``."""
        return self._emulator.work_dir / ASKED

    def last_words(self) -> str:
        """Return the end of what the embedded AWS printed."""
        return self._emulator.last_words()

    def prepare_deployment(self) -> None:
        """Start the next deployment's process now, which takes half a second off it later."""
        self._prepared = self._prepared or AppDeployment(self._target)

    def deploy(self) -> None:
        """Bring resources and app in line with their files.

        Raises:
            DeployError: CloudFormation refused the template, or the app could not be deployed. If it could not be read
                or imported, it is as it was.
        """
        copy = project.copied(self._project, self._emulator.work_dir / "project")
        deployment = Deployment(self._target, self._stage, copy, self._variables(), thin=True)
        self.prepare_deployment()
        prepared, self._prepared = self._prepared, None
        try:
            deployment.run(prepared)
        except DeployError as error:
            raise DeployError(str(error).replace(str(copy), str(self._project))) from error

    def first_answer(self) -> str | None:
        """Make the first request, which starts the function; return what is wrong with the answer, if anything is."""
        try:
            with urllib.request.urlopen(self.url, timeout=FIRST_ANSWER_SECONDS):
                return None
        except urllib.error.HTTPError as error:
            return f"GET / answered {error.code}: {error.read().decode(errors='replace')}"
        except OSError as error:
            return f"GET / was not answered: {error}"

    def stop(self) -> None:
        """Save the data, if it is kept, and end every process of this run."""
        if self._prepared:
            self._prepared.cancel()
            self._prepared = None
        self._cleanup.close()

    def _variables(self) -> dict[str, str]:
        """Return what functions are told here that they would be told otherwise on AWS."""
        return {
            "LAUREL_LAYOUT_GRACE_SECONDS": str(LAYOUT_GRACE_SECONDS),
            # On AWS names of buckets are names of hosts. Here nobody would find them.
            "LAUREL_MEDIA_URL": self.media_url,
        }

    def _start(self) -> None:
        if self._state_dir:
            self._cleanup.enter_context(state.held(self._state_dir))
        self._emulator = Emulator(self._port, self._state_dir)
        self._cleanup.callback(self._emulator.stop)
        self._stage = stages.read(STAGE)
        self._target = embedded(self._emulator.endpoint, home=self._emulator.work_dir)
        self.prepare_deployment()
        with self._target.preparing("cloudformation", "secretsmanager"):
            self._emulator.wait_until_ready()
        if self._state_dir:
            # It tells of an API that is made anew at every start.
            edge_stack(self._target, self._stage, API_ID).delete()
