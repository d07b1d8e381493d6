"""The listing: a board's records in rank order, whether it lies in one partition or is cut into slices."""

from collections.abc import Iterator
from functools import partial
from itertools import chain

from msgspec import Struct

from chalicelib.domain.boards import Board
from chalicelib.domain.layouts import Layout
from chalicelib.ranking import order
from chalicelib.ranking.bins import Path
from chalicelib.ranking.nodes import Counts
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.ranks import RankStore, TreeQuery
from chalicelib.store.records import RecordStore, Row, Slice, slice_digits

_AT_ONCE = 8


class Walk(Struct, frozen=True):
    """A way through the listing of one board and period, from an ordering key on; "" for from the very end."""

    board: Board
    period_id: str
    layout: Layout
    order_key: str
    forward: bool

    @property
    def start(self) -> Path | None:
        """Return the slice of the key; None when the walk begins at an end."""
        if not self.order_key:
            return None
        return slice_digits(self.board, self.layout, order.value_of(self.order_key))

    def slice(self, digits: Path) -> Slice:
        return Slice(self.board, self.period_id, self.layout, digits)

    def passes(self, node: Path) -> bool:
        """Tell whether the walk still has to come to a node, or stands below it."""
        if self.start is None:
            return True
        here = self.start[: len(node)]
        return node >= here if self.forward else node <= here


class Listing:
    """Reads rows. A board in slices costs, beside the queries, a read of the nodes that say which are not empty.

    A slice that just got its first record shows it once that is settled.
    """

    def __init__(self, dynamo: Dynamo, records: RecordStore, ranks: RankStore) -> None:
        self._dynamo = dynamo
        self._records = records
        self._ranks = ranks

    def after(self, board: Board, period_id: str, order_key: str, limit: int) -> list[Row]:
        """Return the rows that follow a key ("" for the top), best first. One query where the board is not sliced."""
        return self._rows(Walk(board, period_id, board.layout(period_id), order_key, forward=True), limit)

    def before(self, board: Board, period_id: str, order_key: str, limit: int) -> list[Row]:
        """Return the ``limit`` rows just above a key, best first."""
        walk = Walk(board, period_id, board.layout(period_id), order_key, forward=False)
        return self._rows(walk, limit)[::-1]

    def _rows(self, walk: Walk, limit: int) -> list[Row]:
        """Return rows in the order of the walk."""
        if not walk.layout.slices:
            return self._read(walk.slice(()), walk, walk.order_key, limit)
        rows = [] if walk.start is None else self._read(walk.slice(walk.start), walk, walk.order_key, limit)
        beyond = self._beyond(walk, ())
        while len(rows) < limit and (group := _enough(beyond, limit - len(rows))):
            reads = [partial(self._read, walk.slice(digits), walk, "", limit - len(rows)) for digits in group]
            first, others = self._dynamo.alongside(reads[0], reads[1:])
            rows += chain(first, *others)
        return rows[:limit]

    def _read(self, within: Slice, walk: Walk, order_key: str, limit: int) -> list[Row]:
        if walk.forward:
            return self._records.after(within, order_key, limit)
        return self._records.before(within, order_key, limit)[::-1]

    def _beyond(self, walk: Walk, node: Path) -> Iterator[tuple[Path, int]]:
        """Yield the slices below a node that are not empty and still to come, in order, with their counts."""
        counts = self._counts(walk, node)
        for digit in sorted(counts, reverse=not walk.forward):
            child = (*node, digit)
            if counts[digit] <= 0 or not walk.passes(child):
                continue
            if len(child) < walk.layout.slices:
                yield from self._beyond(walk, child)
            elif child != walk.start:
                yield child, counts[digit]

    def _counts(self, walk: Walk, node: Path) -> Counts:
        query = TreeQuery(walk.board, walk.period_id, {node: None}, layout=walk.layout)
        return self._ranks.read([query])[0].counts_by_node.get(node, {})


def _enough(slices: Iterator[tuple[Path, int]], missing: int) -> list[Path]:
    """Return the next slices that together hold what is missing, at most as many as are read at once."""
    group: list[Path] = []
    while missing > 0 and len(group) < _AT_ONCE and (found := next(slices, None)):
        group.append(found[0])
        missing -= found[1]
    return group
