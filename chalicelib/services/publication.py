"""Publication: an uploaded file becomes its player's avatar, or is refused for good.

Events come late, twice, in any order, and at the same time; whoever works on one may die at any call, and Lambda
delivers it again. One transaction decides: it makes the picture the avatar if its upload is still the player's latest,
and still waiting. All before it can be done again, and all after it is done by whoever comes next.
"""

from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256
from typing import Protocol

from msgspec import Struct

from chalicelib.domain.avatars import (
    MAX_UPLOAD_BYTES,
    SIZES,
    Crop,
    Form,
    MediaType,
    Refusal,
    Refused,
    Rendition,
    Upload,
    UploadState,
    reference,
)
from chalicelib.services.checks import Candidate, Check, asked
from chalicelib.services.leftovers import Leftovers
from chalicelib.services.profiles import Profiles
from chalicelib.store import keys
from chalicelib.store.dynamo import Dynamo, Part
from chalicelib.store.keys import UploadKey
from chalicelib.store.media import MediaStore
from chalicelib.store.players import PlayerStore
from chalicelib.store.uploads import UploadStore

_DIGEST = 16
"""Of SHA-256's hex digits: enough to tell the pictures of one upload apart."""
_TOO_LARGE = Refused(
    Refusal.TOO_LARGE, f"The file is larger than {MAX_UPLOAD_BYTES // 1024**2} MiB. Upload a smaller one."
)


class Renders(Protocol):
    """What makes the files of an avatar, as chalicelib.pictures does."""

    def render(self, content: bytes, declared: MediaType, crop: Crop) -> list[Rendition] | Refused: ...


class Fate(StrEnum):
    """What became of an uploaded file."""

    PUBLISHED = "published"
    REFUSED = "refused"
    LATE = "late"
    """Its player asked for another upload since, took the avatar away, or left."""
    REPEATED = "repeated"
    """It was published or refused before."""
    MISSING = "missing"
    """It was deleted before anybody looked at it, as what lies there for a day is."""


class Outcome(Struct, frozen=True):
    fate: Fate
    bytes_read: int = 0
    refused: Refused | None = None


class Publication:
    def __init__(  # noqa: PLR0913  # the composition root names them
        self,
        *,
        dynamo: Dynamo,
        players: PlayerStore,
        uploads: UploadStore,
        media: MediaStore,
        leftovers: Leftovers,
        profiles: Profiles,
        renderer: Renders,
        check: Check,
    ) -> None:
        self._dynamo = dynamo
        self._players = players
        self._uploads = uploads
        self._media = media
        self._leftovers = leftovers
        self._profiles = profiles
        self._renderer = renderer
        self._check = check

    def take(self, key: UploadKey) -> Outcome:
        """Decide on an uploaded file, and leave things as they should be, whatever was left undone before.

        Whatever it raises is worth trying again: nothing is decided then, or nothing is lacking but the cleaning up.

        Cost: for a picture that is published some 20 requests to S3, 8 of them its files, and 5 to the database, with
        one more for each of the player's records.

        Raises:
            ContendedError: Others kept changing the profile.
            StoreUnavailableError: The database or S3 did not answer.
        """
        outcome = self._decided(key)
        # In this order: what a board still shows is not left over.
        self._profiles.show_of(key.player_id)
        self._leftovers.delete_of(key.player_id)
        return outcome

    def _decided(self, key: UploadKey) -> Outcome:
        upload = self._uploads.get(key.player_id)
        if upload is None or not _is_awaited(upload, key):
            return Outcome(_fate(upload, key))
        content = self._media.read(key.text, MAX_UPLOAD_BYTES + 1)
        if content is None:
            return Outcome(Fate.MISSING)
        renditions = self._judged(upload, content)
        if isinstance(renditions, Refused):
            return self._refused(upload, key, content, renditions)
        return self._published(upload, len(content), renditions)

    def _judged(self, upload: Upload, content: bytes) -> list[Rendition] | Refused:
        if len(content) > MAX_UPLOAD_BYTES:
            return _TOO_LARGE
        renditions = self._renderer.render(content, upload.media_type, upload.crop)
        if isinstance(renditions, Refused):
            return renditions
        return asked(self._check, _candidate(upload, renditions)) or renditions

    def _published(self, upload: Upload, bytes_read: int, renditions: Sequence[Rendition]) -> Outcome:
        named = reference(upload.upload_id, _digest(renditions))
        for each in renditions:
            key = keys.rendition(upload.player_id, named, each.size, each.form)
            self._media.publish(key, each.content, each.form.media_type)
        avatar = self._players.avatar_part("player", upload.player_id, named)
        done = self._settled([avatar, self._uploads.publish_part("upload", upload)])
        return Outcome(Fate.PUBLISHED if done else self._fate_of(upload), bytes_read)

    def _refused(self, upload: Upload, key: UploadKey, content: bytes, refused: Refused) -> Outcome:
        """Keep what was looked at, not what may lie under its key by now, before anybody is told."""
        self._media.quarantine(key.quarantined, content, refused)
        active = self._players.active_part("player", upload.player_id)
        done = self._settled([active, self._uploads.refuse_part("upload", upload, refused)])
        fate = Fate.REFUSED if done else self._fate_of(upload)
        return Outcome(fate, len(content), refused if done else None)

    def _settled(self, parts: Sequence[Part]) -> bool:
        """Do all parts or none; False when the upload is not waiting any more, or its player is not active."""
        return self._dynamo.insist(parts, "the profile kept changing; the upload is tried again")

    def _fate_of(self, upload: Upload) -> Fate:
        """Return what became of an upload that another decided on first."""
        return _fate(self._uploads.get(upload.player_id), upload)


def _is_awaited(latest: Upload, key: UploadKey) -> bool:
    return latest.upload_id == key.upload_id and latest.state is UploadState.WAITING


def _fate(latest: Upload | None, of: Upload | UploadKey) -> Fate:
    """Return what became of an upload that is not waited for any more."""
    if latest and latest.upload_id == of.upload_id and latest.state in {UploadState.PUBLISHED, UploadState.REFUSED}:
        return Fate.REPEATED
    return Fate.LATE


def _candidate(upload: Upload, renditions: Sequence[Rendition]) -> Candidate:
    shown = next(each for each in renditions if (each.size, each.form) == (max(SIZES), Form.JPEG))
    return Candidate(upload.player_id, upload.upload_id, shown.content)


def _digest(renditions: Sequence[Rendition]) -> str:
    digest = sha256()
    for each in renditions:
        digest.update(f"{each.size} {each.form} {len(each.content)}\n".encode())
        digest.update(each.content)
    return digest.hexdigest()[:_DIGEST]
