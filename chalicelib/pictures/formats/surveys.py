"""What is known of a picture before it is decoded."""

from msgspec import Struct

from chalicelib.pictures.refusals import DAMAGED, TRUNCATED

MOST_FRAMES = 1_000


class Survey(Struct, frozen=True):
    width: int
    height: int
    frames: int
    head: int
    """Where its pixels begin: all before is header and metadata."""
    foot: int
    """Where its pixels end: what follows, up to ``end``, is metadata again."""
    end: int
    """Where the picture ends, though the file may go on."""
    most_pixels: int


def number(content: bytes, at: int, size: int) -> int:
    """Return a number that stands in a file, most significant byte first; one that is not all there is truncated."""
    if at + size > len(content):
        raise TRUNCATED.error()
    return int.from_bytes(content[at : at + size], "big")


def field(part: bytes, at: int, size: int, what: str) -> int:
    """Return a number that stands in a part of a file; a part that is too short for it is damaged."""
    if at + size > len(part):
        raise DAMAGED.error(how=f"its {what} is too short")
    return int.from_bytes(part[at : at + size], "big")
