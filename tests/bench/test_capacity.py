"""Capacity is counted by DynamoDB's rules, and calls by what overlaps."""

import doctest
from typing import Any

from bench import capacity
from bench.capacity import index_write_units, item_size, read_units, write_units
from bench.client import Call, Trace
from bench.memory import MemoryDynamoDB
from tests.tables import PREFIX, tables

INDEX_KEYS = ("standing", "order_key")


def _item(size: int) -> dict[str, Any]:
    """Return an item of so many bytes."""
    return {"pk": {"S": "x" * (size - 2)}}


def _row(order_key: str, name: str = "Ada") -> dict[str, Any]:
    return {"standing": {"S": "points#all"}, "order_key": {"S": order_key}, "display_name": {"S": name}}


def _call(started: float, ended: float) -> Call:
    return Call("Query", {}, {"Count": 1, "ConsumedCapacity": {"CapacityUnits": 0.5}}, started, ended)


def test_the_examples_hold() -> None:
    assert doctest.testmod(capacity).failed == 0


def test_nested_values_count_their_elements() -> None:
    identities = {"L": [{"M": {"kind": {"S": "device"}}}]}

    assert item_size({"identities": identities}) == len("identities") + 3 + 1 + (3 + 1 + len("kind") + len("device"))


def test_reads_come_in_steps_of_four_kilobytes() -> None:
    assert read_units([4096], consistent=True) == 1
    assert read_units([4096, 1], consistent=True) == 2
    assert read_units([], consistent=False) == 0.5


def test_a_write_costs_the_larger_of_before_and_after() -> None:
    assert write_units(None, _item(1024)) == 1
    assert write_units(_item(1025), _item(10)) == 2
    assert write_units(_item(3000), None) == 3
    assert write_units(None, None) == 1


def test_an_index_is_written_only_where_it_shows_a_change() -> None:
    assert index_write_units(_row("1"), _row("1"), INDEX_KEYS) == 0
    assert index_write_units(_row("1"), _row("1", "Bob"), INDEX_KEYS) == 1
    assert index_write_units(_row("1"), _row("2"), INDEX_KEYS) == 2
    assert index_write_units(None, _row("1"), INDEX_KEYS) == 1
    assert index_write_units(_row("1"), None, INDEX_KEYS) == 1


def test_a_transaction_costs_double_and_its_index_single() -> None:
    memory = MemoryDynamoDB(tables())
    item = {"player_id": {"S": "0"}, "board_period": {"S": "points#all"}, **_row("1")}
    put = {"Put": {"TableName": f"{PREFIX}records", "Item": item}}

    reply = memory.answer("TransactWriteItems", {"TransactItems": [put], "ReturnConsumedCapacity": "TOTAL"})

    assert reply["ConsumedCapacity"] == [{"CapacityUnits": 2 + 1}]


def test_calls_that_overlap_are_one_round() -> None:
    assert Trace([_call(0, 2), _call(1, 3), _call(2.5, 4), _call(4, 5)]).rounds == 2


def test_what_was_read_in_vain_is_told_apart() -> None:
    request = {"RequestItems": {"ranks": {"Keys": [{}, {}, {}], "ConsistentRead": True}}}

    assert Call("BatchGetItem", request, {"Responses": {"ranks": [{}]}}, 0, 1).vain_units == 2
