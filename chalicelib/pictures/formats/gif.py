"""GIF: blocks, whose contents come in pieces of at most 255 bytes."""

from chalicelib.pictures.formats.surveys import MOST_FRAMES, Survey, number
from chalicelib.pictures.refusals import DAMAGED, TOO_MANY_FRAMES, TOO_MANY_PARTS

SIGNATURES = b"GIF87a", b"GIF89a"
MOST_PIXELS = 50_000_000
_MOST_BLOCKS = 20_000
_MOST_PIECES = 1_000_000
"""A file of the largest size has 82,000 full ones."""
_EXTENSION, _FRAME, _END = 0x21, 0x2C, 0x3B
_HAS_PALETTE, _COLOURS = 0x80, 0x07


def survey(content: bytes) -> Survey:
    """Return what the picture at the start of ``content`` says of itself."""
    reading = _Reading(content)
    while not reading.is_over:
        reading.read_block()
    return reading.survey()


class _Reading:
    """A position that moves from block to block."""

    def __init__(self, content: bytes) -> None:
        self.is_over = False
        self._content = content
        self._at = 13 + _palette(content, 10)
        self._blocks = 0
        self._pieces = 0
        self._frames: list[int] = []

    def read_block(self) -> None:
        kind = number(self._content, self._at, 1)
        if kind == _END:
            self.is_over = True
        elif kind == _FRAME:
            self._frames.append(self._at)
            self._skip(11 + _palette(self._content, self._at + 9))
        elif kind == _EXTENSION:
            self._skip(2)
        else:
            raise DAMAGED.error(how="there is no block where one should begin")

    def survey(self) -> Survey:
        if not self._frames:
            raise DAMAGED.error(how="it has no pixels")
        first, content = self._frames[0], self._content
        # A first frame that reaches beyond the screen makes it larger.
        width = max(_little(content, 6), _little(content, first + 1) + _little(content, first + 5))
        height = max(_little(content, 8), _little(content, first + 3) + _little(content, first + 7))
        return Survey(width, height, len(self._frames), first, self._at, self._at + 1, MOST_PIXELS)

    def _skip(self, header: int) -> None:
        self._blocks += 1
        if len(self._frames) > MOST_FRAMES:
            raise TOO_MANY_FRAMES.error(most=MOST_FRAMES)
        if self._blocks > _MOST_BLOCKS:
            raise TOO_MANY_PARTS.error(most=_MOST_BLOCKS, parts="blocks")
        self._at += header
        while size := number(self._content, self._at, 1):
            self._at += 1 + size
            self._pieces += 1
            if self._pieces > _MOST_PIECES:
                raise TOO_MANY_PARTS.error(most=_MOST_PIECES, parts="pieces")
        self._at += 1


def _little(content: bytes, at: int) -> int:
    return number(content, at, 1) + 256 * number(content, at + 1, 1)


def _palette(content: bytes, at: int) -> int:
    """Return the bytes of a palette, by the flags that announce it."""
    flags = number(content, at, 1)
    return 3 * 2 ** ((flags & _COLOURS) + 1) if flags & _HAS_PALETTE else 0
