"""What a local run keeps between a clean stop and the next start: data, uploads and secrets, in one directory."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Functions, routes and logs are left out: they are deployed anew at every start, so that no stale one can bite.
KEPT_SERVICES = frozenset({"dynamodb", "s3", "sns", "sqs", "kinesis", "secretsmanager", "cloudformation"})
OWNER_ONLY = 0o700


class StateInUseError(Exception):
    """Another run holds the directory; the message says so."""


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Hold ``directory`` for one run, reduced to what is kept; raise StateInUseError where another run holds it."""
    directory.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateInUseError(
                f"Another local run is using the data in {directory}. Stop that one first."
            ) from error
        _drop_what_is_deployed_anew(directory)
        yield


def aws_dir(directory: Path) -> Path:
    return directory / "aws"


def discard(directory: Path) -> None:
    """Begin anew: forget data, uploads and secrets. Only while no run holds ``directory``."""
    with held(directory):
        shutil.rmtree(directory)


def _drop_what_is_deployed_anew(directory: Path) -> None:
    for entry in aws_dir(directory).glob("*"):
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.stem not in KEPT_SERVICES:
            entry.unlink()
