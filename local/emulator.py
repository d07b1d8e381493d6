"""The child process of the local run: ministack behind the browser guard, on a socket it is given.

It ends, saving its state, when its standard input closes: so it outlives its parent neither when that stops nor when
that is killed. It is a process group of its own, and takes the Lambda workers with it.
"""

import asyncio
import importlib.metadata
import os
import shutil
import signal
import sys
import threading

REQUIRED_VERSION = "1.5.33"


def require_version(installed: str) -> None:
    """Exit with the way out when another ministack is installed than the one everything here was tried with."""
    if installed != REQUIRED_VERSION:
        sys.exit(f"The local run needs ministack {REQUIRED_VERSION}, found {installed}: run `make setup` again.")


require_version(importlib.metadata.version("ministack"))

from hypercorn.asyncio import serve  # noqa: E402  (after the check: its message is clearer than a failing import)
from hypercorn.config import Config  # noqa: E402
from ministack.app import app  # type: ignore[import-untyped]  # noqa: E402  (ships no types)

from local.guard import guarded  # noqa: E402

GRACE_SECONDS = 0.5


def main() -> None:
    """Serve until standard input closes, then remove the work directory and end every process of the group."""
    try:
        asyncio.run(_serve(int(sys.argv[1])))
    finally:
        shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
        _end_group()


async def _serve(listener: int) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    threading.Thread(target=_await_parent, args=(loop, stopped), daemon=True).start()
    config = Config()
    config.bind = [f"fd://{listener}"]
    config.graceful_timeout = GRACE_SECONDS
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    await serve(guarded(app), config, shutdown_trigger=stopped.wait)


def _await_parent(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    sys.stdin.buffer.read()
    loop.call_soon_threadsafe(stopped.set)


def _end_group() -> None:
    # A handler that is still running would keep its worker, and a thread of ours, alive.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(os.getpgid(0), signal.SIGTERM)
    os._exit(0)


if __name__ == "__main__":
    main()
