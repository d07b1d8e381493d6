"""A board that is played while it is exported: by the command, and by chalice's own way to invoke a function."""

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from chalice.utils import serialize_to_json

from deploy import inventory
from local.project import copied
from tests.e2e.client import Client
from tests.repository import ROOT

pytestmark = pytest.mark.e2e

BOARD = "exported"
PLAYERS = 30


@pytest.fixture(scope="module")
def ids(client: Client) -> list[str]:
    """Players with a record each, some of which tie."""
    client.board(BOARD, operator="set")
    players = [client.player() for _ in range(PLAYERS)]
    for number, player in enumerate(players):
        client.submit(BOARD, player, number // 2)
    return [player.player_id for player in players]


@pytest.fixture(scope="module")
def project(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which a deployment left chalice's record of what it deployed."""
    copy = copied(ROOT, tmp_path_factory.mktemp("checkout"))
    record = copy / ".chalice" / "deployed" / "local.json"
    record.parent.mkdir()
    record.write_text(serialize_to_json(inventory.record(client.stack.target)))
    return copy


@contextmanager
def played(client: Client, player_id: str) -> Iterator[None]:
    """Move one player up and down for as long as it takes."""
    over = threading.Event()

    def play() -> None:
        score = 0
        while not over.wait(0.01):
            score = (score + 7) % (PLAYERS // 2)
            body = {"player_id": player_id, "score": score}
            client.made("POST", f"/admin/boards/{BOARD}/submissions", body, admin=True)

    thread = threading.Thread(target=play)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_board_is_exported_while_it_is_played_and_brought_here(
    client: Client, ids: list[str], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "ops.export", "--board", BOARD, "--to", str(tmp_path)]
    port = client.stack.aws_endpoint.rpartition(":")[2]

    with played(client, ids[0]):
        made = subprocess.run(command, cwd=ROOT, env={"PORT": port}, check=False, capture_output=True, text=True)

    assert made.returncode == 0, made.stderr
    assert f"{BOARD} all: exported, " in made.stdout
    lines = [
        json.loads(line) for line in gzip.decompress((tmp_path / f"{BOARD}-all.jsonl.gz").read_bytes()).splitlines()
    ]
    assert len({line["player_id"] for line in lines}) == len(lines)
    assert set(ids[1:]) <= {line["player_id"] for line in lines}
    scores = [line["score"] for line in lines]
    assert [line["rank"] for line in lines] == [1 + sum(other > score for other in scores) for score in scores]


def test_a_board_at_rest_is_exported_as_the_api_lists_it(client: Client, ids: list[str], project: Path) -> None:
    answer = invoked(client, project, {"board_id": BOARD})
    while answer["job"]["state"] == "running":
        answer = invoked(client, project, {"board_id": BOARD, "job_id": answer["job"]["job_id"]})

    [file] = answer["export"]["files"]
    stored = client.stack.target.client("s3").get_object(Bucket=answer["export"]["bucket"], Key=file["name"])
    lines = [json.loads(line) for line in gzip.decompress(stored["Body"].read()).splitlines()]
    shown = client.made("GET", f"/boards/{BOARD}/entries?limit=100")["entries"]
    # Files outlive the URLs of pictures.
    assert lines == [{name: value for name, value in entry.items() if name != "avatar"} for entry in shown]
    assert len(lines) == len(ids)


@pytest.mark.parametrize(
    ("name", "payload", "fields"),
    [
        ("keep_ranks", {"anew": True, "seconds": 60}, {"jobs", "copied", "retention", "games"}),
        ("keep_seasons", {}, {"rollovers", "closings"}),
        ("keep_seasons", ["weekly"], {"error"}),
    ],
)
def test_jobs_of_the_schedule_are_started_by_hand(
    client: Client, project: Path, name: str, payload: Any, fields: set[str]
) -> None:
    answer = invoked(client, project, payload, name)

    assert answer.keys() == fields, answer
    assert answer.get("games", {}) is not None, "counted anew"


def invoked(client: Client, project: Path, payload: Any, name: str = "export_records") -> Any:
    """Return what `chalice invoke` prints."""
    chalice = Path(sys.executable).with_name("chalice")
    made = subprocess.run(
        [chalice, "invoke", "--stage", "local", "--name", name],
        cwd=project,
        env=dict(client.stack.target.environment),
        input=json.dumps(payload),
        check=False,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)
