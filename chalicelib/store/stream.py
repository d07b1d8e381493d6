"""The records' stream: what Lambda delivers of it, and what it still holds of the last 24 hours.

A ``delivery`` is one record of the stream as Lambda's event and GetRecords spell it: keys and images are typed items.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from chalicelib.domain.boards import INT64_MAX, INT64_MIN
from chalicelib.domain.records import Record
from chalicelib.store import keys
from chalicelib.store.clients import ClientFailedError, Clients, calling
from chalicelib.store.dynamo import Item
from chalicelib.store.records import RecordStore

Delivery = Mapping[str, Any]
_REMOVED = "REMOVE"
_SHOWN_ONLY = frozenset({"display_name", "avatar"})
"""The attributes that the rank index and the ordered index's keys know nothing of."""
_LOST = frozenset({"ResourceNotFoundException", "TrimmedDataAccessException"})
_PAGE = 1000
_EMPTY_PAGES = 100
"""A shard may answer pages without records before those that are asked for."""


class UnreadableError(Exception):
    """A delivery, or an item in it, is not what this app writes; the message says where."""


class ForgottenError(Exception):
    """The stream no longer holds what is asked for: it keeps records for 24 hours."""


class Change(Struct, frozen=True):
    """What became of a record."""

    sequence_number: str
    record: Record
    """As the change left it; as it was last, when the change removed it."""
    gone: bool
    moved: bool
    """False when the change touched nothing that is counted or ordered, as a new name does."""


class RecordStream:
    def __init__(self, records: RecordStore, clients: Clients) -> None:
        self._records = records
        self._clients = clients

    def change(self, delivery: Delivery) -> Change:
        """Return what a delivery tells, or raise UnreadableError."""
        told = delivery["dynamodb"]
        gone = delivery["eventName"] == _REMOVED
        record = self.record(told.get("OldImage" if gone else "NewImage", {}))
        return Change(
            sequence_number(delivery), record, gone, moved=_counted(told, "OldImage") != _counted(told, "NewImage")
        )

    def record(self, item: Item) -> Record:
        """Return the record that a typed item holds, or raise UnreadableError when it holds none."""
        try:
            record = self._records.parsed(item)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise UnreadableError(f"no record: {type(error).__name__}: {error}") from error
        if not all(INT64_MIN <= number <= INT64_MAX for number in (record.score, record.subscore)):
            raise UnreadableError(f"no record: ({record.score}, {record.subscore}) are more than 64 bits")
        return record

    def between(self, stream_arn: str, shard_id: str, first: str, last: str) -> Iterator[Delivery]:
        """Yield the deliveries of a shard from one sequence number to another, both included.

        Raises:
            ForgottenError: They are older than 24 hours, or the table has another stream by now.
            ClientFailedError: The stream cannot be read now.
        """
        streams = self._clients.of("dynamodbstreams")
        address = {"StreamArn": stream_arn, "ShardId": shard_id}
        try:
            with calling():
                place = streams.get_shard_iterator(
                    **address, ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber=first
                )
            yield from _until(streams, place["ShardIterator"], int(last))
        except ClientFailedError as error:
            if error.reason in _LOST:
                raise ForgottenError from error
            raise


def sequence_number(delivery: Delivery) -> str:
    return str(delivery["dynamodb"]["SequenceNumber"])


def created_at(delivery: Delivery) -> datetime | None:
    """Return when the record was changed, to the second, if the delivery says so in Lambda's way."""
    instant = delivery["dynamodb"].get("ApproximateCreationDateTime")
    return datetime.fromtimestamp(instant, UTC) if isinstance(instant, int | float) else None


def key_of(delivery: Delivery) -> Item:
    """Return the typed key of the record that changed."""
    return dict(delivery["dynamodb"]["Keys"])


def whole_number(delivery: Delivery, name: str) -> int | None:
    """Return an attribute of the newest image that has it as a whole number, though the rest of it be unreadable."""
    told = delivery["dynamodb"]
    for image in (told.get("NewImage", {}), told.get("OldImage", {})):
        text = image.get(name, {}).get("N", "")
        if text.isdecimal():
            return int(text)
    return None


def address(key: Item) -> tuple[str, str, str]:
    """Return player, board and period of a record's typed key."""
    board_id, period_id = keys.board_and_period(key["board_period"]["S"])
    return key["player_id"]["S"], board_id, period_id


def _counted(told: Mapping[str, Any], image: str) -> Item:
    return {name: value for name, value in told.get(image, {}).items() if name not in _SHOWN_ONLY}


def _until(streams: Any, iterator: str | None, last: int) -> Iterator[Delivery]:
    patience = _EMPTY_PAGES
    while iterator and patience:
        with calling():
            page = streams.get_records(ShardIterator=iterator, Limit=_PAGE)
        for delivery in page["Records"]:
            if int(sequence_number(delivery)) > last:
                return
            yield delivery
            if int(sequence_number(delivery)) == last:
                return
        patience -= not page["Records"]
        iterator = page.get("NextShardIterator")
