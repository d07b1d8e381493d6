"""Bins: where a record stands in the rank index, as the digits of a path down its tree.

Values are directed (see Board.value): ascending from best to worst. A value maps to a bin like in an HDR histogram:
sign, position of the leading one bit, and the bits after it. The map is monotone, integer arithmetic only, and needs
no configuration. With 3 digits, values below 4,096 in magnitude have a bin of their own and wider bins are at most
1/4096 of their value wide.
"""

from typing import NamedTuple

from chalicelib.domain.boards import INT64_MAX, INT64_MIN, Board
from chalicelib.domain.layouts import Layout

DIGIT_BITS = 6
CHILDREN = 1 << DIGIT_BITS
"""How many children a node below the root can have."""
_DIGIT_MASK = CHILDREN - 1

Path = tuple[int, ...]
"""A digit per level, root first; the lower digit is the better one."""


class Shape(NamedTuple):
    """What decides where a value stands in a tree: the digits of the score's part, and whether subscores go deeper."""

    digits: int
    subscores: bool


def shape_of(board: Board, layout: Layout) -> Shape:
    return Shape(layout.digits, board.subscore_order is not None)


class Bin(NamedTuple):
    """The path of a bin, and the best and the worst value in it."""

    digits: Path
    first: int
    last: int

    @property
    def exact(self) -> bool:
        return self.first == self.last


def bin_of(value: int, digits: int) -> Bin:
    """Return the bin of a directed signed 64-bit value.

    Args:
        digits: Depth of the tree, at least 2; each digit after the first adds 6 bits of resolution.

    >>> bin_of(5, 3) == ((53, 0, 5), 5, 5)
    True
    """
    bits = DIGIT_BITS * (digits - 1)
    magnitude = abs(value)
    shift = max(0, magnitude.bit_length() - 1 - bits)
    exponent = shift + (magnitude >> bits > 0)
    mantissa = (magnitude >> shift) & ((1 << bits) - 1)
    low = magnitude >> shift << shift
    high = low + (1 << shift) - 1
    exponents = 65 - bits
    if value >= 0:
        return Bin(_path(exponents + exponent, mantissa, digits), low, high)
    return Bin(_path(exponents - 1 - exponent, (1 << bits) - 1 - mantissa, digits), max(-high, INT64_MIN), -low)


def bin_at(path: Path) -> Bin:
    """Return the bin with these digits: the inverse of bin_of."""
    digits = len(path)
    bits = DIGIT_BITS * (digits - 1)
    exponents = 65 - bits
    mantissa = 0
    for digit in path[1:]:
        mantissa = mantissa << DIGIT_BITS | digit
    negative = path[0] < exponents
    exponent = exponents - 1 - path[0] if negative else path[0] - exponents
    if negative:
        mantissa = (1 << bits) - 1 - mantissa
    shift = max(0, exponent - 1)
    low = (mantissa | (bool(exponent) << bits)) << shift
    high = low + (1 << shift) - 1
    return Bin(path, max(-high, INT64_MIN), -low) if negative else Bin(path, low, high)


class Place(NamedTuple):
    """Where (value, subvalue) is counted, and the records of the same bin that a rank has to look at one by one.

    ``rest`` is the first (value, subvalue) of the bin when better records may share it, else None: then the counters
    alone give the rank.
    """

    path: Path
    rest: tuple[int, int] | None


def place(shape: Shape, value: tuple[int, int]) -> Place:
    """Return where a directed (value, subvalue) stands in an index.

    One with subscores goes deeper below a bin that holds one score only, by the digits of the subscore, so that
    many equal scores cost no more to rank than different ones.
    """
    scores = bin_of(value[0], shape.digits)
    if not shape.subscores:
        return Place(scores.digits, None if scores.first == value[0] else (scores.first, 0))
    if not scores.exact:
        return Place(scores.digits, (scores.first, INT64_MIN))
    subscores = bin_of(value[1], shape.digits)
    path = scores.digits + subscores.digits
    return Place(path, None if subscores.first == value[1] else (value[0], subscores.first))


def first_value(shape: Shape, path: Path) -> tuple[int, int]:
    """Return the best directed (value, subvalue) that is counted at a full path."""
    digits = shape.digits
    score = bin_at(path[:digits]).first
    if len(path) > digits:
        return score, bin_at(path[digits:]).first
    return score, (INT64_MIN if shape.subscores else 0)


def last_value(shape: Shape, path: Path) -> tuple[int, int]:
    """Return the worst directed (value, subvalue) that is counted at a full path."""
    score = bin_at(path[: shape.digits]).last
    if len(path) > shape.digits:
        return score, bin_at(path[shape.digits :]).last
    return score, (INT64_MAX if shape.subscores else 0)


def roots(digits: int) -> range:
    """Return every digit that a path can begin with."""
    return range(2 * (65 - DIGIT_BITS * (digits - 1)))


def holds_one_value(shape: Shape, path: Path) -> bool:
    """Tell whether all records counted at a full path are equal: a bin of ties."""
    digits = shape.digits
    scores = bin_at(path[:digits])
    if not shape.subscores:
        return scores.exact
    return len(path) > digits and bin_at(path[digits:]).exact


def range_below(shape: Shape, path: Path) -> tuple[int, int]:
    """Return the best and the worst directed score counted below a node of the score's part of the tree."""
    rest = shape.digits - len(path)
    best, worst = bin_at(path + (0,) * rest).first, bin_at(path + (_DIGIT_MASK,) * rest).last
    return best, min(worst, -1) if best < 0 else worst


def is_leaf(shape: Shape, path: Path) -> bool:
    """Tell whether a path ends at a bin, rather than at a node with children."""
    digits = shape.digits
    if len(path) < digits:
        return False
    deep = shape.subscores and bin_at(path[:digits]).exact
    return len(path) == (2 * digits if deep else digits)


def _path(root: int, mantissa: int, digits: int) -> Path:
    shifts = range(DIGIT_BITS * (digits - 2), -1, -DIGIT_BITS)
    return (root, *(mantissa >> shift & _DIGIT_MASK for shift in shifts))
