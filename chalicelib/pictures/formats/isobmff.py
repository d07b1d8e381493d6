"""AVIF: boxes in boxes, as in MP4 films, and in HEIC and other HEIF, which are recognised to be refused."""

from collections.abc import Iterator

from msgspec import Struct

from chalicelib.pictures.formats.surveys import Survey, field
from chalicelib.pictures.refusals import DAMAGED, HEIF, SEQUENCE, TOO_MANY_PARTS, TRUNCATED

MOST_PIXELS = 25_000_000
MOST_DEEP_PIXELS = 18_000_000
"""With more than 8 bits a channel, for which decoders take two bytes."""
_MOST_BOXES = 10_000
"""In one box, and of extents in all."""
_MOST_BRANDS = 64
_AVIF = {b"avif", b"avis"}
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_ANY_CODING = {b"mif1", b"mif2", b"msf1", b"miaf"}
_CONFIGURATION = b"av1C"
_DEEP = 0x40
"""In the third byte of a configuration: more than 8 bits a channel."""
_FULL = 4
"""Bytes of version and flags."""
_NEEDED = {b"ftyp", b"meta", b"mdat", b"moov"}
_SAMPLES = (b"mdia", b"minf", b"stbl", b"stsz")


class _Box(Struct, frozen=True):
    name: bytes
    start: int
    body: int
    end: int


def is_film(content: bytes, at: int = 0) -> bool:
    """Return whether a file begins there as all files of this family do, films and sound among them."""
    return content[at + 4 : at + 8] == b"ftyp"


def is_avif(content: bytes) -> bool:
    """Return whether the file says that it is one: in its main brand, or the first that counts of those after it.

    Raises:
        UnacceptableError: It is a picture of another kind of this family.
    """
    if not is_film(content):
        return False
    size = min(int.from_bytes(content[:4], "big"), 16 + 4 * _MOST_BRANDS)
    brands = [content[at : at + 4] for at in (8, *range(16, size, 4))]
    coding = next((brand for brand in brands if brand in _AVIF | _HEIC), None)
    if coding in _AVIF:
        return True
    if coding is None and _ANY_CODING.isdisjoint(brands):
        return False
    raise HEIF.error()


def survey(content: bytes) -> Survey:
    """Return what the picture at the start of ``content`` says of itself."""
    boxes = list(top_boxes(content))
    meta = next((box for box in boxes if box.name == b"meta"), None)
    if meta is None:
        raise SEQUENCE.error() if any(box.name == b"moov" for box in boxes) else TRUNCATED.error()
    within = list(_boxes(content, meta.body + _FULL, meta.end))
    properties = _properties(content, within)
    width, height = _largest(content, properties)
    _require_extents(content, within)
    pixels = [box for box in boxes if box.name == b"mdat"] or [meta]
    most_pixels = MOST_DEEP_PIXELS if _is_deep(content, properties) else MOST_PIXELS
    return Survey(width, height, _frames(content, boxes), pixels[0].start, pixels[-1].end, boxes[-1].end, most_pixels)


def colour_codes(content: bytes) -> tuple[int, int] | None:
    """Return the codes of primaries and transfer, where the picture states any."""
    meta = next(box for box in top_boxes(content) if box.name == b"meta")
    for box in _properties(content, list(_boxes(content, meta.body + _FULL, meta.end))):
        codes = content[box.body : box.end]
        if box.name == b"colr" and codes.startswith(b"nclx"):
            return field(codes, 4, 2, "colours"), field(codes, 6, 2, "colours")
    return None


def top_boxes(content: bytes) -> Iterator[_Box]:
    """Yield the boxes of a file, up to the next file or what is no box: cameras append the strangest things.

    Raises:
        UnacceptableError: A box that a picture needs reaches beyond the end.
    """
    for box in _chain(content, 0, len(content)):
        if box.name == b"ftyp" and box.start:
            return
        if box.end > len(content):
            if box.name in _NEEDED:
                raise TRUNCATED.error()
            return
        yield box


def _boxes(content: bytes, start: int, end: int) -> Iterator[_Box]:
    """Yield the boxes that a part of the file consists of."""
    at = start
    for box in _chain(content, start, end):
        if box.end > end:
            raise DAMAGED.error(how="a box is longer than the one around it")
        yield box
        at = box.end
    if at < end:
        raise DAMAGED.error(how="there is no box where one should begin")


