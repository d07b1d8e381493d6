"""Joining tournaments: once, for a price, as long as there are places; and withdrawing while no score can count.

A place, its price and the fact that a player joined are written in one transaction, or none of them: whoever dies
before it has done nothing, and whoever asks again after it gets the same answer. The places are counted in lanes, so
that many can join at the same moment; a player takes one of another lane when those of the own are gone. Whoever
withdraws gives the place back and gets the price, in one transaction too.
"""

from datetime import datetime, timedelta

from msgspec import Struct

from chalicelib.domain import participations, tournaments
from chalicelib.domain.boards import Board
from chalicelib.domain.participations import Participation
from chalicelib.domain.tournaments import LANES, Tournament
from chalicelib.errors import (
    BalanceTooLowError,
    BoardNotFoundError,
    ContendedError,
    TournamentBegunError,
    TournamentFullError,
    TournamentOverError,
)
from chalicelib.services.boards import Boards, tournament_of
from chalicelib.services.clock import Clock
from chalicelib.services.profiles import account_gone
from chalicelib.store.boards import BoardStore
from chalicelib.store.dynamo import CancelledError, Dynamo, Item, key_text
from chalicelib.store.participations import JOINED, PLAYER, ParticipationStore, balance_name

_ATTEMPTS = 10
_BOARD = "board"
_NOBODY = (0,) * LANES


class Standing(Struct, frozen=True):
    """A tournament as one player sees it."""

    board: Board
    tournament: Tournament
    own: Participation | None
    joined: tuple[int, ...]
    """How many have joined, by lane, where places are counted."""

    @property
    def attempts_left(self) -> int | None:
        return participations.attempts_left(self.tournament, self.own)

    @property
    def places_left(self) -> int | None:
        """How many more can join; None: all who want."""
        capacity = self.tournament.capacity
        return None if capacity is None else max(0, capacity - sum(self.joined))


