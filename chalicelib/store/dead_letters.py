"""The dead letters: changes of records that could not be counted, kept in a queue with what it takes to try again.

Two hands write to the queue: the function that follows the stream, about one change, and Lambda itself, about a batch
of the stream that it gave up on. Lambda's letters name the batch and do not hold it.
"""

import json
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from chalicelib.store import stream
from chalicelib.store.clients import Clients, calling
from chalicelib.store.stream import Delivery, UnreadableError

MAX_BYTES = 256 * 1024
"""The most SQS takes in one message."""
_BATCH = "DDBStreamBatchInfo"
_KEPT = frozenset({"generation", "expires_at"})
_PER_REQUEST = 10
_WAIT_SECONDS = 1
"""Long enough for SQS to ask all its servers before it says that there is nothing."""


class DeadLetter(Struct, frozen=True):
    """One change that could not be counted."""

    reason: str
    at: datetime
    change: dict[str, Any]
    """The delivery as it came; without its images, should they be too large for the queue."""


class Batch(Struct, frozen=True, rename="camel"):
    """A part of a shard of the stream: Lambda's DDBStreamBatchInfo."""

    shard_id: str
    start_sequence_number: str
    end_sequence_number: str
    stream_arn: str


class LostBatch(Struct, frozen=True):
    """A batch that Lambda gave up on, as its destination for failures gets it."""

    batch: Batch = msgspec.field(name=_BATCH)


class Message(Struct, frozen=True):
    """A letter in the queue."""

    message_id: str
    receipt: str
    body: str

    def letter(self) -> DeadLetter | LostBatch:
        """Return what the message says, or raise UnreadableError when it is neither kind of letter."""
        try:
            return _letter(msgspec.json.decode(self.body))
        except (AttributeError, KeyError, TypeError, msgspec.MsgspecError) as error:
            raise UnreadableError(f"not a dead letter: {type(error).__name__}: {error}") from error


class DeadLetterQueue:
    """Every method raises ClientFailedError when the queue does not do its part."""

    def __init__(self, name: str, clients: Clients) -> None:
        self._name = name
        self._clients = clients
        self._url: str | None = None

    def put(self, letter: DeadLetter) -> None:
        with calling():
            self._clients.of("sqs").send_message(QueueUrl=self._address(), MessageBody=_body(letter))

    def receive(self) -> list[Message]:
        """Return up to ten messages, hidden from other readers for as long as the queue's visibility timeout says."""
        with calling():
            reply = self._clients.of("sqs").receive_message(
                QueueUrl=self._address(), MaxNumberOfMessages=_PER_REQUEST, WaitTimeSeconds=_WAIT_SECONDS
            )
        return [Message(each["MessageId"], each["ReceiptHandle"], each["Body"]) for each in reply.get("Messages", ())]

    def delete(self, message: Message) -> None:
        with calling():
            self._clients.of("sqs").delete_message(QueueUrl=self._address(), ReceiptHandle=message.receipt)

    def _address(self) -> str:
        if self._url is None:
            with calling():
                self._url = str(self._clients.of("sqs").get_queue_url(QueueName=self._name)["QueueUrl"])
        return self._url


def _letter(body: Any) -> DeadLetter | LostBatch:
    if _BATCH in body:
        return msgspec.convert(body, LostBatch)
    letter = msgspec.convert(body, DeadLetter)
    stream.address(stream.key_of(letter.change))
    return letter


def _body(letter: DeadLetter) -> str:
    body = _encoded(letter)
    return body if len(body) <= MAX_BYTES else _encoded(msgspec.structs.replace(letter, change=_slim(letter.change)))


def _encoded(letter: DeadLetter) -> str:
    # In ASCII: SQS refuses some characters that a name may hold.
    return json.dumps(msgspec.to_builtins(letter), separators=(",", ":"))


def _slim(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery whose images hold no more than what counts somebody nowhere."""
    told = dict(delivery["dynamodb"])
    for image in ("NewImage", "OldImage"):
        told[image] = {name: value for name, value in told.get(image, {}).items() if name in _KEPT}
    return {**delivery, "dynamodb": told}
