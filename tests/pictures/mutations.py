"""Pictures with something wrong: bytes flipped, lost, doubled, or taken from another picture."""

from collections.abc import Mapping
from functools import cache
from random import Random

from chalicelib.domain.avatars import MediaType
from tests.pictures.anatomy import chunk
from tests.pictures.corpus import pictures

HEADER = 96
"""Bytes: most of what decides how a picture is decoded."""
_SMALL = 20_000
_EDITS = (1, 1, 1, 2, 4)
_EXTREMES = b"\x00\x01\x7f\x80\xff"


@cache
def originals() -> Mapping[MediaType, list[bytes]]:
    """Return good pictures of every format, which mutants are made of: small ones, where a byte counts."""
    good = [each for each in pictures() if len(each.content) < _SMALL]
    return {media_type: [each.content for each in good if each.media_type is media_type] for media_type in MediaType}


def mutant(random: Random) -> tuple[MediaType, bytes]:
    """Return a picture with one to four things wrong; of most PNGs, the checksums are put right."""
    media_type = random.choice(list(MediaType))
    content = random.choice(originals()[media_type])
    donor = random.choice(originals()[random.choice(list(MediaType))])
    for _ in range(random.choice(_EDITS)):
        content = _edited(content, donor, random)
    return media_type, _with_checksums(content) if media_type is MediaType.PNG and random.random() < 3 / 4 else content


def _edited(content: bytes, donor: bytes, random: Random) -> bytes:
    at = random.randrange(min(HEADER, len(content) + 1) if random.random() < 1 / 2 else len(content) + 1)
    length = random.choice((1, 2, 4, random.randrange(256)))
    before, part, after = content[:at], content[at : at + length], content[at + length :]
    match random.randrange(8):
        case 0 | 1 | 2:  # flip
            return before + bytes(byte ^ 1 << random.randrange(8) for byte in part[:2]) + part[2:] + after
        case 3:  # overwrite by what is often a limit
            return before + bytes(random.choice(_EXTREMES) for _ in part) + after
        case 4:  # delete
            return before + after
        case 5:  # double
            return before + part * random.choice((2, 100)) + after
        case 6:  # splice
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
