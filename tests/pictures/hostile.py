"""Files that are refused, each with the ground that it must be refused on."""

import gzip
import struct
import zlib
from collections.abc import Iterator

from msgspec import Struct

from chalicelib.domain.avatars import MAX_UPLOAD_BYTES, MediaType
from chalicelib.pictures import refusals
from chalicelib.pictures.refusals import Ground
from tests.pictures.anatomy import (
    avif,
    box,
    canvas,
    chunk,
    film,
    gif,
    gif_frame,
    jpeg,
    jpeg_header,
    picture,
    png,
    png_header,
    riff,
    riff_chunk,
    segment,
)

JPEG, PNG, WEBP, GIF, AVIF = MediaType
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><script>alert(1)</script></svg>'
ZIP = b"PK\x03\x04" + bytes(26) + b"PK\x05\x06" + bytes(18)
MOST_SEGMENTS, MOST_CHUNKS, MOST_BLOCKS, MOST_BOXES, MOST_FRAMES = 10_000, 50_000, 20_000, 10_000, 1_000


class Hostile(Struct, frozen=True):
    name: str
    declared: MediaType
    content: bytes
    ground: Ground


def files() -> list[Hostile]:
    kinds = _no_picture, _svg, _mistaken, _truncated, _polyglot, _too_large, _too_many_parts, _unsupported, _damaged
    return [Hostile(name, declared, content, ground) for kind in kinds for name, declared, content, ground in kind()]


Case = tuple[str, MediaType, bytes, Ground]


def _no_picture() -> Iterator[Case]:
    yield "nothing", JPEG, b"", refusals.EMPTY
    for name, content in {
        "text": b"Dear reader,",
        "one byte": b"\xff",
        "page": b"<!DOCTYPE html><html><svg></svg></html>",
        "archive": ZIP,
        "archive before a picture": ZIP + picture(JPEG),
        "page before a picture": b"<html></html>" + picture(PNG),
        "document": b"%PDF-1.7\n",
        "bitmap": b"BM" + bytes(60),
        "sound": b"RIFF\x24\0\0\0WAVEfmt ",
        "packed text": gzip.compress(b"Dear reader,"),
        "broken package": b"\x1f\x8b\x08" + b"\xff" * 40,
        "film": box(b"ftyp", b"isom\0\0\0\0isom") + box(b"mdat", b"film"),
    }.items():
        yield name, JPEG, content, refusals.NOT_AN_IMAGE


def _svg() -> Iterator[Case]:
    for name, content in {
        "SVG": SVG,
        "SVG after a mark": b"\xef\xbb\xbf" + SVG,
        "SVG after spaces": b"\n\t  " + SVG,
        "SVG after a prologue": b'<?xml version="1.0"?>\n' + SVG,
        "SVG after comments": b"<!-- <html> -->\n" * 1000 + SVG,
        "SVG after a declaration": b'<!DOCTYPE svg [<!ENTITY a "&#62;">]>' + SVG,
        "SVG with a prefix": SVG.replace(b"svg", b"s:SVG"),
        "SVG in UTF-16": SVG.decode().encode("utf-16"),
        "SVG in UTF-16 without a mark": SVG.decode().encode("utf-16-le"),
        "packed SVG": gzip.compress(SVG),
        "packed SVG that fills the memory": gzip.compress(SVG + b" " * 50_000_000),
    }.items():
        yield name, PNG, content, refusals.SVG


def _mistaken() -> Iterator[Case]:
    for found, declared in zip(MediaType, [*list(MediaType)[1:], JPEG], strict=True):
        yield f"{found} as {declared}", declared, picture(found), refusals.TYPE_MISMATCH
    yield "AVIF among the brands", PNG, avif(brands=b"mif1\0\0\0\0miafavif"), refusals.TYPE_MISMATCH


def _truncated() -> Iterator[Case]:
    for media_type in MediaType:
        whole = picture(media_type)
        for share in (0.5, 0.9):
            yield f"{share:.0%} of a {media_type}", media_type, whole[: int(len(whole) * share)], refusals.TRUNCATED
        yield f"{media_type} but for a byte", media_type, whole[:-1], refusals.TRUNCATED
    yield "JPEG of a signature", JPEG, b"\xff\xd8\xff", refusals.TRUNCATED
    yield "PNG of a signature", PNG, b"\x89PNG\r\n\x1a\n", refusals.TRUNCATED
    yield "AVIF with an item beyond its end", AVIF, avif(extent=(200, 100_000)), refusals.TRUNCATED
    yield "PNG with a chunk of 4 GB", PNG, png()[:33] + b"\xff\xff\xff\xffIDAT", refusals.TRUNCATED


