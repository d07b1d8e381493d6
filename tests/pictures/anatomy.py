"""Small pictures of every format, and the parts they are made of, for tests that put them together wrongly."""

import struct
import zlib
from functools import cache
from io import BytesIO
from random import Random
from typing import Any

from PIL import Image

from chalicelib.domain.avatars import MediaType

_PILLOWS = {
    MediaType.JPEG: "JPEG",
    MediaType.PNG: "PNG",
    MediaType.WEBP: "WEBP",
    MediaType.GIF: "GIF",
    MediaType.AVIF: "AVIF",
}


@cache
def picture(media_type: MediaType, mode: str = "RGB", **options: Any) -> bytes:
    """Return a picture of 48 by 32 pixels, no two rows of them alike."""
    return saved(media_type, _noise(mode), **options)


def saved(media_type: MediaType, image: Image.Image, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, _PILLOWS[media_type], **options)
    return file.getvalue()


@cache
def animation(media_type: MediaType) -> bytes:
    """Return three frames of 48 by 32 pixels."""
    return saved(media_type, _noise("RGB"), save_all=True, append_images=[_noise("RGB", seed) for seed in (2, 3)])


def _noise(mode: str, seed: int = 1) -> Image.Image:
    pixels = Random(seed).randbytes(12 * 8 * len(Image.getmodebands(mode) * "x"))
    return Image.frombytes(mode, (12, 8), pixels).resize((48, 32), Image.Resampling.NEAREST)


def segment(marker: int, body: bytes) -> bytes:
    """Return a segment of JPEG."""
    return struct.pack(">BBH", 0xFF, marker, 2 + len(body)) + body


def jpeg_header(
    width: int = 48,
    height: int = 32,
    *,
    marker: int = 0xC0,
    bits: int = 8,
    channels: tuple[int, ...] = (0x22, 0x11, 0x11),
) -> bytes:
    parts = b"".join(bytes((number, factors, 0)) for number, factors in enumerate(channels, start=1))
    return segment(marker, struct.pack(">BHHB", bits, height, width, len(channels)) + parts)


def jpeg(*segments: bytes, scans: int = 1) -> bytes:
    """Return a JPEG whose pixels mean nothing."""
    return b"\xff\xd8" + b"".join(segments) + scans * (segment(0xDA, b"\1\1\0\0\x3f\0") + b"pixels") + b"\xff\xd9"


def chunk(name: bytes, body: bytes = b"") -> bytes:
    """Return a chunk of PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_header(width: int = 48, height: int = 32, depth: int = 8, colour: int = 2, *rest: int) -> bytes:
    return chunk(b"IHDR", struct.pack(">II", width, height) + bytes((depth, colour, *(rest or (0, 0, 0)))))


def png(
    *chunks: bytes, header: bytes = png_header(), pixels: bytes = chunk(b"IDAT", zlib.compress(b"pixels"))
) -> bytes:
    """Return a PNG whose pixels mean nothing."""
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + pixels + chunk(b"IEND")


def gif(*blocks: bytes, width: int = 48, height: int = 32) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + b"".join(blocks) + b";"


def gif_frame(left: int = 0, width: int = 48, height: int = 32) -> bytes:
    return struct.pack("<BHHHHBB", 0x2C, left, 0, width, height, 0, 2) + b"\x01\x00\x00"


def riff(*chunks: bytes) -> bytes:
    """Return a WebP of these chunks."""
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def riff_chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def canvas(width: int = 48, height: int = 32) -> bytes:
    return riff_chunk(b"VP8X", b"\2\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body


def avif(  # noqa: PLR0913  # each is wrong in a test of its own
    width: int = 48,
    height: int = 32,
    *,
    brands: bytes = b"avif\0\0\0\0mif1avif",
    coding: bytes = b"av1C",
    configuration: bytes = b"\x81\0\0\0",
    extent: tuple[int, int] = (0, 16),
    more: bytes = b"",
) -> bytes:
    """Return an AVIF, or another HEIF, whose pixels mean nothing."""
    size = box(b"ispe", struct.pack(">III", 0, width, height))
    properties = box(b"iprp", box(b"ipco", box(coding, configuration) + size))
    items = box(b"iloc", struct.pack(">IBBHHHHII", 0, 0x44, 0, 1, 1, 0, 1, *extent))
    meta = box(b"meta", bytes(4) + box(b"hdlr", bytes(24)) + properties + items)
    return box(b"ftyp", brands) + meta + more + box(b"mdat", b"pixels")


def film(samples: int) -> bytes:
    """Return the track of an animation in a HEIF or AVIF file."""
    body = box(b"stsz", struct.pack(">III", 0, 0, samples))
    for name in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        body = box(name, body)
    return body
