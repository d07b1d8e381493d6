"""Identicons: the picture of a player who has none, drawn from the player's id alone.

Four by four cells, mirrored left to right as faces are, on a ground that stands out from light pages and from dark
ones. Clients keep pictures for a year, so what is drawn for an id must not change.
"""

from collections.abc import Iterator
from hashlib import sha256

from msgspec import Struct

_CELL = 4
"""Units of the drawing a side; half of it, the radius of a disc, is a whole number too."""
_MARGIN = 3
"""Wide enough for the pattern to stay inside a circle, as many clients crop pictures."""
_ROWS, _LEFT_HALF = 4, 2
_COLUMNS = 2 * _LEFT_HALF
_BITS_OF_PALETTE, _BITS_OF_CELL = 4, 7


class Palette(Struct, frozen=True):
    """Colours as #rrggbb."""

    ground: str
    ink: str
    accent: str


PALETTES = (
    Palette("#c84262", "#feedef", "#ddcdfe"),
    Palette("#c9462f", "#feeeea", "#e6d753"),
    Palette("#b25b00", "#feeee4", "#fec4e3"),
    Palette("#996a02", "#ffefd9", "#87ea95"),
    Palette("#827303", "#f8f2cc", "#fec8be"),
    Palette("#637c03", "#eaf6d1", "#04ece8"),
    Palette("#038523", "#dbf9db", "#ffcc84"),
    Palette("#008362", "#d0fbe8", "#a5dbfe"),
    Palette("#09807b", "#cafbf7", "#c5e067"),
    Palette("#067e90", "#d6f7fe", "#cfd1fe"),
    Palette("#027bab", "#e2f4ff", "#57edb6"),
    Palette("#2771d5", "#e9f2ff", "#ffc0fd"),
    Palette("#6665d7", "#eff0fe", "#50e7ff"),
    Palette("#8c59c9", "#f4efff", "#fec6cb"),
    Palette("#a94eaf", "#feecff", "#b8d7fe"),
    Palette("#bd468c", "#feedf5", "#fecaa4"),
)
"""Sixteen hues. All grounds have a luminance of 0.17: 4.8 times the contrast of white, 4.4 times that of black."""
_SHAPES = ("quarter",) * 8 + ("leaf",) * 4 + ("disc",) * 2 + ("none",) * 2
"""Of sixteen cells, so many show each shape."""
_CORNERS = ((0, 0), (1, 0), (0, 1), (1, 1))


class Cell(Struct, frozen=True):
    """A shape, the corner of its cell that it is drawn from (steps right and down), and which ink fills it."""

    shape: str
    corner: tuple[int, int]
    accented: bool


class Identicon(Struct, frozen=True):
    palette: Palette
    cells: tuple[Cell, ...]
    """The left half, row by row; the right half is its mirror image."""


def identicon(player_id: str) -> Identicon:
    """Return a player's colours and pattern.

    The id is hashed, so that ids that are alike have pictures that are not: one of 16 palettes and 2^56 patterns, some
    of which look the same.
    """
    bits = int.from_bytes(sha256(player_id.encode()).digest(), "big")
    cells = (_cell(bits >> _BITS_OF_PALETTE + _BITS_OF_CELL * number) for number in range(_ROWS * _LEFT_HALF))
    return Identicon(PALETTES[bits % len(PALETTES)], tuple(cells))


def svg(player_id: str, size: int) -> str:
    """Return a player's picture as an SVG document of half a kilobyte to one.

    Args:
        size: Pixels a side.
    """
    drawn = identicon(player_id)
    start, side = -_MARGIN, _COLUMNS * _CELL + 2 * _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}"'
        f' viewBox="{start} {start} {side} {side}">'
        f'<path fill="{drawn.palette.ground}" d="M{start} {start}h{side}v{side}h-{side}z"/>'
        f'<path fill="{drawn.palette.ink}" d="{_outlines(drawn, accented=False)}"/>'
        f'<path fill="{drawn.palette.accent}" d="{_outlines(drawn, accented=True)}"/></svg>'
    )


def _cell(bits: int) -> Cell:
    return Cell(_SHAPES[bits & 15], _CORNERS[bits >> 4 & 3], bool(bits >> 6 & 1))


def _outlines(drawn: Identicon, *, accented: bool) -> str:
    """Return the cells of one ink and their mirror images, as the data of an SVG path."""
    return "".join(
        outline
        for number, cell in enumerate(drawn.cells)
        if cell.accented is accented
        for outline in _both(cell, *divmod(number, _LEFT_HALF))
    )


def _both(cell: Cell, row: int, column: int) -> Iterator[str]:
    right, down = cell.corner
    yield _outline(cell.shape, column, row, right, down)
    yield _outline(cell.shape, _COLUMNS - 1 - column, row, 1 - right, down)


def _outline(shape: str, column: int, row: int, right: int, down: int) -> str:
    """Return a shape in the cell at a column and row, drawn from one of its corners towards the opposite one."""
    if shape == "none":
        return ""
    if shape == "disc":
        return f"M{_CELL * column} {_CELL * row + 2}a2 2 0 0 1 4 0a2 2 0 0 1-4 0z"
    x, y = _CELL * (1 - 2 * right), _CELL * (1 - 2 * down)
    start = f"M{_CELL * (column + right)} {_CELL * (row + down)}"
    if shape == "leaf":
        return f"{start}a4 4 0 0 1 {x} {y}a4 4 0 0 1 {-x} {-y}z"
    return f"{start}h{x}a4 4 0 0 {int(x == y)} {-x} {y}z"
