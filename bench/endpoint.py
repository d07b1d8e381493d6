"""A DynamoDB to confirm counted capacity with: what it says was consumed, for the very same calls on the same items."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from bench.capacity import TRANSACTIONAL, Item
from bench.memory import MemoryDynamoDB, body_of, operation_of, response
from tests.tables import create_tables

VARIABLE = "BENCH_DYNAMODB_ENDPOINT"
_BATCH = 25
_CHECKED_UNITS = TRANSACTIONAL
"""A check alone cannot be made outside of a transaction; it costs what a write of an item below 1 KB does."""


def endpoint() -> str | None:
    return os.environ.get(VARIABLE)


class EndpointDynamoDB:
    """Lets all calls through but transactions, whose parts it writes one by one.

    DynamoDB Local reports one figure for a transaction, whatever is in it: what each of its writes consumes, it says
    only of writes made alone.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._write_by_kind = {
            "Put": client.put_item,
            "Update": client.update_item,
            "Delete": client.delete_item,
        }

    @contextmanager
    def holding(self, memory: MemoryDynamoDB) -> Iterator[None]:
        """Hold a copy of everything in ``memory``, in tables made for it."""
        tables = create_tables(self._client)
        try:
            with ThreadPoolExecutor(4) as threads:
                for table in tables:
                    list(threads.map(partial(self._write_batch, table), _batches(memory.items(table))))
            yield
        finally:
            for table in tables:
                self._client.delete_table(TableName=table)

    def send(self, request: AWSPreparedRequest) -> AWSResponse | None:
        if operation_of(request) != "TransactWriteItems":
            return None
        parts = [next(iter(part.items())) for part in body_of(request)["TransactItems"]]
        units = sum(self._written(kind, dict(write)) for kind, write in parts)
        return response(request, 200, {"ConsumedCapacity": [{"CapacityUnits": units}]})

    def _written(self, kind: str, write: Item) -> float:
        if kind == "ConditionCheck":
            return _CHECKED_UNITS
        reply = self._write_by_kind[kind](**write, ReturnConsumedCapacity="INDEXES")
        consumed = reply["ConsumedCapacity"]
        indexes = consumed.get("GlobalSecondaryIndexes", {}).values()
        return float(
            TRANSACTIONAL * consumed["Table"]["CapacityUnits"] + sum(each["CapacityUnits"] for each in indexes)
        )

    def _write_batch(self, table: str, items: list[Item]) -> None:
        wanted: Item = {table: [{"PutRequest": {"Item": item}} for item in items]}
        while wanted:
            wanted = self._client.batch_write_item(RequestItems=wanted)["UnprocessedItems"]


def _batches(items: list[Item]) -> Iterator[list[Item]]:
    return (items[start : start + _BATCH] for start in range(0, len(items), _BATCH))
