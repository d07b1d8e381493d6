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
from botocore.config import Config as ClientConfig

from bench.capacity import Item
from bench.client import Call, Observer
from bench.endpoint import EndpointDynamoDB
from bench.memory import MemoryDynamoDB
from bench.ranking import latencies
from bench.ranking.peer import Line
from bench.ranking.wire import Wire, wire_to
from bench.scene import ENVIRONMENT
from chalicelib.store import dynamo
from chalicelib.store.calls import lean_clients
from chalicelib.store.dynamo import Dynamo
from tests.tables import PREFIX, tables

_HELD = {"TransactWriteItems": latencies.DYNAMODB_TRANSACTION, "X-Amz-Target": latencies.DYNAMODB}
"""How long requests are held, by what their headers say."""
_CREATED_WITH = ("TableName", "AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
"""Without streams: nothing follows them here, and an endpoint that keeps them in memory would keep a board twice."""
_BATCH = 25
_OVERLAP_SECONDS = 0.01
"""What a call in memory takes while it is looked at, so that those made at the same time are seen to be."""
_THREADS, _POOLED = 4, 10
_PATIENCE_SECONDS = 120
RECORDS, RANKS, PLAYERS = f"{PREFIX}records", f"{PREFIX}ranks", f"{PREFIX}players"


@dataclass(frozen=True, slots=True)
class Database:
    """Tables as the template defines them, with a client for each way to reach them.

    ``observed`` is for capacity: transactions are written part by part where the endpoint would not tell what they
    consume (see bench/endpoint.py).
    """

    version: str
    client_by_line: Mapping[Line, Dynamo]
    patient_by_line: Mapping[Line, Dynamo]
    """The same, but that they wait as long as it takes to count a large board; the app's give up long before."""
    observed: Dynamo
    observer: Observer
    wire: Wire | None

    @property
    def unmeasured(self) -> Any:
        """Return the client for all that is not measured."""
        return self.patient_by_line[Line.LOOPBACK].client

    @contextmanager
    def metered(self) -> Iterator[list[Call]]:
        with self.observer.traced() as calls:
            yield calls

    def create(self) -> None:
        """Make empty tables, in place of what a run that was broken off left behind."""
        if self.wire:
            self.drop()
            for definition in tables():
                self.unmeasured.create_table(**{name: definition[name] for name in _CREATED_WITH if name in definition})

    def write(self, table: str, items: Iterable[Item]) -> None:
        """Put many items."""
        if isinstance(self.observer.backend, MemoryDynamoDB):
            for item in items:
                self.observer.backend.put(table, item)
            return
        with ThreadPoolExecutor(_THREADS) as threads:
            for _ in threads.map(partial(_write_batch, self.unmeasured, table), _batches(items)):
                pass

    def end_pages(self) -> None:
        """Let pages of queries in memory end where DynamoDB's do."""
        if isinstance(self.observer.backend, MemoryDynamoDB):
            self.observer.backend.end_pages(RECORDS)

    def drop(self) -> None:
        if self.wire:
            ours = {definition["TableName"] for definition in tables()}
            for table in ours.intersection(self.unmeasured.list_tables()["TableNames"]):
                self.unmeasured.delete_table(TableName=table)


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
        patient = {
            Line.LOOPBACK: _patient(url),
            Line.INJECTED: _patient(f"http://127.0.0.1:{wire.port}"),
        }
        observer = Observer(EndpointDynamoDB(patient[Line.LOOPBACK].client), counting=True)
        with observer.attached():
            observed = _patient(url)
        yield Database("DynamoDB Local", clients, patient, observed, observer, wire)


@contextmanager
def in_memory() -> Iterator[Database]:
    """Yield a database in this process, which counts capacity and has no latency worth a word."""
    memory = MemoryDynamoDB(tables())
    observer = Observer(memory, latency=_OVERLAP_SECONDS, counting=True)
    with observer.attached():
        client = _connected("http://127.0.0.1:9")
    yield Database("in memory", dict.fromkeys(Line, client), dict.fromkeys(Line, client), client, observer, None)


def _connected(url: str) -> Dynamo:
    os.environ.update(ENVIRONMENT | {"AWS_ENDPOINT_URL_DYNAMODB": url})
    return dynamo.connect()


def _patient(url: str) -> Dynamo:
    session = botocore.session.Session()
    config = ClientConfig(
        parameter_validation=False, user_agent="bench", read_timeout=_PATIENCE_SECONDS, max_pool_connections=_POOLED
    )
    with lean_clients(session):
        return Dynamo(session.create_client("dynamodb", "us-east-1", endpoint_url=url, config=config))


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
