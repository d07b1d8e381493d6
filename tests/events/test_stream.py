"""The functions of the stream as Lambda calls them, on moto: from the manifest to the tables and the queue."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import botocore.session
import pytest

import app as manifest
from chalicelib.bootstrap import following
from chalicelib.domain.boards import Board
from chalicelib.store.boards import BoardStore
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.ranks import RankStore
from chalicelib.store.records import RecordStore
from tests.contexts import Context
from tests.lines import Lines
from tests.stream import Delivery, delivery, record
from tests.tables import PREFIX
from tests.world import EPOCH

QUEUE = f"{PREFIX}record-dead-letters"


CONTEXT = Context("laurel-test-settle_records")


@dataclass(frozen=True, slots=True)
class Deployed:
    """The tables and the queue of a deployment with one board."""

    dynamodb: Any
    sqs: Any

    def board(self, board_id: str) -> None:
        board = Board(board_id=board_id, title="Race", created_at=EPOCH)
        BoardStore(f"{PREFIX}boards", Dynamo(self.dynamodb)).create(board)

    def marked(self, player: int) -> bool:
        player_id = record(player, 0).player_id
        return player_id in RankStore(f"{PREFIX}ranks", Dynamo(self.dynamodb)).marks("race", "all", [player_id])

    def told(self, number: int, *, board_id: str = "race", created_at: float = 0) -> Delivery:
        """Return that player ``number`` has a first record, which scores the number."""
        board = Board(board_id=board_id, title="Race", created_at=EPOCH)
        records = RecordStore(f"{PREFIX}records", Dynamo(self.dynamodb))
        part = records.put_part("record", board, record(number, number, board_id=board_id), None)
        return delivery(number, None, part.request["Item"], created_at)

    def letters(self) -> list[Any]:
        url = self.sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        messages = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [json.loads(message["Body"]) for message in messages.get("Messages", ())]


@pytest.fixture
def deployed(
    table_prefix: str, dynamodb: Any, session: botocore.session.Session, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployed]:
    monkeypatch.setenv("LAUREL_STAGE", "test")
    monkeypatch.setenv("LAUREL_SIGNING_KEYS", f"a:{'s' * 32}")
    sqs: Any = session.create_client("sqs")
    sqs.create_queue(QueueName=QUEUE)
    deployed = Deployed(dynamodb, sqs)
    deployed.board("race")
    following.following.cache_clear()
    yield deployed
    following.following.cache_clear()


def follow(*deliveries: Delivery, context: Context = CONTEXT) -> Any:
    return manifest.settle_records({"Records": list(deliveries)}, context)


def test_a_batch_is_counted_and_nothing_is_asked_for_again(deployed: Deployed, lines: Lines) -> None:
    answer = follow(deployed.told(1, created_at=time.time() - 3), deployed.told(2, created_at=time.time()))

    assert answer == {"batchItemFailures": []}
    assert deployed.marked(1)
    assert deployed.marked(2)
    line = lines.one("followed")
    assert (line["function"], line["request_id"]) == ("laurel-test-settle_records", "request-1")
    assert (line["records"], line["players"], line["settled"], line["settled_before"]) == (2, 2, 2, 0)
    assert (line["deferred"], line["dead_lettered"]) == (0, 0)
    assert 3000 <= line["settle_lag_ms"] < 300_000
    metrics = {each["Name"] for each in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert metrics == {"settle_lag_ms", "settled", "deferred", "dead_lettered"}


def test_what_there_is_no_time_for_is_asked_for_again_in_lambdas_words(deployed: Deployed) -> None:
    answer = follow(deployed.told(9), deployed.told(10), context=Context(milliseconds=5000))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "9"}, {"itemIdentifier": "10"}]}
    assert not deployed.marked(9)


def test_what_can_never_be_counted_is_kept_in_the_queue(deployed: Deployed, lines: Lines) -> None:
    answer = follow(deployed.told(1, board_id="nowhere"), deployed.told(2))

    assert answer == {"batchItemFailures": []}
    assert deployed.marked(2)
    assert [letter["reason"] for letter in deployed.letters()] == ["there is no board 'nowhere'"]
    line = lines.one("dead_letter")
    assert (line["level"], line["board_id"], line["period_id"]) == ("ERROR", "nowhere", "all")
    assert (line["function"], line["request_id"]) == ("laurel-test-settle_records", "request-1")
    assert lines.one("followed")["dead_lettered"] == 1


def test_a_replay_answers_what_became_of_each_letter(deployed: Deployed, lines: Lines) -> None:
    change = deployed.told(1, board_id="nowhere")
    follow(change)
    deployed.dynamodb.put_item(TableName=f"{PREFIX}records", Item=change["dynamodb"]["NewImage"])
    deployed.board("nowhere")

    answer = manifest.replay_dead_letters(None, CONTEXT)

    [fate] = answer["fates"]
    assert (fate["replayed"], answer["more"]) == (True, False)
    assert deployed.letters() == []
    line = lines.one("replayed")
    assert (line["replayed"], line["left"], line["more"]) == (1, 0, False)
    assert json.loads(json.dumps(answer)) == answer
