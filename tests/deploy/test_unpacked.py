"""The package runs by itself: every function, in each Python of Lambda's that is at hand here."""

import json
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from chalice.deploy.packager import DependencyBuilder, PipRunner, SubprocessPip
from chalice.utils import UI, OSUtils
from PIL import ExifTags, Image, ImageCms

from bench.cold import functions, trees
from bench.cold.trees import RUNTIME
from bench.scene import Actor, event
from chalicelib.domain.avatars import SIZES, Form, MediaType
from deploy import archive
from deploy.package import PrunedPackager
from tests.deploy.locks import pins
from tests.deploy.unpacked import VERSIONS, Aws, Function, function, interpreter
from tests.fake_dynamodb import FakeDynamoDB
from tests.store.scripted import serving
from tests.tables import PREFIX, tables

OPERATORS = {"audit_ranks", "rebuild_ranks", "export_records", "advise_ranks"}
RUNNING = RUNTIME.removeprefix("python")
COMPILED = frozenset({"msgspec", "pillow"})
"""Dependencies that are another for each Python and processor."""
OF_COMPILED = ("msgspec*", "pillow*", "PIL")
ELF = b"ELF"
IN_PACKAGE = {"msgspec", "PIL", "pillow.libs"}
STDLIB = sysconfig.get_path("stdlib")

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("package")]


class OtherPip(SubprocessPip):
    """A pip that looks for wheels of another Python than its own, which chalice's does not."""

    def __init__(self, version: str) -> None:
        super().__init__(OSUtils())
        self._version = version

    def main(self, args: list[str], *rest: Any, **named: Any) -> tuple[int, bytes, bytes]:
        chosen = ["--python-version", self._version] if "--abi" in args else []
        return super().main([*args, *chosen], *rest, **named)


@pytest.fixture
def dynamodb() -> FakeDynamoDB:
    return FakeDynamoDB(list(tables()))


