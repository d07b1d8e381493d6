"""The embedded AWS as a process of its own, with an environment that holds nothing of the user's AWS.

It ends when the one who started it does, in order or not: it reads that as the end of its standard input.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from local import state
from local.layout import ACCESS_KEY, CHECKOUT, LOOPBACK, REGION, SECRET_KEY

SERVICES = (
    "apigateway,cloudformation,cloudfront,dynamodb,dynamodbstreams,events,iam,kinesis,lambda,logs,monitoring,s3,secretsmanager,"
    "sns,sqs,sts"
)
READY_SECONDS = 60.0
# Data is saved while it stops, and there may be much of it.
STOP_SECONDS = 120.0


class StartError(Exception):
    """The local run could not come up; the message says why and what to do."""


class Emulator:
    """The embedded AWS, running from construction until ``stop``; as a context manager, ready and stopped in the end.

    Args:
        port: On loopback; 0 takes a free one.
        state_dir: Where data is read from and, on a clean stop, saved to; None throws it away.

    Raises:
        StartError: The port is taken.
    """

    def __init__(self, port: int, state_dir: Path | None) -> None:
        with _listener(port) as listener:
            self._port: int = listener.getsockname()[1]
            self.work_dir = Path(tempfile.mkdtemp(prefix="laurel-"))
            self.log = (state_dir or self.work_dir) / "emulator.log"
            self._process = _spawn(listener, environment(self._port, self.work_dir, state_dir), self.log)

    def __enter__(self) -> Self:
        """Wait until it answers; where it does not, nothing is left of it."""
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Return once it answers, or raise StartError with the end of its log."""
        request = f"{self.endpoint}/_ministack/health"
        try:
            # The socket listens already: the request waits in its queue rather than being refused.
            with urllib.request.urlopen(request, timeout=READY_SECONDS) as response:
                json.load(response)
        except OSError as error:
            raise StartError(f"The embedded AWS did not start: {error}\n{self.last_words()}") from error

    def last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    def stop(self) -> None:
        """Let it save its state, then end whatever is left of it."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _end_group(self._process.pid)
        shutil.rmtree(self.work_dir, ignore_errors=True)


def environment(port: int, work_dir: Path, state_dir: Path | None) -> dict[str, str]:
    """Return the whole environment of the emulator, which its Lambda workers inherit."""
    persistence = {
        "PERSIST_STATE": "1" if state_dir else "0",
        "S3_PERSIST": "1" if state_dir else "0",
        "STATE_DIR": str(state.aws_dir(state_dir or work_dir)),
        "S3_DATA_DIR": str((state_dir or work_dir) / "s3"),
    }
    return {
        **aws_environment(f"http://{LOOPBACK}:{port}", home=work_dir),
        **persistence,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": LOOPBACK,
        "MINISTACK_HOST": "localhost",
        "MINISTACK_REGION": REGION,
        "SERVICES": SERVICES,
        # Functions may do what their roles allow, and nothing else.
        "AUTH": "true",
        "LAMBDA_EXECUTOR": "local",
        # What failed is tried again after two seconds and after four more; Lambda waits for minutes.
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "2",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # It would look for containers of its own in a Docker that belongs to the user.
        "DOCKER_HOST": f"unix://{work_dir}/no-docker.sock",
        "LOG_LEVEL": "WARNING",
    }


def aws_environment(endpoint: str, home: Path) -> dict[str, str]:
    """Return an environment in which every AWS client reaches the embedded AWS, and no real profile can."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "TMPDIR": str(home),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
    }


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise StartError(
            f"Port {port} is taken. Stop what uses it, or choose another: PORT={port + 10} make run"
        ) from error
    return listener


def _spawn(listener: socket.socket, env: dict[str, str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "local.emulator", str(listener.fileno())],
            cwd=CHECKOUT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(listener.fileno(),),
            # Ctrl-C in the terminal reaches the runner alone, which then ends this child in order.
            start_new_session=True,
        )


def _end_group(group: int) -> None:
    for _ in range(20):
        try:
            os.killpg(group, signal.SIGKILL)
        # macOS refuses, rather than not to find, a group that has ended and waits to be buried.
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(0.05)
