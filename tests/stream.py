"""What stands around the follower of the records' stream: the stream itself, Lambda's poller and a queue, in memory."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.bootstrap.following import Following, build_following
from chalicelib.config import Config, SigningKey
from chalicelib.domain.boards import Board
from chalicelib.domain.records import Record
from chalicelib.services.followup import RESERVE_MILLISECONDS, Report
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.records import RecordStore
from tests.expressions import Item
from tests.oracle import Index, Oracle
from tests.permissions.listeners import tell
from tests.tables import PREFIX
from tests.world import EPOCH, SECRET, Inline, World

RECORDS = f"{PREFIX}records"
QUEUE_URL = "https://sqs.test/dead"
SHARD = "shardId-1"
STREAM_ARN = f"arn:aws:dynamodb:eu-central-1:123456789012:table/{RECORDS}/stream/2026-11-22T12:00:00.000"
PLENTY = RESERVE_MILLISECONDS * 3
_KEYS = ("player_id", "board_period")

Delivery = dict[str, Any]


def delivery(number: int, before: Item | None, after: Item | None, created_at: float = 0) -> Delivery:
    """Return a record of the stream as Lambda delivers it."""
    item = after or before or {}
    told: Item = {
        "ApproximateCreationDateTime": created_at,
        "Keys": {name: item[name] for name in _KEYS},
        "SequenceNumber": str(number),
        "SizeBytes": 1,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    images = {"OldImage": before, "NewImage": after}
    told |= {name: image for name, image in images.items() if image is not None}
    return {
        "eventID": f"{number:032x}",
        "eventName": "INSERT" if before is None else "REMOVE" if after is None else "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": told,
        "eventSourceARN": STREAM_ARN,
    }


def record(player: int, score: int, generation: int = 1, **fields: Any) -> Record:
    values = {"board_id": "race", "period_id": "all", "subscore": 0, "achieved_at": EPOCH, "display_name": "Ada"}
    return Record(player_id=f"{player:032x}", score=score, generation=generation, **{**values, **fields})


def failed(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Any")


@dataclass(slots=True)
class FakeQueue:
    """An SQS client with one queue. Messages that were received are hidden until ``show``."""

    bodies: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    failure: Exception | None = None
    """What every call raises."""
    calls: list[str] = field(default_factory=list)
    _sent: int = 0

    def get_queue_url(self, **request: Any) -> Item:
        self._called("GetQueueUrl")
        assert request == {"QueueName": f"{PREFIX}record-dead-letters"}
        return {"QueueUrl": QUEUE_URL}

    def send_message(self, **request: Any) -> Item:
        self._called("SendMessage", request)
        assert len(request["MessageBody"].encode()) <= 256 * 1024
        self._sent += 1
        self.bodies[f"message-{self._sent}"] = request["MessageBody"]
        return {}

    def receive_message(self, **request: Any) -> Item:
        self._called("ReceiveMessage", request)
        assert request["WaitTimeSeconds"] > 0, "a short poll may miss messages"
        found = [name for name in self.bodies if name not in self.hidden][: request["MaxNumberOfMessages"]]
        self.hidden |= set(found)
        messages = [{"MessageId": name, "ReceiptHandle": name, "Body": self.bodies[name]} for name in found]
        return {"Messages": messages} if messages else {}

    def delete_message(self, **request: Any) -> Item:
        self._called("DeleteMessage", request)
        del self.bodies[request["ReceiptHandle"]]
        return {}

    def show(self) -> None:
        self.hidden.clear()

    @property
    def letters(self) -> list[Any]:
        return [json.loads(body) for body in self.bodies.values()]

    def _called(self, operation: str, request: Item | None = None) -> None:
        tell("sqs", operation, {"QueueName": f"{PREFIX}record-dead-letters"})
        self.calls.append(operation)
        assert request is None or request["QueueUrl"] == QUEUE_URL
        if self.failure:
            raise self.failure


@dataclass(slots=True)
class FakeShard:
    """A client of DynamoDB Streams with one shard, which answers two records a page, and empty pages before them."""

    deliveries: Sequence[Delivery] = ()
    trimmed: int = 0
    """How many records the stream has forgotten."""
    failure: Exception | None = None

    def get_shard_iterator(self, **request: Any) -> Item:
        tell("dynamodbstreams", "GetShardIterator", request)
        assert (request["StreamArn"], request["ShardIteratorType"]) == (STREAM_ARN, "AT_SEQUENCE_NUMBER")
        if self.failure:
            raise self.failure
        if request["ShardId"] != SHARD:
            raise failed("ResourceNotFoundException")
        numbers = [each["dynamodb"]["SequenceNumber"] for each in self.deliveries]
        place = numbers.index(request["SequenceNumber"])
        if place < self.trimmed:
            raise failed("TrimmedDataAccessException")
        return {"ShardIterator": f"empty {place}"}

    def get_records(self, **request: Any) -> Item:
        tell("dynamodbstreams", "GetRecords", {"StreamArn": STREAM_ARN})
        assert request["Limit"] <= 1000
        kind, place = request["ShardIterator"].split()
        start = int(place)
        end = start if kind == "empty" else start + 2
        page = [self._as_told(each) for each in self.deliveries[start:end]]
        return {"Records": page, "NextShardIterator": f"page {end}"}

    def _as_told(self, delivery: Delivery) -> Delivery:
        """As GetRecords tells it: without the stream's name, and with the time as botocore reads it."""
        told = {**delivery["dynamodb"], "ApproximateCreationDateTime": object()}
        return {name: value for name, value in delivery.items() if name != "eventSourceARN"} | {"dynamodb": told}


