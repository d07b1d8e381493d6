"""Folders as Lambda unpacks packages: of Laurel today and before, and of the leanest function, packaged each way."""

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from chalice.deploy.packager import DependencyBuilder, LambdaDeploymentPackager
from chalice.utils import UI, OSUtils

from deploy import archive
from deploy.package import PrunedPackager

CHECKOUT = Path(__file__).resolve().parents[2]
BEFORE = "0e9995d"
"""The last commit that chalice packaged by itself."""
LEANEST = Path(__file__).with_name("leanest.py")
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
_PROJECT = ("app.py", "chalicelib", "requirements.txt")
_OF_THE_APP = ("app.py", "chalicelib/", "chalice/")

Packager = Callable[[OSUtils, DependencyBuilder, UI], Any]


@dataclass(frozen=True, slots=True)
class Tree:
    """An unpacked package, and the megabytes it had packed and has unpacked."""

    path: Path
    zipped: float
    unzipped: float


def today(folder: Path) -> Path:
    """Copy the app as it stands."""
    shutil.copytree(CHECKOUT / "chalicelib", folder / "chalicelib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("app.py", "requirements.txt"):
        shutil.copyfile(CHECKOUT / name, folder / name)
    return folder


def before(folder: Path) -> Path | None:
    """Copy the app as it was before; None in a clone that does not reach so far back."""
    command = ["git", "archive", "--format=tar", BEFORE, *_PROJECT]
    archived = subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=False)
    if archived.returncode:
        return None
    with tarfile.open(fileobj=BytesIO(archived.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def package(project: Path, packager: Packager) -> Path:
    """Return the archive that a packager makes of a project. Takes seconds, and what pip downloads."""
    files = OSUtils()
    made = packager(files, DependencyBuilder(files), UI(out=StringIO(), err=StringIO()))
    return Path(made.create_deployment_package(str(project), RUNTIME))


def chalices(project: Path) -> Path:
    return package(project, LambdaDeploymentPackager)


def ours(project: Path) -> Path:
    return package(project, PrunedPackager)


def unpacked(packed: Path, folder: Path) -> Tree:
    return _written(folder, archive.read(packed))


def leanest(packed: Path, folder: Path, *, compiled: bool) -> Tree:
    """Unpack the leanest function with the dependencies of a package of Laurel's, and all else of it gone."""
    files = {name: each for name, each in archive.read(packed).items() if not name.startswith(_OF_THE_APP)}
    files[LEANEST.name] = LEANEST.read_bytes()
    return _written(folder, archive.with_byte_code(files) if compiled else files)


def _written(folder: Path, files: dict[str, bytes]) -> Tree:
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    packed = folder.with_suffix(".zip")
    archive.write(packed, files)
    return Tree(folder, packed.stat().st_size / 1e6, sum(map(len, files.values())) / 1e6)
