"""The ordering key: text whose ascending order is rank order, whatever the board's direction.

Layout: value (16 hex digits), subvalue (16), milliseconds of achieved_at (12), player id. Values are directed and
shifted to unsigned, so text order is number order. Hex, not bytes: every DynamoDB, console and emulator sorts it alike.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from chalicelib.domain.boards import Board, SortOrder, directed

_OFFSET = 2**63
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VALUE_END, _SUBVALUE_END, _TIME_END = 16, 32, 44


class Position(NamedTuple):
    """What an ordering key says."""

    score: int
    subscore: int
    achieved_at: datetime
    player_id: str


def prefix(value: tuple[int, int]) -> str:
    """Return what the keys of all records with this directed (value, subvalue) begin with."""
    return f"{value[0] + _OFFSET:016x}{value[1] + _OFFSET:016x}"


def encode(board: Board, position: Position) -> str:
    milliseconds = (position.achieved_at - _EPOCH) // timedelta(milliseconds=1)
    return f"{prefix(board.value(position.score, position.subscore))}{milliseconds:012x}{position.player_id}"


def value_of(order_key: str) -> tuple[int, int]:
    """Return the directed (value, subvalue) that a key, or its prefix, begins with."""
    return int(order_key[:_VALUE_END], 16) - _OFFSET, int(order_key[_VALUE_END:_SUBVALUE_END], 16) - _OFFSET


def value_text(order_key: str) -> str:
    """Return the part of a key that is equal for records that tie, and for no others."""
    return order_key[:_SUBVALUE_END]


def player_id(order_key: str) -> str:
    return order_key[_TIME_END:]


def decode(board: Board, order_key: str) -> Position:
    """Return what the key says; achieved_at to the millisecond."""
    value, subvalue = value_of(order_key)
    milliseconds = int(order_key[_SUBVALUE_END:_TIME_END], 16)
    return Position(
        directed(value, board.sort_order),
        directed(subvalue, board.subscore_order or SortOrder.ASC),
        _EPOCH + timedelta(milliseconds=milliseconds),
        player_id(order_key),
    )
