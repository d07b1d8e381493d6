"""A DynamoDB in memory: the calls this app makes, thousands a second, every one open to interference.

It stands where a botocore client stands: ``Dynamo(FakeDynamoDB(tables()))``. ``before`` and ``after`` are called around
every operation, with the database open to further calls: one that raises in ``before`` keeps the operation from
happening, one that raises in ``after`` loses its reply. tests/test_fake_dynamodb.py holds it to moto.
"""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from threading import RLock
from typing import Any, NoReturn

from botocore.exceptions import ClientError, ReadTimeoutError

from tests import expressions
from tests.expressions import Condition, ExpressionError, Item, Test
from tests.permissions.listeners import tell

MAX_TRANSACTION_ITEMS = 100
MAX_BATCH_KEYS = 100
MAX_BATCH_WRITES = 25
_KINDS = ("ConditionCheck", "Put", "Update", "Delete")
_LAST = "\U0010ffff"

Key = tuple[str, str]
"""The values of an item's hash and range key; "" where the table has no range key."""


class TransactionCanceledError(ClientError):
    pass


@dataclass(frozen=True, slots=True)
class _Exceptions:
    TransactionCanceledException: type[ClientError] = TransactionCanceledError


@dataclass(frozen=True, slots=True)
class _Signer:
    _credentials: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """One operation as it reached the client."""

    operation: str
    request: Item

    @property
    def writes(self) -> list[Item]:
        """The requests of a transaction, in order; a single write alone; empty for reads."""
        if self.operation == "TransactWriteItems":
            return [next(iter(each.values())) for each in self.request["TransactItems"]]
        return [self.request] if self.operation in {"PutItem", "UpdateItem", "DeleteItem"} else []

    def touches(self, text: str) -> bool:
        """Tell whether a text, such as a table's or the start of a key, stands anywhere in the request."""
        return text in repr(self.request)


Hook = Callable[[Call], None]


@dataclass(slots=True)
class Change:
    """What one write did to one item of a table with a stream. Items are replaced, never altered: nothing is copied."""

    key: Key
    before: Item | None
    after: Item | None
    _text: str = ""

    @property
    def text(self) -> str:
        """Return what is equal for equal changes."""
        self._text = self._text or f"{_text_of(self.before)} {_text_of(self.after)}"
        return self._text


@dataclass(slots=True)
class Once:
    """A hook that acts on the first call that matches, or the first few, and is quiet ever after."""

    matches: Callable[[Call], bool]
    act: Hook
    times: int = 1

    def __call__(self, call: Call) -> None:
        if self.times and self.matches(call):
            self.times -= 1
            self.act(call)

    @property
    def done(self) -> bool:
        return self.times == 0


def throttle(call: Call) -> NoReturn:
    raise _error("ProvisionedThroughputExceededException", "slow down", call.operation)


def time_out(call: Call) -> NoReturn:
    del call
    raise ReadTimeoutError(endpoint_url="https://dynamodb.test")


def conflict_on(*texts: str) -> Hook:
    """Return what cancels a transaction because another one is busy with the items whose keys contain these texts."""

    def act(call: Call) -> NoReturn:
        busy = [any(text in repr(_key_of(write)) for text in texts) for write in call.writes]
        assert any(busy), f"no item of {call.operation} matches {texts}"
        if call.operation != "TransactWriteItems":
            raise _error("TransactionConflictException", "busy", call.operation)
        raise _cancelled(["TransactionConflict" if each else "None" for each in busy])

    return act


