"""What processes share: a database that counts what is consumed, a bucket and a topic, in the parent's memory."""

import multiprocessing
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from botocore.exceptions import ClientError

from bench.client import READS
from bench.memory import MemoryDynamoDB
from bench.seasons.keeper import Orders, Report, keep
from chalicelib.domain import messages
from tests.fake_s3 import FakeS3
from tests.fake_sns import FakeSns
from tests.services.works import BUCKET
from tests.tables import PREFIX, tables

_SPAWNED = multiprocessing.get_context("spawn")
"""Fresh interpreters: nothing of the parent's memory is theirs."""


@dataclass(slots=True)
class Account:
    dynamodb: MemoryDynamoDB = field(default_factory=lambda: MemoryDynamoDB(tables()))
    s3: FakeS3 = field(default_factory=lambda: FakeS3({BUCKET}))
    told: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often which notice was published to which player."""
    units: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Consumed: by "read" or "write", and the tables of the call."""
    requests: Counter[str] = field(default_factory=Counter)
    busy_seconds: float = 0.0
    """What answering took: one request at a time, where AWS answers many."""

    def run(self, orders: Sequence[Orders]) -> list[Report]:
        """Let processes keep seasons at the same time; return what those say that were not killed."""
        pipes: list[Connection] = []
        processes = []
        for each in orders:
            ours, theirs = _SPAWNED.Pipe()
            process = _SPAWNED.Process(target=keep, args=(theirs, each))
            process.start()
            theirs.close()
            pipes.append(ours)
            processes.append(process)
        reports = self._served(pipes)
        for process in processes:
            process.join()
        return reports

    def _served(self, pipes: list[Connection]) -> list[Report]:
        reports: list[Report] = []
        while pipes:
            ready = wait(pipes)
            for pipe in [each for each in pipes if each in ready]:
                try:
                    service, operation, request = pipe.recv()
                except EOFError:
                    pipes.remove(pipe)
                    continue
                if operation == "report":
                    reports.append(request)
                else:
                    self._answer(pipe, service, operation, request)
        return reports

    def _answer(self, pipe: Connection, service: str, operation: str, request: Any) -> None:
        started = time.perf_counter()
        try:
            answer = self._done(service, operation, request)
        except ClientError as error:
            answer = error
        self.busy_seconds += time.perf_counter() - started
        try:
            pipe.send(answer)
        except BrokenPipeError:
            return  # killed since

    def _done(self, service: str, operation: str, request: Any) -> Any:
        self.requests[f"{service}: {operation}"] += 1
        if service == "dynamodb":
            return self._of_database(operation, request)
        if service == "s3":
            return self.s3.put_object(**request) if operation == "PutObject" else self.s3.get_object(**request)
        sns = FakeSns()
        sns.publish_batch(**request)
        for message in map(messages.decoded, sns.texts):
            for edition in message.editions:
                self.told.update((message.notice_id, player_id) for player_id in edition.recipients)
        return {}

    def _of_database(self, operation: str, request: Any) -> Any:
        reply = self.dynamodb.answer(operation, {**request, "ReturnConsumedCapacity": "TOTAL"})
        consumed = reply["ConsumedCapacity"]
        units = sum(each["CapacityUnits"] for each in (consumed if isinstance(consumed, list) else [consumed]))
        self.units["read" if operation in READS else "write", _tables(operation, request)] += units
        return reply


def _tables(operation: str, request: Any) -> str:
    if operation == "TransactWriteItems":
        names = {part["TableName"] for each in request["TransactItems"] for part in each.values()}
    else:
        names = set(request.get("RequestItems", {})) or {request["TableName"]}
    return ", ".join(sorted(name.removeprefix(PREFIX) for name in names))
