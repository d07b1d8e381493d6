"""A command of the local run, as a terminal starts and ends it."""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from local.layout import LOOPBACK

PATIENCE_SECONDS = 120.0
PORTS = range(20_000, 32_000)


class Program:
    """``python -m <module>`` in a checkout of its own; ``output`` grows as it prints."""

    def __init__(self, module: str, checkout: Path, patience: float, environment: dict[str, str]) -> None:
        self.checkout = checkout
        self._output = checkout / "output"
        self._patience = patience
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module],
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
        deadline = time.monotonic() + self._patience
        while not (found := re.search(pattern, self.output)):
            patient = self.process.poll() is None and time.monotonic() < deadline
            assert patient or re.search(pattern, self.output), f"no {pattern!r} in:\n{self.output}"
            time.sleep(0.05)
        return found.group(found.lastindex or 0)

    def end(self, number: signal.Signals) -> int:
        """Send a signal, wait until every process of the run has ended, and return the program's exit status."""
        family = family_of(self.process.pid)
        self.process.send_signal(number)
        return self.outlived_by_none(family)

    def outlived_by_none(self, family: set[int]) -> int:
        """Wait until every process of ``family`` has ended, and return the program's exit status."""
        status = self.process.wait(self._patience)
        deadline = time.monotonic() + self._patience
        while left := family & _parents().keys():
            assert time.monotonic() < deadline, f"still running: {left}"
            time.sleep(0.05)
        return status


@contextmanager
def running(
    module: str, checkout: Path, *, patience: float = PATIENCE_SECONDS, **environment: str
) -> Iterator[Program]:
    program = Program(module, checkout, patience, environment)
    try:
        yield program
    finally:
        program.process.kill()
        program.process.wait()


def family_of(root: int) -> set[int]:
    """Return a process and all its descendants, by id."""
    parents, family = _parents(), {root}
    while grown := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= grown
    return family


def _parents() -> dict[int, int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], check=True, capture_output=True, text=True).stdout
    rows = [row.split() for row in listed.splitlines()]
    return {int(pid): int(parent) for pid, parent, state in rows if not state.startswith("Z")}


def free_port() -> str:
    """Return a port that nobody listens on, of those that systems give to nobody who asks for any."""
    while True:
        port = PORTS.start + secrets.randbelow(len(PORTS))
        with socket.socket() as free, suppress(OSError):
            free.bind((LOOPBACK, port))
            return str(port)
