"""The container image without Docker: the files infra/Dockerfile lays out, run by Lambda's own runtime client."""

import json
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from chalice.deploy.packager import DependencyBuilder
from chalice.utils import UI, OSUtils

from deploy import archive
from deploy.image import ARCHITECTURE_BY_PLATFORM
from deploy.package import PrunedPackager
from local.layout import ACCOUNT, REGION
from local.stack import LocalStack
from tests.alarms import alarm_event
from tests.deploy import dockerfile
from tests.deploy.dockerfile import Build
from tests.deploy.lambda_runtime import Outcome, runtime_client, started
from tests.e2e.client import Client, Player
from tests.notices import told
from tests.repository import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
with_runtime_client = pytest.mark.skipif(sys.platform != "linux", reason="awslambdaric has wheels for Linux only")

DOCKERFILE, IGNORE = ROOT / "infra" / "Dockerfile", ROOT / ".dockerignore"
TASK_ROOT = Path("var/task")
PATIENCE_SECONDS = 120
PLATFORM = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
BOARD = "contained"
STAGES = dockerfile.read(DOCKERFILE)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the image's last stage, from /, as the Dockerfile lays them out."""
    return built(tmp_path_factory.mktemp("image"), PLATFORM)


def built(folder: Path, wanted: str) -> Path:
    """Return the files of the image for a platform, as Docker calls it."""
    context = dockerfile.allowed(ROOT, IGNORE, folder / "context")
    variables = {"TARGETARCH": wanted, "LAMBDA_TASK_ROOT": f"/{TASK_ROOT}"}
    return Build(context, folder / "stages", variables, _run).make(STAGES)


def _run(words: list[str], directory: Path, root: Path) -> None:
    """Carry out a RUN: what it installs is installed here, and all else is run as it stands."""
    program, *arguments = words
    assert program == "python"
    if arguments[:3] == ["-m", "pip", "install"]:
        assert arguments[3:6] == ["--no-cache-dir", "--constraint", "requirements-dev.txt"]
        assert (directory / "requirements-dev.txt").exists()
        return
    inside = [str(root / word.lstrip("/")) if word.startswith("/") else word for word in arguments]
    made = subprocess.run([sys.executable, *inside], cwd=directory, check=False, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr


@pytest.fixture(scope="module")
def run(image: Path, stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return what starts a function of the image, next to the deployed one's data."""
    client = runtime_client(tmp_path_factory.mktemp("runtime") / "client")
    variables = invoker(stack).get_function_configuration(FunctionName="laurel-local")["Environment"]["Variables"]
    environment = {
        **variables,
        "AWS_ENDPOINT_URL": stack.aws_endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }

    def start(handler: str, **changes: str) -> Any:
        return started(image, client, handler, {**environment, **changes})

    return start


def invoker(stack: LocalStack) -> Any:
    return stack.target.client("lambda")


@dataclass
class Scene:
    """A board with players, and the events that AWS would send about it."""

    client: Client
    players: list[Player] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client.board(BOARD)
        self.players = [self.client.player() for _ in range(3)]
        for score, player in enumerate(self.players):
            self.client.submit(BOARD, player, score)

    def events(self) -> dict[str, list[Any]]:
        """Return events by handler."""
        return {
            "app.app": [
                proxied("GET", "/boards/{board_id}/entries", {"board_id": BOARD}),
                proxied("GET", "/boards/{board_id}", {"board_id": "nowhere"}),
                proxied("GET", "/openapi.json"),
                proxied("POST", "/players", body={"device_id": ""}),
            ],
            "app.player_authorizer": [self._token(self.players[0].token), self._token("forged")],
            "app.settle_records": [{"Records": [self._change()]}],
            "app.make_avatar": [UPLOADED],
            "app.deliver_notices": [told(self.players[0].player_id)],
            "app.keep_ranks": [SCHEDULED],
            "app.heed_alarms": [
                {**alarm_event("laurel-local-rank-drift", "OK"), "account": ACCOUNT, "region": REGION},
                alarm_event("laurel-local2-rank-drift", "OK"),
            ],
            "app.keep_seasons": [SCHEDULED, {"board_id": "nowhere"}],
            "app.replay_dead_letters": [None],
            "app.audit_ranks": [{"board_id": BOARD}, {}, {"board_id": "nowhere"}],
            "app.rebuild_ranks": [{"board_id": BOARD, "lanes": 1}, {"lanes": 99}],
            "app.export_records": [{"board_id": BOARD}, {"board_id": BOARD, "format": "csv"}],
            "app.advise_ranks": [{"board_id": BOARD, "writes_per_second": 2000}],
        }

    @staticmethod
    def _token(token: str) -> Any:
        arn = f"arn:aws:execute-api:{REGION}:000000000000:laurel/api/GET/players/me"
        return {"type": "TOKEN", "authorizationToken": f"Bearer {token}", "methodArn": arn}

    def _change(self) -> Any:
        """Return a change of a stored record, as the records' stream tells of it."""
        target = self.client.stack.target
        key = {"player_id": {"S": self.players[0].player_id}, "board_period": {"S": f"{BOARD}#all"}}
        stored = target.client("dynamodb").get_item(TableName="laurel-local-records", Key=key)["Item"]
        told = {"Keys": key, "NewImage": stored, "SequenceNumber": "1", "StreamViewType": "NEW_AND_OLD_IMAGES"}
        told |= {"ApproximateCreationDateTime": 1700000000, "SizeBytes": 100}
        arn = f"arn:aws:dynamodb:{REGION}:000000000000:table/laurel-local-records/stream/2026-11-22T00:00:00.000"
        record = {"eventID": "1", "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb"}
        return {**record, "awsRegion": REGION, "eventSourceARN": arn, "dynamodb": told}


SCHEDULED = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "000000000000",
    "time": "2026-11-22T12:00:00Z",
    "region": REGION,
    "resources": [f"arn:aws:events:{REGION}:000000000000:rule/laurel-local-keep_ranks-event"],
    "detail": {},
}


UPLOADED = {
    "Records": [
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": REGION,
            "eventTime": "2026-11-22T12:00:00.000Z",
            "eventName": "ObjectCreated:Post",
            "s3": {
                "bucket": {"name": "laurel-local-media-000000000000"},
                "object": {"key": f"uploads/{'1' * 32}/{'2' * 32}/a+face.png", "size": 1024},
            },
        }
    ]
}


