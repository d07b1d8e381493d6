"""Leftovers: files in the media bucket that nothing shows, and that nothing ever will."""

from msgspec import Struct

from chalicelib.domain.avatars import UploadState, upload_id
from chalicelib.domain.players import PlayerState
from chalicelib.store import keys
from chalicelib.store.media import MediaStore
from chalicelib.store.players import PlayerStore
from chalicelib.store.records import RecordStore
from chalicelib.store.uploads import UploadStore


class _Needs(Struct, frozen=True):
    """What of a player's files has to stay."""

    active: bool
    awaited: str | None
    """The upload that may yet become the avatar."""
    shown: frozenset[str | None]
    """The avatars of the profile and of the records."""

    def upload(self, key: str) -> bool:
        return keys.folder(key) == self.awaited

    def avatar(self, key: str) -> bool:
        reference = keys.folder(key)
        return reference in self.shown or upload_id(reference) == self.awaited


class Leftovers:
    def __init__(self, media: MediaStore, uploads: UploadStore, players: PlayerStore, records: RecordStore) -> None:
        self._media = media
        self._uploads = uploads
        self._players = players
        self._records = records

    def delete_of(self, player_id: str) -> None:
        """Delete what was replaced, came late, or was left behind; of a player who left, everything.

        Cost: two listings, three reads, and a deletion if there is something to delete; a third listing for a player
        who is not active.
        """
        # In this order. What is listed, of an upload that waits no more, cannot become an avatar any more; if it is
        # none by the time the player is read, it never is; and no record shows then what none shows already.
        sent = self._media.keys(keys.uploads(player_id))
        made = self._media.keys(keys.avatars(player_id))
        needs = self._needs(player_id)
        kept = [] if needs.active else self._media.keys(keys.quarantine(player_id))
        unneeded = [key for key in sent if not needs.upload(key)] + [key for key in made if not needs.avatar(key)]
        self._media.delete([*unneeded, *kept])

    def _needs(self, player_id: str) -> _Needs:
        upload = self._uploads.get(player_id)
        player = self._players.get(player_id)
        records = self._records.of_player(player_id)
        shown = frozenset(record.avatar for record in records)
        if player is None or player.state is not PlayerState.ACTIVE:
            return _Needs(active=False, awaited=None, shown=shown)
        awaited = upload.upload_id if upload and upload.state is UploadState.WAITING else None
        return _Needs(active=True, awaited=awaited, shown=shown | {player.avatar})
