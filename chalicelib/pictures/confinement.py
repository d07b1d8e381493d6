"""What a process may take of the machine, given away by the process itself: there is no way back."""

import resource
import sys
from contextlib import suppress

from msgspec import Struct

MIB = 1024 * 1024
_OPEN_FILES = 32
"""Streams, and modules that a decoder imports as it needs them."""
_CODE = 64 * MIB
"""Of address space, for those modules."""


class Bounds(Struct, frozen=True):
    """What making one avatar may take at most."""

    memory: int = 352 * MIB
    """Bytes of memory of its own, on top of the files of code it maps."""
    cpu_seconds: int = 15
    seconds: float = 25
    """On the clock. With the start, and whatever else an upload takes, it must fit into the function's own time."""
    start_seconds: float = 10
    answer: int = 8 * MIB
    """Bytes: eight files of noise, the worst to compress, come to less than two MiB."""


def confine(memory: int, cpu_seconds: int) -> None:
    """Give up what this process does not need: memory, time, files.

    Linux holds a process to all of it. macOS knows no limit of memory: there, on a developer's machine, the clock alone
    ends what grows. The number of processes is for ``seclusion``: a limit would count all of the user's.
    """
    _limit("RLIMIT_CORE", 0)
    _limit("RLIMIT_FSIZE", 0)
    _limit("RLIMIT_NOFILE", _OPEN_FILES)
    _limit("RLIMIT_CPU", cpu_seconds)
    _limit("RLIMIT_DATA", memory)
    _limit("RLIMIT_AS", _mapped() + _CODE + memory)


def _limit(name: str, most: int) -> None:
    unenforceable = (ValueError, OSError) if sys.platform != "linux" else ()
    with suppress(*unenforceable):
        resource.setrlimit(getattr(resource, name), (most, most))


def _mapped() -> int:
    """Return the bytes of address space in use, most of them mapped from files: code, of which little is loaded."""
    if sys.platform != "linux":
        return 0
    with open("/proc/self/statm", "rb") as sizes:  # noqa: PTH123  # pathlib would be loaded for this line alone
        return int(sizes.read().split()[0]) * resource.getpagesize()