def _polyglot() -> Iterator[Case]:
    appended = {
        "an archive": ZIP,
        "an archive after padding": b"\0" * 512 + ZIP,
        "an archive after other things": b"notes of a maker" + ZIP,
        "an archive with a comment": ZIP[:-2] + b"\5\0" + b"hello",
        "another archive": b"notes Rar!\x1a\x07\x00",
        "a third archive": b"notes 7z\xbc\xaf\x27\x1c",
        "a page": b"\n<HTML >",
        "a script": b"notes <script>",
        "a program": b"\x7fELF\x02\x01\x01",
        "a program of Windows": b"MZ\x90\0",
        "a program in PHP": b"notes <?PHP system($_GET[0]);",
        "a document": b"notes %PDF-1.4",
    }
    for name, content in appended.items():
        yield f"JPEG and {name}", JPEG, picture(JPEG) + content, refusals.APPENDED
        yield f"AVIF and {name}", AVIF, picture(AVIF) + content, refusals.APPENDED
    for media_type in (PNG, GIF, WEBP):
        yield f"{media_type} and an archive", media_type, picture(media_type) + ZIP, refusals.APPENDED
        yield f"{media_type} and notes", media_type, picture(media_type) + b"notes", refusals.APPENDED
    yield "JPEG, a film and an archive", JPEG, picture(JPEG) + box(b"ftyp", b"isom") + ZIP, refusals.APPENDED
    yield (
        "JPEG with an archive in its film",
        JPEG,
        picture(JPEG) + box(b"ftyp", b"isom") + box(b"mdat", ZIP),
        refusals.APPENDED,
    )
    page = b"<script>alert(1)</script>"
    yield "page in a JPEG's comment", JPEG, jpeg(segment(0xFE, page), jpeg_header()), refusals.EMBEDDED
    yield "page in a PNG's text", PNG, png(chunk(b"tEXt", b"Comment\0" + page)), refusals.EMBEDDED
    after = chunk(b"IDAT", zlib.compress(b"pixels")) + chunk(b"tEXt", b"Comment\0" + page)
    yield "page after a PNG's pixels", PNG, png(pixels=after), refusals.EMBEDDED
    yield "page in a GIF's comment", GIF, gif(b"\x21\xfe\x19" + page + b"\0", gif_frame()), refusals.EMBEDDED
    chunks = canvas(), riff_chunk(b"VP8 ", b"pixels"), riff_chunk(b"XMP ", b"<?php 1")
    yield "program in a WebP's notes", WEBP, riff(*chunks), refusals.EMBEDDED
    yield "document in an AVIF's free space", AVIF, avif(more=box(b"free", b"%PDF-1.4")), refusals.EMBEDDED


def _too_large() -> Iterator[Case]:
    yield "too many bytes", JPEG, picture(JPEG) + bytes(MAX_UPLOAD_BYTES), refusals.TOO_LARGE
    for name, media_type, content in (
        ("JPEG", JPEG, jpeg(jpeg_header(12_001, 10_000))),
        ("progressive JPEG", JPEG, jpeg(jpeg_header(8000, 6001, marker=0xC2, channels=(0x11, 0x11, 0x11)))),
        ("narrow JPEG", JPEG, jpeg(jpeg_header(2047, 40_000))),
        ("narrow progressive JPEG", JPEG, jpeg(jpeg_header(60_000, 1000, marker=0xC2))),
        ("JPEG of several scans", JPEG, jpeg(jpeg_header(8000, 4501, channels=(0x11,) * 4), scans=4)),
        ("PNG", PNG, png(header=png_header(50_001, 1000))),
        ("PNG of a bomb", PNG, png(header=png_header(0x7FFFFFFF, 0x7FFFFFFF))),
        ("GIF", GIF, gif(gif_frame(), width=65_535, height=65_535)),
        ("GIF whose frame is larger", GIF, gif(gif_frame(60_000, 5000, 60_000))),
        ("WebP", WEBP, riff(canvas(18_001, 1000), riff_chunk(b"VP8 ", b"pixels"))),
        ("lossless WebP", WEBP, riff(riff_chunk(b"VP8L", b"\x2f" + b"\xff" * 8))),
        ("AVIF", AVIF, avif(25_001, 1000)),
        ("AVIF of 10 bits", AVIF, avif(18_001, 1000, configuration=b"\x81\0\x40\0")),
    ):
        yield f"{name} of too many pixels", media_type, content, refusals.TOO_MANY_PIXELS
    many = MOST_FRAMES + 1
    counted = b"".join(chunk(b"fcTL", bytes(26)) for _ in range(many))
    for name, media_type, content in (
        ("GIF", GIF, gif(gif_frame() * many)),
        ("PNG", PNG, png(chunk(b"acTL", struct.pack(">II", 1, 0)), counted)),
        ("PNG that announces", PNG, png(chunk(b"acTL", struct.pack(">II", many, 0)))),
        ("WebP", WEBP, riff(canvas(), riff_chunk(b"ANMF", bytes(16)) * many)),
        ("AVIF", AVIF, avif(brands=b"avis\0\0\0\0avif", more=film(many))),
    ):
        yield f"{name} of too many frames", media_type, content, refusals.TOO_MANY_FRAMES


