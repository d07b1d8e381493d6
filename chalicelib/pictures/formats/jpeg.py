"""JPEG: segments, each with its length, and between them compressed pixels that end where a marker stands."""

import re

from chalicelib.domain.avatars import SIZES
from chalicelib.pictures.formats import exif
from chalicelib.pictures.formats.surveys import Survey, field, number
from chalicelib.pictures.refusals import (
    ARITHMETIC_JPEG,
    CHANNELS_OF_JPEG,
    DAMAGED,
    DEEP_JPEG,
    LOSSLESS_JPEG,
    TOO_MANY_PARTS,
    TRUNCATED,
)

SIGNATURE = b"\xff\xd8\xff"
MOST_PIXELS = 120_000_000
"""Decoded at a fraction of their size, they take little memory; but the coefficients of a progressive one are kept."""
MOST_COEFFICIENTS = 144_000_000
"""Of two bytes each: 48 megapixels whose colours have as many pixels as their lightness."""
MOST_DECODED = 70_000_000
"""Pixels of a narrow one, of which none are left out."""
MOST_BYTES = 312_000_000
"""Of the coefficients that are kept, and of the pixels that are decoded meanwhile: what a child has memory for."""
LEAST_SIDE = 2 * max(SIZES)
"""Pixels of the smaller side that decoding leaves: twice as many, for a good method to go on with, as in libvips."""
_FRACTIONS = (8, 4, 2, 1)
"""Of a side's pixels, one in so many is decoded."""
_MOST_SEGMENTS = 10_000
_MOST_SCANS = 100
"""Each goes through all pixels again: encoders write about ten."""

_MARKER_IN_PIXELS = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""Two bytes, without a repetition: it takes one pass over any content."""
_START = re.compile(rb"\xff+")
_END, _SCAN, _EXIF = 0xD9, 0xDA, 0xE1
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ARITHMETIC = {0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xCC}
_LOSSLESS = {0xC3, 0xC5, 0xC6, 0xC7, 0xDE, 0xDF}
_CHANNELS = {1, 3, 4}
_HALF_A_SIDE = 4
"""The most a channel's sampling factor may be."""


def survey(content: bytes) -> Survey:
    """Return what the picture at the start of ``content`` says of itself."""
    reading = _Reading(content)
    while not reading.is_over:
        reading.read_segment()
    return reading.survey()


class _Reading:
    """A position that moves from segment to segment."""

    def __init__(self, content: bytes) -> None:
        self.is_over = False
        self._content = content
        self._at = 2
        self._segments = 0
        self._scans: list[int] = []
        self._frame: tuple[int, bytes] | None = None

    def read_segment(self) -> None:
        marker = self._marker()
        if marker == _END:
            self.is_over = True
        elif marker not in _WITHOUT_LENGTH:
            self._read(marker, self._body())

    def survey(self) -> Survey:
        if self._frame is None or not self._scans:
            raise DAMAGED.error(how="it has no pixels")
        marker, frame = self._frame
        height, width = field(frame, 1, 2, "header"), field(frame, 3, 2, "header")
        end = self._at
        most_pixels = _most_pixels(marker, frame, len(self._scans), side=min(width, height))
        return Survey(width, height, 1, self._scans[0], end, end, most_pixels)

    def _marker(self) -> int:
        self._segments += 1
        if self._segments > _MOST_SEGMENTS:
            raise TOO_MANY_PARTS.error(most=_MOST_SEGMENTS, parts="segments")
        start = _START.match(self._content, self._at)
        if start is None and self._at < len(self._content):
            raise DAMAGED.error(how="there is no segment where one should begin")
        self._at = 1 + (len(self._content) if start is None else start.end())
        return number(self._content, self._at - 1, 1)

    def _body(self) -> bytes:
        length = number(self._content, self._at, 2)
        start, self._at = self._at, self._at + length
        if length < 2:  # noqa: PLR2004  # it counts its own two bytes
            raise DAMAGED.error(how="a segment has less than no length")
        if self._at > len(self._content):
            raise TRUNCATED.error()
        return self._content[start + 2 : self._at]

    def _read(self, marker: int, body: bytes) -> None:
        if marker in _ARITHMETIC:
            raise ARITHMETIC_JPEG.error()
        if marker in _LOSSLESS:
            raise LOSSLESS_JPEG.error()
        if marker in _FRAMES:
            self._take_frame(marker, body)
        elif marker == _SCAN:
            self._take_scan()
        elif marker == _EXIF and body.startswith(b"Exif"):
            exif.examine(body)

    def _take_frame(self, marker: int, body: bytes) -> None:
        if self._frame is not None:
            raise DAMAGED.error(how="it has two headers")
        self._frame = marker, body
        bits, channels = field(body, 0, 1, "header"), field(body, 5, 1, "header")
        if bits != 8:  # noqa: PLR2004  # what every decoder can read
            raise DEEP_JPEG.error(bits=bits)
        if channels not in _CHANNELS:
            raise CHANNELS_OF_JPEG.error(channels=channels)

    def _take_scan(self) -> None:
        self._scans.append(self._at)
        if len(self._scans) > _MOST_SCANS:
            raise TOO_MANY_PARTS.error(most=_MOST_SCANS, parts="scans")
        after = _MARKER_IN_PIXELS.search(self._content, self._at)
        if after is None:
            raise TRUNCATED.error()
        self._at = after.start()


def _most_pixels(marker: int, frame: bytes, scans: int, side: int) -> int:
    """Return how many pixels it may have: fewer where all coefficients must be kept, or most pixels be decoded."""
    fraction = next((each for each in _FRACTIONS if side >= each * LEAST_SIDE), 1)
    if marker != _PROGRESSIVE and scans == 1:
        return min(MOST_PIXELS, MOST_DECODED * fraction**2)
    coefficients = _coefficients(frame)
    return int(min(MOST_PIXELS, MOST_COEFFICIENTS / coefficients, MOST_BYTES / (2 * coefficients + 4 / fraction**2)))


def _coefficients(frame: bytes) -> float:
    """Return how many there are for each pixel."""
    factors = [divmod(field(frame, 7 + 3 * channel, 1, "header"), 16) for channel in range(frame[5])]
    widest, highest = max(across for across, _ in factors), max(down for _, down in factors)
    if not all(0 < across <= _HALF_A_SIDE and 0 < down <= _HALF_A_SIDE for across, down in factors):
        raise DAMAGED.error(how="its header makes no sense")
    return sum(across * down for across, down in factors) / (widest * highest)
