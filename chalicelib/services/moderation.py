"""Moderation: records deleted or hidden, and their places in the ranks with them, in one transaction."""

from msgspec.structs import replace

from chalicelib.domain.boards import Board
from chalicelib.domain.records import Record
from chalicelib.errors import ContendedError, RecordNotFoundError
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.services.settle import Settlement, deletion_of, settlement_of
from chalicelib.store.dynamo import CancelledError, Dynamo, Part
from chalicelib.store.ranks import UNMARKED, OutdatedBoardError, RankStore
from chalicelib.store.records import RecordStore

_ATTEMPTS = 6


class Moderation:
    """Three calls in sequence each: the record, its mark, one transaction."""

    def __init__(self, dynamo: Dynamo, boards: Boards, records: RecordStore, ranks: RankStore, clock: Clock) -> None:
        self._dynamo = dynamo
        self._boards = boards
        self._records = records
        self._ranks = ranks
        self._clock = clock

    def remove(self, player_id: str, board: Board, period_id: str) -> None:
        """Delete a record and its place in the ranks. Raises RecordNotFoundError when there is none."""
        for attempt in range(_ATTEMPTS):
            record = self._record(player_id, board, period_id)
            if self._revised(self._records.delete_part("record", record), deletion_of(board, record, self._clock())):
                return
            self._dynamo.pause(attempt)
            board = self._boards.refreshed(board.board_id)
        raise _contended()

    def hide(self, player_id: str, board: Board, period_id: str, *, hidden: bool) -> Record:
        """Take a record out of the ranks and listings, or put it back; its player still sees it."""
        for attempt in range(_ATTEMPTS):
            record = self._record(player_id, board, period_id)
            if record.hidden is hidden:
                return record
            revised = replace(record, hidden=hidden, generation=record.generation + 1)
            if self._revised(self._records.hide_part("record", board, revised), settlement_of(board, revised)):
                return revised
            self._dynamo.pause(attempt)
            board = self._boards.refreshed(board.board_id)
        raise _contended()

    def _record(self, player_id: str, board: Board, period_id: str) -> Record:
        record = self._records.get_many(board.board_id, period_id, [player_id]).get(player_id)
        if record is None:
            raise RecordNotFoundError(
                f"player {player_id!r} has no record on board {board.board_id!r} in period {period_id}",
                player_id=player_id,
            )
        return record

    def _revised(self, truth: Part, settlement: Settlement) -> bool:
        player_id, board_id = settlement.player_id, settlement.board.board_id
        mark = self._ranks.marks(board_id, settlement.period_id, [player_id]).get(player_id, UNMARKED)
        try:
            self._dynamo.transact([truth, *self._ranks.parts([settlement.move_from(mark)])])
        except (CancelledError, OutdatedBoardError):
            return False
        return True


def _contended() -> ContendedError:
    return ContendedError("the record kept changing; send the same request again")
