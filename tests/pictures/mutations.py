"""Pictures with something wrong: bytes flipped, lost, doubled, or taken from another picture."""

from random import Random

from chalicelib.domain.avatars import MediaType
from tests.pictures.anatomy import animation, chunk, picture

HEADER = 96
"""Bytes: most of what decides how a picture is decoded."""
_MOST_EDITS = 4
_EXTREMES = b"\x00\x01\x7f\x80\xff"


def originals() -> list[tuple[MediaType, bytes]]:
    """Return good pictures of every format, which mutants are made of."""
    jpeg, png, webp = MediaType.JPEG, MediaType.PNG, MediaType.WEBP
    return [
        *((media_type, picture(media_type)) for media_type in MediaType),
        *((media_type, animation(media_type)) for media_type in (MediaType.GIF, png, webp, MediaType.AVIF)),
        (jpeg, picture(jpeg, progressive=True)),
        (jpeg, picture(jpeg, "CMYK")),
        (png, picture(png, "RGBA")),
        (png, picture(png, "P")),
        (webp, picture(webp, "RGBA", lossless=True)),
    ]


def mutant(random: Random) -> tuple[MediaType, bytes]:
    """Return a picture with one to four things wrong; of a PNG, every second one with its checksums put right."""
    pictures = originals()
    media_type, content = random.choice(pictures)
    donor = random.choice(pictures)[1]
    for _ in range(random.randint(1, _MOST_EDITS)):
        content = _edited(content, donor, random)
    return media_type, _with_checksums(content) if media_type is MediaType.PNG and random.random() < 1 / 2 else content


def _edited(content: bytes, donor: bytes, random: Random) -> bytes:
    at = random.randrange(min(HEADER, len(content) + 1) if random.random() < 1 / 2 else len(content) + 1)
    length = random.choice((1, 2, 4, random.randrange(256)))
    before, part, after = content[:at], content[at : at + length], content[at + length :]
    match random.randrange(6):
        case 0:  # flip
            return before + bytes(byte ^ 1 << random.randrange(8) for byte in part) + after
        case 1:  # overwrite by what is often a limit
            return before + bytes(random.choice(_EXTREMES) for _ in part) + after
        case 2:  # delete
            return before + after
        case 3:  # double
            return before + part * random.choice((2, 100)) + after
        case 4:  # splice
            start = random.randrange(len(donor))
            return before + donor[start : start + length] + part + after
        case _:  # truncate
            return before + part


def _with_checksums(content: bytes) -> bytes:
    """Return a PNG whose damage no checksum gives away."""
    repaired, at = content[:8], 8
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        repaired += chunk(content[at + 4 : at + 8], content[at + 8 : at + 8 + length])
        at += 12 + length
    return repaired
