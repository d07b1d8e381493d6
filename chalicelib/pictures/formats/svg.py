"""SVG: XML, packed or not, whose first element is one of its own."""

import re
import zlib

_PACKED = b"\x1f\x8b"
_LOOKED_AT = 1 << 20
"""Bytes: a comment of a megabyte before the first element hides it."""
_WIDE = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
_ELEMENT = re.compile(r"<(?:[\w.-]+:)?svg[\s/>]", re.IGNORECASE)


def is_svg(content: bytes) -> bool:
    """Return whether the file is SVG, whatever comes before its first element: marks, prologues, comments."""
    plain = _unpacked(content) if content.startswith(_PACKED) else content[:_LOOKED_AT]
    text = plain.decode(_WIDE.get(plain[:2], "utf-8"), errors="replace").removeprefix("\ufeff")
    return _ELEMENT.match(text, _first_element(text)) is not None


def _unpacked(content: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(content[:_LOOKED_AT], _LOOKED_AT)
    except zlib.error:
        return b""


def _first_element(text: str) -> int:
    at = _after_spaces(text, 0)
    while closing := _closing(text, at):
        end = text.find(closing, at)
        if end < 0:
            return len(text)
        at = _after_spaces(text, end + len(closing))
    return at


def _closing(text: str, at: int) -> str:
    """Return what ends the thing that begins there, if it is none yet that holds the picture."""
    if text.startswith("<!--", at):
        return "-->"
    if text.startswith("<?", at):
        return "?>"
    if text.startswith("<!", at):
        return "]>" if "[" in text[at : text.find(">", at)] else ">"
    return ""


def _after_spaces(text: str, at: int) -> int:
    return _SPACES.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing too


_SPACES = re.compile(r"\s*")
