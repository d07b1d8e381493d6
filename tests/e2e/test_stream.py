"""The records' stream through the deployed functions: what nobody counted is counted, what cannot be is kept."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.domain.boards import Board
from chalicelib.domain.records import Record
from chalicelib.services import clock
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.records import RecordStore
from local.layout import CHECKOUT, TABLE_PREFIX
from tests.e2e.client import Client, Player

pytestmark = pytest.mark.e2e

PATIENCE_SECONDS = 120.0
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Backstage:
    """What somebody with the console open can do and see."""

    client: Client

    def write(self, board_id: str, player: Player, score: int) -> None:
        """Store a player's record without a word to the rank index."""
        dynamodb = self._aws("dynamodb")
        records = RecordStore(f"{TABLE_PREFIX}records", Dynamo(dynamodb))
        board = Board(board_id=board_id, title=board_id, created_at=clock.now())
        record = Record(player.player_id, board_id, "all", score, 0, clock.now(), generation=1, display_name="Ada")
        part = records.put_part("record", board, record, None)
        dynamodb.put_item(TableName=records.table, Item=part.request["Item"])

    def dead_letters(self) -> int:
        queues = self._aws("sqs")
        url = queues.get_queue_url(QueueName=f"{TABLE_PREFIX}record-dead-letters")["QueueUrl"]
        told = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(told["Attributes"]["ApproximateNumberOfMessages"])

    def replay(self) -> "subprocess.CompletedProcess[str]":
        """Run ``make replay``."""
        port = self.client.stack.aws_endpoint.rpartition(":")[2]
        command = [sys.executable, "-m", "ops.replay"]
        environment = {**os.environ, "PORT": port}
        return subprocess.run(command, cwd=CHECKOUT, env=environment, check=False, capture_output=True, text=True)

    def _aws(self, service: str) -> Any:
        return self.client.stack.target.client(service)


@pytest.fixture
def backstage(client: Client) -> Backstage:
    return Backstage(client)


def eventually(look: Callable[[], object], expected: object) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (seen := look()) != expected and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    assert seen == expected


def test_a_record_nobody_counted_is_ranked_within_seconds(client: Client, backstage: Backstage) -> None:
    board_id = client.board("uncounted")
    first, second = client.player(), client.player()
    client.submit(board_id, first, 10)

    backstage.write(board_id, second, 20)

    eventually(lambda: client.made("GET", f"/boards/{board_id}")["total"], 2)
    own = client.made("GET", f"/boards/{board_id}/entries/me", token=first.token)
    assert (own["entry"]["rank"], own["total"]) == (2, 2)


def test_what_cannot_be_counted_waits_in_the_queue_until_it_can(client: Client, backstage: Backstage) -> None:
    board_id = client.board("behind")
    poisonous, behind = client.player(), client.player()

    backstage.write("not-yet", poisonous, 10)
    backstage.write(board_id, behind, 10)

    eventually(lambda: client.made("GET", f"/boards/{board_id}")["total"], 1)
    eventually(backstage.dead_letters, 1)

    client.board("not-yet")
    replayed = backstage.replay()
    assert (replayed.returncode, replayed.stderr) == (0, "")
    assert f"counted  player {poisonous.player_id} on board not-yet" in replayed.stdout
    assert client.made("GET", "/boards/not-yet")["total"] == 1
    assert backstage.dead_letters() == 0


def test_the_subscription_has_what_chalice_cannot_say(client: Client) -> None:
    functions = client.stack.target.client("lambda")

    [mapping] = functions.list_event_source_mappings(FunctionName="laurel-local-settle_records")["EventSourceMappings"]

    assert (mapping["StartingPosition"], mapping["BatchSize"]) == ("TRIM_HORIZON", 90)
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["MaximumRecordAgeInSeconds"] == 3600
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"].endswith(":laurel-local-record-dead-letters")
