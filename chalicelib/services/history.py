"""History: which periods of a board are kept, and how a player did in them."""

from datetime import datetime

from msgspec import Struct

from chalicelib.domain.boards import Board
from chalicelib.domain.periods import Period
from chalicelib.domain.records import expiry
from chalicelib.services.boards import Boards
from chalicelib.services.ranks import RankReader
from chalicelib.services.standings import OwnEntry, own_entries
from chalicelib.store.records import RecordStore


class KeptPeriod(Struct, frozen=True):
    """``kept_until`` is when the period's records are forgotten; None: never."""

    period: Period
    kept_until: datetime | None


class PastEntry(Struct, frozen=True):
    period: Period
    own: OwnEntry


class KeptPeriods(Struct, frozen=True):
    """A board's periods, newest first, and whether there are older ones that are kept."""

    board: Board
    periods: list[KeptPeriod]
    more: bool


class PastEntries(Struct, frozen=True):
    """A player's entries in some periods, newest first, as far as there are any."""

    kept: KeptPeriods
    entries: list[PastEntry]


class History:
    def __init__(self, boards: Boards, records: RecordStore, reader: RankReader) -> None:
        self._boards = boards
        self._records = records
        self._reader = reader

    def periods(self, board_id: str, count: int, before: str | None = None) -> KeptPeriods:
        """Return at most ``count`` periods of a board: those before one, or from the current one on. No requests.

        Raises:
            PeriodNotFoundError: ``before`` is none of the board's, or is no longer kept.
        """
        board = self._boards.get(board_id)
        found = self._boards.periods(board, count + 1, before)
        periods = [KeptPeriod(period, expiry(board, period)) for period in found[:count]]
        return KeptPeriods(board, periods, more=len(found) > count)

    def entries(self, board_id: str, player_id: str, count: int, before: str | None = None) -> PastEntries:
        """Return a player's visible entries in at most ``count`` periods; periods without one are left out.

        Cost: one BatchGetItem of the records, then per 100 nodes and marks of those found (4 a period, 7 below equal
        scores with subscores, more with lanes) one BatchGetItem, alongside at most one counting Query a period.

        Raises:
            PeriodNotFoundError: As for ``periods``.
        """
        kept = self.periods(board_id, count, before)
        period_by_id = {each.period.period_id: each.period for each in kept.periods}
        stored = self._records.get_all(player_id, [(board_id, period_id) for period_id in period_by_id])
        record_by_period = {record.period_id: record for record in stored if not record.hidden}
        found = [period_id for period_id in period_by_id if period_id in record_by_period]
        own = own_entries(self._reader, [(kept.board, record_by_period[period_id]) for period_id in found])
        return PastEntries(kept, [PastEntry(period_by_id[each], own) for each, own in zip(found, own, strict=True)])
