"""Pictures in a terminal of 24-bit colours: each half of a character is a pixel."""

from collections.abc import Sequence
from itertools import groupby

from PIL import Image

COLUMNS = 18
"""Of a picture: as many pixels, and half as many lines."""
WIDTH = 24
"""Of a place in a row, in characters."""
A_ROW = 3
UPPER, LOWER, NOTHING = "▀", "▄", " "
PLAIN = "\033[0m"
OPAQUE = 128


def gallery(pictures: Sequence[Image.Image], captions: Sequence[tuple[str, str]]) -> list[str]:
    """Return the lines of all pictures, three in a row, each above its caption of two lines."""
    lines = []
    for start in range(0, len(pictures), A_ROW):
        row = slice(start, start + A_ROW)
        lines += [*_hung(pictures[row]), *_captions(captions[row]), ""]
    return lines


def mosaic(picture: Image.Image, columns: int) -> list[str]:
    r"""Return a square picture as lines of ``columns`` characters, which is even; what is behind it shines through.

    >>> mosaic(Image.new("RGB", (64, 64), "#ff8000"), 2)
    ['\x1b[38;2;255;128;0;48;2;255;128;0m▀▀\x1b[0m']
    """
    content = picture.convert("RGBA").resize((columns, columns), Image.Resampling.LANCZOS).tobytes()
    pixels = [content[start : start + 4] for start in range(0, len(content), 4)]
    rows = [pixels[start : start + columns] for start in range(0, len(pixels), columns)]
    return [_line(upper, lower) for upper, lower in zip(rows[::2], rows[1::2], strict=True)]


def _hung(pictures: Sequence[Image.Image]) -> list[str]:
    margin = " " * ((WIDTH - COLUMNS) // 2)
    beside = zip(*(mosaic(each, COLUMNS) for each in pictures), strict=True)
    return ["".join(f"{margin}{line}{margin}" for line in lines).rstrip() for lines in beside]


def _captions(captions: Sequence[tuple[str, str]]) -> list[str]:
    beside = zip(*captions, strict=True)
    return ["".join(f"{text[: WIDTH - 1]:^{WIDTH}}" for text in texts).rstrip() for texts in beside]


def _line(upper: Sequence[bytes], lower: Sequence[bytes]) -> str:
    cells = [_cell(*pair) for pair in zip(upper, lower, strict=True)]
    alike = groupby(cells, key=lambda cell: cell[0])
    return "".join(f"\033[{style}m{''.join(each for _, each in group)}" for style, group in alike) + PLAIN


def _cell(upper: bytes, lower: bytes) -> tuple[str, str]:
    """Return the style and the character of two pixels, RGBA, one above the other."""
    match upper[3] >= OPAQUE, lower[3] >= OPAQUE:
        case True, True:
            return f"38;2;{_colour(upper)};48;2;{_colour(lower)}", UPPER
        case True, False:
            return f"0;38;2;{_colour(upper)}", UPPER
        case False, True:
            return f"0;38;2;{_colour(lower)}", LOWER
        case _:
            return "0", NOTHING


def _colour(pixel: bytes) -> str:
    return ";".join(map(str, pixel[:3]))