@pytest.fixture
def aws(dynamodb: FakeDynamoDB) -> Iterator[str]:
    with serving() as server:
        server.script = Aws(dynamodb).answer
        yield server.url


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def of_version(version: str, tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked package for a version."""
    if version == RUNNING:
        return tree
    folder = tmp_path_factory.mktemp("other") / "laurel"
    shutil.copytree(tree, folder, ignore=shutil.ignore_patterns("__pycache__", *OF_COMPILED))
    for name, content in _compiled(version, "x86_64", folder.with_name("project")).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def python(version: str) -> str:
    return interpreter(version) or pytest.skip(f"not run with Python {version}: there is none on this machine")


def test_every_function_runs_from_the_package_alone(
    of_version: Path, python: str, aws: str, dynamodb: FakeDynamoDB
) -> None:
    events, answers = functions.events(), {}
    with function(of_version, functions.API, url=aws, python=python) as api:
        (entry,) = _play(api)
    for name in sorted(events.keys() - {functions.API}):
        with function(of_version, name, url=aws, python=python) as other:
            answers[name] = other.call(events[name])

    assert (entry["rank"], entry["score"]) == (1, 4200)
    assert answers.pop(functions.AUTHORIZER)["policyDocument"]["Statement"][0]["Effect"] == "Allow"
    assert answers.pop(functions.STREAM) == {"batchItemFailures": []}
    assert functions.PLAYER in repr(dynamodb.items(f"{PREFIX}ranks")), "not counted"
    assert answers.pop("replay_dead_letters") == {"fates": [], "more": False}
    assert answers.pop("keep_ranks")["copied"] == 1
    assert answers.pop("deliver_notices") is None
    assert answers.pop("heed_alarms") is None
    assert "rank-drift" in repr(dynamodb.items(f"{PREFIX}notices")), "not heeded"
    assert answers.pop("keep_seasons")["rollovers"] == []
    assert answers.pop(functions.UPLOADS) is None
    assert answers.keys() == OPERATORS
    assert {name: answer.get("error") for name, answer in answers.items()} == dict.fromkeys(OPERATORS)


def test_botocore_makes_the_calls_by_itself_as_well(tree: Path, aws: str) -> None:
    with function(tree, functions.API, url=aws, calls="botocore") as api:
        (entry,) = _play(api)

    assert (entry["rank"], entry["score"]) == (1, 4200)


def test_all_that_is_imported_is_pythons_or_the_packages_own(tree: Path, aws: str) -> None:
    with function(tree, functions.API, url=aws) as api:
        _play(api)
        modules = api.end()

    strays = {name for name, file in modules.file_by_name.items() if not file.startswith((str(tree), STDLIB))}
    packaged = {
        name for name, file in modules.file_by_name.items() if file.startswith(str(tree)) and file.endswith(".py")
    }
    assert strays == set()
    assert {"app", "chalicelib.api.routing", "chalice.app", "botocore.client", "pynamodb.models"} <= packaged
    assert packaged - modules.compiled == set()


def test_few_dependencies_are_compiled(tree: Path) -> None:
    compiled = {name for name, content in _files(tree).items() if content.startswith(ELF)}

    assert {PurePosixPath(name).parts[0].partition(".cpython")[0] for name in compiled} == IN_PACKAGE


def test_there_are_libraries_for_the_other_processor(tmp_path: Path) -> None:
    """On the oldest of Lambda's systems: what loads there loads on the others."""
    suffix = f".cpython-{VERSIONS[0].replace('.', '')}-aarch64-linux-gnu.so"

    modules = {name for name in _compiled(VERSIONS[0], "arm64", tmp_path / "project") if name.endswith(suffix)}

    assert {name.removesuffix(suffix) for name in modules} == {
        *("PIL/_avif", "PIL/_imaging", "PIL/_imagingcms", "PIL/_imagingmath", "PIL/_webp", "msgspec/_core")
    }


def test_pictures_of_every_format_become_avatars(of_version: Path, python: str) -> None:
    uploads = {media_type: picture(media_type).hex() for media_type in MediaType}
    program = [python, "-I", "-S", "-B", "-c", RENDERING, str(of_version)]

    rendered = subprocess.run(program, input=json.dumps(uploads), env=BARE, capture_output=True, text=True, check=False)

    assert rendered.stderr == ""
    expected = sorted([size, form] for size in SIZES for form in Form)
    assert json.loads(rendered.stdout) == dict.fromkeys(uploads, expected)


BARE = {"PATH": os.defpath}
RENDERING = """\
import json, sys
sys.path.insert(0, sys.argv[1])
from chalicelib.domain.avatars import Crop, MediaType
from chalicelib.pictures.confinement import Bounds
from chalicelib.pictures.renderer import Renderer
patient = Bounds(start_seconds=60, seconds=60, cpu_seconds=60)
made = {}
for media_type, content in json.load(sys.stdin).items():
    avatar = Renderer(patient).render(bytes.fromhex(content), MediaType(media_type), Crop.SMART)
    made[media_type] = sorted([each.size, each.form] for each in avatar) if isinstance(avatar, list) else str(avatar)
print(json.dumps(made))
"""
"""What make_avatar does with uploads: the children it starts have nothing but the package either."""


def picture(media_type: MediaType) -> bytes:
    """Return a picture as a camera would take it: turned by its EXIF, of colours that its profile explains."""
    image, exif = Image.new("RGB", (300, 200), "teal"), Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    buffer = BytesIO()
    image.save(buffer, media_type.removeprefix("image/"), exif=exif, icc_profile=profile)
    return buffer.getvalue()


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _compiled(version: str, architecture: str, project: Path) -> dict[str, bytes]:
    """Return what of the package is another for another Python or processor, past the gates, but for byte code.

    Only the dependencies that are compiled are packaged for it: the others are the same files for all.
    """
    trees.today(project)
    lock, (major, minor) = project / "requirements.txt", version.split(".")
    # Without their markers, which pip judges by the Python that it runs on.
    compiled = [pin for pin in pins(lock.read_text(), (int(major), int(minor))) if pin.partition("==")[0] in COMPILED]
    lock.write_text("\n".join(compiled))
    files = OSUtils()
    builder = DependencyBuilder(files, PipRunner(OtherPip(version), files), architecture)
    packager: Any = PrunedPackager(files, builder, UI(StringIO(), StringIO()), architecture)
    package = archive.read(Path(packager.create_deployment_package(str(project), f"python{version}")))
    return {name: content for name, content in package.items() if not name.endswith(".pyc")}


def _play(api: Function) -> Any:
    """Play a game, and return what the board shows."""
    board = {"board_id": "points", "title": "Points"}
    _answered(api, event("POST", "/admin/boards", body=board, admin=True))
    player = _answered(api, event("POST", "/players", body={"device_id": "a-device-of-a-test"}))
    caller = Actor(player["player"]["player_id"], player["tokens"]["access_token"], {})
    game = _answered(api, event("POST", "/gameStart", body={}, caller=caller))
    ended = {"game_id": game["game_id"], "scores": [{"board_id": "points", "score": 4200}]}
    _answered(api, event("POST", "/gameEnd", body=ended, caller=caller))
    _answered(api, event("GET", "/"))
    _answered(api, event("GET", "/openapi.json"))
    return _answered(api, event("GET", "/boards/{board_id}/entries", path={"board_id": "points"}))["entries"]


def _answered(api: Function, request: Any) -> Any:
    answer = api.call(request)
    assert answer["statusCode"] < 300, answer["body"]
    return json.loads(answer["body"])
