"""One way of making an avatar, once, in a process of its own: ``python -m bench.pictures.once <task>``.

It prints milliseconds, and the MiB that the largest of its children held. A child counts as no smaller than its parent,
which is why this imports little.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chalicelib.domain.avatars import Crop, MediaType
from chalicelib.pictures.renderer import Renderer

_UNITS_PER_MIB = 1024 if sys.platform == "linux" else 1024 * 1024


def main() -> None:
    work = _work(json.loads(sys.argv[1]))
    started = time.perf_counter()
    work()
    milliseconds = (time.perf_counter() - started) * 1000
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / _UNITS_PER_MIB
    sys.stdout.write(json.dumps([milliseconds, peak]))


def _work(task: dict[str, Any]) -> Callable[[], None]:
    if "commands" in task:
        return lambda: _run(task["commands"])
    content, media_type = Path(task["path"]).read_bytes(), MediaType(task["media_type"])
    return lambda: _render(content, media_type)


def _run(commands: list[list[str]]) -> None:
    for command in commands:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def _render(content: bytes, media_type: MediaType) -> None:
    made = Renderer().render(content, media_type, Crop.CENTRE)
    if not isinstance(made, list):
        sys.exit(made.message)


if __name__ == "__main__":
    main()
