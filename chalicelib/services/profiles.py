"""Profiles on boards: every record of a player bears the name and the avatar that the player has."""

from chalicelib.domain.players import Player, PlayerState
from chalicelib.errors import ContendedError, GameError, TokenError
from chalicelib.store.players import PlayerStore
from chalicelib.store.records import RecordStore

_ATTEMPTS = 5


class Profiles:
    def __init__(self, players: PlayerStore, records: RecordStore) -> None:
        self._players = players
        self._records = records

    def show_of(self, player_id: str) -> None:
        """Bring the records of whoever has this id up to date: nobody's, or of somebody leaving, are left alone."""
        player = self._players.get(player_id)
        if player is not None:
            self.show(player)

    def show(self, player: Player) -> None:
        """Bring the names and avatars in the player's records up to date, with what an interrupted call left.

        Each only while the profile is as it was read: whoever changes it after that shows it, and must not be
        overwritten. They may also die over it: so what they stored is shown from here on.

        Cost: a query, and a transaction per record that shows something else.

        Raises:
            ContendedError: The profile or a record kept changing.
        """
        current: Player | None = player
        for _ in range(_ATTEMPTS):
            if current is None or current.state is not PlayerState.ACTIVE or self._shown(current):
                return
            current = self._players.get(player.player_id)
        raise ContendedError("the profile kept changing; send the same request again")

    def _shown(self, player: Player) -> bool:
        unchanged = self._players.unchanged_part("player", player)
        stale = (
            record
            for record in self._records.of_player(player.player_id)
            if (record.display_name, record.avatar) != (player.display_name, player.avatar)
        )
        return all(self._records.rename(record, player.display_name, player.avatar, unchanged) for record in stale)


def account_gone() -> GameError:
    return TokenError("this account was deleted; register again with POST /players")
