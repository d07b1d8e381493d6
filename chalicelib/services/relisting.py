"""Relisting: records put where every listing in use wants them, and taken out of the one that is not."""

from collections.abc import Sequence
from functools import partial

from chalicelib.domain.boards import Board
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.records import RecordStore


class Relisting:
    def __init__(self, dynamo: Dynamo, records: RecordStore) -> None:
        self._dynamo = dynamo
        self._records = records

    def relist(self, board: Board, period_id: str, player_ids: Sequence[str]) -> int:
        """Return how many records did not stand where the board's layouts want them, and were put there.

        A record that changes meanwhile was put there by whoever changed it. Cost: a read unit per record, and for
        each that moves a write unit and one per listing.
        """
        keys = [self._records.key(each, board.board_id, period_id) for each in player_ids]
        items = self._dynamo.batch_get({self._records.table: keys}, consistent=True)[self._records.table]
        astray = [self._records.parsed(item) for item in items if not self._records.is_listed(board, item)]
        writes = [partial(self._dynamo.update, self._records.list_part("record", board, each)) for each in astray]
        if not writes:
            return 0
        self._dynamo.alongside(writes[0], writes[1:])
        return len(writes)
