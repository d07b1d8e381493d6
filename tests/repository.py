"""The repository's own files, for tests about them."""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Made by tools or by running, never committed.
_UNTRACKED = {".git", ".hypothesis", ".local", "__pycache__", "deployed", "deployments", "dist", "node_modules"}
_SUFFIXES_OF_BINARIES = {".gif", ".ico", ".jpg", ".jpeg", ".pdf", ".png", ".pyc", ".webp", ".woff2", ".zip"}


def text_files(suffix: str = "") -> Iterator[Path]:
    """Yield the files that people write and read, in a steady order."""
    for path in sorted(ROOT.rglob(f"*{suffix}")):
        parts = path.relative_to(ROOT).parts
        if path.is_file() and path.suffix not in _SUFFIXES_OF_BINARIES and not any(map(_is_untracked, parts)):
            yield path


def _is_untracked(part: str) -> bool:
    return part in _UNTRACKED or part.startswith(".venv") or (part.startswith(".") and part.endswith("_cache"))


def named(path: Path) -> str:
    """Return the path as a reader of the repository would say it."""
    return path.relative_to(ROOT).as_posix()
