"""The command itself, as a terminal starts and ends it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from local import resources
from local.layout import CHECKOUT, LOOPBACK, TABLE_PREFIX
from tests.local.small import make_project

pytestmark = pytest.mark.e2e

PATIENCE_SECONDS = 20.0


class Runner:
    """``python -m local.run`` in a checkout of its own; ``output`` grows as it prints."""

    def __init__(self, checkout: Path, **environment: str) -> None:
        self._output = checkout / "output"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local.run"],
                cwd=checkout,
                env={"PATH": os.environ["PATH"], "TMPDIR": str(checkout), **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait_for(self, pattern: str) -> str:
        """Return the first group of ``pattern`` as soon as the output holds it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := re.search(pattern, self.output)):
            assert time.monotonic() < deadline, f"no {pattern!r} in:\n{self.output}"
            time.sleep(0.05)
        return found.group(found.lastindex or 0)

    def end(self, number: signal.Signals) -> int:
        """Send a signal, wait until every process of the run has ended, and return the runner's exit status."""
        family = _family(self.process.pid)
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE_SECONDS)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while left := family & _parents().keys():
            assert time.monotonic() < deadline, f"still running: {left}"
            time.sleep(0.05)
        return status


def _parents() -> dict[int, int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], check=True, capture_output=True, text=True).stdout
    rows = [row.split() for row in listed.splitlines()]
    return {int(pid): int(parent) for pid, parent, state in rows if not state.startswith("Z")}


def _family(root: int) -> set[int]:
    parents, family = _parents(), {root}
    while grown := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= grown
    return family


@contextmanager
def running(checkout: Path, **environment: str) -> Iterator[Runner]:
    runner = Runner(checkout, **environment)
    try:
        yield runner
    finally:
        runner.process.kill()
        runner.process.wait()


@pytest.fixture
def port() -> str:
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        return str(free.getsockname()[1])


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    make_project(tmp_path)
    for name in ("local", "infra"):
        shutil.copytree(CHECKOUT / name, tmp_path / name)
    return tmp_path


def test_a_run_from_start_to_every_kind_of_end(checkout: Path, port: str) -> None:
    words = checkout / "chalicelib" / "words.py"
    with running(checkout, PORT=port) as runner:
        url = runner.wait_for(r"Laurel is up after [\d.]+ s: (\S+)")
        admin_key = runner.wait_for(r"Admin key: (\S+)")
        words.write_text('GREETING = "servus"\n')
        runner.wait_for(r"Changed: chalicelib/words.py\nDeployed")
        greeting = requests.get(url, timeout=5).json()["greeting"]
        words.write_text("GREETING = (")
        runner.wait_for("SyntaxError.*\nNot deployed")
        still = requests.get(url, timeout=5).json()["greeting"]
        resources.client("dynamodb", f"http://{LOOPBACK}:{port}").put_item(
            TableName=f"{TABLE_PREFIX}boards", Item={"board_id": {"S": "speedrun"}}
        )

        runner.end(signal.SIGKILL)

    assert greeting == still == "servus"
    assert not list(checkout.glob("laurel-*"))

    words.write_text('GREETING = "again"\n')
    with running(checkout, PORT=port) as runner:
        assert runner.wait_for(r"Admin key: (\S+)") == admin_key
        runner.wait_for("Ctrl-C stops everything")
        boards = resources.client("dynamodb", f"http://{LOOPBACK}:{port}").scan(TableName=f"{TABLE_PREFIX}boards")

        assert boards["Items"] == [{"board_id": {"S": "speedrun"}}]
        assert runner.end(signal.SIGINT) == 0
        assert "Stopped; the data is saved." in runner.output

    assert not list(checkout.glob("laurel-*"))


def test_fresh_begins_anew_and_sigterm_ends_it_during_the_start(checkout: Path, port: str) -> None:
    kept = checkout / ".local" / "state" / "credentials.json"
    kept.parent.mkdir(parents=True)
    kept.write_text('{"admin_key": "old", "signing_secret": "old"}')

    with running(checkout, PORT=port, FRESH="1") as runner:
        while '"old"' in kept.read_text() if kept.exists() else True:
            time.sleep(0.01)

        assert runner.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none_is_refused(checkout: Path, port: str) -> None:
    with running(checkout, PORT=port) as runner:
        assert runner.process.wait(PATIENCE_SECONDS) == 1
        assert "PORT must be a number from 1 to 65535" in runner.output
