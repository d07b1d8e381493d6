"""Layouts: how the rank index of a board and period is stored, and how one layout follows another under traffic."""

from enum import StrEnum

from msgspec import Struct

MIN_DIGITS, MAX_DIGITS = 3, 6
MAX_LANES = 32
"""What one consistent look at a node and its parent, in all lanes, can hold."""
MAX_SLICES = 2


class Listing(StrEnum):
    """The two ordered indexes of the records: one is read, the other is free to be filled anew."""

    A = "a"
    B = "b"


class Layout(Struct, frozen=True):
    """One build of a rank index. See docs/explanation/ranking.md.

    ``digits`` is the depth of the score's part of the tree, ``lanes`` how many copies of each node share the writes,
    ``slices`` how many of a bin's first digits cut the ordered index into partitions.
    """

    generation: int = 1
    """Which build this is: counted up, never used twice."""
    digits: int = 3
    lanes: int = 1
    slices: int = 0
    listing: Listing = Listing.A
    """Where the records stand in rank order, cut as this layout says."""
    listed_since: int = 1
    """The build that filled the listing: builds that list alike share one."""


class Indexing(Struct, frozen=True):
    """Which layouts of one board and period are in use: one is read, all are written.

    A fresh layout is written before it is read, and the old one is written until nobody can still be reading it.
    """

    read: Layout = Layout()
    also_written: tuple[Layout, ...] = ()
    given_up: int = 0
    """The last build that was begun and not finished: marks may go on naming it."""

    @property
    def written(self) -> tuple[Layout, ...]:
        return (self.read, *self.also_written)

    @property
    def newest(self) -> int:
        """Return the highest generation there ever was."""
        return max(self.given_up, *(layout.generation for layout in self.written))


class Layouts(Struct, frozen=True):
    """The layouts of all periods of a board."""

    first: Layout = Layout()
    since: tuple[tuple[str, Layout], ...] = ()
    """Layouts of the periods from some period on, by its id, ascending."""
    rebuilt: tuple[tuple[str, Indexing], ...] = ()
    """What single periods have instead."""

    def of(self, period_id: str) -> Indexing:
        for rebuilt_id, indexing in self.rebuilt:
            if rebuilt_id == period_id:
                return indexing
        begun = [layout for first_id, layout in self.since if first_id <= period_id]
        return Indexing(begun[-1] if begun else self.first)

    def with_period(self, period_id: str, indexing: Indexing) -> "Layouts":
        """Return these layouts with another indexing of one period."""
        others = [pair for pair in self.rebuilt if pair[0] != period_id]
        return Layouts(
            self.first, self.since, tuple(sorted([*others, (period_id, indexing)], key=lambda pair: pair[0]))
        )


UNCUT = Layouts()
"""What boards begin with."""


def fresh(current: Layout, newest: int, *, digits: int, lanes: int, slices: int) -> Layout:
    """Return the layout to build after ``current``.

    The listing is filled anew only where it would be cut otherwise: by another number of digits, or by digits of
    another tree.

    Args:
        newest: The highest generation this period ever had.

    >>> fresh(Layout(), 1, digits=3, lanes=4, slices=0).listing
    <Listing.A: 'a'>
    >>> fresh(Layout(), 1, digits=3, lanes=1, slices=1).listing
    <Listing.B: 'b'>
    """
    generation = newest + 1
    cut_alike = slices == current.slices and (slices == 0 or digits == current.digits)
    if cut_alike:
        return Layout(generation, digits, lanes, slices, current.listing, current.listed_since)
    other = Listing.B if current.listing is Listing.A else Listing.A
    return Layout(generation, digits, lanes, slices, other, generation)
