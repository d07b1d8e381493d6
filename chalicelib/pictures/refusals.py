"""The grounds on which a picture is refused: what each tells programs, and what it tells the player."""

from typing import Any

from msgspec import Struct

from chalicelib.domain.avatars import Refusal, Refused


class UnacceptableError(Exception):
    """A picture is not to be decoded."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.message)
        self.refused = refused


class Ground(Struct, frozen=True):
    reason: Refusal
    message: str
    """What is wrong and what would be right, with the names of its facts in braces."""

    def refused(self, **facts: Any) -> Refused:
        return Refused(self.reason, self.message.format(**facts))

    def error(self, **facts: Any) -> UnacceptableError:
        return UnacceptableError(self.refused(**facts))


EMPTY = Ground(Refusal.EMPTY, "the file is empty: upload a picture")
TOO_LARGE = Ground(Refusal.TOO_LARGE, "the file has {bytes:,} bytes and may have {most:,}: upload a smaller one")
NOT_AN_IMAGE = Ground(
    Refusal.NOT_AN_IMAGE, "the file is no picture that is taken: upload a JPEG, PNG, WebP, GIF or AVIF file"
)
SVG = Ground(Refusal.SVG, "SVG is a document, not a picture of pixels: export it as a PNG and upload that")
TYPE_MISMATCH = Ground(
    Refusal.TYPE_MISMATCH,
    "the upload was announced as {declared}, but the file is {found}: ask for an upload of {found}",
)
TRUNCATED = Ground(Refusal.TRUNCATED, "the file ends before the picture does: upload all of it")
APPENDED = Ground(Refusal.POLYGLOT, "after the picture, the file holds {what}: save the picture alone and upload that")
EMBEDDED = Ground(Refusal.POLYGLOT, "inside the picture, the file holds {what}: save the picture anew and upload that")
TOO_MANY_PIXELS = Ground(
    Refusal.TOO_MANY_PIXELS,
    "the picture is {width} by {height}, {pixels:.1f} megapixels; its kind may have {most:.1f}: upload a smaller one",
)
TOO_MANY_FRAMES = Ground(
    Refusal.TOO_MANY_FRAMES, "the animation has more than {most:,} frames: upload a shorter one, or one of its frames"
)
TOO_COMPLEX = Ground(
    Refusal.TOO_COMPLEX, "the picture takes more memory or time than there is for one: upload a smaller one"
)
TOO_MANY_PARTS = Ground(
    Refusal.TOO_COMPLEX, "the file is made of more than {most:,} {parts}: save the picture anew and upload that"
)
TOO_MUCH_METADATA = Ground(
    Refusal.TOO_COMPLEX, "the file holds too much beside the picture, in its {part}: save it without and upload that"
)
DEEP_JPEG = Ground(
    Refusal.UNSUPPORTED, "the JPEG has {bits} bits a channel, which browsers cannot show either: save it with 8"
)
ARITHMETIC_JPEG = Ground(
    Refusal.UNSUPPORTED,
    "the JPEG is compressed by arithmetic coding, which browsers cannot show either: save it as an ordinary JPEG",
)
LOSSLESS_JPEG = Ground(
    Refusal.UNSUPPORTED,
    "the JPEG is lossless or hierarchical, which browsers cannot show either: save it as an ordinary JPEG",
)
CHANNELS_OF_JPEG = Ground(
    Refusal.UNSUPPORTED, "the JPEG has {channels} channels: save it in grey, in colour or in CMYK"
)
VENDORS_PNG = Ground(
    Refusal.UNSUPPORTED, "the PNG has a part, {part}, that no standard knows: save it as an ordinary PNG"
)
HEIF = Ground(
    Refusal.UNSUPPORTED,
    "the picture is HEIC, or another HEIF that few browsers show: share or export it as a JPEG and upload that; "
    "an iPhone takes JPEGs when Settings, Camera, Formats says Most Compatible",
)
SEQUENCE = Ground(Refusal.UNSUPPORTED, "the file is a film without a still picture: upload one of its frames")
DAMAGED = Ground(Refusal.DAMAGED, "the picture is damaged ({how}): save it anew and upload that file")
UNREADABLE = Ground(Refusal.DAMAGED, "the picture is damaged: save it anew and upload that file")

GROUNDS = tuple(each for each in vars().copy().values() if isinstance(each, Ground))
"""All of them, as docs/reference lists them."""
