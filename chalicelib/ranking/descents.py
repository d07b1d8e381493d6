"""Descents: from the root of a rank index down to where the record at some position of the listing is counted."""

from decimal import Decimal
from typing import NamedTuple

from chalicelib.ranking import nodes
from chalicelib.ranking.bins import Path
from chalicelib.ranking.nodes import Counts


class Descent(NamedTuple):
    """How far a search has come: the wanted record stands below ``path``.

    ``offset`` is its 0-based position among the records below, ``better`` how many stand in better bins than those.
    """

    path: Path = ()
    offset: int = 0
    better: int = 0

    def into(self, counts: Counts) -> "Descent":
        """Return the search one level further down, by the counters of the node at ``path``.

        Levels are read one after the other, and records move meanwhile. Where the level above promised a record that
        this one has no more, the search goes on to the last record here, and in an emptied node to its best bin: never
        to a worse place than promised.

        >>> Descent(offset=4).into({7: 3, 9: 2})
        Descent(path=(9,), offset=1, better=3)
        """
        here = min(self.offset, sum(counts.values()) - 1)
        found = nodes.child_at(counts, here) if here >= 0 else None
        if found is None:
            return Descent((*self.path, 0), 0, self.better)
        child, offset = found
        return Descent((*self.path, child), offset, self.better + here - offset)


def last_of_top(percent: Decimal, total: int) -> int:
    """Return the rank at which the top ``percent`` of ``total`` records ends: rounded up, so at least 1.

    >>> last_of_top(Decimal(1), 250), last_of_top(Decimal("0.1"), 5), last_of_top(Decimal(100), 5)
    (3, 1, 5)
    """
    numerator, denominator = percent.as_integer_ratio()
    return max(1, -(-numerator * total // (100 * denominator)))
