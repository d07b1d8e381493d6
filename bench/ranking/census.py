"""The rank index of a board of any size, as numpy columns: every node and counter it has, without storing one.

The same arithmetic as chalicelib/ranking, a hundred million values at a time; tests/bench/test_census.py holds the two
together, counter by counter and byte by byte.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from bench.ranking.spreads import SUBVALUE_BITS, Column
from chalicelib.domain.boards import INT64_MIN
from chalicelib.ranking.bins import DIGIT_BITS, Path
from chalicelib.ranking.nodes import Counts

_CHUNK = 1 << 22
_ROOT_BITS = 7
"""A root digit is below 128 at any depth of tree."""
_HALF = 32
_SUBVALUE_MASK = (1 << SUBVALUE_BITS) - 1
_POWERS_OF_TEN = 10 ** np.arange(19, dtype=np.int64)
_SEPARATOR_BYTES = _PREFIX_BYTES = 1
Mask = npt.NDArray[np.bool_]


def bins_of(values: Column, digits: int) -> Column:
    """Return the bins of directed values, each as one number: the digits of its path in a row, 6 bits each.

    The same map as ``chalicelib.ranking.bins.bin_of``.
    """
    bits = _bits_below(digits)
    negative = values < 0
    magnitudes = np.where(negative, -values, values).astype(np.uint64)
    shifts = np.maximum(0, _bit_lengths(magnitudes) - 1 - bits)
    shifted = (magnitudes >> shifts.astype(np.uint64)).astype(np.int64)
    exponents = shifts + (shifted >> bits > 0)
    mantissas = shifted & ((1 << bits) - 1)
    middle = 65 - bits
    roots = np.where(negative, middle - 1 - exponents, middle + exponents)
    return roots << bits | np.where(negative, ((1 << bits) - 1) - mantissas, mantissas)


def first_values(bins: Column, digits: int) -> Column:
    """Return the best directed value of each bin."""
    bits = _bits_below(digits)
    middle = 65 - bits
    roots, mantissas = bins >> bits, bins & ((1 << bits) - 1)
    negative = roots < middle
    exponents = np.where(negative, middle - 1 - roots, roots - middle)
    mantissas = np.where(negative, ((1 << bits) - 1) - mantissas, mantissas)
    shifts = np.maximum(0, exponents - 1)
    lows = (mantissas | ((exponents > 0).astype(np.int64) << bits)) << shifts
    beyond = lows < 0  # the bin of INT64_MIN alone begins where 64 bits end
    return np.where(negative, np.where(beyond, INT64_MIN, -lows - (1 << shifts) + 1), lows)


def number_bytes(counts: Column) -> Column:
    """Return what positive numbers take by DynamoDB's rules: a byte per two significant digits, and one."""
    digits = np.searchsorted(_POWERS_OF_TEN, counts, side="right")
    trailing_zeros = np.zeros_like(counts)
    for power in _POWERS_OF_TEN[1:]:
        trailing_zeros += counts % power == 0
    return (digits - trailing_zeros + 1) // 2 + 1


@dataclass(frozen=True, slots=True)
class Tree:
    """The shape of a board's index: the bits of each digit on the way to a bin, root first."""

    digits: int
    subscores: bool = False

    @property
    def widths(self) -> tuple[int, ...]:
        part = (_ROOT_BITS, *[DIGIT_BITS] * (self.digits - 1))
        return part * (1 + self.subscores)

    @property
    def depth(self) -> int:
        return len(self.widths)

    def below(self, depth: int) -> int:
        """Return how many bits of a bin's number stand for digits from ``depth`` on."""
        return sum(self.widths[depth:])

    def bins(self, values: Column) -> Column:
        """Return the bins of a board's values. Those with subscores have to be of scores that fill a bin each."""
        if not self.subscores:
            return bins_of(values, self.digits)
        upper, lower = bins_of(values >> SUBVALUE_BITS, self.digits), bins_of(values & _SUBVALUE_MASK, self.digits)
        return upper << self.below(self.digits) | lower

    def firsts(self, bins: Column) -> Column:
        """Return the best value of each bin."""
        if not self.subscores:
            return first_values(bins, self.digits)
        below = self.below(self.digits)
        upper = first_values(bins >> below, self.digits)
        return upper << SUBVALUE_BITS | first_values(bins & ((1 << below) - 1), self.digits)

    def path(self, number: int) -> Path:
        """Return the digits of a bin."""
        ends = accumulate(self.widths)
        total = self.below(0)
        return tuple(number >> (total - end) & ((1 << width) - 1) for end, width in zip(ends, self.widths, strict=True))

    def number(self, path: Path) -> int:
        """Return what a path, or the beginning of one, makes as one number."""
        number = 0
        for width, digit in zip(self.widths, path, strict=False):
            number = number << width | digit
        return number


@dataclass(frozen=True, slots=True)
class Level:
    """All nodes of one depth: a row for each child that counts anybody, in order of rank."""

    children: Column
    """Each child by the number its path makes; without its last ``width`` bits it is the node."""
    counts: Column
    before: Column
    """How many records stand in all earlier rows."""
    width: int

    def better(self, children: Column) -> Column:
        """Return what a child's node counts in better children than it."""
        at = np.searchsorted(self.children, children)
        first = np.searchsorted(self.children, children >> self.width << self.width)
        return self.before[at] - self.before[first]

    def counts_of(self, node: int) -> Counts:
        """Return the counters of one node, as it would be read."""
        first, end = np.searchsorted(self.children, [node << self.width, (node + 1) << self.width])
        digits = self.children[first:end] & ((1 << self.width) - 1)
        return dict(zip(digits.tolist(), self.counts[first:end].tolist(), strict=True))

    @property
    def starts(self) -> Column:
        """Return the row at which each node begins."""
        nodes = self.children >> self.width
        return np.flatnonzero(np.diff(nodes, prepend=-1))


