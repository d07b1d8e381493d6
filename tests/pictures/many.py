"""A child that makes avatars of many pictures, one after the other: ``python tests/pictures/many.py < pictures``.

It is confined as for one, and tells what became of each, and how much memory it took in all.
"""

import sys

import msgspec

from chalicelib.domain.avatars import Crop, MediaType
from chalicelib.pictures.__main__ import answer
from chalicelib.pictures.confinement import Bounds, confine
from chalicelib.pictures.inspection import inspect
from chalicelib.pictures.protocol import Task
from chalicelib.pictures.rendering import renditions

CPU_SECONDS = 300


def main() -> None:
    pictures = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=list[tuple[MediaType, bytes]])
    confine(Bounds().memory, CPU_SECONDS)
    for media_type, content in pictures:
        task = Task(media_type, Crop.SMART, len(content), Bounds().memory, CPU_SECONDS)
        found = answer(content, task, inspect, renditions)
        _tell(found.refused.reason if found.refused else f"{len(found.renditions)} files")
    _tell(str(_peak()))


def _tell(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def _peak() -> int:
    """Return the most memory it had, in KiB."""
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123  # few modules are loaded
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
