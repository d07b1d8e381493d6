"""One DynamoDB client for everything: calls, retries, and the translation of its failures.

Ordinary calls go through the PynamoDB models, which share this client. What moves items of several tables together, or
is hot, is sent as typed items: a transaction names its parts, so that a refusal says which part was refused.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Any, TypeVar

import botocore.session
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct
from pynamodb.exceptions import PynamoDBException
from pynamodb.models import Model

from chalicelib import VERSION
from chalicelib.errors import ContendedError, StoreUnavailableError
from chalicelib.store.calls import lean_clients

Item = dict[str, Any]
"""A typed DynamoDB item or key: attribute name to {type: value}."""
Reply = dict[str, Any]
First = TypeVar("First")
Other = TypeVar("Other")

MAX_TRANSACTION_ITEMS = 100
MAX_BATCH_KEYS = 100
_MAX_BATCH_WRITES = 25
_CONNECT_TIMEOUT, _READ_TIMEOUT = 1.0, 4.0
_BATCH_ATTEMPTS = 6
_INSISTENCE = 6
"""Attempts at a transaction whose parts need not be drafted anew."""
_THREADS = 8
# The system's: functions restored from one snapshot share Python's own, and would all try again at the same moment.
_jitter = SystemRandom()
_REFUSED = "ConditionalCheckFailed"
_CONTENDED = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


class ConditionFailedError(Exception):
    """A condition of a single write did not hold."""


class BusyError(StoreUnavailableError):
    """A single write met a transaction on the same item; nothing of it happened."""


class CancelledError(Exception):
    """A transaction was cancelled; nothing of it happened."""

    def __init__(self, refused: frozenset[str], contended: frozenset[str]) -> None:
        super().__init__(f"refused: {sorted(refused)}, contended: {sorted(contended)}")
        self.refused = refused
        """Names of the parts whose condition did not hold."""
        self.contended = contended
        """Names of the parts that another writer was busy with, or that were throttled."""


class Part(Struct, frozen=True):
    """One write or check of a transaction. ``name`` is for the caller, to tell parts apart when one is refused."""

    name: str
    kind: str
    request: Item


def revision_part(name: str, table: str, key: Item, revision: int) -> Part:
    """Return the check that an item is as it was read: of the same revision."""
    request: Item = {
        "TableName": table,
        "Key": key,
        "ConditionExpression": "revision = :revision",
        "ExpressionAttributeValues": {":revision": {"N": str(revision)}},
    }
    return Part(name, "ConditionCheck", request)


@dataclass(slots=True)
class Dynamo:
    """The client and the calls that models do not make."""

    client: Any
    threads: Executor = field(default_factory=lambda: ThreadPoolExecutor(_THREADS, "dynamo"))
    sleep: Callable[[float], None] = time.sleep

    def alongside(self, first: Callable[[], First], others: Sequence[Callable[[], Other]]) -> tuple[First, list[Other]]:
        """Return the answers of all calls, made at the same time; the first one runs on the calling thread."""
        started: list[Future[Other]] = [self.threads.submit(call) for call in others]
        answer = first()
        return answer, [each.result() for each in started]

    def batch_get(self, keys_by_table: Mapping[str, Sequence[Item]], *, consistent: bool) -> dict[str, list[Item]]:
        """Return the items that exist, by table, in no order. One request per 100 keys; duplicates are not allowed.

        Cost: per item half a read unit per 4 KB, a whole one when consistent.
        """
        found: dict[str, list[Item]] = {table: [] for table in keys_by_table}
        pairs = [(table, key) for table, keys in keys_by_table.items() for key in keys]
        for start in range(0, len(pairs), MAX_BATCH_KEYS):
            self._batch_get_page(pairs[start : start + MAX_BATCH_KEYS], found, consistent=consistent)
        return found

    def get_all(self, wanted: Sequence[tuple[str, Item]]) -> dict[tuple[str, str], Item]:
        """Return the items that exist of many tables, consistently, each under its table and ``key_text``."""
        keys_by_table: dict[str, dict[str, Item]] = {}
        for table, key in wanted:
            keys_by_table.setdefault(table, {})[key_text(key)] = key
        requests = {table: list(keys.values()) for table, keys in keys_by_table.items()}
        names_by_table = {table: tuple(keys[0]) for table, keys in requests.items()}
        found = self.batch_get(requests, consistent=True)
        return {
            (table, key_text({name: item[name] for name in names_by_table[table]})): item
            for table, items in found.items()
            for item in items
        }

    def _batch_get_page(
        self, pairs: Iterable[tuple[str, Item]], found: dict[str, list[Item]], *, consistent: bool
    ) -> None:
        wanted: Reply = {}
        for table, key in pairs:
            wanted.setdefault(table, {"Keys": [], "ConsistentRead": consistent})["Keys"].append(key)
        for attempt in range(_BATCH_ATTEMPTS):
            with translated():
                reply = self.client.batch_get_item(RequestItems=wanted)
            for table, items in reply["Responses"].items():
                found[table].extend(items)
            wanted = reply.get("UnprocessedKeys") or {}
            if not wanted:
                return
            self.pause(attempt)
        raise StoreUnavailableError("the database is throttling reads; nothing was changed, try again")

    def count(self, request: Item) -> int:
        """Return how many items a query matches; pages of 1 MB until the end."""
        return sum(page["Count"] for page in self._pages({**request, "Select": "COUNT"}))

    def rows(self, request: Item, limit: int | None = None) -> list[Item]:
        """Return the first ``limit`` items of a query, or all."""
        rows: list[Item] = []
        for page in self._pages(request if limit is None else {**request, "Limit": limit}):
            rows.extend(page["Items"])
            if limit is not None and len(rows) >= limit:
                break
        return rows[:limit]

    def each(self, request: Item) -> Iterator[Item]:
        """Yield the items of a query; a page is read when its first item is asked for."""
        for page in self._pages(request):
            yield from page["Items"]

    def _pages(self, request: Item) -> Iterator[Reply]:
        while True:
            with translated():
                page = self.client.query(**request)
            yield page
            last = page.get("LastEvaluatedKey")
            if not last:
                return
            request = {**request, "ExclusiveStartKey": last}

    def transact(self, parts: Sequence[Part]) -> None:
        """Do all parts or none. At most 100 parts, no two on the same item.

        Raises:
            CancelledError: A condition failed, or another writer was busy with an item.
        """
        items = [{part.kind: part.request} for part in parts]
        with translated():
            try:
                self.client.transact_write_items(TransactItems=items)
            except self.client.exceptions.TransactionCanceledException as error:
                cancelled = _cancelled(parts, error.response.get("CancellationReasons", []))
                if cancelled is None:
                    raise
                raise cancelled from error

    def insist(self, parts: Sequence[Part], contended: str) -> bool:
        """Do all parts or none, again while other writers are busy; False when a condition refuses them.

        Args:
            parts: As for ``transact``, and not to be drafted anew for another attempt.
            contended: What to say when writers stay busy.

        Raises:
            ContendedError: Writers stayed busy for six attempts; nothing was written.
        """
        for attempt in range(_INSISTENCE):
            try:
                self.transact(parts)
            except CancelledError as error:
                if error.refused:
                    return False
                self.pause(attempt)
                continue
            return True
        raise ContendedError(contended)

    def snapshot(self, table: str, keys: Sequence[Item]) -> list[Item] | None:
        """Return the items that exist as they stood at one instant; None while writers are busy with one of them.

        Args:
            keys: At most 100.

        Cost: two read units per item and 4 KB.
        """
        wanted = [{"Get": {"TableName": table, "Key": key}} for key in keys]
        with translated():
            try:
                reply = self.client.transact_get_items(TransactItems=wanted)
            except self.client.exceptions.TransactionCanceledException as error:
                if not {each.get("Code", "None") for each in error.response["CancellationReasons"]} & _CONTENDED:
                    raise
                return None
        return [each["Item"] for each in reply["Responses"] if "Item" in each]

    def update(self, part: Part) -> bool:
        """Do a part of kind Update alone, for half of what it costs in a transaction; False if its condition fails."""
        try:
            with translated():
                self.client.update_item(**part.request)
        except ConditionFailedError:
            return False
        return True

    def put(self, part: Part) -> bool:
        """Do a part of kind Put alone; False if its condition fails."""
        try:
            with translated():
                self.client.put_item(**part.request)
        except ConditionFailedError:
            return False
        return True

    def delete(self, part: Part) -> bool:
        """Do a part of kind Delete alone; False if its condition fails."""
        try:
            with translated():
                self.client.delete_item(**part.request)
        except ConditionFailedError:
            return False
        return True

    def delete_all(self, table: str, keys: Sequence[Item]) -> None:
        """Delete items, whether they exist or not. One request per 25, a write unit per item and KB."""
        for start in range(0, len(keys), _MAX_BATCH_WRITES):
            page = [{"DeleteRequest": {"Key": key}} for key in keys[start : start + _MAX_BATCH_WRITES]]
            self._write_page({table: page})

    def _write_page(self, wanted: Reply) -> None:
        for attempt in range(_BATCH_ATTEMPTS):
            with translated():
                reply = self.client.batch_write_item(RequestItems=wanted)
            wanted = reply.get("UnprocessedItems") or {}
            if not wanted:
                return
            self.pause(attempt)
        raise StoreUnavailableError("the database is throttling writes; send the same request again")

    def pause(self, attempt: int) -> None:
        """Sleep a random time that grows with the attempt: at most 50 ms, then 100, 200 ... up to 1 s."""
        self.sleep(_jitter.uniform(0, min(1.0, 0.05 * 2**attempt)))


def connect(session: botocore.session.Session | None = None, *, lean: bool = True) -> Dynamo:
    """Return a Dynamo whose client gives up well inside API Gateway's 29 seconds; unless ``lean``, it is botocore's."""
    session = session or botocore.session.get_session()
    config = ClientConfig(
        parameter_validation=False,
        user_agent=f"laurel/{VERSION}",  # else botocore composes one for every call, from twenty parts
        connect_timeout=_CONNECT_TIMEOUT,
        read_timeout=_READ_TIMEOUT,
        retries={"total_max_attempts": 3, "mode": "standard"},
        max_pool_connections=_THREADS + 2,
        tcp_keepalive=True,
    )
    region = session.get_config_variable("region") or "us-east-1"
    with lean_clients(session) if lean else nullcontext():
        return Dynamo(session.create_client("dynamodb", region_name=region, config=config))


def bind(model: type[Model], table: str, dynamo: Dynamo) -> None:
    """Point a model at its table and make it use the shared client.

    PynamoDB 6.1 makes a session and a client per model (about 90 ms each) and has no public way to share one; these
    two private attributes are that way, held by a test.
    """
    model.Meta.table_name = table
    model._connection = None  # noqa: SLF001  # see above
    model._get_connection().connection._client = dynamo.client  # noqa: SLF001  # see above


@contextmanager
def translated() -> Iterator[None]:
    """Turn the client's and PynamoDB's failures into ours; what is none of them, such as DoesNotExist, passes."""
    try:
        yield
    except (PynamoDBException, BotoCoreError, ClientError) as error:
        ours = _ours(error.cause if isinstance(error, PynamoDBException) else error)
        if ours is None:
            raise
        raise ours from error


def refuses_us(failure: Exception) -> bool:
    """Tell whether the database would refuse any request of ours: for rights, credentials or tables that are wrong."""
    cause = failure.cause if isinstance(failure, PynamoDBException) else failure
    return isinstance(cause, ClientError) and cause.response["Error"]["Code"] not in _INVALID


def key_text(key: Item) -> str:
    """Return a text that is equal for equal keys."""
    return repr(sorted((name, next(iter(value.values()))) for name, value in key.items()))


_INVALID = frozenset(
    {"ItemCollectionSizeLimitExceededException", "TransactionCanceledException", "ValidationException"}
)
"""What the database answers to a request that is wrong in itself."""

_UNAVAILABLE = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionInProgressException",
        "InternalFailure",
        "500",
        "502",
        "503",
        "504",
    }
)


def _ours(failure: Exception | None) -> Exception | None:
    """Return what a failure of the client means here, or None when it is no answer of the database, or our bug."""
    if isinstance(failure, BotoCoreError):
        return _unavailable()
    if not isinstance(failure, ClientError):
        return None
    code = failure.response["Error"]["Code"]
    if code == "ConditionalCheckFailedException":
        return ConditionFailedError()
    if code == "TransactionConflictException":
        return BusyError("another write of the same item was under way; send the same request again")
    return _unavailable() if code in _UNAVAILABLE else None


def _unavailable() -> StoreUnavailableError:
    return StoreUnavailableError("the database did not answer in time; send the same request again")


def _cancelled(parts: Sequence[Part], reasons: Sequence[Reply]) -> CancelledError | None:
    """Return what the caller can act on, or None when the request itself was wrong."""
    codes = [(part.name, reason.get("Code", "None")) for part, reason in zip(parts, reasons, strict=True)]
    refused = frozenset(name for name, code in codes if code == _REFUSED)
    contended = frozenset(name for name, code in codes if code in _CONTENDED)
    return CancelledError(refused, contended) if refused or contended else None