@dataclass(slots=True)
class Followed:
    """A world whose records' stream is read."""

    world: World = field(default_factory=World)
    queue: FakeQueue = field(default_factory=FakeQueue)
    shard: FakeShard = field(default_factory=FakeShard)
    following: Following = field(init=False)
    deliveries: list[Delivery] = field(default_factory=list)
    """Everything the stream has told so far."""
    _dynamo: Dynamo = field(init=False)
    _records: RecordStore = field(init=False)

    def __post_init__(self) -> None:
        self.world.client.open_streams()
        config = Config("test", PREFIX, (SigningKey("a", SECRET),), (), {})
        clients = Clients({"sqs": self.queue, "dynamodbstreams": self.shard}.__getitem__)
        self._dynamo = Dynamo(self.world.client, Inline(), self.world.pauses.append)
        self._records = RecordStore(RECORDS, self._dynamo)
        self.following = build_following(config, self._dynamo, clients, self.world.clock)

    def board(self, board_id: str = "race") -> Board:
        return self.world.services.boards.refreshed(board_id)

    def write(self, after: Record, before: Record | None = None) -> Record:
        """Store a record without a word to the rank index."""
        self._dynamo.transact([self._records.put_part("record", self.board(after.board_id), after, before)])
        return after

    def remove(self, record: Record) -> None:
        """Delete a record without a word to the rank index."""
        self._dynamo.transact([self._records.delete_part("record", record)])

    def index(self, board_id: str = "race", period_id: str = "all") -> Index:
        return Index.of(self.world.items("ranks"), self.board(board_id), period_id)

    def oracle(self, board_id: str = "race", period_id: str = "all") -> Oracle:
        return Oracle.of(self.board(board_id), self.world.items("records"), period_id)

    def check(self, board_id: str = "race", period_id: str = "all") -> None:
        """Assert that everybody is counted as the records say."""
        self.index(board_id, period_id).check(self.oracle(board_id, period_id))

    def told(self) -> list[Delivery]:
        """Return what the stream has told since the last call."""
        changes = self.world.client.changes(RECORDS)
        first = len(self.deliveries) + 1
        now = self.world.clock().timestamp() // 1
        new = [delivery(first + index, each.before, each.after, now) for index, each in enumerate(changes)]
        changes.clear()
        self.deliveries += new
        self.shard.deliveries = self.deliveries
        return new

    def follow(
        self, deliveries: Iterable[Delivery] | None = None, remaining: Callable[[], int] = lambda: PLENTY
    ) -> Report:
        batch = self.told() if deliveries is None else list(deliveries)
        return self.following.follow_up.follow(batch, remaining)

    def spoil(self, number: int, **attributes: Any) -> Delivery:
        """Return a delivery so far whose new image has other attributes, or lacks those that are None."""
        delivery = json.loads(json.dumps(self.deliveries[number - 1]))
        image = delivery["dynamodb"]["NewImage"] | attributes
        delivery["dynamodb"]["NewImage"] = {name: value for name, value in image.items() if value is not None}
        return dict(delivery)
