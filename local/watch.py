"""Notices that a file which decides about the deployment has changed.

It looks rather than listens: a hundred files cost a millisecond, while the notifications of the operating system are
lost for a file that an editor replaces instead of writing into it, and differ on every system.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

WATCHED = ("app.py", "chalicelib", ".chalice/config.json", ".chalice/policies", "infra", "requirements.txt")
SUFFIXES = frozenset({".py", ".json", ".yaml", ".txt"})
LOOK_SECONDS = 0.4

Snapshot = dict[Path, tuple[int, int]]


def changes(
    project: Path, before: Snapshot, still: Callable[[], bool], seconds: float = LOOK_SECONDS
) -> Iterator[list[Path]]:
    """Yield the files, relative to ``project``, that changed together, for as long as ``still`` holds.

    Files that go on changing are waited for: the switch of a branch is one change.

    Args:
        before: What is deployed already. Taken before that deployment, it misses no change made during it.
    """
    seen = before
    while still():
        time.sleep(seconds)
        now = snapshot(project)
        if now == seen != before:
            yield sorted({path.relative_to(project) for path, _ in now.items() ^ before.items()})
            before = now
        seen = now


def snapshot(project: Path) -> Snapshot:
    """Return when each watched file was changed, in nanoseconds, and its size."""
    return {path: stamp for path in _files(project) if (stamp := _stamp(path))}


def _files(project: Path) -> Iterator[Path]:
    for name in WATCHED:
        root = project / name
        yield from (path for path in [root, *root.rglob("*")] if path.suffix in SUFFIXES)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size