class FakeDynamoDB:
    def __init__(self, definitions: Iterable[Mapping[str, Any]]) -> None:
        self._tables = {definition["TableName"]: _Table(definition) for definition in definitions}
        self._lock = RLock()
        self._request_signer = _Signer()
        self.exceptions = _Exceptions()
        self.before: list[Hook] = []
        self.after: list[Hook] = []
        self.calls: list[str] = []
        """The operations so far."""
        self.page_size: int | None = None
        """How many rows end a page of a query, as 1 MB does."""
        self.keys_served = MAX_BATCH_KEYS
        """How many keys a BatchGetItem serves before it leaves the rest unprocessed, as a throttled one does."""

    def batch_get_item(self, **request: Any) -> Item:
        return self._make_api_call("BatchGetItem", request)

    def query(self, **request: Any) -> Item:
        return self._make_api_call("Query", request)

    def transact_write_items(self, **request: Any) -> Item:
        return self._make_api_call("TransactWriteItems", request)

    def transact_get_items(self, **request: Any) -> Item:
        return self._make_api_call("TransactGetItems", request)

    def put_item(self, **request: Any) -> Item:
        return self._make_api_call("PutItem", request)

    def delete_item(self, **request: Any) -> Item:
        return self._make_api_call("DeleteItem", request)

    def update_item(self, **request: Any) -> Item:
        return self._make_api_call("UpdateItem", request)

    def batch_write_item(self, **request: Any) -> Item:
        return self._make_api_call("BatchWriteItem", request)

    def items(self, table: str) -> list[Item]:
        """Return everything in a table, as no call would."""
        return [dict(item) for item in self._tables[table].items.values()]

    def open_streams(self) -> None:
        """Keep, from now on, what writes do to the items of tables that have a stream."""
        for table in self._tables.values():
            table.open_stream()

    def changes(self, table: str) -> list[Change]:
        """Return what became of a table's items since its stream was opened, in order; whoever read them empties it."""
        changes = self._tables[table].changes
        assert changes is not None, f"{table} has no stream, or a closed one"
        return changes

    def content(self) -> Hashable:
        """Return what is equal for databases in which every call and every reader of streams finds the same.

        Attributes may have come in any order, and changes of different items too: streams keep no order among those.
        """
        return frozenset((name, table.content()) for name, table in self._tables.items())

    def copy(self) -> "FakeDynamoDB":
        """Return a database of its own with the same items, without hooks. Takes microseconds per table and index."""
        twin = FakeDynamoDB(())
        twin._tables = {name: table.copy() for name, table in self._tables.items()}
        return twin

    def freeze_indexes(self) -> None:
        """Let indexes show what they show now, until ``thaw_indexes``."""
        for table in self._tables.values():
            table.unindexed = table.unindexed or []

    def thaw_indexes(self) -> None:
        for table in self._tables.values():
            table.catch_up()

    def _make_api_call(self, operation: str, request: Item) -> Item:
        tell("dynamodb", operation, request)
        return self.exchange(Call(operation, request))

    def exchange(self, call: Call) -> Item:
        """Do what a call asks for, hooks and all, without telling anybody of it."""
        self.calls.append(call.operation)
        for hook in tuple(self.before):
            hook(call)
        reply = self.perform(call)
        for hook in tuple(self.after):
            hook(call)
        return reply

    def perform(self, call: Call) -> Item:
        """Do what a call asks for, hooks aside."""
        with self._lock:
            try:
                return self._operations[call.operation](self, call.request)
            except ExpressionError as error:
                raise _error("ValidationException", str(error), call.operation) from error

    def _get_item(self, request: Item) -> Item:
        table = self._tables[request["TableName"]]
        item = table.items.get(table.key(request["Key"]))
        return {} if item is None else {"Item": dict(item)}

    def _put_item(self, request: Item) -> Item:
        return self._written("Put", request)

    def _update_item(self, request: Item) -> Item:
        return self._written("Update", request)

    def _delete_item(self, request: Item) -> Item:
        return self._written("Delete", request)

    def _written(self, kind: str, request: Item) -> Item:
        write = _Write(self._tables, kind, request)
        if not write.allowed:
            raise _error("ConditionalCheckFailedException", "The conditional request failed", kind)
        after = write.apply()
        return {"Attributes": dict(after or {})} if request.get("ReturnValues") == "ALL_NEW" else {}

    def _transact_write_items(self, request: Item) -> Item:
        pairs = [next(iter(each.items())) for each in request["TransactItems"]]
        if not 1 <= len(pairs) <= MAX_TRANSACTION_ITEMS:
            raise ExpressionError(f"a transaction has 1 to {MAX_TRANSACTION_ITEMS} items, not {len(pairs)}")
        writes = [_Write(self._tables, kind, each) for kind, each in pairs]
        if len({(write.table.name, write.key) for write in writes}) != len(writes):
            raise ExpressionError("Transaction request cannot include multiple operations on one item")
        reasons = ["None" if write.allowed else "ConditionalCheckFailed" for write in writes]
        if any(reason != "None" for reason in reasons):
            raise _cancelled(reasons)
        for write in writes:
            write.apply()
        return {}

    def _transact_get_items(self, request: Item) -> Item:
        wanted = [each["Get"] for each in request["TransactItems"]]
        keys = [(each["TableName"], self._tables[each["TableName"]].key(each["Key"])) for each in wanted]
        if not 1 <= len(keys) <= MAX_TRANSACTION_ITEMS or len(set(keys)) != len(keys):
            raise ExpressionError(f"a transaction has 1 to {MAX_TRANSACTION_ITEMS} items, all different")
        found = [self._tables[name].items.get(key) for name, key in keys]
        return {"Responses": [{} if item is None else {"Item": dict(item)} for item in found]}

    def _batch_get_item(self, request: Item) -> Item:
        wanted = [(name, key) for name, part in request["RequestItems"].items() for key in part["Keys"]]
        keys = {(name, self._tables[name].key(key)) for name, key in wanted}
        if not 1 <= len(wanted) <= MAX_BATCH_KEYS or len(keys) != len(wanted):
            raise ExpressionError(f"a batch has 1 to {MAX_BATCH_KEYS} keys, all different")
        found: dict[str, list[Item]] = {name: [] for name in request["RequestItems"]}
        for name, key in wanted[: self.keys_served]:
            item = self._tables[name].items.get(self._tables[name].key(key))
            if item is not None:
                found[name].append(dict(item))
        return {"Responses": found, "UnprocessedKeys": _unserved(request, wanted[self.keys_served :])}

    def _batch_write_item(self, request: Item) -> Item:
        wanted = [(name, each) for name, writes in request["RequestItems"].items() for each in writes]
        if not 1 <= len(wanted) <= MAX_BATCH_WRITES:
            raise ExpressionError(f"a batch has 1 to {MAX_BATCH_WRITES} writes")
        for name, each in wanted:
            kind, write = next(iter(each.items()))
            _Write(self._tables, kind.removesuffix("Request"), {"TableName": name, **write}).apply()
        return {"UnprocessedItems": {}}

    def _query(self, request: Item) -> Item:
        table = self._tables[request["TableName"]]
        texts = [request[name] for name in ("KeyConditionExpression", "ProjectionExpression") if name in request]
        expressions.check_used(request, *texts)
        view = table.indexes[request["IndexName"]] if "IndexName" in request else table
        if request.get("ConsistentRead") and view is not table:
            raise ExpressionError("Consistent reads are not supported on global secondary indexes")
        wanted = _KeyRange.of(request, view)
        keys = view.keys_between(wanted, request.get("ExclusiveStartKey"))
        forward = request.get("ScanIndexForward", True)
        return self._page(request, view, keys if forward else keys[::-1])

    def _scan(self, request: Item) -> Item:
        table = self._tables[request["TableName"]]
        keys = sorted(table.items)
        if "ExclusiveStartKey" in request:
            keys = keys[bisect_right(keys, table.key(request["ExclusiveStartKey"])) :]
        return self._page(request, table, keys)

    def _page(self, request: Item, view: "_Table | _Index", keys: list[Key]) -> Item:
        limits = [limit for limit in (request.get("Limit"), self.page_size) if limit is not None]
        shown = keys[: min(limits, default=len(keys))]
        rows = [view.row(key) for key in shown]
        reply: Item = {"Count": len(rows), "ScannedCount": len(rows)}
        if request.get("Select") != "COUNT":
            reply["Items"] = [_projected(request, row) for row in rows]
        if limits and rows and len(shown) == min(limits):
            reply["LastEvaluatedKey"] = view.position(shown[-1])
        return reply

    _operations: Mapping[str, Callable[["FakeDynamoDB", Item], Item]] = {
        "BatchGetItem": _batch_get_item,
        "BatchWriteItem": _batch_write_item,
        "DeleteItem": _delete_item,
        "GetItem": _get_item,
        "PutItem": _put_item,
        "Query": _query,
        "Scan": _scan,
        "TransactGetItems": _transact_get_items,
        "TransactWriteItems": _transact_write_items,
        "UpdateItem": _update_item,
    }


