"""Servers of the peers: started on a free port of this machine, in a folder that goes with them."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.ranking.peer import Unavailable
from bench.ranking.wire import LOOPBACK

_PATIENCE_SECONDS = 30.0
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def program(name: str, *folders: Path) -> Path:
    """Return where a program is, looking at PATH first, or raise Unavailable."""
    found = shutil.which(name) or next((str(each / name) for each in folders if (each / name).exists()), None)
    if found is None:
        raise Unavailable(f"no {name} on PATH")
    return Path(found)


def free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(command: Sequence[str], port: int, log: Path, user: str | None = None) -> Iterator[int]:
    """Run a server that listens on a port, and yield its process id."""
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output, user=user) as server:
        try:
            _wait_for(port, server, log)
            yield server.pid
        finally:
            server.terminate()


def _wait_for(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the server did not come up: {log.read_text(errors='replace')[-500:]}")


def resident_bytes(pid: int) -> int:
    """Return what a process holds in memory, pages it shares included."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
