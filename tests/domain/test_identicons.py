import re
from collections import Counter
from hashlib import sha256
from itertools import accumulate, pairwise
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.identicons import PALETTES, Cell, Palette, identicon, svg

SVG = "{http://www.w3.org/2000/svg}"
LEAST_CONTRAST = 3.0
"""What WCAG 2.2 asks of graphics, 1.4.11."""
PAGES = {"white": "#ffffff", "light grey": "#f2f2f2", "dark grey": "#1e1e1e", "black": "#000000"}
WIDTH = 16
IDS = [f"{number:032x}" for number in range(3000)]
"""As alike as ids can be: a pattern that followed the id's digits would show here."""
LOOKS = "e8375a20ad2585121f1eba29c4a6ae44d561a4b8863402d96e7c6a3fa072c26c"
OUTLINE = re.compile(r"M(?P<x>\d+) (?P<y>\d+)(?:h(?P<along>-?4))?(?P<arcs>(?:a[^az]+)+)z")
ARC = re.compile(r"a(?P<radius>[24]) (?P=radius) 0 0 (?P<sweep>[01]) ?(?P<x>-?\d+) (?P<y>-?\d+)")

Point = tuple[int, int]
player_ids = st.text("0123456789abcdef", min_size=32, max_size=32)


@given(player_ids, st.integers(16, 1024))
def test_a_picture_is_a_small_drawing_that_holds_no_more_than_shapes(player_id: str, size: int) -> None:
    text = svg(player_id, size)
    root = ET.fromstring(text)  # noqa: S314  # our own text

    assert (root.tag, root.get("width"), root.get("height")) == (f"{SVG}svg", str(size), str(size))
    assert {(child.tag, *child.attrib) for child in root} == {(f"{SVG}path", "fill", "d")}
    assert len(text) < 1000


@given(player_ids)
def test_a_picture_is_its_own_mirror_image(player_id: str) -> None:
    inks = ET.fromstring(svg(player_id, 64))[1:]  # noqa: S314  # our own text

    for ink in inks:
        outlines = drawn(ink.get("d", ""))
        assert Counter(outlines) == Counter(map(mirrored, outlines))
        assert all(outline.bulging for outline in outlines)


def test_a_picture_stays_as_it_is() -> None:
    pictures = "".join(svg(player_id, 64) for player_id in IDS[:100])

    assert sha256(pictures.encode()).hexdigest() == LOOKS, "clients keep pictures for a year"


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("palette", PALETTES, ids=lambda palette: palette.ground)
def test_a_picture_stands_out_from_the_page(palette: Palette, page: str) -> None:
    assert contrast(palette.ground, PAGES[page]) >= LEAST_CONTRAST


@pytest.mark.parametrize("palette", PALETTES, ids=lambda palette: palette.ground)
def test_a_pattern_stands_out_from_its_ground(palette: Palette) -> None:
    assert min(contrast(palette.ground, palette.ink), contrast(palette.ground, palette.accent)) >= LEAST_CONTRAST


def test_players_look_different() -> None:
    looks = {(picture.palette.ground, *map(seen, picture.cells)) for picture in map(identicon, IDS)}

    assert len(looks) == len(IDS)


def test_ids_that_are_alike_share_no_more_of_a_pattern_than_any_two() -> None:
    patterns = [tuple(map(seen, identicon(player_id).cells)) for player_id in IDS]

    differing = [sum(map(tuple.__ne__, one, other)) for one, other in pairwise(patterns)]

    # Two cells chosen at random look the same 18 times in 256, so 7.44 of 8 differ.
    assert sum(differing) / len(differing) == pytest.approx(7.44, abs=0.06)


def test_all_palettes_are_as_frequent() -> None:
    times = Counter(identicon(player_id).palette.ground for player_id in IDS)

    expected = len(IDS) / len(PALETTES)
    chi_squared = sum((times[palette.ground] - expected) ** 2 / expected for palette in PALETTES)
    assert chi_squared < 37.7  # one in a thousand at 15 degrees of freedom


class Outline(NamedTuple):
    start: Point
    line: bool
    """Whether it begins with a straight line, as quarters of a circle do: the arc then has the start for its centre."""
    corners: frozenset[Point]
    bulging: bool
    """Whether the arc after the line bends away from the start."""


def drawn(path: str) -> list[Outline]:
    assert not OUTLINE.sub("", path), "a shape the test does not know"
    return [_outline(found) for found in OUTLINE.finditer(path)]


def _outline(found: re.Match[str]) -> Outline:
    x, y, along = int(found["x"]), int(found["y"]), int(found["along"] or 0)
    arcs = [tuple(map(int, arc.group("sweep", "x", "y"))) for arc in ARC.finditer(found["arcs"])]
    ends = accumulate(((right, down) for _, right, down in arcs), _moved, initial=(x + along, y))
    corners = frozenset([(x, y), *ends])
    if not along:
        return Outline(min(corners), line=False, corners=corners, bulging=True)
    sweep, _, down = arcs[0]
    return Outline((x, y), line=True, corners=corners, bulging=(along * down > 0) == bool(sweep))


def _moved(point: Point, step: Point) -> Point:
    return point[0] + step[0], point[1] + step[1]


def mirrored(outline: Outline) -> Outline:
    """Return an outline as a mirror between the columns shows it."""
    corners = frozenset((WIDTH - x, y) for x, y in outline.corners)
    x, y = outline.start
    return outline._replace(start=(WIDTH - x, y) if outline.line else min(corners), corners=corners)


def seen(cell: Cell) -> tuple[object, ...]:
    """Return what can be told of a cell by looking at it: a leaf is the same from either end."""
    right, down = cell.corner
    corner = {"quarter": cell.corner, "leaf": right == down}.get(cell.shape)
    return (cell.shape, corner, cell.accented and cell.shape != "none")


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, as WCAG 2.2 defines it."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    red, green, blue = (linear(int(colour[start : start + 2], 16) / 255) for start in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