class _Table:
    """Items by key, and each partition's range keys in order."""

    def __init__(self, definition: Mapping[str, Any]) -> None:
        self.name: str = definition["TableName"]
        self.hash_key, self.range_key = _key_names(definition)
        self.items: dict[Key, Item] = {}
        self.indexes = {each["IndexName"]: _Index(self, each) for each in definition.get("GlobalSecondaryIndexes", ())}
        self.unindexed: list[tuple[Item | None, Item | None]] | None = None
        self.changes: list[Change] | None = None
        self._ranges: dict[str, list[str]] = {}
        self._texts: dict[Key, str] = {}
        self._definition = definition

    def copy(self) -> "_Table":
        twin = _Table(self._definition)
        twin.items = dict(self.items)
        twin._ranges = {partition: list(ranges) for partition, ranges in self._ranges.items()}
        twin.indexes = {name: index.copy(twin) for name, index in self.indexes.items()}
        twin.changes = None if self.changes is None else list(self.changes)
        twin._texts = dict(self._texts)
        return twin

    def open_stream(self) -> None:
        if "StreamSpecification" in self._definition:
            self.changes = []

    def content(self) -> Hashable:
        for key, item in self.items.items():
            if key not in self._texts:
                self._texts[key] = _text_of(item)
        turns: Counter[Key] = Counter()
        told = set()
        for change in self.changes or ():
            turns[change.key] += 1
            told.add((change.key, turns[change.key], change.text))
        return frozenset(self._texts.items()), frozenset(told)

    def key(self, item: Mapping[str, Item]) -> Key:
        return _text(item, self.hash_key), _text(item, self.range_key) if self.range_key else ""

    def store(self, key: Key, item: Item | None) -> None:
        before = self.items.pop(key, None)
        self._texts.pop(key, None)
        if self.changes is not None and before != item:
            self.changes.append(Change(key, before, item))
        if before is not None:
            self._ranges[key[0]].remove(key[1])
        if item is not None:
            self.items[key] = item
            insort(self._ranges.setdefault(key[0], []), key[1])
        if self.unindexed is None:
            self._index(before, item)
        else:
            self.unindexed.append((before, item))

    def catch_up(self) -> None:
        late, self.unindexed = self.unindexed or [], None
        for before, after in late:
            self._index(before, after)

    def _index(self, before: Item | None, after: Item | None) -> None:
        for index in self.indexes.values():
            index.replace(before, after)

    def keys_between(self, wanted: "_KeyRange", start: Item | None) -> list[Key]:
        ranges = self._ranges.get(wanted.partition, [])
        keys = [(wanted.partition, each) for each in ranges[slice(*wanted.bounds(ranges, str))]]
        return keys if start is None else _past(keys, self.key(start), forward=wanted.forward)

    def row(self, key: Key) -> Item:
        return dict(self.items[key])

    def position(self, key: Key) -> Item:
        item = self.items[key]
        return {name: item[name] for name in (self.hash_key, self.range_key) if name}


