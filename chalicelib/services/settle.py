"""Settle: bring the rank index in line with records, exactly once per change of a record.

One way for everybody: what ends a game, submits, deletes or hides plans the same moves as what follows the records'
stream. A move is refused unless the player's mark is as it was read, so duplicates, reordering and crashes leave no
drift.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct, structs

from chalicelib import logs
from chalicelib.domain.boards import Board
from chalicelib.domain.records import Record
from chalicelib.errors import StoreUnavailableError
from chalicelib.ranking.pages import lane_of
from chalicelib.services.boards import Boards
from chalicelib.store.dynamo import MAX_TRANSACTION_ITEMS, CancelledError, Dynamo, Part
from chalicelib.store.ranks import UNMARKED, Mark, Move, NodeName, OutdatedBoardError, RankStore

_ATTEMPTS = 8
TOMBSTONE_KEPT = timedelta(days=30)
"""Twice as long as the longest queue holds a message, and a stream 24 hours."""
_log = logging.getLogger(logs.LOGGER_NAME)


class Settlement(Struct, frozen=True):
    """By which directed value a player should be counted as of a generation of the record; None: nowhere."""

    board: Board
    period_id: str
    player_id: str
    value: tuple[int, int] | None
    generation: int
    expires_at: datetime | None
    mark_expires_at: datetime | None

    def is_due(self, mark: Mark) -> bool:
        """Tell whether the mark is older, or as old but silent on a layout that is written by now."""
        if mark.generation != self.generation:
            return mark.generation < self.generation
        written = {layout.generation for layout in self.board.indexing(self.period_id).written}
        return not written <= set(mark.builds)

    def move_from(self, mark: Mark) -> Move:
        return Move(
            self.board,
            self.period_id,
            self.player_id,
            mark,
            self.value,
            self.generation,
            self.expires_at,
            self.mark_expires_at,
        )


def settlement_of(board: Board, record: Record) -> Settlement:
    """Return where a stored record should be counted: hidden ones nowhere."""
    value = None if record.hidden else board.value(record.score, record.subscore)
    expires_at = record.expires_at
    return Settlement(board, record.period_id, record.player_id, value, record.generation, expires_at, expires_at)


def deletion_of(board: Board, record: Record, now: datetime) -> Settlement:
    """Return the settlement of a deleted record: counted nowhere, one generation past its last.

    The mark has to outlive every late word of the record; then it goes as well, and nothing is left of the player.
    """
    forgotten = min(now + TOMBSTONE_KEPT, record.expires_at or datetime.max.replace(tzinfo=UTC))
    generation = record.generation + 1
    return Settlement(board, record.period_id, record.player_id, None, generation, record.expires_at, forgotten)


class Settler:
    def __init__(self, dynamo: Dynamo, boards: Boards, ranks: RankStore) -> None:
        self._dynamo = dynamo
        self._boards = boards
        self._ranks = ranks

    def settle(self, settlements: Sequence[Settlement]) -> bool:
        """Count every settlement that is not yet counted; False when contention left some for later.

        Args:
            settlements: Of one board and period, each player at most once.

        Raises:
            OutdatedBoardError: A mark names a build that its board has never heard of: it is damaged.
        """
        left = list(settlements)
        for attempt in range(_ATTEMPTS):
            left = self._left(left)
            if not left:
                return True
            self._dynamo.pause(attempt)
        if not self._moves(left):
            return True
        _log.warning("settle_deferred", extra={"board_id": left[0].board.board_id, "count": len(left)})
        return False

    def settle_if_possible(self, settlement: Settlement) -> None:
        """Try once to count one settlement whose record is stored already; the stream sees to the rest."""
        try:
            left = self._left([settlement])
        except StoreUnavailableError:
            left = [settlement]
        if left:
            _log.info("settle_deferred", extra={"board_id": settlement.board.board_id, "count": 1})

    def _left(self, settlements: Sequence[Settlement]) -> list[Settlement]:
        """Try to count all; return those that other writers, or an outdated board, kept from it."""
        try:
            groups = self._grouped(self._moves(settlements))
        except OutdatedBoardError:
            board = self._boards.refreshed(settlements[0].board.board_id)
            if board == settlements[0].board:  # and a mark of a build that nobody ever announced
                raise
            return [structs.replace(each, board=board) for each in settlements]
        failed = {move.player_id for moves, parts in groups if not self._moved(parts) for move in moves}
        return [each for each in settlements if each.player_id in failed]

    def _moves(self, settlements: Sequence[Settlement]) -> list[Move]:
        first = settlements[0]
        players = [each.player_id for each in settlements]
        marks = self._ranks.marks(first.board.board_id, first.period_id, players)
        pairs = [(each, marks.get(each.player_id, UNMARKED)) for each in settlements]
        return [each.move_from(mark) for each, mark in pairs if each.is_due(mark)]

    def _grouped(self, moves: Sequence[Move]) -> list[tuple[Sequence[Move], list[Part]]]:
        """Return the moves and their parts: all in one transaction, or neighbours in rank in one each."""
        if not moves:
            return []
        parts = self._ranks.parts(moves)
        if len(parts) <= MAX_TRANSACTION_ITEMS:
            return [(moves, parts)]
        return [(group, self._ranks.parts(group)) for group in _filled(moves)]

    def _moved(self, parts: Sequence[Part]) -> bool:
        try:
            self._dynamo.transact(parts)
        except CancelledError:
            return False
        return True


def _filled(moves: Sequence[Move]) -> list[list[Move]]:
    """Return the moves by lane and rank, so that neighbours share nodes, in groups as large as a transaction takes."""
    groups: list[list[Move]] = []
    written: set[NodeName] = set()
    for move in sorted(moves, key=_lane_and_rank):
        touched = move.nodes
        if not groups or len(groups[-1]) + 1 + len(written | touched) > MAX_TRANSACTION_ITEMS:
            groups.append([])
            written = set()
        groups[-1].append(move)
        written |= touched
    return groups


def _lane_and_rank(move: Move) -> tuple[int, tuple[int, int] | tuple[()]]:
    return lane_of(move.player_id, move.indexing.read.lanes), move.value or move.mark.value or ()