def _too_many_parts() -> Iterator[Case]:
    unpacked = zlib.compress(bytes(2_000_000))
    within = zlib.compress(bytes(1_000_000))
    for name, content in (
        ("text", chunk(b"zTXt", b"Comment\0\0" + unpacked)),
        ("international text", chunk(b"iTXt", b"Comment\0\1\0en\0\0" + unpacked)),
        ("colour profile", chunk(b"iCCP", b"sRGB\0\0" + unpacked)),
        ("texts", chunk(b"zTXt", b"Comment\0\0" + within) * 9),
        ("plain text", chunk(b"tEXt", b"Comment\0" + bytes(2_000_000))),
        ("EXIF", chunk(b"eXIf", bytes(2_000_000))),
    ):
        yield f"PNG of too much {name}", PNG, png(content), refusals.TOO_MUCH_METADATA
    field = struct.pack("<HHII", 270, 2, 60_000, 26)
    exif = b"II*\0\x08\0\0\0" + struct.pack("<H", 5000) + field * 5000
    yield (
        "JPEG whose EXIF overlaps",
        JPEG,
        jpeg(segment(0xE1, b"Exif\0\0" + exif), jpeg_header()),
        refusals.TOO_MUCH_METADATA,
    )
    still = canvas(), riff_chunk(b"VP8 ", b"pixels")
    yield "WebP whose EXIF overlaps", WEBP, riff(*still, riff_chunk(b"EXIF", exif)), refusals.TOO_MUCH_METADATA
    profile = riff_chunk(b"ICCP", bytes(5_000_000))
    yield "WebP of too much profile", WEBP, riff(canvas(), profile, still[1]), refusals.TOO_MUCH_METADATA
    for name, media_type, content in (
        ("segments", JPEG, jpeg(segment(0xE0, b"") * (MOST_SEGMENTS + 1))),
        ("scans", JPEG, jpeg(jpeg_header(), scans=101)),
        ("chunks of PNG", PNG, png(pixels=chunk(b"IDAT") * (MOST_CHUNKS + 1))),
        ("chunks of WebP", WEBP, riff(canvas(), riff_chunk(b"note", b"") * MOST_BLOCKS)),
        ("blocks", GIF, gif(b"\x21\xfe\0" * (MOST_BLOCKS + 1), gif_frame())),
        ("pieces", GIF, gif(b"\x21\xfe" + b"\1a" * 1_000_001 + b"\0", gif_frame())),
        ("boxes", AVIF, avif(more=box(b"free", b"") * MOST_BOXES)),
        ("items", AVIF, avif().replace(b"\x44\0\0\1\0\1", b"\x44\0\xff\xff\0\1")),
        ("pieces of items", AVIF, avif().replace(b"\x44\0\0\1\0\1\0\0\0\1", b"\x44\0\0\1\0\1\0\0\xff\xff")),
    ):
        yield f"too many {name}", media_type, content, refusals.TOO_MANY_PARTS


