"""A stage from nothing to nothing, in an embedded AWS of its own."""

import http.client
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from threading import Event, Semaphore
from urllib.parse import urlsplit

import pytest
import requests

from deploy import __main__ as command
from deploy import inventory, stages
from deploy.deployment import Deployment
from deploy.destruction import Destruction
from deploy.errors import DeployError
from deploy.layout import CHECKOUT
from deploy.stages import Stage
from deploy.target import Target
from local.children import Emulator
from local.project import copied
from local.target import embedded
from tests.deploy.account import Inventory, everything, state
from tests.deploy.tripwire import Trap, Tripwire

pytestmark = pytest.mark.e2e

PATIENCE_SECONDS = 120
PLAYERS = 4
PAUSE_SECONDS = 0.05
"""Between a player's requests: all of them together stay below what the stage lets through."""


@dataclass(frozen=True)
class Life:
    """A stage, and the project it is deployed from."""

    target: Target
    project: Path
    endpoint: str

    @property
    def stage(self) -> Stage:
        return stages.read(self.target.stage)

    @property
    def deployment(self) -> Deployment:
        return Deployment(self.target, self.stage, self.project, thin=True)

    @property
    def url(self) -> str:
        return f"{self.endpoint}/_aws/execute-api/{inventory.rest_api_id(self.target)}/api/"

    def plan(self) -> list[str]:
        return [str(change) for change in self.deployment.plan()]

    def deploy(self) -> list[str]:
        return [str(change) for change in self.deployment.run()]

    def destroy(self, *, data: bool) -> None:
        Destruction(self.target, self.stage, data=data).run()

    def version(self) -> str:
        answer = requests.get(self.url, timeout=PATIENCE_SECONDS)
        assert answer.ok, answer.text
        return str(answer.json()["version"])

    def change(self, version: str) -> None:
        file = self.project / "chalicelib" / "__init__.py"
        file.write_text(f'VERSION = "{version}"\n')


@dataclass(frozen=True)
class First:
    """What was seen of the first deployment."""

    untouched: bool
    plan: list[str]


@contextmanager
def living(emulator: Emulator, stage: str, folder: Path) -> Iterator[Life]:
    """Yield a stage of which there is nothing yet, and hold it to there being nothing again in the end."""
    target = embedded(emulator.endpoint, stage=stage, home=folder)
    assert everything(target) == {}
    life = Life(target, copied(CHECKOUT, folder / "project"), emulator.endpoint)
    yield life
    life.destroy(data=True)
    assert everything(target) == {}