@dataclass(frozen=True)
class Census:
    """Everything a board's index counts. ``values`` are sorted; 8 bytes per record, and little more beside them."""

    tree: Tree
    values: Column

    @cached_property
    def bins(self) -> Column:
        return self._bins_and_starts[0]

    @cached_property
    def levels(self) -> Sequence[Level]:
        """Return the levels of the tree, root first."""
        bins, starts = self._bins_and_starts
        return [_level(self.tree, depth, bins, starts, len(self.values)) for depth in range(self.tree.depth)]

    @property
    def nodes(self) -> int:
        return sum(len(level.starts) for level in self.levels)

    def node_bytes(self, key_bytes: int) -> Column:
        """Return the size of every node's item.

        Args:
            key_bytes: Of the attributes that all nodes have, and of the key up to the node's path.
        """
        return np.concatenate([self._level_bytes(depth) for depth in range(self.tree.depth)]) + key_bytes

    def ranks(self, values: Column) -> Column:
        """Return the ranks of values on the board, from the nodes' counters and the records of the same bin."""
        bins = self.tree.bins(values)
        better = sum(level.better(bins >> self.tree.below(depth + 1)) for depth, level in enumerate(self.levels))
        return 1 + better + self.remainders(values)

    def remainders(self, values: Column) -> Column:
        """Return how many records of the same bin are better: what the Query of a rank counts."""
        firsts = self.tree.firsts(self.tree.bins(values))
        return np.searchsorted(self.values, values) - np.searchsorted(self.values, firsts)

    def counts_on(self, path: Path) -> dict[Path, Counts]:
        """Return the nodes on the way to a bin, as they would be read."""
        counts_by_node: dict[Path, Counts] = {}
        node = 0
        for depth, level in enumerate(self.levels):
            counts_by_node[path[:depth]] = level.counts_of(node)
            node = node << level.width | path[depth]
        return counts_by_node

    def wrong_counters(self, nodes: Iterable[tuple[Path, Counts]]) -> int:
        """Return how many counters are not these nodes'; the same node may come in several lanes."""
        found: dict[tuple[int, int], int] = {}
        for path, counts in nodes:
            for digit, count in counts.items():
                child = len(path), self.tree.number((*path, digit))
                found[child] = found.get(child, 0) + count
        expected = {
            (depth, child): count
            for depth, level in enumerate(self.levels)
            for child, count in zip(level.children.tolist(), level.counts.tolist(), strict=True)
        }
        return sum(found.get(child, 0) != expected.get(child, 0) for child in found.keys() | expected.keys())

    @cached_property
    def _bins_and_starts(self) -> tuple[Column, Column]:
        """Return the bins in which anybody stands, and where in ``values`` each begins."""
        pairs = list(self._runs())
        return np.concatenate([bins for bins, _ in pairs]), np.concatenate([starts for _, starts in pairs])

    def _runs(self) -> Iterator[tuple[Column, Column]]:
        last = -1
        for start in range(0, len(self.values), _CHUNK):
            bins = self.tree.bins(self.values[start : start + _CHUNK])
            begins = np.flatnonzero(np.diff(bins, prepend=last))
            last = int(bins[-1])
            yield bins[begins], begins + start

    def _level_bytes(self, depth: int) -> Column:
        level = self.levels[depth]
        digits = level.children & ((1 << level.width) - 1)
        counters = _PREFIX_BYTES + _text_bytes(digits) + number_bytes(level.counts)
        return np.add.reduceat(counters, level.starts) + self._path_bytes(depth)

    def _path_bytes(self, depth: int) -> Column:
        level = self.levels[depth]
        nodes = level.children[level.starts] >> level.width
        total = np.zeros(len(nodes), np.int64)
        for width in reversed(self.tree.widths[:depth]):
            total += _text_bytes(nodes & ((1 << width) - 1))
            nodes >>= width
        return total + max(0, depth - 1) * _SEPARATOR_BYTES


def _level(tree: Tree, depth: int, bins: Column, starts: Column, total: int) -> Level:
    children = bins >> tree.below(depth + 1)
    rows = np.flatnonzero(np.diff(children, prepend=-1))
    before = starts[rows]
    return Level(children[rows], np.diff(before, append=total), before, tree.widths[depth])


def _bits_below(digits: int) -> int:
    return DIGIT_BITS * (digits - 1)


def _bit_lengths(magnitudes: npt.NDArray[np.uint64]) -> Column:
    """Return the bits of each number; in two halves, since a float holds 53 of them."""
    upper = (magnitudes >> np.uint64(_HALF)).astype(np.float64)
    lower = (magnitudes & np.uint64((1 << _HALF) - 1)).astype(np.float64)
    return np.where(upper > 0, np.frexp(upper)[1] + _HALF, np.frexp(lower)[1]).astype(np.int64)


def _text_bytes(digits: Column) -> Column:
    """Return the length of each digit of a path as text."""
    return np.searchsorted(_POWERS_OF_TEN, np.maximum(digits, 1), side="right")
