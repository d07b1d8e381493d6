"""What `chalice package` would send to Lambda."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.repository import ROOT

# Of 17 MB, 16 are botocore with the models of every service of AWS.
MAX_MEGABYTES = 18
DEPLOYED = ["app.py", "chalicelib", ".chalice/config.json", ".chalice/policies", "requirements.txt"]
SLOWEST_DOWNLOAD_SECONDS = 300

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("package")]


@dataclass(frozen=True, slots=True)
class Package:
    output: str
    archive: Path

    def texts(self, pattern: str) -> Iterator[str]:
        with ZipFile(self.archive) as archive:
            for name in archive.namelist():
                if re.fullmatch(pattern, name):
                    yield archive.read(name).decode()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    project = tmp_path_factory.mktemp("project")
    for name in DEPLOYED:
        _copy(ROOT / name, project / name)
    chalice = Path(sys.executable).with_name("chalice")
    packaged = subprocess.run(
        [chalice, "package", "--stage", "dev", "packaged"],
        cwd=project,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SLOWEST_DOWNLOAD_SECONDS,
    )
    assert packaged.returncode == 0, packaged.stdout
    return Package(packaged.stdout, project / "packaged" / "deployment.zip")


def test_every_dependency_is_in_the_package(package: Package) -> None:
    assert "Could not install dependencies" not in package.output


def test_every_wheel_was_built_for_lambda(package: Package) -> None:
    wheels = "".join(package.texts(r".*\.dist-info/WHEEL"))
    tags = re.findall(r"^Tag: (.+)$", wheels, re.MULTILINE)

    # A tag of plain Linux means: compiled on this machine, against libraries that Lambda may not have.
    assert [tag for tag in tags if re.search(r"-(linux|macosx|win)", tag)] == []
    assert any("manylinux" in tag for tag in tags), "no compiled wheel at all: is msgspec missing?"


def test_the_package_stays_small(package: Package) -> None:
    megabytes = package.archive.stat().st_size / 1e6

    assert megabytes <= MAX_MEGABYTES


def test_only_what_runs_is_deployed(package: Package) -> None:
    with ZipFile(package.archive) as archive:
        folders = {name.partition("/")[0] for name in archive.namelist()}

    assert {"app.py", "chalicelib", "chalice", "pynamodb"} <= folders
    assert folders.isdisjoint({"boto3", "bench", "infra", "local", "ops", "tests"})


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)
