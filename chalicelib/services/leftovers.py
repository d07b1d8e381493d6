"""Leftovers: files in the media bucket that no player shows, and that none ever will."""

from chalicelib.domain.avatars import Upload, UploadState, upload_id
from chalicelib.domain.players import Player, PlayerState
from chalicelib.store import keys
from chalicelib.store.media import MediaStore
from chalicelib.store.players import PlayerStore
from chalicelib.store.uploads import UploadStore


class Leftovers:
    def __init__(self, media: MediaStore, uploads: UploadStore, players: PlayerStore) -> None:
        self._media = media
        self._uploads = uploads
        self._players = players

    def delete_of(self, player_id: str) -> None:
        """Delete what was replaced, came late, or was left behind; of a player who leaves or left, everything.

        First come the files, then the upload, then the player: a file that is there already, of an upload that is not
        waiting any more, can become an avatar no more. If it is not by the time the player is read, it never is.

        Cost: two listings, two reads, and a deletion if there is something to delete.
        """
        sent = self._media.keys(keys.uploads(player_id))
        made = self._media.keys(keys.avatars(player_id))
        upload = self._uploads.get(player_id)
        player = self._players.get(player_id)
        if player is None or player.state is PlayerState.LEAVING:
            self._media.delete([*sent, *made, *self._media.keys(keys.quarantine(player_id))])
            return
        awaited = _awaited(upload)
        self._media.delete(
            [
                *(key for key in sent if keys.folder(key) != awaited),
                *(key for key in made if not _is_needed(keys.folder(key), player, awaited)),
            ]
        )


def _awaited(upload: Upload | None) -> str | None:
    return upload.upload_id if upload and upload.state is UploadState.WAITING else None


def _is_needed(reference: str, player: Player, awaited: str | None) -> bool:
    return reference == player.avatar or upload_id(reference) == awaited
