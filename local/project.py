"""The copy of a project that is deployed: without byte code, and not edited while it is read."""

import shutil
from pathlib import Path

APP_FILES = ("app.py", "chalicelib", "vendor", "requirements.txt", ".chalice/config.json", ".chalice/policies")


def copied(source: Path, copy: Path) -> Path:
    """Bring ``copy`` in line with ``source``, and return it: chalice's records live in the copy alone."""
    for name in APP_FILES:
        origin, target = source / name, copy / name
        if target.is_dir():
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, target, ignore=shutil.ignore_patterns("__pycache__"))
        elif origin.exists():
            shutil.copyfile(origin, target)
    return copy
