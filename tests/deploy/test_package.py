"""What is sent to Lambda is small, and holds what functions read."""

import ast
import gzip
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from importlib.util import cache_from_source
from io import StringIO
from pathlib import Path, PurePosixPath
from typing import Any

import botocore
import pytest
from chalice.deploy.packager import DependencyBuilder, MissingDependencyError, Package, PackageDownloadError
from chalice.utils import UI, OSUtils

from bench.cold.trees import RUNTIME
from chalicelib.store import clients
from chalicelib.store.clients import Clients
from deploy import archive, libraries, pruning
from deploy.errors import DeployError
from deploy.package import MAX_ZIPPED_MB, PrunedPackager
from tests.deploy.locks import pins
from tests.repository import ROOT

USUAL_MB = 11
"""A package of much more than it has had so far holds something that nobody meant to send."""
BOTOCORE = Path(botocore.__file__).parent


@pytest.fixture(scope="module")
def files(packed: Path) -> dict[str, bytes]:
    return archive.read(packed)


@pytest.mark.slow
@pytest.mark.xdist_group("package")
class TestTheAppsPackage:
    def test_it_is_small(self, packed: Path) -> None:
        assert packed.stat().st_size / 1e6 <= USUAL_MB < MAX_ZIPPED_MB

    def test_only_what_runs_is_in_it(self, files: dict[str, bytes]) -> None:
        folders = {PurePosixPath(name).parts[0] for name in files}

        assert {"app.py", "chalicelib", "chalice", "pynamodb", "PIL"} <= folders
        assert folders.isdisjoint({"boto3", "bench", "deploy", "infra", "local", "ops", "tests"})
        assert not [name for name in files if re.search(r"\.pyi$|/tests?/|/RECORD$|/examples-1", name)]

    def test_of_pillow_there_is_what_makes_avatars(self, files: dict[str, bytes]) -> None:
        plugins = {match[1] for name in files if (match := re.fullmatch(r"PIL/(\w+)ImagePlugin\.py", name))}
        bundled = {match[1] for name in files if (match := re.fullmatch(r"[^/]+\.libs/lib([a-z]+).*", name))}

        assert plugins == {"Avif", "Bmp", "Gif", "Jpeg", "Mpo", "Png", "Ppm", "Tiff", "WebP"}
        assert {"avif", "jpeg", "lcms", "webp"} <= bundled
        assert bundled.isdisjoint({"freetype", "harfbuzz", "brotlicommon", "brotlidec", "png"})
        assert not [name for name in files if re.match(r"PIL/(_imagingft|_imagingtk|ImageFont|ImageTk)\.", name)]

    def test_what_is_installed_can_be_told_and_keeps_its_licence(self, files: dict[str, bytes]) -> None:
        pinned = pins((ROOT / "requirements.txt").read_text(), sys.version_info[:2])
        told = {
            tuple(re.findall(r"^(?:Name|Version): (.+)$", content.decode(), re.MULTILINE)[:2])
            for name, content in files.items()
            if name.endswith(".dist-info/METADATA")
        }
        licensed = {name.partition("-")[0] for name in files if re.search(r"\.dist-info/(licenses/)?LICEN[CS]E", name)}

        assert {f"{_normal(name)}=={version}" for name, version in told} == set(pinned)
        assert {_normal(name) for name in licensed} == {name.partition("==")[0] for name in pinned}

    def test_every_module_has_byte_code_for_the_running_python(self, files: dict[str, bytes]) -> None:
        modules = [name for name in files if name.endswith(".py")]

        assert [name for name in modules if cache_from_source(name) not in files] == []

    def test_the_services_of_clients_are_described_and_no_others(self, files: dict[str, bytes]) -> None:
        described = {name.split("/")[2] for name in files if re.match(r"botocore/data/[^/]+/", name)}

        assert described == pruning.SERVICES == clients.SERVICES | {"dynamodb"}

    @pytest.mark.parametrize("service", sorted(pruning.SERVICES))
    def test_a_description_lost_nothing_but_its_prose(self, files: dict[str, bytes], service: str) -> None:
        (name,) = (name for name in files if re.match(rf"botocore/data/{service}/[^/]+/service-2\.json", name))
        whole = json.loads(gzip.decompress((BOTOCORE.parent / name).read_bytes()))

        assert _texts_without(json.loads(gzip.decompress(files[name]))) == _texts_without(whole)

    def test_endpoints_of_described_services_are_all_there(self, files: dict[str, bytes]) -> None:
        name = "botocore/data/endpoints.json"
        kept, whole = json.loads(files[name]), json.loads((BOTOCORE.parent / name).read_bytes())

        for partition, other in zip(kept["partitions"], whole["partitions"], strict=True):
            assert set(partition["services"]) <= {"dynamodb", "streams.dynamodb", "s3", "sns", "sqs"}
            assert {**other, "services": {**other["services"], **partition["services"]}} == other
            assert {"dynamodb", "sqs"} <= partition["services"].keys() or "dynamodb" not in other["services"]


def test_only_the_two_makers_of_clients_make_clients() -> None:
    made = {
        (path.name, ast.unparse(call.args[0]))
        for path in (ROOT / "chalicelib").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") in {"create_client", "client", "resource"}
    }

    assert made == {("clients.py", "service"), ("dynamo.py", "'dynamodb'")}


