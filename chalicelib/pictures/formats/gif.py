"""GIF: blocks, whose contents come in pieces of at most 255 bytes."""

from chalicelib.pictures.formats.surveys import Survey, number
from chalicelib.pictures.refusals import DAMAGED, TOO_MANY_PARTS

SIGNATURES = b"GIF87a", b"GIF89a"
MOST_PIXELS = 50_000_000
_MOST_PIECES = 1_000_000
"""A file of the largest size has 82,000 full ones."""
_EXTENSION, _FRAME, _END = 0x21, 0x2C, 0x3B
_HAS_PALETTE, _COLOURS = 0x80, 0x07


def survey(content: bytes) -> Survey:
    """Return what the picture at the start of ``content`` says of itself."""
    width, height = _little(content, 6), _little(content, 8)
    at, starts, pieces = 13 + _palette(content, 10), list[int](), 0
    while (block := number(content, at, 1)) != _END:
        if block == _FRAME:
            starts.append(at)
            start = at + 11 + _palette(content, at + 9)
        elif block == _EXTENSION:
            start = at + 2
        else:
            raise DAMAGED.error(how="there is no block where one should begin")
        at, pieces = _after_pieces(content, start, pieces)
    if not starts:
        raise DAMAGED.error(how="it has no pixels")
    # A first frame that reaches beyond the screen makes it larger.
    width = max(width, _little(content, starts[0] + 1) + _little(content, starts[0] + 5))
    height = max(height, _little(content, starts[0] + 3) + _little(content, starts[0] + 7))
    return Survey(width, height, len(starts), starts[0], at, at + 1, MOST_PIXELS)


def _little(content: bytes, at: int) -> int:
    return number(content, at, 1) + 256 * number(content, at + 1, 1)


def _palette(content: bytes, at: int) -> int:
    """Return the bytes of a palette, by the flags that announce it."""
    flags = number(content, at, 1)
    return 3 * 2 ** ((flags & _COLOURS) + 1) if flags & _HAS_PALETTE else 0


def _after_pieces(content: bytes, at: int, pieces: int) -> tuple[int, int]:
    while size := number(content, at, 1):
        at += 1 + size
        pieces += 1
        if pieces > _MOST_PIECES:
            raise TOO_MANY_PARTS.error(most=_MOST_PIECES, parts="pieces")
    return at + 1, pieces
