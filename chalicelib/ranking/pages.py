"""Pages: ranks of consecutive rows, windows around a player, and lanes."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from zlib import crc32

Value = tuple[int, int]


def competition_ranks(values: Sequence[Value], known: Mapping[Value, int], *, position: int | None) -> list[int | None]:
    """Return the 1-based rank of each row: 1 + the rows of the board that are strictly better.

    Args:
        values: Directed values of consecutive rows of a board, best first.
        known: Ranks that were read, by value.
        position: 0-based position of the first row in the whole listing, if it is known and the row above, if any,
            is strictly better.

    Returns:
        None where neither the rows nor the known ranks tell: read the rank of the first such value and ask again.

    >>> competition_ranks([(1, 0), (1, 0), (3, 0)], {}, position=0)
    [1, 1, 3]
    """
    starts = dict(_group_starts(values))
    rank_by_value = dict(known)
    offset = position if position is not None else _position_of_first(starts, known)
    if offset is not None:
        first = 0 if position is not None else 1
        rank_by_value |= {value: offset + start + 1 for value, start in starts.items() if start >= first}
    return [rank_by_value.get(value) for value in values]


def _position_of_first(starts: Mapping[Value, int], known: Mapping[Value, int]) -> int | None:
    anchored = (known[value] - 1 - start for value, start in starts.items() if start > 0 and value in known)
    return next(anchored, None)


def _group_starts(values: Sequence[Value]) -> Iterator[tuple[Value, int]]:
    start = 0
    for value, group in groupby(values):
        yield value, start
        start += len(list(group))


def window(above: int, below: int, size: int) -> slice:
    """Return where a window of ``size`` rows lies in a listing: rows above a player, the player's own, rows below.

    The player stands in the middle unless an end of the listing is near.

    Args:
        above: How many better rows the listing has.
        below: How many worse ones.

    >>> list("abcMdefgh")[window(above=3, below=5, size=5)]
    ['b', 'c', 'M', 'd', 'e']
    """
    half = (size - 1) // 2
    upper = min(above, max(half, size - 1 - below))
    return slice(above - upper, above - upper + size)


def lane_of(player_id: str, lanes: int) -> int:
    """Return which copy of the nodes a player's record is counted in."""
    return crc32(player_id.encode()) % lanes


def percentile(rank: int, total: int) -> float:
    """Return the share of the board's records, in percent, that are not better than this rank.

    >>> percentile(1, 200), percentile(200, 200)
    (100.0, 0.5)
    """
    return round(100 * (total - rank + 1) / total, 4)
