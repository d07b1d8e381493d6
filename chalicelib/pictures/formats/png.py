"""PNG: chunks, each with its length, its name and its checksum."""

import zlib
from collections.abc import Iterator

from msgspec import Struct

from chalicelib.pictures.formats import exif
from chalicelib.pictures.formats.surveys import Survey, field, number
from chalicelib.pictures.refusals import DAMAGED, TOO_MANY_PARTS, TOO_MUCH_METADATA, TRUNCATED, VENDORS_PNG

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_PIXELS = 50_000_000
_MOST_CHUNKS = 50_000
_MOST_TEXT = 1 << 20
"""Bytes of a text or a profile once it is unpacked."""
_MOST_TEXTS = 8 << 20
"""Bytes of all of them."""
_AROUND = 12
"""Bytes of a chunk's length, name and checksum."""
_PIXELS = {b"IDAT", b"fdAT"}
_CRITICAL = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_DEPTHS_BY_COLOUR = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
_PALETTE = 3
_LOWER_CASE = 0x20
_FULL_RGB = b"\0\1"


class _Chunk(Struct, frozen=True):
    name: bytes
    start: int
    body: bytes
    end: int


def survey(content: bytes) -> Survey:
    """Return what the picture at the start of ``content`` says of itself."""
    chunks = list(_chunks(content))
    _examine_header(chunks[0])
    _examine_texts(chunks)
    names = [chunk.name for chunk in chunks]
    if names.count(b"IHDR") > 1:
        raise DAMAGED.error(how="it has two headers")
    if b"IDAT" not in names:
        raise DAMAGED.error(how="it has no pixels")
    if chunks[0].body[9] == _PALETTE and b"PLTE" not in names:
        raise DAMAGED.error(how="it has no palette")
    pixels = [chunk for chunk in chunks if chunk.name in _PIXELS]
    frames = max(names.count(b"fcTL"), _announced_frames(chunks), 1)
    width, height = number(chunks[0].body, 0, 4), number(chunks[0].body, 4, 4)
    return Survey(width, height, frames, pixels[0].start, pixels[-1].end, chunks[-1].end, MOST_PIXELS)


def colour_codes(content: bytes) -> tuple[int, int] | None:
    """Return the codes of primaries and transfer that ``cICP`` states of red, green and blue in their full range."""
    for chunk in _chunks(content):
        if chunk.name in _PIXELS:
            break
        if chunk.name == b"cICP" and chunk.body[2:] == _FULL_RGB:
            return chunk.body[0], chunk.body[1]
    return None


def _chunks(content: bytes) -> Iterator[_Chunk]:
    at = len(SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        chunk = _chunk(content, at)
        yield chunk
        if chunk.name == b"IEND":
            return
        at = chunk.end
    raise TOO_MANY_PARTS.error(most=_MOST_CHUNKS, parts="chunks")


def _chunk(content: bytes, at: int) -> _Chunk:
    end = at + _AROUND + number(content, at, 4)
    name, body = content[at + 4 : at + 8], memoryview(content)[at + 8 : end - 4]
    if not (name.isalpha() and name.isascii()):
        raise (DAMAGED.error(how="there is no chunk where one should begin") if len(name) == 4 else TRUNCATED.error())  # noqa: PLR2004  # letters of a name
    if not name[0] & _LOWER_CASE and name not in _CRITICAL:
        raise VENDORS_PNG.error(part=name.decode())
    if number(content, end - 4, 4) != zlib.crc32(body, zlib.crc32(name)):
        raise DAMAGED.error(how=f"the checksum of {name.decode()} is wrong")
    return _Chunk(name, at, b"" if name in _PIXELS else bytes(body), end)


def _examine_header(header: _Chunk) -> None:
    if header.name != b"IHDR" or len(header.body) != 13:  # noqa: PLR2004  # as the standard has it
        raise DAMAGED.error(how="it has no header")
    depth, colour, compression, filtering, interlacing = header.body[8:]
    if depth not in _DEPTHS_BY_COLOUR.get(colour, ()) or compression or filtering or interlacing > 1:
        raise DAMAGED.error(how="its header makes no sense")


def _examine_texts(chunks: list[_Chunk]) -> None:
    unpacked = 0
    for chunk in chunks:
        if chunk.name == b"eXIf":
            exif.examine(chunk.body)
        elif chunk.name in (b"tEXt", b"zTXt", b"iTXt", b"iCCP"):
            unpacked += _unpacked_size(chunk)
        if unpacked > _MOST_TEXTS:
            raise TOO_MUCH_METADATA.error(part="texts")


def _unpacked_size(chunk: _Chunk) -> int:
    keyword, _, rest = chunk.body.partition(b"\0")
    packed = rest[1:]
    if chunk.name == b"tEXt":
        return _bounded(len(chunk.body), chunk)
    if chunk.name == b"iTXt":
        is_packed, (_, _, text) = rest[:1] == b"\1", _after_languages(rest)
        if not is_packed:
            return _bounded(len(chunk.body), chunk)
        packed = text
    return _bounded(len(keyword) + _inflated(packed), chunk)


def _after_languages(rest: bytes) -> tuple[bytes, bytes, bytes]:
    language, _, more = rest[2:].partition(b"\0")
    translated, _, text = more.partition(b"\0")
    return language, translated, text


def _inflated(packed: bytes) -> int:
    """Return how many bytes come out, up to one more than may. What is no such stream is left to the decoder."""
    try:
        return len(zlib.decompressobj().decompress(packed, _MOST_TEXT + 1))
    except zlib.error:
        return 0


def _bounded(size: int, chunk: _Chunk) -> int:
    if size > _MOST_TEXT:
        raise TOO_MUCH_METADATA.error(part="colour profile" if chunk.name == b"iCCP" else "texts")
    return size


def _announced_frames(chunks: list[_Chunk]) -> int:
    return sum(field(chunk.body, 0, 4, "animation's header") for chunk in chunks if chunk.name == b"acTL")
