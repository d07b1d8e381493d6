"""Pages: ranks of consecutive rows, windows around a player, and lanes."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TypeVar
from zlib import crc32

Value = tuple[int, int]
Row = TypeVar("Row")


def competition_ranks(values: Sequence[Value], known: Mapping[Value, int], *, from_top: bool) -> list[int | None]:
    """Return the 1-based rank of each row: 1 + the rows of the board that are strictly better.

    Args:
        values: Directed values of consecutive rows of a board, best first.
        known: Ranks that were read, by value.
        from_top: The first row is the board's best.

    Returns:
        None where neither the rows nor the known ranks tell: read the rank of the first such value and ask again.

    >>> competition_ranks([(1, 0), (1, 0), (3, 0)], {}, from_top=True)
    [1, 1, 3]
    """
    starts = dict(_group_starts(values))
    offset = _position_of_first(starts, known, from_top=from_top)
    return [_rank(value, starts[value], known, offset, from_top=from_top) for value in values]


def _rank(value: Value, start: int, known: Mapping[Value, int], offset: int | None, *, from_top: bool) -> int | None:
    if value in known:
        return known[value]
    if offset is None or (start == 0 and not from_top):
        return None
    return offset + start + 1


def _position_of_first(starts: Mapping[Value, int], known: Mapping[Value, int], *, from_top: bool) -> int | None:
    if from_top:
        return 0
    anchored = (known[value] - 1 - start for value, start in starts.items() if start > 0 and value in known)
    return next(anchored, None)


def _group_starts(values: Sequence[Value]) -> Iterator[tuple[Value, int]]:
    start = 0
    for value, group in groupby(values):
        yield value, start
        start += len(list(group))


def window(above: Sequence[Row], own: Row, below: Sequence[Row], size: int) -> list[Row]:
    """Return up to ``size`` rows around ``own``, which stands in the middle unless an end of the board is near.

    Args:
        above: Better rows, best first, the nearest ``size`` of them.
        below: Worse rows, best first, the nearest ``size`` of them.

    >>> window(["a"], "me", ["b", "c", "d", "e", "f"], 5)
    ['a', 'me', 'b', 'c', 'd']
    """
    half = (size - 1) // 2
    upper = min(len(above), max(half, size - 1 - len(below)))
    lower = size - 1 - upper
    return [*above[len(above) - upper :], own, *below[:lower]]


def lane_of(player_id: str, lanes: int) -> int:
    """Return which copy of the nodes a player's record is counted in."""
    return crc32(player_id.encode()) % lanes


def percentile(rank: int, total: int) -> float:
    """Return the share of the board's records, in percent, that are not better than this rank.

    >>> percentile(1, 200), percentile(200, 200)
    (100.0, 0.5)
    """
    return round(100 * (total - rank + 1) / total, 4)