class _Index:
    """A global secondary index: the projection of every item that has both its keys, in their order."""

    def __init__(self, table: _Table, definition: Mapping[str, Any]) -> None:
        self._table = table
        self._definition = definition
        self.hash_key, self.range_key = _key_names(definition)
        self._shown = frozenset(definition["Projection"].get("NonKeyAttributes", ()))
        self._rows: dict[str, dict[tuple[str, Key], Item]] = {}
        self._ordered: dict[str, list[tuple[str, Key]]] = {}

    def copy(self, table: _Table) -> "_Index":
        twin = _Index(table, self._definition)
        twin._rows = {partition: dict(rows) for partition, rows in self._rows.items()}
        twin._ordered = {partition: list(ordered) for partition, ordered in self._ordered.items()}
        return twin

    def replace(self, before: Item | None, after: Item | None) -> None:
        for item in (before, after):
            if item is None or self.hash_key not in item or self.range_key not in item:
                continue
            partition, place = _text(item, self.hash_key), (_text(item, self.range_key), self._table.key(item))
            rows, ordered = self._rows.setdefault(partition, {}), self._ordered.setdefault(partition, [])
            if item is before:
                del rows[place], ordered[bisect_left(ordered, place)]
            else:
                rows[place] = self._projected(item)
                insort(ordered, place)

    def keys_between(self, wanted: "_KeyRange", start: Item | None) -> list[Any]:
        ordered = self._ordered.get(wanted.partition, [])
        found = ordered[slice(*wanted.bounds(ordered, itemgetter(0)))]
        if start is not None:
            found = _past(found, (_text(start, self.range_key), self._table.key(start)), forward=wanted.forward)
        return [(wanted.partition, *each) for each in found]

    def row(self, key: Any) -> Item:
        return dict(self._rows[key[0]][key[1:]])

    def position(self, key: Any) -> Item:
        row = self._rows[key[0]][key[1:]]
        names = (self.hash_key, self.range_key, self._table.hash_key, self._table.range_key)
        return {name: row[name] for name in names if name}

    def _projected(self, item: Item) -> Item:
        keys = {self.hash_key, self.range_key, self._table.hash_key, self._table.range_key}
        return {name: value for name, value in item.items() if name in self._shown or name in keys}


