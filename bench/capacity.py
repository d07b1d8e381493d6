"""DynamoDB's published rules of capacity, as functions of item sizes. Pure.

Source: the DynamoDB developer guide, "DynamoDB item sizes and formats" and "DynamoDB read and write operations".
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

Item = dict[str, Any]
"""Attribute name to {type: value}."""

READ_UNIT_BYTES, WRITE_UNIT_BYTES = 4096, 1024
_NESTED_BYTES, _ELEMENT_BYTES = 3, 1
TRANSACTIONAL = 2
"""How many times a transaction writes: once to prepare, once to commit. Indexes are written once, after it."""


def item_size(item: Item) -> int:
    """Return the bytes of an item: its attributes' names and values.

    >>> item_size({"pk": {"S": "zoë"}, "score": {"N": "-1234"}, "hidden": {"BOOL": False}})
    22
    """
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value: Item) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number_size(content)
        case "BOOL" | "NULL":
            return 1
        case "SS":
            return _NESTED_BYTES + sum(len(each.encode()) for each in content)
        case "L":
            return _NESTED_BYTES + sum(_ELEMENT_BYTES + value_size(each) for each in content)
        case "M":
            return _NESTED_BYTES + item_size(content) + _ELEMENT_BYTES * len(content)
        case _:
            raise NotImplementedError(f"no rule for values of type {kind}")


def _number_size(text: str) -> int:
    """Return a byte per two significant digits, one for the exponent, and one for a minus sign.

    >>> [_number_size(text) for text in ("0", "7", "100", "1234", "12345", "-5")]
    [1, 2, 2, 3, 4, 3]
    """
    sign, digits, _ = Decimal(text).normalize().as_tuple()
    significant = 0 if digits == (0,) else len(digits)
    return (significant + 1) // 2 + 1 + sign


def read_units(sizes: Iterable[int], *, consistent: bool) -> float:
    """Return the units of one Query, or of one item read alone: its sizes added up, in steps of 4 KB, at least one.

    >>> read_units([300, 5000], consistent=False)
    1.0
    """
    steps = max(1, -(-sum(sizes) // READ_UNIT_BYTES))
    return steps if consistent else steps / 2


def write_units(before: Item | None, after: Item | None) -> int:
    """Return the units of replacing one item by another: the larger counts, in steps of 1 KB, at least one."""
    return max(_write_steps(before), _write_steps(after), 1)


def index_write_units(before: Item | None, after: Item | None, key_names: Iterable[str]) -> int:
    """Return the units of bringing an index in line; its items are given as projected, None when not in it.

    Nothing when what the index shows is the same, one write when it shows another value under the same key, a deletion
    and a put when the key changes.
    """
    if before == after:
        return 0
    if before and after and all(before[name] == after[name] for name in key_names):
        return write_units(before, after)
    return _write_steps(before) + _write_steps(after)


def _write_steps(item: Item | None) -> int:
    return 0 if item is None else max(1, -(-item_size(item) // WRITE_UNIT_BYTES))
