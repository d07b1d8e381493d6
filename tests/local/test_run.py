"""The command itself, as a terminal starts and ends it."""

import shutil
import signal
import time
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import requests

from local.layout import CHECKOUT, LOOPBACK, TABLE_PREFIX
from local.target import embedded
from tests.local.program import PATIENCE_SECONDS, running
from tests.local.small import make_project

pytestmark = pytest.mark.e2e

MODULE = "local.run"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    make_project(tmp_path)
    for name in ("local", "deploy", "infra"):
        shutil.copytree(CHECKOUT / name, tmp_path / name)
    return tmp_path


def tool(settings: str) -> Any:
    """Return a client of DynamoDB as somebody has it who pasted these settings."""
    setting_by_name = dict(each.split("=", 1) for each in settings.split() if "=" in each)
    return botocore.session.get_session().create_client(
        "dynamodb",
        endpoint_url=setting_by_name["AWS_ENDPOINT_URL"],
        region_name=setting_by_name["AWS_DEFAULT_REGION"],
        aws_access_key_id=setting_by_name["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=setting_by_name["AWS_SECRET_ACCESS_KEY"],
    )


def test_a_run_from_start_to_every_kind_of_end(checkout: Path, port: str) -> None:
    words = checkout / "chalicelib" / "words.py"
    with running(MODULE, checkout, PORT=port) as runner:
        url = runner.wait_for(r"Laurel is up after [\d.]+ s: (\S+)")
        admin_key = runner.wait_for(r"Admin key: (\S+)")
        words.write_text('GREETING = "servus"\n')
        runner.wait_for(r"Changed: chalicelib/words.py\nDeployed")
        greeting = requests.get(url, timeout=PATIENCE_SECONDS).json()["greeting"]
        words.write_text("GREETING = (")
        runner.wait_for("SyntaxError.*\nNot deployed")
        still = requests.get(url, timeout=PATIENCE_SECONDS).json()["greeting"]
        tool(runner.wait_for(r"export (AWS_.+\n  export AWS_.+)")).put_item(
            TableName=f"{TABLE_PREFIX}boards", Item={"board_id": {"S": "speedrun"}}
        )

        runner.end(signal.SIGKILL)

    assert greeting == still == "servus"
    assert not list(checkout.glob("laurel-*"))

    words.write_text('GREETING = "again"\n')
    with running(MODULE, checkout, PORT=port) as runner:
        assert runner.wait_for(r"Admin key: (\S+)") == admin_key
        runner.wait_for("Ctrl-C stops everything")
        boards = embedded(f"http://{LOOPBACK}:{port}").client("dynamodb").scan(TableName=f"{TABLE_PREFIX}boards")

        assert boards["Items"] == [{"board_id": {"S": "speedrun"}}]
        assert runner.end(signal.SIGINT) == 0
        assert "Stopped; the data is saved." in runner.output

    assert not list(checkout.glob("laurel-*"))


def test_fresh_begins_anew_and_sigterm_ends_it_during_the_start(checkout: Path, port: str) -> None:
    kept = checkout / ".local" / "state" / "aws" / "secretsmanager.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")

    with running(MODULE, checkout, PORT=port, FRESH="1") as runner:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while kept.exists():
            assert time.monotonic() < deadline, runner.output
            time.sleep(0.01)

        assert runner.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none_is_refused(checkout: Path, port: str) -> None:
    with running(MODULE, checkout, PORT=port) as runner:
        assert runner.process.wait(PATIENCE_SECONDS) == 1
        assert "PORT must be a number from 1 to 65535" in runner.output
