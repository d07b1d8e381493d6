"""What else a file may be beside a picture: programs, pages and archives that somebody else would open."""

import re

from chalicelib.pictures.formats import isobmff, jpeg
from chalicelib.pictures.refusals import APPENDED, EMBEDDED, UnacceptableError

# Each is so long that the pixels of no picture hold it by chance: one of a million full files at most.
_ANYWHERE = (
    (re.compile(rb"<(?:script|iframe|html|svg|body)[\s/>]|<!doctype\s", re.IGNORECASE), "a page"),
    (re.compile(rb"<\?php\s", re.IGNORECASE), "a program"),
    (re.compile(rb"%PDF-\d"), "a PDF document"),
    (re.compile(rb"Rar!\x1a\x07"), "an archive"),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), "an archive"),
    (re.compile(rb"\x7fELF[\x01\x02][\x01\x02]\x01"), "a program"),
)
_AT_THE_START = (
    (b"PK\x03\x04", "an archive"),
    (b"PK\x05\x06", "an archive"),
    (b"\x1f\x8b\x08", "an archive"),
    (b"MZ", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"#!", "a program"),
)
_END_OF_ZIP = b"PK\x05\x06"
_LENGTH_OF_ZIPS_COMMENT = 20
_MOST_ZIPS_COMMENT = 0xFFFF
_PADDING = re.compile(rb"[\0\s]*")
_MOST_ATTACHMENTS = 8
"""Pictures and films after a picture: telephones append two or three."""


def examine(content: bytes, head: int, foot: int, end: int) -> None:
    """Refuse a file that is something else too.

    Pixels are not looked at: nothing in them can be told from chance.

    Args:
        content: The file.
        head: Where the pixels begin.
        foot: Where they end.
        end: Where the picture ends.
    """
    for start, stop in ((0, head), (foot, end)):
        if what := _found(content, start, stop):
            raise EMBEDDED.error(what=what)
    rest = _after_attachments(content, end)
    if what := _beginning(content, rest) or _found(content, rest, len(content)) or _zip_at_the_end(content):
        raise APPENDED.error(what=what)


def require_end(content: bytes, end: int) -> None:
    """Refuse anything after a picture but padding, in formats in which no camera appends anything."""
    if _after_padding(content, end) < len(content):
        raise APPENDED.error(what="something that is no part of it")


def _found(content: bytes, start: int, stop: int) -> str | None:
    for pattern, what in _ANYWHERE:
        if pattern.search(content, start, stop):
            return what
    return None


def _beginning(content: bytes, at: int) -> str | None:
    return next((what for mark, what in _AT_THE_START if content.startswith(mark, at)), None)


def _zip_at_the_end(content: bytes) -> str | None:
    """Find an archive as its readers do: from the end, by a comment that is as long as it says."""
    at = content.rfind(_END_OF_ZIP, max(len(content) - _MOST_ZIPS_COMMENT - _LENGTH_OF_ZIPS_COMMENT - 2, 0))
    while at >= 0:
        length = content[at + _LENGTH_OF_ZIPS_COMMENT : at + _LENGTH_OF_ZIPS_COMMENT + 2]
        if len(length) == 2 and at + _LENGTH_OF_ZIPS_COMMENT + 2 + int.from_bytes(length, "little") <= len(content):  # noqa: PLR2004  # bytes of a length
            return "an archive"
        at = content.rfind(_END_OF_ZIP, max(len(content) - _MOST_ZIPS_COMMENT - _LENGTH_OF_ZIPS_COMMENT - 2, 0), at)
    return None


def _after_attachments(content: bytes, at: int) -> int:
    """Return where the pictures and films end that telephones append: gain maps, second views, the moment before."""
    for _ in range(_MOST_ATTACHMENTS):
        at = _after_padding(content, at)
        length = _attachment(content[at:]) if at < len(content) else 0
        if not length:
            return at
        at += length
    return at


def _attachment(content: bytes) -> int:
    """Return the length of the picture or film that it begins with, if it does."""
    try:
        if content.startswith(jpeg.SIGNATURE):
            return jpeg.survey(content).end
        if isobmff.is_film(content):
            return max(box.end for box in isobmff.top_boxes(content))
    except UnacceptableError:
        return 0
    return 0


def _after_padding(content: bytes, at: int) -> int:
    padding = _PADDING.match(content, at)
    end = at if padding is None else padding.end()
    # A film begins with its first box's size: of four bytes, three are zero.
    return end - 3 if end - 3 >= at and isobmff.is_film(content, end - 3) else end
