"""Avatars: what players upload, what is made of it, and why it may be refused."""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

SIZES = (64, 128, 256, 512)
"""Pixels a side, all square."""
MAX_UPLOAD_BYTES = 20 * 1024 * 1024
UPLOAD_LIFETIME = timedelta(minutes=15)
"""How long the form of an upload is good for."""
FILE_NAME = r"^(?!\.{1,2}\Z)(?!.*\$\{filename\})[^/\x00-\x1f\x7f-\x9f\ufffe\uffff]{1,200}\Z"
"""What a file may be called: a part of a path, and of XML. S3 would put another name in place of ``${filename}``."""
_REFERENCE = "-"


class Form(StrEnum):
    WEBP = "webp"
    JPEG = "jpg"

    @property
    def media_type(self) -> str:
        return "image/webp" if self is Form.WEBP else "image/jpeg"


class Crop(StrEnum):
    """Which square of a picture is shown."""

    CENTRE = "centre"
    SMART = "smart"
    """Where the eye falls."""


class MediaType(StrEnum):
    """What may be uploaded."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    GIF = "image/gif"
    AVIF = "image/avif"


class Refusal(StrEnum):
    """Why a picture is not taken, for programs; each comes with a message for people."""

    EMPTY = "empty"
    NOT_AN_IMAGE = "not_an_image"
    SVG = "svg"
    TYPE_MISMATCH = "type_mismatch"
    TRUNCATED = "truncated"
    POLYGLOT = "polyglot"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_FRAMES = "too_many_frames"
    TOO_COMPLEX = "too_complex"
    """It asks for more memory or time than there is, as decompression bombs do."""
    UNSUPPORTED = "unsupported"
    """A kind of its format that is not taken, as JPEG of 12 bits."""
    DAMAGED = "damaged"
    TOO_LARGE = "too_large"
    """More bytes than may be uploaded."""
    CHECK = "check"
    """The studio's own check refused it."""


class Refused(Struct, frozen=True):
    reason: Refusal
    message: str
    """For the player: what is wrong and what would be right."""


class Rendition(Struct, frozen=True):
    """One file of an avatar."""

    size: int
    form: Form
    content: bytes


class UploadState(StrEnum):
    WAITING = "waiting"
    """For the player to upload, or to be looked at."""
    PUBLISHED = "published"
    REFUSED = "refused"
    REMOVED = "removed"
    """By the player or an admin: what of it may still arrive, or be under way, is not shown."""


class Upload(Struct, frozen=True):
    """A player's latest upload: it alone may become the avatar."""

    player_id: str
    upload_id: str
    media_type: MediaType
    crop: Crop
    asked_at: datetime
    state: UploadState = UploadState.WAITING
    refused: Refused | None = None

    @property
    def expires_at(self) -> datetime:
        """Until when S3 takes the form; a file that came in time is looked at however late."""
        return self.asked_at + UPLOAD_LIFETIME


def reference(upload_id: str, digest: str) -> str:
    """Return what names an avatar in its player's profile and records.

    Args:
        digest: Of the contents of its files, in hex: other contents never come under a name that was used.

    >>> reference("0af", "9c1")
    '0af-9c1'
    """
    return f"{upload_id}{_REFERENCE}{digest}"


def upload_id(reference: str) -> str:
    """Return the upload that an avatar was made of."""
    return reference.partition(_REFERENCE)[0]