@dataclass(frozen=True, slots=True)
class _KeyRange:
    """Which range keys of which partition a query wants; each bound a text and whether it belongs itself."""

    partition: str
    low: tuple[str, bool] | None
    high: tuple[str, bool] | None
    forward: bool

    @classmethod
    def of(cls, request: Item, view: "_Table | _Index") -> "_KeyRange":
        names, values = request.get("ExpressionAttributeNames", {}), request["ExpressionAttributeValues"]
        parsed = expressions.condition(request["KeyConditionExpression"], names)
        tests = list(_conjuncts(parsed))
        on = {test.operands[0]: (test.name, [values[each]["S"] for each in test.operands[1:]]) for test in tests}
        if len(on) != len(tests) or not {view.hash_key} <= set(on) <= {view.hash_key, view.range_key}:
            raise ExpressionError(f"no key condition: {request['KeyConditionExpression']}")
        partition_test, (partition,) = on[view.hash_key]
        if partition_test != "=":
            raise ExpressionError("the hash key takes = only")
        low, high = _bounds(*on[view.range_key]) if view.range_key in on else (None, None)
        return cls(partition, low, high, request.get("ScanIndexForward", True))

    def bounds(self, ordered: list[Any], range_key: Callable[[Any], str]) -> tuple[int, int]:
        """Return the slice of the rows between the bounds."""
        start, end = 0, len(ordered)
        if self.low is not None:
            start = (bisect_left if self.low[1] else bisect_right)(ordered, self.low[0], key=range_key)
        if self.high is not None:
            end = (bisect_right if self.high[1] else bisect_left)(ordered, self.high[0], key=range_key)
        return start, end


