"""Writes docs/reference/avatars.md from what inspection takes and refuses."""

import re
from collections.abc import Iterator, Mapping
from itertools import groupby

from msgspec import structs

from chalicelib.domain.avatars import MAX_UPLOAD_BYTES, SIZES, MediaType, Refusal
from chalicelib.pictures.confinement import Bounds
from chalicelib.pictures.formats.isobmff import MOST_DEEP_PIXELS
from chalicelib.pictures.formats.jpeg import LEAST_SIDE, MOST_BYTES, MOST_COEFFICIENTS, MOST_DECODED
from chalicelib.pictures.formats.surveys import MOST_FRAMES
from chalicelib.pictures.inspection import MOST_PIXELS
from chalicelib.pictures.refusals import GROUNDS

_HOW = re.compile(r":[^{}:]+(?=})")
"""How a fact of a message is written, after its name."""
_MIB = 1 << 20
_MEGA = 1_000_000

INTRODUCTION = """\
# Avatars

Made from the code by `make docs`. What may be uploaded as an avatar, and what is refused with which words. The routes
are in [routes](routes.md), how to use them in [show avatars](../how-to/show-avatars.md), and why all this in
[avatars](../explanation/avatars.md).

Every picture becomes squares of {sizes} pixels, each in WebP and JPEG. A file has 1 byte to {mib} MiB.

| `content_type` | megapixels at most | taken | not taken |
|---|---|---|---|
"""
ANIMATIONS = """
Of an animation the first frame is used; it may have {frames:,} frames. A JPEG whose pixels come in several passes must
be kept whole while it is read: it may have {jpeg:.0f} megapixels if its colours have half its pixels a side, as is
usual, {full:.0f} if they have as many, and {cmyk:.0f} in CMYK. Of a JPEG with {side:,} a side or more, fewer pixels are
decoded; a narrower one may have {narrow:.0f} megapixels, or {kept:.0f} if it must be kept whole, {inks:.0f} in CMYK.
An AVIF of more than 8 bits a channel may have {deep:.0f}.

The type is the registered one: not `image/jpg`. HEIC, which iPhones store, and all other HEIF but AVIF are [not
taken](../decisions/0018-pictures-by-pillow.md): a request that announces `image/heic` is answered by 400 with the types
that are, and such a file that comes under another type is refused as `unsupported`. What to do about
[iPhones](../how-to/show-avatars.md#iphones).

## What may stand after a picture

Telephones append things to JPEG and AVIF files: a second picture (MPF), a gain map (Ultra HDR), the film of a
motion photo, notes of their maker. These are taken, and nothing of them is used or kept: what is served was made anew
from the pixels. After PNG, GIF and WebP nothing may stand but zeros and spaces.

Refused wherever it stands, but for pixels and the second pictures and films after them: a page (`<script>`, `<html>`,
`<svg>`, `<iframe>`, `<body>`, a document type), a program (PHP, ELF), a PDF document, an archive (RAR, 7z); right after
the picture, also gzip, programs of Windows, macOS and Java, and scripts that begin with `#!`; and a ZIP archive that
ends with the file.
"""
BOUNDS = """
## What one picture may take

Of the process that makes it, whatever the function has; one that takes more is refused as `too_complex`.

| | |
|---|---|
| memory | {memory} MiB, and the code that it loads |
| processor | {cpu_seconds} seconds |
| clock | {seconds:.0f} seconds, and {start_seconds:.0f} to start; one that does not start is tried again |
| answer | {answer} MiB |
| files, network, programs, processes | none |
"""
REFUSALS = """
## Refusals

`GET /players/me/avatar` tells a refused upload's `reason`, which never changes its meaning, and its `message`, for the
player, which may. In braces stand facts of the file.

| reason | message |
|---|---|
"""
TAKEN: Mapping[MediaType, tuple[str, str]] = {
    MediaType.JPEG: (
        "baseline, extended and progressive; grey, colour, CMYK",
        "12 bits, arithmetic coding, lossless, hierarchical",
    ),
    MediaType.PNG: ("1 to 16 bits, palettes, transparency, interlaced, animated", "Apple's own kind (CgBI)"),
    MediaType.WEBP: ("lossy, lossless, transparent, animated", ""),
    MediaType.GIF: ("87a, 89a, animated", ""),
    MediaType.AVIF: ("stills, and sequences that hold a still too", "sequences alone"),
}


def page() -> str:
    """Return the page's text."""
    coefficients = MOST_COEFFICIENTS / _MEGA
    return "".join(
        [
            INTRODUCTION.format(sizes=_listed(SIZES), mib=MAX_UPLOAD_BYTES // _MIB),
            *_formats(),
            ANIMATIONS.format(
                frames=MOST_FRAMES,
                jpeg=coefficients / 1.5,
                full=coefficients / 3,
                cmyk=coefficients / 4,
                side=2 * LEAST_SIDE,
                narrow=MOST_DECODED / _MEGA,
                kept=MOST_BYTES / _MEGA / 7,
                inks=MOST_BYTES / _MEGA / 12,
                deep=MOST_DEEP_PIXELS / _MEGA,
            ),
            _bounds(Bounds()),
            REFUSALS,
            *_refusals(),
        ]
    )


def _bounds(bounds: Bounds) -> str:
    facts = structs.asdict(bounds)
    return BOUNDS.format(**{**facts, "memory": bounds.memory // _MIB, "answer": bounds.answer // _MIB})


def _formats() -> Iterator[str]:
    for media_type in MediaType:
        taken, refused = TAKEN[media_type]
        yield f"| `{media_type}` | {MOST_PIXELS[media_type] / _MEGA:.0f} | {taken} | {refused} |\n"


def _refusals() -> Iterator[str]:
    grounds = sorted(GROUNDS, key=lambda ground: list(Refusal).index(ground.reason))
    for reason, group in groupby(grounds, key=lambda ground: ground.reason):
        for ground in group:
            yield f"| `{reason}` | {_HOW.sub('', ground.message)} |\n"
    yield f"| `{Refusal.CHECK}` | what the studio's own check says |\n"


def _listed(sizes: tuple[int, ...]) -> str:
    return ", ".join(map(str, sizes[:-1])) + f" and {sizes[-1]}"
