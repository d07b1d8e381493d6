"""The lobby: what a client shows first."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

from msgspec import Struct

from chalicelib.domain.boards import Board
from chalicelib.domain.games import Game
from chalicelib.domain.periods import Period
from chalicelib.domain.players import Player
from chalicelib.errors import StoreUnavailableError
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.services.games import Games
from chalicelib.services.inbox import Inbox
from chalicelib.services.players import Players
from chalicelib.services.standings import OwnEntry, Standings

Answer = TypeVar("Answer")


class Front(Struct, frozen=True):
    """What everybody sees: the server's time and the boards with their current periods."""

    now: datetime
    boards: list[tuple[Board, Period]]


class Lobby(Struct, frozen=True):
    """What a signed-in player sees besides. What does not answer is None: everything else is shown all the same."""

    player: Player
    standings: list[tuple[Board, Period, OwnEntry]] | None
    open_game: Game | None
    unread_notices: int | None


class Lobbies:
    def __init__(  # noqa: PLR0913  # the composition root names them
        self, *, boards: Boards, players: Players, games: Games, standings: Standings, inbox: Inbox, clock: Clock
    ) -> None:
        self._boards = boards
        self._players = players
        self._games = games
        self._standings = standings
        self._inbox = inbox
        self._clock = clock

    def front(self) -> Front:
        """Return the public part, boards as last seen where they do not answer. At most one scan per five seconds."""
        boards = self._boards.all_last()
        return Front(self._clock(), [(board, self._boards.period(board, "current")) for board in boards])

    def lobby(self, player_id: str) -> Lobby:
        """Return a player's part. One GetItem, two Querys, one BatchGetItem and the ranks of the current records."""
        player = self._players.own(player_id)
        return Lobby(
            player,
            _unless_silent(partial(self._standings.own_all, player_id)),
            self._games.newest_open(player_id),
            _unless_silent(partial(self._inbox.unread, player)),
        )


def _unless_silent(read: Callable[[], Answer]) -> Answer | None:
    try:
        return read()
    except StoreUnavailableError:
        return None