def _unsupported() -> Iterator[Case]:
    yield "JPEG of 12 bits", JPEG, jpeg(jpeg_header(marker=0xC1, bits=12)), refusals.DEEP_JPEG
    yield "JPEG by arithmetic", JPEG, jpeg(jpeg_header(marker=0xC9)), refusals.ARITHMETIC_JPEG
    yield "progressive JPEG by arithmetic", JPEG, jpeg(jpeg_header(marker=0xCA)), refusals.ARITHMETIC_JPEG
    yield "lossless JPEG", JPEG, jpeg(jpeg_header(marker=0xC3)), refusals.LOSSLESS_JPEG
    yield "hierarchical JPEG", JPEG, jpeg(segment(0xDE, bytes(6)), jpeg_header()), refusals.LOSSLESS_JPEG
    yield "JPEG of two channels", JPEG, jpeg(jpeg_header(channels=(0x11, 0x11))), refusals.CHANNELS_OF_JPEG
    yield "PNG of one maker", PNG, png(chunk(b"CgBI", bytes(4))), refusals.VENDORS_PNG
    for name, brands in {
        "HEIC": b"heic\0\0\0\0mif1heic",
        "HEIC of 10 bits": b"heix\0\0\0\0mif1heix",
        "HEIC of several codings": b"mif1\0\0\0\0mif1miafheic",
        "HEIC that comes before AVIF": b"heic\0\0\0\0avif",
        "HEIC of several pictures": b"hevc\0\0\0\0msf1hevc",
        "HEIF that names no coding": b"mif1\0\0\0\0mif1",
        "HEIF of JPEG": b"mif1\0\0\0\0jpeg",
    }.items():
        for declared in (JPEG, AVIF):
            yield f"{name} as {declared}", declared, avif(brands=brands, coding=b"hvcC"), refusals.HEIF
    yield "HEIC cut off", JPEG, box(b"ftyp", b"heic\0\0\0\0mif1heic"), refusals.HEIF
    yield "AVIF of HEVC", AVIF, avif(coding=b"hvcC"), refusals.HEIF
    yield "film of AVIF", AVIF, box(b"ftyp", b"avis\0\0\0\0msf1") + film(2), refusals.SEQUENCE


def _damaged() -> Iterator[Case]:
    start = b"\x89PNG\r\n\x1a\n"
    mutilated = bytearray(picture(PNG))
    mutilated[50] ^= 1
    for name, media_type, content in (
        ("JPEG of nothing", JPEG, b"\xff\xd8\xff\xd9"),
        ("JPEG without a header", JPEG, jpeg()),
        ("JPEG with two headers", JPEG, jpeg(jpeg_header(), jpeg_header(9000, 9000))),
        ("JPEG of no height", JPEG, jpeg(jpeg_header(height=0))),
        ("JPEG whose header is cut", JPEG, jpeg(segment(0xC0, b"\x08\0"))),
        ("JPEG of negative length", JPEG, b"\xff\xd8\xff\xe0\0\1" + picture(JPEG)),
        ("JPEG with bytes between segments", JPEG, jpeg(segment(0xE0, b""), b"and", jpeg_header())),
        ("JPEG of no sampling", JPEG, jpeg(jpeg_header(marker=0xC2, channels=(0x11, 0x00, 0xF1)))),
        ("PNG with a flipped bit", PNG, bytes(mutilated)),
        ("PNG without pixels", PNG, png(pixels=b"")),
        ("PNG without a palette", PNG, png(header=png_header(48, 32, 8, 3))),
        ("PNG without a header", PNG, start + chunk(b"IDAT") + chunk(b"IEND")),
        ("PNG with two headers", PNG, png(png_header(13_000, 13_000))),
        ("PNG of seven bits", PNG, png(header=png_header(48, 32, 7))),
        ("PNG of no width", PNG, png(header=png_header(0))),
        ("PNG with bytes between chunks", PNG, png(b"\0\0\0\0\0\0\0\0\0\0\0\0")),
        ("PNG whose animation is cut", PNG, png(chunk(b"acTL"))),
        ("GIF without pixels", GIF, gif()),
        ("GIF with bytes between blocks", GIF, gif(b"and", gif_frame())),
        ("WebP without pixels", WEBP, riff(canvas())),
        ("WebP of nothing", WEBP, riff()),
        ("WebP whose chunk is too long", WEBP, riff(canvas(), b"VP8 \xff\0\0\0pixels")),
        ("WebP whose chunk is cut", WEBP, riff(canvas(), b"VP8")),
        ("WebP of no key frame", WEBP, riff(riff_chunk(b"VP8 ", bytes(20)))),
        ("AVIF without a size", AVIF, box(b"ftyp", b"avif") + box(b"meta", bytes(4))),
        ("AVIF of boxes that overlap", AVIF, box(b"ftyp", b"avif") + box(b"meta", bytes(4) + b"\0\0\1\0iprp")),
        ("AVIF with bytes between boxes", AVIF, box(b"ftyp", b"avif") + box(b"meta", bytes(9))),
        ("AVIF whose table is cut", AVIF, avif().replace(b"\x44\0\0\1\0\1", b"\x44\0\0\5\0\1")),
    ):
        yield name, media_type, content, refusals.DAMAGED
