"""Avatars as players ask for them: a form to upload with, how it went, and none any more."""

from collections.abc import Callable

from msgspec import Struct

from chalicelib.domain.avatars import UPLOAD_LIFETIME, Crop, MediaType, Upload
from chalicelib.domain.players import Player
from chalicelib.errors import AvatarsOffError
from chalicelib.services.clock import Clock, new_id
from chalicelib.services.leftovers import Leftovers
from chalicelib.services.profiles import Profiles, account_gone
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.keys import UploadKey
from chalicelib.store.media import MediaStore, PostForm
from chalicelib.store.players import PlayerStore
from chalicelib.store.uploads import UploadStore

_CONTENDED = "the profile kept changing; send the same request again"
_PLAYER, _UPLOAD = "player", "upload"


class Invitation(Struct, frozen=True):
    """What a player uploads one picture with."""

    upload: Upload
    form: PostForm


class Avatars:
    def __init__(  # noqa: PLR0913  # the composition root names them
        self,
        *,
        dynamo: Dynamo,
        players: PlayerStore,
        uploads: UploadStore,
        media: MediaStore,
        leftovers: Leftovers,
        profiles: Profiles,
        clock: Clock,
        new_id: Callable[[], str] = new_id,
    ) -> None:
        self._dynamo = dynamo
        self._players = players
        self._uploads = uploads
        self._media = media
        self._leftovers = leftovers
        self._profiles = profiles
        self._clock = clock
        self._new_id = new_id

    def ask(self, player_id: str, media_type: MediaType, file_name: str, crop: Crop) -> Invitation:
        """Begin the player's latest upload, in place of any other that was not published, and return its form.

        Args:
            player_id: The signed-in player's.
            media_type: What is going to be uploaded; the form takes no other.
            file_name: As FILE_NAME allows. Dollar signs become underscores.
            crop: Which square of the picture is shown.

        Raises:
            AvatarsOffError: The deployment has no bucket for media.
            TokenError: The account is gone, or the player is leaving.
        """
        if not self._media.bucket:
            raise AvatarsOffError("this deployment takes no pictures: LAUREL_MEDIA_BUCKET is not set")
        upload = Upload(player_id, self._new_id(), media_type, crop, self._clock())
        # In a form's policy, S3 takes a dollar sign for a variable; its way around that, a backslash, is no JSON.
        key = UploadKey(player_id, upload.upload_id, file_name.replace("$", "_"))
        # Signed first: what cannot be signed supersedes nothing.
        form = self._media.form(key.text, media_type, UPLOAD_LIFETIME)
        self._begin(upload)
        return Invitation(upload, form)

    def upload(self, player_id: str) -> Upload | None:
        """Return the player's latest upload, or None where nothing was ever asked for. One consistent read."""
        return self._uploads.get(player_id)

    def remove(self, player: Player) -> None:
        """Take the player's avatar away everywhere, and end the latest upload, whatever becomes of it.

        What was refused stays in quarantine. A repeated call finishes what another began.

        Raises:
            ContendedError: Somebody else kept changing the profile or the upload.
        """
        upload = self._uploads.get(player.player_id)
        if upload is None and player.avatar is None:
            return
        self._end(player.player_id, upload)
        self._profiles.show_of(player.player_id)
        self._leftovers.delete_of(player.player_id)

    def erase(self, player: Player) -> None:
        """Delete all files of a player who is leaving, and the upload last: a repeated call continues.

        No request to S3 for those who never asked for an upload.
        """
        if self._uploads.get(player.player_id) is None and player.avatar is None:
            return
        self._leftovers.delete_of(player.player_id)
        self._uploads.delete(player.player_id)

    def _begin(self, upload: Upload) -> None:
        parts = [
            self._players.active_part(_PLAYER, upload.player_id),
            self._uploads.put_part(_UPLOAD, upload),
        ]
        if not self._dynamo.insist(parts, _CONTENDED):
            raise account_gone()

    def _end(self, player_id: str, upload: Upload | None) -> None:
        parts = [self._players.avatar_part(_PLAYER, player_id, None)]
        parts += [self._uploads.remove_part(_UPLOAD, player_id)] if upload else []
        # Refused, the player is leaving, and everything goes.
        self._dynamo.insist(parts, _CONTENDED)
