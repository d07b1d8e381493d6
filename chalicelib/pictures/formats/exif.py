"""EXIF: a small file in the file, of which decoders copy every field before anybody asks for one."""

from typing import Literal

from chalicelib.pictures.refusals import TOO_MUCH_METADATA

_MOST_BYTES = 1 << 20
_MOST_COPIED = 4 << 20
"""Bytes: fields may overlap, and 64 KiB can name gigabytes."""
_BYTES_BY_TYPE = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_ENTRY = 12


def examine(exif: bytes) -> None:
    """Refuse EXIF whose fields come to more than any camera writes. What is no EXIF at all is left to decoders."""
    if len(exif) > _MOST_BYTES:
        raise TOO_MUCH_METADATA.error(part="EXIF")
    start = exif.startswith(b"Exif\0\0") * 6
    order: Literal["little", "big"] = "little" if exif[start : start + 2] == b"II" else "big"
    first = start + int.from_bytes(exif[start + 4 : start + 8], order)
    count = int.from_bytes(exif[first : first + 2], order)
    last = min(first + 2 + count * _ENTRY, len(exif) - _ENTRY + 1)
    if sum(_size(exif[at : at + _ENTRY], order, len(exif)) for at in range(first + 2, last, _ENTRY)) > _MOST_COPIED:
        raise TOO_MUCH_METADATA.error(part="EXIF")


def _size(entry: bytes, order: Literal["little", "big"], most: int) -> int:
    kind, count = int.from_bytes(entry[2:4], order), int.from_bytes(entry[4:8], order)
    return min(_BYTES_BY_TYPE.get(kind, 0) * count, most)