def proxied(method: str, resource: str, parameters: dict[str, str] | None = None, body: Any = None) -> Any:
    """Return a request as API Gateway's proxy integration hands it on."""
    headers = {"Host": "laurel.execute-api.us-east-1.amazonaws.com", "Content-Type": "application/json"}
    path = resource.format(**parameters or {})
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": parameters,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": resource,
            "httpMethod": method,
            "path": f"/api{path}",
            "stage": "api",
            "accountId": "000000000000",
            "apiId": "laurel",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": {"sourceIp": "127.0.0.1", "userAgent": "test"},
        },
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


@pytest.fixture(scope="module")
def scene(client: Client) -> Scene:
    return Scene(client)


def test_the_linter_finds_nothing_in_the_dockerfile() -> None:
    linted = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), DOCKERFILE], check=False, capture_output=True, text=True
    )

    assert (linted.returncode, linted.stdout) == (0, ""), linted.stderr


def test_the_image_begins_as_the_function_that_answers_the_api_and_runs_as_nobody() -> None:
    last = STAGES[-1]

    assert (last.command(), last.users()) == (["app.app"], ["65534:65534"])
    assert last.base == "public.ecr.aws/lambda/python:${PYTHON_VERSION}"
    assert {each.name for each in last.instructions} == {"LABEL", "COPY", "USER", "CMD"}


def test_nothing_but_the_package_is_in_the_last_stage() -> None:
    copies = [each for each in STAGES[-1].instructions if each.name == "COPY"]

    assert all(each.options["from"] == "package" for each in copies)


def test_the_image_holds_what_the_zip_holds(image: Path, tmp_path: Path) -> None:
    shutil.copytree(image.parent / "package" / "build", tmp_path / "project")
    files = OSUtils()
    packager = PrunedPackager(files, DependencyBuilder(files), UI(), ARCHITECTURE_BY_PLATFORM[PLATFORM])
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    zipped = packager.create_deployment_package(str(tmp_path / "project"), version)

    assert contents(image / TASK_ROOT) == archive.read(Path(zipped))


def test_the_image_for_the_other_platform_holds_the_same_but_for_what_is_compiled(image: Path, tmp_path: Path) -> None:
    other = contents(built(tmp_path, "arm64" if PLATFORM == "amd64" else "amd64") / TASK_ROOT)
    here = contents(image / TASK_ROOT)

    assert portable(other) == portable(here)
    assert (other.keys() - portable(other)).isdisjoint(here)


