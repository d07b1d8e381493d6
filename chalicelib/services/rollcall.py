"""The roll call: a listing from its first record to its last, without asking the nodes, which may be what is wrong."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice, product
from math import ceil
from typing import NamedTuple

from msgspec import Struct

from chalicelib.domain.boards import Board
from chalicelib.domain.layouts import Layout
from chalicelib.ranking import order
from chalicelib.ranking.bins import CHILDREN, Path, Shape, first_value, roots, shape_of
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
    exported: int = 10_000
    """Records that are listed together for an export."""
    slices: int = 1000
    """Slices, most of which may be empty, that are looked through together for an export."""
    lines: int = 100_000
    """Lines of an export's file."""
    moved: int = 500_000
    """Players whose records may change while an export is made: some 250 MB."""
    archived: int = 20_000
    """Records that are archived together: lines of an archive's file."""
    files: int = 100
    """Pairs of an archive's files of which the job itself remembers what to say of them."""
    rewarded: int = 1000
    """Lines of an archive whose players are given, or told of, their rewards together."""


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


class Ascent(NamedTuple):
    """A part of a way up a listing."""

    rows: list[Row]
    """The worst first."""
    order_key: str
    """Where to go on from; "" at the top."""


class RollCall:
    def __init__(self, dynamo: Dynamo, records: RecordStore) -> None:
        self._dynamo = dynamo
        self._records = records

    def after(self, build: Build, order_key: str, limit: int) -> list[Row]:
        """Return the next rows of a build's listing after a key ("" for the top), at most ``limit``; none at its end.

        Each player once, though a record that moves meanwhile may stand in two places. Cost: one Query; at the end of
        a slice one for each that follows until a row is found, eight at a time, each of an eighth of the limit.
        """
        slices = _slices(build, order_key)
        rows = self._records.after(build.slice(next(slices)), order_key, limit)
        share = ceil(limit / _AT_ONCE)
        while not rows and (group := list(islice(slices, _AT_ONCE))):
            reads = [partial(self._records.after, build.slice(digits), "", share) for digits in group]
            first, others = self._dynamo.alongside(reads[0], reads[1:])
            rows = list(_joined([first, *others], share))
        return _each_once(rows)[:limit]

    def above(self, build: Build, order_key: str, pages: Pages) -> Ascent:
        """Return the rows next above a key ("" for the end of a build's listing), worst first.

        Slices are read one after the other, so nobody who only rises is passed over; a record that moves may be seen
        in two places. Cost: a Query for each slice until there are rows enough.
        """
        rows: list[Row] = []
        slices = _slices_upwards(build, order_key)
        digits: Path = ()
        for digits in islice(slices, 1 + pages.slices):  # what is left of one, and those above it
            rows += reversed(self._records.before(build.slice(digits), order_key, pages.exported - len(rows)))
            order_key = ""
            if len(rows) >= pages.exported:
                return Ascent(rows, rows[-1].order_key)
        return Ascent(rows, "" if next(slices, None) is None else _first_key(build, digits))


def _joined(slices: Iterable[list[Row]], share: int) -> Iterator[Row]:
    """Yield the rows of slices in order, up to the first slice that may have more than was asked for."""
    for rows in slices:
        yield from rows
        if len(rows) >= share:
            return


def _each_once(rows: Iterable[Row]) -> list[Row]:
    row_by_player: dict[str, Row] = {}
    for row in rows:
        row_by_player.setdefault(row.position.player_id, row)
    return list(row_by_player.values())


def _slices(build: Build, order_key: str) -> Iterator[Path]:
    """Yield every slice there can be from that of a key on, in order."""
    start = _slice_of(build, order_key) if order_key else ()
    every = product(*_digits(build.layout))
    return (digits for digits in every if digits >= start)


def _slices_upwards(build: Build, order_key: str) -> Iterator[Path]:
    """Yield every slice there can be from that of a key up, the last one first."""
    start = _slice_of(build, order_key) if order_key else None
    every = product(*map(reversed, _digits(build.layout)))
    return (digits for digits in every if start is None or digits <= start)


def _first_key(build: Build, digits: Path) -> str:
    """Return what is not after any key of a slice, and after all of those above it."""
    first_bin = (*digits, *[0] * (build.layout.digits - len(digits)))
    return order.prefix(first_value(build.shape, first_bin))


def _slice_of(build: Build, order_key: str) -> Path:
    return slice_digits(build.board, build.layout, order.value_of(order_key))


def _digits(layout: Layout) -> list[range]:
    """Return which digits a slice can have, at each depth; a listing that is not cut is one slice without digits."""
    return [roots(layout.digits), *[range(CHILDREN)] * (layout.slices - 1)][: layout.slices]