def test_a_client_of_a_service_that_is_not_packaged_is_refused() -> None:
    with pytest.raises(LookupError, match=r"kinesis.*deploy/pruning\.py"):
        Clients().of("kinesis")


class Dependencies(DependencyBuilder):
    """Installs what it is told to, as if pip had."""

    def __init__(self, files: Mapping[str, bytes], failure: Exception | None = None) -> None:
        self._files = files
        self._failure = failure
        self.built = 0

    def build_site_packages(self, abi: str, requirements_filepath: str, target_directory: str) -> None:
        del abi, requirements_filepath
        self.built += 1
        for name, content in self._files.items():
            path = Path(target_directory, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if self._failure:
            raise self._failure


Project = Callable[[str], Path]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    def of(name: str) -> Path:
        folder = tmp_path / name
        (folder / "chalicelib").mkdir(parents=True)
        for file in ("app.py", "chalicelib/store.py"):
            (folder / file).write_text("import library\n")
        (folder / "requirements.txt").write_text("library==1\n")
        return folder

    return of


def _package(project: Path, dependencies: Dependencies, architecture: str = "x86_64") -> Path:
    packager: Any = PrunedPackager(OSUtils(), dependencies, UI(StringIO(), StringIO()), architecture)
    return Path(packager.create_deployment_package(str(project), RUNTIME))


LIBRARY = {"library/__init__.py": b"", "library/tests/test_it.py": b"", "library/py.typed": b""}


def test_a_package_is_built_once_and_dependencies_once_per_requirements(project: Project) -> None:
    folder, dependencies = project("laurel"), Dependencies(LIBRARY)

    first, again = _package(folder, dependencies), _package(folder, dependencies)
    (folder / "app.py").write_text("import library  # changed\n")
    changed = _package(folder, dependencies)

    assert first == again != changed
    assert archive.read(changed)["app.py"] == b"import library  # changed\n"
    assert dependencies.built == 1
    (folder / "requirements.txt").write_text("library==2\n")
    _package(folder, dependencies)
    assert dependencies.built == 2


def test_equal_projects_make_equal_packages(project: Project) -> None:
    one, other = project("one"), project("other")
    (other / "chalicelib" / "__pycache__").mkdir()
    (other / "chalicelib" / "__pycache__" / "store.pyc").write_bytes(b"of who knows when")
    os.utime(other / "app.py", (1, 1))

    packages = [_package(folder, Dependencies(LIBRARY)) for folder in (one, other)]

    assert packages[0].name == packages[1].name
    assert packages[0].read_bytes() == packages[1].read_bytes()


def test_a_dependency_that_cannot_be_had_ends_it(project: Project) -> None:
    folder = project("laurel")

    with pytest.raises(DeployError, match=rf"requirements\.txt: no wheel of library==1 for {RUNTIME} on x86_64"):
        _package(folder, Dependencies({}, MissingDependencyError({Package("", "library-1-py3-none-any.whl")})))
    with pytest.raises(DeployError, match=r"requirements\.txt: pip could not download .*: no network"):
        _package(folder, Dependencies({}, PackageDownloadError("no network")))
    assert _left(folder) == []


def test_a_package_that_is_too_large_is_refused_with_what_is_largest(project: Project) -> None:
    folder = project("laurel")

    with pytest.raises(DeployError, match=r"at most 15 and 250 are taken. The largest in it: models 15\.1 MB, "):
        _package(folder, Dependencies({"models/weights.bin": os.urandom(15_100_000)}))
    assert [name for name in _left(folder) if not name.startswith("dependencies-")] == []


def test_botocore_without_a_service_that_is_used_is_refused(project: Project) -> None:
    description = {"botocore/data/sqs/2012-11-05/service-2.json.gz": gzip.compress(b"{}")}

    with pytest.raises(DeployError, match=r"no dynamodb, dynamodbstreams, s3, sns: correct SERVICES in deploy/pruning"):
        _package(project("laurel"), Dependencies(description))


def test_libraries_go_with_the_only_ones_that_asked_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {b"core": ["libused.so.1"], b"used": ["libdeep.so.2", "libc.so.6"], b"lost": ["libdeep.so.2"]}
    monkeypatch.setattr(libraries, "read", lambda content: content if content in asked else None)
    monkeypatch.setattr(libraries, "needed", lambda library: iter(asked[library]))
    files = {
        "picture/core.so": b"core",
        "picture.libs/libused.so.1": b"used",
        "picture.libs/libdeep.so.2": b"deep",
        "picture.libs/libfont.so.3": b"lost",
    }

    assert files.keys() - pruning.pruned(files).keys() == {"picture.libs/libfont.so.3"}


def _left(project: Path) -> list[str]:
    return [path.name for path in (project / ".chalice").rglob("*") if path.is_file()]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _texts_without(part: Any) -> Any:
    """Return a description with every text of its documentation gone."""
    if isinstance(part, dict):
        return {n: _texts_without(each) for n, each in part.items() if n != "documentation" or isinstance(each, dict)}
    return [_texts_without(each) for each in part] if isinstance(part, list) else part