class Tournaments:
    def __init__(  # noqa: PLR0913  # the composition root names them
        self,
        *,
        dynamo: Dynamo,
        boards: Boards,
        board_store: BoardStore,
        store: ParticipationStore,
        clock: Clock,
        grace: timedelta,
    ) -> None:
        self._dynamo = dynamo
        self._boards = boards
        self._board_store = board_store
        self._store = store
        self._clock = clock
        self._grace = grace

    def own(self, board_id: str, player_id: str) -> Standing:
        """Return a player's part in a tournament. One BatchGetItem of 2 items, and of 8 more where places are counted.

        Raises:
            BoardNotFoundError: There is no such board.
            TournamentNotFoundError: It is no tournament.
        """
        tournament = tournament_of(self._boards.known(board_id))
        return self._read(board_id, player_id, counted=tournament.capacity is not None)

    def join(self, board_id: str, player_id: str) -> Standing:
        """Let a player join, from the creation of the tournament to its end; who has joined already gets that answer.

        Cost: the read of ``own``; for who joins now a transaction of 2 items, one more where places are counted, and
        one for each item it costs; and both again when others took the last place of a lane meanwhile.

        Raises:
            TournamentOverError, TournamentFullError: It cannot be joined any more.
            BalanceTooLowError: The player has less of an item than it costs.
            TokenError: The account was deleted.
            ContendedError: Too many others joined at the same moment; nothing was changed.
        """
        for attempt in range(_ATTEMPTS):
            found = self.own(board_id, player_id)
            if found.own is not None and found.own.joined_at is not None:
                return found
            joined = self._joined(found, player_id, self._clock())
            if self._is_written(found, joined):
                return Standing(found.board, found.tournament, joined, _counted(found.joined, joined.lane, 1))
            self._dynamo.pause(attempt)
        raise ContendedError("many are joining; send the same request again")

    def withdraw(self, board_id: str, player_id: str) -> Standing:
        """Let a player go who has joined, and give back what was paid; who has not joined gets that answer.

        Cost: the read of ``own``, and a transaction of 2 items, one more where places are counted, one for each item
        that was paid, and one for the definition, unless the tournament is called off.

        Raises:
            TournamentBegunError: Scores count by now, or may before this is written.
            TokenError: The account was deleted.
            ContendedError: Others stayed busy with the same items; nothing was changed.
        """
        for attempt in range(_ATTEMPTS):
            found = self.own(board_id, player_id)
            if found.own is None or found.own.joined_at is None:
                return found
            self._require_letting_go(found)
            if self._is_withdrawn(found, found.own):
                return Standing(found.board, found.tournament, None, _counted(found.joined, found.own.lane, -1))
            self._dynamo.pause(attempt)
        raise ContendedError("the tournament is being changed; send the same request again")

    def _read(self, board_id: str, player_id: str, *, counted: bool) -> Standing:
        board_key = self._board_store.table, self._board_store.key(board_id)
        own_key = self._store.table, self._store.key(player_id, board_id)
        places_keys = [(self._store.shared_table, key) for key in self._store.places_keys(board_id)] if counted else []
        items = self._dynamo.get_all([board_key, own_key, *places_keys])

        def found(key: tuple[str, Item]) -> Item | None:
            return items.get((key[0], key_text(key[1])))

        board_item, own_item = found(board_key), found(own_key)
        if board_item is None:
            raise BoardNotFoundError(f"there is no board {board_id!r}", board_id=board_id)
        board = self._boards.remember(self._board_store.parsed(board_item))
        own = self._store.parsed(own_item) if own_item else None
        joined = self._store.parsed_places([found(key) for key in places_keys]) if counted else _NOBODY
        return Standing(board, tournament_of(board), own, joined)

    def _joined(self, found: Standing, player_id: str, now: datetime) -> Participation:
        tournament, board_id = found.tournament, found.board.board_id
        if tournament.is_over(now):
            raise TournamentOverError(f"the tournament was over at {tournament.end.isoformat()}", board_id=board_id)
        return Participation(
            player_id=player_id,
            board_id=board_id,
            attempts=found.own.attempts if found.own else 0,
            joined_at=now,
            paid=tournament.cost,
            lane=_lane(found, player_id),
        )

    def _is_written(self, found: Standing, joined: Participation) -> bool:
        """Write all that joining takes; False when it has to be looked at again."""
        try:
            self._dynamo.transact(self._store.joining_parts(found.own, joined, _room(found.tournament, joined.lane)))
        except CancelledError as error:
            cancelled = error
        else:
            return True
        if PLAYER in cancelled.refused:
            raise account_gone() from cancelled
        # Whoever has joined has paid, and may have nothing left to pay with.
        if JOINED not in cancelled.refused:
            _require_paid(joined, cancelled)
        return False

    def _require_letting_go(self, found: Standing) -> None:
        starts_at = found.tournament.starts_at
        if not found.tournament.lets_go(self._clock(), self._grace):
            final_from = (starts_at - self._grace).isoformat()
            raise TournamentBegunError(f"joining is final from {final_from} on", board_id=found.board.board_id)

    def _is_withdrawn(self, found: Standing, joined: Participation) -> bool:
        """Write that a player withdraws; False when it has to be looked at again."""
        parts = self._store.withdrawal_parts(joined)
        if not found.tournament.is_called_off:  # else its start could be moved to this moment
            parts.append(self._board_store.unchanged_part(_BOARD, found.board))
        try:
            self._dynamo.transact(parts)
        except CancelledError as error:
            if PLAYER in error.refused:
                raise account_gone() from error
            return False
        return True


def _require_paid(joined: Participation, cancelled: CancelledError) -> None:
    for price in joined.paid:
        if balance_name(price.item) in cancelled.refused:
            message = f"it costs {price.amount} {price.item}, and you have less"
            raise BalanceTooLowError(message, item=price.item, amount=price.amount) from cancelled


def _lane(found: Standing, player_id: str) -> int | None:
    """Return the lane to take a place of: the player's own, or the next one that has places."""
    capacity = found.tournament.capacity
    if capacity is None:
        return None
    lane = next(tournaments.lanes_with_room(capacity, found.joined, int(player_id[:8], 16) % LANES), None)
    if lane is None:
        raise TournamentFullError(f"all {capacity} places are taken", board_id=found.board.board_id, capacity=capacity)
    return lane


def _room(tournament: Tournament, lane: int | None) -> int:
    return 0 if tournament.capacity is None or lane is None else tournaments.share(tournament.capacity, lane)


def _counted(joined: tuple[int, ...], lane: int | None, change: int) -> tuple[int, ...]:
    return tuple(count + change * (number == lane) for number, count in enumerate(joined))