@pytest.fixture(scope="module")
def dev(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    with living(emulator, "dev", tmp_path_factory.mktemp("dev")) as life:
        yield life


@pytest.fixture(scope="module")
def first(dev: Life) -> First:
    """The stage deployed."""
    before = state(dev.target)
    plan = dev.plan()
    untouched = state(dev.target) == before
    dev.deploy()
    return First(untouched, plan)


def test_a_first_deployment_was_planned_without_a_change(first: First, dev: Life) -> None:
    assert first.untouched
    assert {"+ stack laurel-dev", "+ function laurel-dev", "+ API", "+ stack laurel-dev-edge"} <= set(first.plan)
    assert "~ bucket laurel-dev-media-000000000000 (notifications)" in first.plan
    assert dev.version()


def test_a_deployment_of_nothing_new_changes_nothing(first: First, dev: Life) -> None:
    before = state(dev.target)

    assert dev.plan() == []
    assert dev.deploy() == []
    assert state(dev.target) == before


def test_a_plan_says_what_will_be_changed(first: First, dev: Life) -> None:
    manifest = dev.project / "app.py"
    manifest.write_text(manifest.read_text().replace("Rate(5,", "Rate(7,"))
    before = state(dev.target)

    planned = dev.plan()

    assert state(dev.target) == before
    assert "~ function laurel-dev (code)" in planned
    assert any(line.startswith("~ rule laurel-dev-keep_ranks-event") and "rate(7 minutes)" in line for line in planned)
    assert dev.deploy() == planned


def test_no_request_is_lost_while_changed_code_is_deployed(first: First, dev: Life) -> None:
    before = dev.version()
    dev.change("2.0.0")
    begun, done = Semaphore(0), Event()

    with ThreadPoolExecutor(PLAYERS) as pool:
        played = [pool.submit(play, dev.url, begun, done) for _ in range(PLAYERS)]
        try:
            assert all(begun.acquire(timeout=PATIENCE_SECONDS) for _ in played)
            dev.deploy()
        finally:
            done.set()
        answers_by_player = [each.result() for each in played]

    assert dev.version() == "2.0.0"
    for answers in answers_by_player:
        assert [answer for answer in answers if answer[0] != HTTPStatus.OK] == []
        assert {version for _, version in answers} == {before, "2.0.0"}


def play(url: str, begun: Semaphore, done: Event) -> list[tuple[int, str]]:
    """Make requests one after the other, one more when all is done; return each answer's status and version.

    Args:
        begun: Released at the first answer.
    """
    place, answers, is_last = urlsplit(url), [], False
    connection = http.client.HTTPConnection(place.netloc, timeout=PATIENCE_SECONDS)
    while not is_last:
        is_last = done.is_set()
        connection.request("GET", place.path)
        answer = connection.getresponse()
        answers.append((answer.status, json.loads(answer.read()).get("version")))
        if len(answers) == 1:
            begun.release()
        time.sleep(PAUSE_SECONDS)
    connection.close()
    return answers


def test_what_the_app_no_longer_declares_is_removed(first: First, dev: Life) -> None:
    without, manifest = everything(dev.target), dev.project / "app.py"
    before = manifest.read_text()
    manifest.write_text(f'{before}\n\n@app.schedule("rate(1 hour)")\ndef greet(event: Any) -> None:\n    del event\n')
    shutil.copyfile(
        dev.project / ".chalice" / "policies" / "player_authorizer.json",
        dev.project / ".chalice" / "policy-dev.json",
    )

    dev.deploy()

    assert "laurel-dev-greet" in everything(dev.target)["function"]
    assert "laurel-dev-greet-event" in everything(dev.target)["rule"]

    manifest.write_text(before)
    dev.deploy()

    # What it has logged stays to be read.
    logs = sorted([*without["log group"], "/aws/lambda/laurel-dev-greet"])
    assert everything(dev.target) == without | {"log group": logs}


@pytest.mark.parametrize(
    ("module", "text", "complaint"),
    [
        ("logs.py", "import nothing_like_it", "No module named 'nothing_like_it'"),
        ("never_imported.py", "def x(:", "SyntaxError"),
    ],
)
def test_an_app_that_cannot_be_read_leaves_what_runs(
    first: First, dev: Life, module: str, text: str, complaint: str
) -> None:
    before, file = dev.version(), dev.project / "chalicelib" / module
    kept = file.read_text() if file.exists() else None
    file.write_text(text)
    dev.change("3.0.0")
    try:
        with pytest.raises(DeployError, match=complaint) as refused:
            dev.deploy()
    finally:
        file.unlink() if kept is None else file.write_text(kept)

    assert module in str(refused.value)
    assert dev.version() == before


def test_a_stage_that_goes_keeps_its_data_and_comes_back_with_it(first: First, dev: Life) -> None:
    made = everything(dev.target)
    game = {"player_id": {"S": "ada"}, "game_id": {"S": "1"}}
    dynamodb, secrets = dev.target.client("dynamodb"), dev.target.client("secretsmanager")
    dynamodb.put_item(TableName="laurel-dev-games", Item=game)
    signing_key = secrets.get_secret_value(SecretId="laurel-dev/signing-key")["SecretString"]

    groups, of_api = dev.target.client("logs"), f"API-Gateway-Execution-Logs_{inventory.rest_api_id(dev.target)}/api"
    groups.create_log_group(logGroupName=of_api)

    def write_last_words(step: str) -> None:
        # As a function that still runs when it has been deleted.
        if step.startswith("3/3"):
            groups.create_log_group(logGroupName="/aws/lambda/laurel-dev-still_runs")
            left = groups.describe_log_groups(logGroupNamePrefix=of_api)["logGroups"]
            assert left == [], "who goes on from here does not know the API's id"

    Destruction(dev.target, dev.stage, say=write_last_words).run()

    assert everything(dev.target).keys() == {"table", "bucket", "queue", "secret", "stack"}
    assert everything(dev.target)["stack"] == ["laurel-dev"]

    dev.deploy()

    logs = [name for name in made["log group"] if not name.endswith("greet")]
    assert everything(dev.target) == made | {"log group": logs}
    assert dynamodb.scan(TableName="laurel-dev-games")["Items"] == [game]
    assert secrets.get_secret_value(SecretId="laurel-dev/signing-key")["SecretString"] == signing_key


def test_a_bucket_is_no_longer_told_of_by_a_trigger_that_is_gone(first: First, dev: Life) -> None:
    whole, manifest = everything(dev.target), dev.project / "app.py"
    before = manifest.read_text()
    s3, bucket = dev.target.client("s3"), "laurel-dev-media-000000000000"
    told = s3.get_bucket_notification_configuration(Bucket=bucket)["LambdaFunctionConfigurations"]
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={"LambdaFunctionConfigurations": told, "EventBridgeConfiguration": {}},
    )
    manifest.write_text(TRIGGER.sub("@app.lambda_function()\ndef make_avatar(event: Any, context: Any)", before))

    planned = dev.plan()

    assert f"~ bucket {bucket} (notifications)" in planned
    assert dev.deploy() == planned
    left = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert "LambdaFunctionConfigurations" not in left
    assert "EventBridgeConfiguration" in left

    manifest.write_text(before)
    dev.deploy()

    assert everything(dev.target) == whole
    assert dev.plan() == []