@dataclass(slots=True)
class _Write:
    """One write or check: whether its condition holds, and what it leaves."""

    tables: Mapping[str, _Table]
    kind: str
    request: Item
    table: _Table = field(init=False)
    key: Key = field(init=False)

    def __post_init__(self) -> None:
        self.table = self.tables[self.request["TableName"]]
        self.key = self.table.key(_key_of(self.request))
        assert self.kind in _KINDS, self.kind
        texts = [self.request[name] for name in ("ConditionExpression", "UpdateExpression") if name in self.request]
        expressions.check_used(self.request, *texts)

    @property
    def allowed(self) -> bool:
        if "ConditionExpression" not in self.request:
            return True
        wanted = expressions.condition(self.request["ConditionExpression"], self._names)
        return expressions.holds(wanted, self.table.items.get(self.key, {}), self._values)

    @property
    def _names(self) -> Mapping[str, str]:
        return self.request.get("ExpressionAttributeNames", {})  # type: ignore[no-any-return]  # a request's part

    @property
    def _values(self) -> Mapping[str, Item]:
        return self.request.get("ExpressionAttributeValues", {})  # type: ignore[no-any-return]  # a request's part

    def apply(self) -> Item | None:
        if self.kind == "ConditionCheck":
            return None
        after = self._after()
        self.table.store(self.key, after)
        return after

    def _after(self) -> Item | None:
        if self.kind == "Delete":
            return None
        if self.kind == "Put":
            return dict(self.request["Item"])
        wanted = expressions.actions(self.request["UpdateExpression"], self._names)
        if {action.attribute for action in wanted} & {self.table.hash_key, self.table.range_key}:
            raise ExpressionError("keys cannot be updated")
        before: Item = self.table.items.get(self.key) or self.request["Key"]
        return expressions.changed(wanted, before, self._values)


def _bounds(name: str, operands: list[str]) -> tuple[tuple[str, bool] | None, tuple[str, bool] | None]:
    first = operands[0]
    match name:
        case "=":
            return (first, True), (first, True)
        case "<" | "<=":
            return None, (first, name == "<=")
        case ">" | ">=":
            return (first, name == ">="), None
        case "begins_with":
            return (first, True), (first + _LAST, True)
        case "BETWEEN" if first <= operands[1]:
            return (first, True), (operands[1], True)
        case _:
            raise ExpressionError(f"no condition on a range key: {name} {operands}")


def _conjuncts(condition: Condition) -> Iterator[Test]:
    if isinstance(condition, Test):
        yield condition
    elif condition.name == "AND":
        for part in condition.parts:
            yield from _conjuncts(part)
    else:
        raise ExpressionError(f"a key condition knows AND only, not {condition.name}")


def _past(keys: list[Any], start: Any, *, forward: bool) -> list[Any]:
    return keys[bisect_right(keys, start) :] if forward else keys[: bisect_left(keys, start)]


def _projected(request: Item, row: Item) -> Item:
    if "ProjectionExpression" not in request:
        return row
    names = expressions.projection(request["ProjectionExpression"], request.get("ExpressionAttributeNames", {}))
    return {name: row[name] for name in names if name in row}


def _unserved(request: Item, rest: list[tuple[str, Item]]) -> Item:
    unserved: Item = {}
    for name, key in rest:
        part = unserved.setdefault(name, {**request["RequestItems"][name], "Keys": []})
        part["Keys"].append(key)
    return unserved


def _key_names(definition: Mapping[str, Any]) -> tuple[str, str]:
    names = {part["KeyType"]: part["AttributeName"] for part in definition["KeySchema"]}
    return names["HASH"], names.get("RANGE", "")


def _key_of(request: Item) -> Item:
    """Return the key of a write, or of its item, which holds it."""
    return request["Key"] if "Key" in request else request["Item"]  # type: ignore[no-any-return]  # a request's part


def _text(item: Mapping[str, Item], name: str) -> str:
    text: object = item.get(name, {}).get("S")
    if not isinstance(text, str) or not text:
        raise ExpressionError(f"the key {name} must be a text, and not empty")
    if not text.isprintable() and any("\ud800" <= character <= "\udfff" for character in text):
        raise ExpressionError(f"the key {name} must be valid Unicode")
    return text


def _text_of(item: Item | None) -> str:
    return repr(item and sorted(item.items()))


def _error(code: str, message: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def _cancelled(reasons: list[str]) -> TransactionCanceledError:
    response: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": f"Transaction cancelled {reasons}"},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }
    return TransactionCanceledError(response, "TransactWriteItems")