def _chain(content: bytes, at: int, end: int) -> Iterator[_Box]:
    """Yield one box after the other until there is none, the last perhaps longer than there is room for."""
    for _ in range(_MOST_BOXES):
        box = _box(content, at, end) if at + 8 <= end else None
        if box is None:
            return
        yield box
        at = box.end
    raise TOO_MANY_PARTS.error(most=_MOST_BOXES, parts="boxes")


def _box(content: bytes, at: int, end: int) -> _Box | None:
    size, name, body = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8], at + 8
    if size == 1:  # the size is written in the next eight bytes
        size, body = int.from_bytes(content[at + 8 : at + 16], "big"), at + 16
    elif size == 0:  # as long as there is something
        size = end - at
    is_one = name.isascii() and name.decode("latin-1").isprintable() and size >= body - at
    return _Box(name, at, body, at + size) if is_one else None


def _children(content: bytes, boxes: list[_Box], name: bytes) -> list[_Box]:
    """Return what is in the first box of this name."""
    for box in boxes:
        if box.name == name:
            return list(_boxes(content, box.body, box.end))
    return []


def _properties(content: bytes, within: list[_Box]) -> list[_Box]:
    return _children(content, _children(content, within, b"iprp"), b"ipco")


def _largest(content: bytes, properties: list[_Box]) -> tuple[int, int]:
    """Return the size of the largest picture there is: the one that is shown is made of no larger ones."""
    sizes = [content[box.body : box.end] for box in properties if box.name == b"ispe"]
    if not sizes:
        raise DAMAGED.error(how="it has no size")
    if all(box.name != _CONFIGURATION for box in properties):
        raise HEIF.error()
    pairs = [(field(size, _FULL, 4, "size"), field(size, _FULL + 4, 4, "size")) for size in sizes]
    return max(pairs, key=lambda pair: pair[0] * pair[1])


def _is_deep(content: bytes, properties: list[_Box]) -> bool:
    configurations = (content[box.body : box.end] for box in properties if box.name == _CONFIGURATION)
    return any(each[2:3] and each[2] & _DEEP for each in configurations)


def _frames(content: bytes, boxes: list[_Box]) -> int:
    """Return how many frames its longest film has, a still picture one."""
    tracks = [box for box in _children(content, boxes, b"moov") if box.name == b"trak"]
    return max([1, *(_samples(content, track) for track in tracks)])


def _samples(content: bytes, track: _Box) -> int:
    within = [track]
    for name in (b"trak", *_SAMPLES[:-1]):
        within = _children(content, within, name)
    tables = [content[box.body : box.end] for box in within if box.name == _SAMPLES[-1]]
    return max((field(table, _FULL + 4, 4, "table of samples") for table in tables), default=0)


def _require_extents(content: bytes, within: list[_Box]) -> None:
    """Refuse a file without all the bytes that its items lie in."""
    for box in within:
        if box.name == b"iloc" and _Extents(content[box.body : box.end]).last() > len(content):
            raise TRUNCATED.error()


class _Extents:
    """The box that says where items lie: numbers whose sizes it states itself."""

    def __init__(self, box: bytes) -> None:
        self._box = box
        self._at = _FULL
        self._version = field(box, 0, 1, "table of items")
        sizes = self._number(2)
        self._offset, self._length, self._base, self._index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
        self._left = _MOST_BOXES

    def last(self) -> int:
        """Return where the last item ends."""
        items = self._number(4 if self._version == 2 else 2)  # noqa: PLR2004  # the version of long numbers
        if items > _MOST_BOXES:
            raise TOO_MANY_PARTS.error(most=_MOST_BOXES, parts="items")
        return max((self._end_of_item() for _ in range(items)), default=0)

    def _end_of_item(self) -> int:
        self._number(4 if self._version == 2 else 2)  # noqa: PLR2004  # the same
        is_in_file = self._version == 0 or self._number(2) & 15 == 0
        self._number(2)
        base, count = self._number(self._base), self._number(2)
        self._left -= count
        if self._left < 0:
            raise TOO_MANY_PARTS.error(most=_MOST_BOXES, parts="pieces")
        end = max((self._end_of_extent() for _ in range(count)), default=0)
        return base + end if is_in_file else 0

    def _end_of_extent(self) -> int:
        if self._version:
            self._number(self._index)
        offset = self._number(self._offset)
        return offset + self._number(self._length)

    def _number(self, size: int) -> int:
        number = field(self._box, self._at, size, "table of items")
        self._at += size
        return number
