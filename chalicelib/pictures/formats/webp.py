"""WebP: a RIFF file of chunks, each with its name and its length."""

from collections.abc import Iterator

from msgspec import Struct

from chalicelib.pictures.formats import exif
from chalicelib.pictures.formats.surveys import Survey
from chalicelib.pictures.refusals import DAMAGED, TOO_MANY_PARTS, TOO_MUCH_METADATA, TRUNCATED

MOST_PIXELS = 18_000_000
_MOST_CHUNKS = 20_000
_MOST_PROFILE = 4 << 20
_PIXELS = {b"VP8 ", b"VP8L", b"ANMF"}
_KEY_FRAME = b"\x9d\x01\x2a"


class _Chunk(Struct, frozen=True):
    name: bytes
    start: int
    end: int


def is_webp(content: bytes) -> bool:
    return content.startswith(b"RIFF") and content[8:12] == b"WEBP"


def survey(content: bytes) -> Survey:
    """Return what the picture at the start of ``content`` says of itself."""
    end = 8 + _little(content, 4, 4)
    if end > len(content):
        raise TRUNCATED.error()
    chunks = list(_chunks(content, end))
    pixels = [chunk for chunk in chunks if chunk.name in _PIXELS]
    if not pixels:
        raise DAMAGED.error(how="it has no pixels")
    _examine_metadata(content, chunks)
    width, height = _size(content, chunks[0])
    frames = max(sum(chunk.name == b"ANMF" for chunk in pixels), 1)
    return Survey(width, height, frames, pixels[0].start, pixels[-1].end, end, MOST_PIXELS)


def first_frame(content: bytes) -> tuple[int, int, int, int] | None:
    """Return left, top, right and bottom of an animation's first frame, or None for a still."""
    chunks = _chunks(content, 8 + _little(content, 4, 4))
    first = next((chunk for chunk in chunks if chunk.name in _PIXELS), None)
    if first is None or first.name != b"ANMF":
        return None
    left, top, width, height = (_little(content, first.start + 8 + 3 * place, 3) for place in range(4))
    return 2 * left, 2 * top, 2 * left + width + 1, 2 * top + height + 1


def _chunks(content: bytes, end: int) -> Iterator[_Chunk]:
    at = 12
    for _ in range(_MOST_CHUNKS):
        if at >= end:
            return
        if at + 8 > end:
            raise DAMAGED.error(how="its last chunk is too short")
        after = at + 8 + _little(content, at + 4, 4)
        if after > end:
            raise DAMAGED.error(how="a chunk is longer than the file")
        yield _Chunk(content[at : at + 4], at, after)
        at = after + after % 2
    raise TOO_MANY_PARTS.error(most=_MOST_CHUNKS, parts="chunks")


def _size(content: bytes, first: _Chunk) -> tuple[int, int]:
    """Return width and height, which each of three kinds of first chunk writes in its own way."""
    body = content[first.start + 8 : min(first.end, first.start + 18)]
    if first.name == b"VP8X" and len(body) == 10:  # noqa: PLR2004  # flags and two sizes
        return 1 + _little(body, 4, 3), 1 + _little(body, 7, 3)
    if first.name == b"VP8L" and body[:1] == b"\x2f" and len(body) > 4:  # noqa: PLR2004  # its mark and two sizes
        bits = _little(body, 1, 4)
        return 1 + bits % 0x4000, 1 + bits // 0x4000 % 0x4000
    if first.name == b"VP8 " and body[3:6] == _KEY_FRAME and len(body) == 10:  # noqa: PLR2004  # marks and two sizes
        return _little(body, 6, 2) % 0x4000, _little(body, 8, 2) % 0x4000
    raise DAMAGED.error(how="its header makes no sense")


def _examine_metadata(content: bytes, chunks: list[_Chunk]) -> None:
    for chunk in chunks:
        if chunk.name == b"EXIF":
            exif.examine(content[chunk.start + 8 : chunk.end])
        if chunk.name == b"ICCP" and chunk.end - chunk.start > _MOST_PROFILE:
            raise TOO_MUCH_METADATA.error(part="colour profile")


def _little(content: bytes, at: int, size: int) -> int:
    if at + size > len(content):
        raise TRUNCATED.error()
    return int.from_bytes(content[at : at + size], "little")