TRIGGER = re.compile(r"@app\.on_s3_event\(.*\)\ndef make_avatar\(event: \w+\)")

TRAPS = (
    Trap("GET /2015-03-31/functions"),
    Trap("POST /2015-03-31/event-source-mappings", heard=True),
    Trap("PUT /laurel-prod-media-000000000000?notification", heard=True),
    Trap("POST /restapis", heard=True),
    Trap("PUT /2015-03-31/event-source-mappings"),
)
"""After the stack, after what is made twice if nobody remembers it, and before what chalice cannot say."""


def test_a_deployment_that_breaks_off_again_and_again_is_gone_on_with(
    emulator: Emulator, first: First, dev: Life, tmp_path: Path
) -> None:
    beside = everything(dev.target)
    with living(emulator, "prod", tmp_path) as prod:
        for trap in TRAPS:
            break_off(prod, trap)

        prod.deploy()

        assert everything(prod.target) == renamed(beside, "prod")
        assert prod.version()
        assert prod.plan() == []
        refuses_to_delete_what_is_protected(prod)
    assert everything(dev.target) == beside


def refuses_to_delete_what_is_protected(life: Life) -> None:
    """Hold ``make destroy`` to being told twice."""
    before = everything(life.target)
    for said in ({}, {"YES": "dev"}, {"YES": "prod"}, {"YES": "prod", "AGAIN": "prod"}):
        with pytest.raises(DeployError, match="Nothing was deleted"):
            command.destroy(life.target, life.stage, {"DATA": "delete", **said}, lambda _question: "")

    assert everything(life.target) == before


def break_off(life: Life, trap: Trap) -> None:
    with Tripwire(life.endpoint, trap) as wire:
        arguments = [wire.endpoint, life.target.stage, str(life.project)]
        with subprocess.Popen([sys.executable, "-m", "tests.deploy.thin", *arguments], cwd=CHECKOUT) as broken:
            wire.kill = broken.kill
    assert wire.sprung, f"{trap} was never reached"


def renamed(found: Inventory, stage: str) -> Inventory:
    return {
        kind: sorted(name.replace("laurel-dev", f"laurel-{stage}") for name in names) for kind, names in found.items()
    }
