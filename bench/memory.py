"""The DynamoDB of the benchmarks: in this process, with every unit of capacity counted from the sizes of items."""

import json
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from threading import Lock
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError

from bench.capacity import (
    TRANSACTIONAL,
    Item,
    index_write_units,
    item_size,
    read_units,
    write_units,
)
from tests.fake_dynamodb import FakeDynamoDB

PAGE_BYTES = 2**20
"""Where DynamoDB ends a page of a query."""
_WRITES = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}
_OF_MANY_TABLES = {"BatchGetItem", "TransactWriteItems"}
_MIN_READ = (0,)
"""Reading nothing costs as much as reading very little."""


class MemoryDynamoDB:
    """Answers what botocore is about to send, and says what it consumed, indexes included, where that is asked for."""

    def __init__(self, definitions: Iterable[Mapping[str, Any]]) -> None:
        definitions = list(definitions)
        self._fake = FakeDynamoDB(definitions)
        self._table_by_name = {definition["TableName"]: definition for definition in definitions}
        self._lock = Lock()

    @property
    def tables(self) -> list[str]:
        return list(self._table_by_name)

    def items(self, table: str) -> list[Item]:
        return self._fake.items(table)

    def put(self, table: str, item: Item) -> None:
        self._call("PutItem", {"TableName": table, "Item": item})

    def write(self, kind: str, request: Item) -> None:
        """Do one part of a transaction, without its conditions."""
        plain = {name: part for name, part in request.items() if name != "ConditionExpression"}
        self._call("TransactWriteItems", {"TransactItems": [{kind: plain}]})

    def end_pages(self, table: str) -> None:
        """End the pages of queries where items as large as this table's fill them."""
        self._fake.page_size = PAGE_BYTES // item_size(self.items(table)[0])

    def send(self, request: AWSPreparedRequest, **_event: Any) -> AWSResponse:
        """Answer a request: a handler of botocore's event ``before-send``."""
        try:
            return response(request, 200, self.answer(operation_of(request), body_of(request)))
        except ClientError as error:
            return response(request, 400, _refusal(error))

    def answer(self, operation: str, request: Item) -> Item:
        if request.get("ReturnConsumedCapacity", "NONE") == "NONE":
            return self._call(operation, request)
        with self._lock:
            before = list(self._states(operation, request))
            reply = self._call(operation, request)
            units = self._units(operation, request, reply, before)
        consumed = {"CapacityUnits": units}
        return {**reply, "ConsumedCapacity": [consumed] if operation in _OF_MANY_TABLES else consumed}

    def _units(self, operation: str, request: Item, reply: Item, before: list[Item | None]) -> float:
        match operation:
            case "GetItem":
                sizes = [item_size(reply["Item"])] if "Item" in reply else _MIN_READ
                return read_units(sizes, consistent=request.get("ConsistentRead", False))
            case "BatchGetItem":
                return sum(
                    _batch_units(part, reply["Responses"][name]) for name, part in request["RequestItems"].items()
                )
            case "Query" | "Scan":
                return read_units(self._looked_at(operation, request), consistent=request.get("ConsistentRead", False))
            case _:
                return self._written_units(operation, request, before)

    def _looked_at(self, operation: str, request: Item) -> list[int]:
        whole = {name: part for name, part in request.items() if name != "Select"}
        return [item_size(row) for row in self._call(operation, whole)["Items"]]

    def _written_units(self, operation: str, request: Item, before: list[Item | None]) -> float:
        price = TRANSACTIONAL if operation == "TransactWriteItems" else 1
        after = list(self._states(operation, request))
        return sum(
            price * write_units(old, new) + self._index_units(table, old, new)
            for (_, table, _), old, new in zip(self._writes(operation, request), before, after, strict=True)
        )

    def _index_units(self, table: str, before: Item | None, after: Item | None) -> int:
        definition = self._table_by_name[table]
        table_keys = _key_names(definition)
        return sum(
            index_write_units(
                _projected(before, table_keys, index), _projected(after, table_keys, index), _key_names(index)
            )
            for index in definition.get("GlobalSecondaryIndexes", ())
        )

    def _states(self, operation: str, request: Item) -> Iterator[Item | None]:
        """Yield what is stored under the key of each write."""
        for _, table, write in self._writes(operation, request):
            source = write.get("Key") or write["Item"]
            key = {name: source[name] for name in _key_names(self._table_by_name[table])}
            yield self._call("GetItem", {"TableName": table, "Key": key}).get("Item")

    def _writes(self, operation: str, request: Item) -> Iterator[tuple[str, str, Item]]:
        if operation in _WRITES:
            yield _WRITES[operation], request["TableName"], request
        for part in request.get("TransactItems", ()):
            ((kind, write),) = part.items()
            yield kind, write["TableName"], write

    def _call(self, operation: str, request: Item) -> Item:
        return self._fake._make_api_call(operation, request)  # noqa: SLF001  # the one call that takes all operations


def _batch_units(part: Item, found: list[Item]) -> float:
    consistent = part.get("ConsistentRead", False)
    missing = len(part["Keys"]) - len(found)
    present = sum(read_units([item_size(item)], consistent=consistent) for item in found)
    return present + missing * read_units(_MIN_READ, consistent=consistent)


def _projected(item: Item | None, table_keys: list[str], index: Mapping[str, Any]) -> Item | None:
    index_keys = _key_names(index)
    if item is None or any(name not in item for name in index_keys):
        return None
    shown = {*table_keys, *index_keys, *index["Projection"].get("NonKeyAttributes", ())}
    return {name: value for name, value in item.items() if name in shown}


def _key_names(definition: Mapping[str, Any]) -> list[str]:
    return [part["AttributeName"] for part in definition["KeySchema"]]


def operation_of(request: AWSPreparedRequest) -> str:
    return _text(request.headers["X-Amz-Target"]).rpartition(".")[2]


def body_of(request: AWSPreparedRequest) -> Item:
    return dict(json.loads(_text(request.body)))


def _text(content: Any) -> str:
    return content.decode() if isinstance(content, bytes) else str(content)


def _refusal(error: ClientError) -> Item:
    reasons = error.response.get("CancellationReasons")
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message}
    return body if reasons is None else {**body, "CancellationReasons": reasons}


class _Body(BytesIO):
    """What urllib3 gives to botocore, as far as botocore reads it."""

    def stream(self, **_options: Any) -> Iterator[bytes]:
        yield self.read()


def response(request: AWSPreparedRequest, status: int, body: Item) -> AWSResponse:
    content = json.dumps(body).encode()
    headers = HTTPHeaders()
    headers["Content-Type"] = "application/x-amz-json-1.0"
    headers["Content-Length"] = str(len(content))
    return AWSResponse(request.url, status, headers, _Body(content))
