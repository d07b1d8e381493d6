"""The DynamoDB under test: the one given by its endpoint, or one in this process that counts by the published rules."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import botocore.session

from bench.capacity import Item
from bench.client import Call, Observer
from bench.endpoint import EndpointDynamoDB
from bench.memory import MemoryDynamoDB
from bench.ranking import latencies
from bench.ranking.peer import Line
from bench.ranking.wire import Wire, wire_to
from bench.scene import ENVIRONMENT
from chalicelib.store import dynamo
from chalicelib.store.dynamo import Dynamo
from tests.tables import PREFIX, tables

_HELD = {"TransactWriteItems": latencies.DYNAMODB_TRANSACTION, "X-Amz-Target": latencies.DYNAMODB}
"""How long requests are held, by what their headers say."""
_CREATED_WITH = ("TableName", "AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
"""Without streams: nothing follows them here, and an endpoint that keeps them in memory would keep a board twice."""
_BATCH = 25
_OVERLAP_SECONDS = 0.01
"""What a call in memory takes while it is looked at, so that those made at the same time are seen to be."""
_THREADS = 4
RECORDS, RANKS, PLAYERS = f"{PREFIX}records", f"{PREFIX}ranks", f"{PREFIX}players"


@dataclass(frozen=True, slots=True)
class Database:
    """Tables as the template defines them, with a client for each way to reach them.

    ``observed`` is for capacity: transactions are written part by part where the endpoint would not tell what they
    consume (see bench/endpoint.py).
    """

    version: str
    client_by_line: Mapping[Line, Dynamo]
    patient: Any
    """A client for what is not measured, which gives up less soon than the app's."""
    observed: Dynamo
    observer: Observer
    wire: Wire | None

    @contextmanager
    def metered(self) -> Iterator[list[Call]]:
        with self.observer.traced() as calls:
            yield calls

    def create(self) -> None:
        """Make empty tables, in place of what a run that was broken off left behind."""
        if self.wire:
            self.drop()
            for definition in tables():
                self.patient.create_table(**{name: definition[name] for name in _CREATED_WITH if name in definition})

    def write(self, table: str, items: Iterable[Item]) -> None:
        """Put many items."""
        if isinstance(self.observer.backend, MemoryDynamoDB):
            for item in items:
                self.observer.backend.put(table, item)
            return
        with ThreadPoolExecutor(_THREADS) as threads:
            for _ in threads.map(partial(_write_batch, self.patient, table), _batches(items)):
                pass

    def end_pages(self) -> None:
        """Let pages of queries in memory end where DynamoDB's do."""
        if isinstance(self.observer.backend, MemoryDynamoDB):
            self.observer.backend.end_pages(RECORDS)

    def drop(self) -> None:
        if self.wire:
            ours = {definition["TableName"] for definition in tables()}
            for table in ours.intersection(self.patient.list_tables()["TableNames"]):
                self.patient.delete_table(TableName=table)


@contextmanager
def at_endpoint(url: str) -> Iterator[Database]:
    """Reach a DynamoDB straight, over a wire with AWS's latency, and observed."""
    port = urlsplit(url).port
    if port is None:
        raise ValueError(f"the endpoint {url!r} names no port")
    with wire_to(port) as wire:
        wire.delay(_HELD)
        clients = {
            Line.LOOPBACK: _connected(url),
            Line.INJECTED: _connected(f"http://127.0.0.1:{wire.port}"),
        }
        patient = _patient_client(url)
        observer = Observer(EndpointDynamoDB(patient), counting=True)
        with observer.attached():
            observed = _connected(url)
        yield Database("DynamoDB Local", clients, patient, observed, observer, wire)


@contextmanager
def in_memory() -> Iterator[Database]:
    """Yield a database in this process, which counts capacity and has no latency worth a word."""
    memory = MemoryDynamoDB(tables())
    observer = Observer(memory, latency=_OVERLAP_SECONDS, counting=True)
    with observer.attached():
        client = _connected("http://127.0.0.1:9")
    yield Database("in memory", dict.fromkeys(Line, client), client.client, client, observer, None)


def _connected(url: str) -> Dynamo:
    os.environ.update(ENVIRONMENT | {"AWS_ENDPOINT_URL_DYNAMODB": url})
    return dynamo.connect()


def _patient_client(url: str) -> Any:
    return botocore.session.Session().create_client("dynamodb", endpoint_url=url, region_name="us-east-1")


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    remaining = iter(items)
    while batch := list(islice(remaining, _BATCH)):
        yield batch


def _write_batch(client: Any, table: str, items: list[Item]) -> None:
    wanted: Item = {table: [{"PutRequest": {"Item": item}} for item in items]}
    while wanted:
        wanted = client.batch_write_item(RequestItems=wanted)["UnprocessedItems"]
        if wanted:
            time.sleep(0.05)
