"""The lobby: what a client shows first."""

from datetime import datetime

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


class Front(Struct, frozen=True):
    """What everybody sees: the server's time and the boards with their current periods."""

    now: datetime
    boards: list[tuple[Board, Period]]


class Lobby(Struct, frozen=True):
    """What a signed-in player sees besides."""

    player: Player
    standings: list[tuple[Board, Period, OwnEntry]]
    open_game: Game | None
    unread_notices: int | None
    """None while notices do not answer: everything else is shown all the same."""


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
        """Return the public part. At most one scan of the boards per five seconds and process."""
        boards = self._boards.all()
        return Front(self._clock(), [(board, self._boards.period(board, "current")) for board in boards])

    def lobby(self, player_id: str) -> Lobby:
        """Return a player's part. One GetItem, two Querys, one BatchGetItem and the ranks of the current records."""
        player = self._players.own(player_id)
        standings = self._standings.own_all(player_id)
        return Lobby(player, standings, self._games.newest_open(player_id), self._unread(player))

    def _unread(self, player: Player) -> int | None:
        try:
            return self._inbox.unread(player)
        except StoreUnavailableError:
            return None