def portable(files: dict[str, bytes]) -> set[str]:
    return {name for name, content in files.items() if not content.startswith(b"\x7fELF")}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_handler_is_invoked(scene: Scene) -> None:
    functions = json.loads((ROOT / ".chalice" / "config.json").read_text())["lambda_functions"]

    assert set(HANDLERS) == set(scene.events()) == {f"app.{name}".replace("api_handler", "app") for name in functions}


HANDLERS = [
    "app.app",
    "app.player_authorizer",
    "app.settle_records",
    "app.make_avatar",
    "app.deliver_notices",
    "app.keep_ranks",
    "app.heed_alarms",
    "app.keep_seasons",
    "app.replay_dead_letters",
    "app.audit_ranks",
    "app.rebuild_ranks",
    "app.export_records",
    "app.advise_ranks",
]


@with_runtime_client
@pytest.mark.parametrize("handler", HANDLERS)
def test_a_function_of_the_image_answers_as_that_of_the_zip(
    handler: str, scene: Scene, run: Any, stack: LocalStack, image: Path
) -> None:
    before = contents(image / TASK_ROOT)
    with run(handler) as function:
        for event in scene.events()[handler]:
            outcome = function.invoke(event)
            assert outcome.kind == "response", outcome
            again = deployed(stack, handler, event)
            if event is SCHEDULED:  # what the first has done is not there for the second
                assert outcome.body.keys() == again.keys()
            else:
                assert steady(outcome.body) == steady(again)

    assert contents(image / TASK_ROOT) == before


def deployed(stack: LocalStack, handler: str, event: Any) -> Any:
    """Return what the deployed function answers."""
    name = handler.removeprefix("app.")
    function = "laurel-local" if name == "app" else f"laurel-local-{name}"
    reply = invoker(stack).invoke(FunctionName=function, Payload=json.dumps(event))
    assert "FunctionError" not in reply
    return json.loads(reply["Payload"].read())


def steady(answer: Any) -> Any:
    """Return an answer without what is another at every call: ids of jobs and requests, and checksums of archives."""
    text = json.dumps(answer, sort_keys=True)
    text = re.sub(r"\d{8}T\d{6}\.\d{3}Z", "<job>", text)
    text = re.sub(r'\\"request_id\\": ?\\"[^"]*\\"', "<request>", text)
    return json.loads(text)


@with_runtime_client
def test_what_a_handler_raises_is_reported_as_from_the_zip_and_the_next_event_is_answered(
    run: Any, scene: Scene, stack: LocalStack
) -> None:
    nonsense = {"Records": [{"dynamodb": "nonsense"}]}
    with run("app.settle_records") as function:
        failed = function.invoke(nonsense)
        answered = function.invoke(scene.events()["app.settle_records"][0])

    reply = invoker(stack).invoke(FunctionName="laurel-local-settle_records", Payload=json.dumps(nonsense))
    told = json.loads(reply["Payload"].read())
    assert (failed.kind, "FunctionError" in reply) == ("error", True)
    assert (failed.body["errorType"], failed.body["errorMessage"]) == ("KeyError", told["errorMessage"])
    assert any("chalicelib" in line for line in failed.body["stackTrace"])
    assert answered == Outcome("response", {"batchItemFailures": []})


@with_runtime_client
def test_a_setting_that_is_missing_is_named(run: Any, scene: Scene) -> None:
    with run("app.player_authorizer", LAUREL_SIGNING_KEYS="") as function:
        outcome = function.invoke(scene.events()["app.player_authorizer"][1])

    assert (outcome.kind, outcome.body["errorType"]) == ("error", "ConfigError")
    assert outcome.body["errorMessage"] == "LAUREL_SIGNING_KEYS is not set"


@with_runtime_client
@pytest.mark.parametrize(
    ("handler", "error", "says"),
    [
        ("app.nothing_like_it", "Runtime.HandlerNotFound", "nothing_like_it"),
        ("missing.app", "Runtime.ImportModuleError", "missing"),
    ],
)
def test_a_start_that_fails_is_reported_as_one(run: Any, handler: str, error: str, says: str) -> None:
    with run(handler) as function:
        outcome = function.outcome()
        status = function.process.wait(PATIENCE_SECONDS)

    assert (outcome.kind, outcome.body["errorType"], outcome.error_type, status) == ("init/error", error, error, 1)
    assert says in outcome.body["errorMessage"]
