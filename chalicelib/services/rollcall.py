"""The roll call: a listing from its first record to its last, without asking the nodes, which may be what is wrong."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice, product

from msgspec import Struct

from chalicelib.domain.boards import Board
from chalicelib.domain.layouts import Layout
from chalicelib.ranking import order
from chalicelib.ranking.bins import CHILDREN, Path, Shape, roots, shape_of
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.records import RecordStore, Row, Slice, slice_digits

_AT_ONCE = 8


class Pages(Struct, frozen=True):
    """How much a step of a job takes on, so that it ends within seconds."""

    counted: int = 1000
    """Records that are counted together."""
    settled: int = 500
    """Records that are settled together."""
    nodes: int = 100
    """Nodes that are deleted together."""


DEFAULT_PAGES = Pages()


class Build(Struct, frozen=True):
    """One build of the rank index of a board and period."""

    board: Board
    period_id: str
    layout: Layout

    @property
    def shape(self) -> Shape:
        return shape_of(self.board, self.layout)

    def slice(self, digits: Path) -> Slice:
        return Slice(self.board, self.period_id, self.layout, digits)


class RollCall:
    def __init__(self, dynamo: Dynamo, records: RecordStore) -> None:
        self._dynamo = dynamo
        self._records = records

    def after(self, build: Build, order_key: str, limit: int) -> list[Row]:
        """Return the next rows of a build's listing after a key ("" for the top), at most ``limit``; none at its end.

        Each player once, though a record that moves meanwhile may stand in two places. Cost: one Query; at the end of
        a slice one for each that follows until a row is found, eight at a time.
        """
        slices = _slices(build, order_key)
        rows = self._records.after(build.slice(next(slices)), order_key, limit)
        while not rows and (group := list(islice(slices, _AT_ONCE))):
            reads = [partial(self._records.after, build.slice(digits), "", limit) for digits in group]
            first, others = self._dynamo.alongside(reads[0], reads[1:])
            rows = [row for rows_of_slice in (first, *others) for row in rows_of_slice]
        return _each_once(rows)[:limit]


def _each_once(rows: Iterable[Row]) -> list[Row]:
    row_by_player: dict[str, Row] = {}
    for row in rows:
        row_by_player.setdefault(row.position.player_id, row)
    return list(row_by_player.values())


def _slices(build: Build, order_key: str) -> Iterator[Path]:
    """Yield every slice there can be from that of a key on, in order."""
    layout = build.layout
    start = slice_digits(build.board, layout, order.value_of(order_key)) if order_key else ()
    deeper = [range(CHILDREN)] * (layout.slices - 1)
    every = product(roots(layout.digits), *deeper) if layout.slices else iter([()])
    return (digits for digits in every if digits >= start)
