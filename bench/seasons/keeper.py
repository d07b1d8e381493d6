"""A process that turns periods, as a function does: what it needs of AWS it asks its parent for, down a pipe."""

import os
import resource
import signal
import sys
import time
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError

from bench.ranking.latencies import DYNAMODB, DYNAMODB_TRANSACTION
from chalicelib.bootstrap.seasons import build_seasons
from chalicelib.config import Config, SigningKey
from chalicelib.services import clock
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo
from tests.fake_dynamodb import FakeDynamoDB, TransactionCanceledError
from tests.fake_s3 import FakeS3
from tests.fake_sns import TOPIC, FakeSns
from tests.services.works import BUCKET
from tests.tables import PREFIX

S3_REQUEST, SNS_REQUEST = 0.03, 0.015
"""Seconds: assumptions, as those of bench/ranking/latencies.py are."""
SETTINGS = Config("bench", PREFIX, (SigningKey("a", "s" * 32),), (), {}, exports_bucket=BUCKET, notices_topic=TOPIC)
_BYTES_OF_MAXRSS = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Orders:
    """What a process is told."""

    ahead: timedelta = timedelta(0)
    """How far its clock is ahead: time in which there was nothing to do."""
    last_call: int | None = None
    """The process is killed at this call; None: at none."""
    is_answered: bool = False
    """Whether that call is still made, and its answer lost."""
    is_held: bool = False
    """Whether calls take as long as those to AWS."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a process says at its end."""

    calls: int
    seconds: float
    processor_seconds: float
    megabytes: float
    """By how much it grew at its peak."""


@dataclass(slots=True)
class Line:
    """The way to what stands for AWS: one question at a time."""

    pipe: Connection
    orders: Orders
    calls: int = 0
    _lock: Lock = field(default_factory=Lock)

    def ask(self, service: str, operation: str, request: Any) -> Any:
        if self.orders.is_held:
            time.sleep(_latency(service, operation))
        with self._lock:
            self.calls += 1
            is_last = self.calls == self.orders.last_call
            if is_last and not self.orders.is_answered:
                os.kill(os.getpid(), signal.SIGKILL)
            self.pipe.send((service, operation, request))
            answer = self.pipe.recv()
            if is_last:
                os.kill(os.getpid(), signal.SIGKILL)
        return _answered(answer)


class RemoteDynamoDB(FakeDynamoDB):
    def __init__(self, line: Line) -> None:
        super().__init__(())
        self._line = line

    def _make_api_call(self, operation: str, request: Any) -> Any:
        return self._line.ask("dynamodb", operation, request)


class RemoteS3(FakeS3):
    def __init__(self, line: Line) -> None:
        super().__init__(set())
        self._line = line

    def _make_api_call(self, operation: str, request: Any, *, sent: bool = True) -> Any:
        return self._line.ask("s3", operation, request) if sent else None


class RemoteSns(FakeSns):
    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def _make_api_call(self, operation: str, request: Any) -> Any:
        return self._line.ask("sns", operation, request)


def keep(pipe: Connection, orders: Orders) -> None:
    """Do what the schedule does once, without an end to its time, and report."""
    line = Line(pipe, orders)
    clients = {"s3": RemoteS3(line), "sns": RemoteSns(line)}
    use = build_seasons(
        SETTINGS, Dynamo(RemoteDynamoDB(line)), Clients(connect=clients.__getitem__), lambda: clock.now() + orders.ahead
    )
    before, started, worked = _peak(), time.perf_counter(), time.process_time()
    use.rollover.keep(use.boards.all(), lambda: False)
    seconds, processor_seconds = time.perf_counter() - started, time.process_time() - worked
    pipe.send(("", "report", Report(line.calls, seconds, processor_seconds, (_peak() - before) / 1e6)))


def _answered(answer: Any) -> Any:
    if not isinstance(answer, ClientError):
        return answer
    if answer.response["Error"]["Code"] == "TransactionCanceledException":
        raise TransactionCanceledError(answer.response, answer.operation_name)
    raise answer


def _latency(service: str, operation: str) -> float:
    if service == "dynamodb":
        return DYNAMODB_TRANSACTION if operation == "TransactWriteItems" else DYNAMODB
    return S3_REQUEST if service == "s3" else SNS_REQUEST


def _peak() -> int:
    """Return the most bytes that this process has held."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux ru_maxrss is never less than what the parent held, who is far larger
        return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _BYTES_OF_MAXRSS
