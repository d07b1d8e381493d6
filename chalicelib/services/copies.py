"""Copies: the top of each board as it last stood well, for when it cannot be read."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.domain.boards import Board
from chalicelib.errors import StoreUnavailableError
from chalicelib.ranking.pages import competition_ranks
from chalicelib.services.clock import Clock
from chalicelib.services.jobs import OutOfTime
from chalicelib.services.listing import Listing
from chalicelib.store.copies import CopiedEntry, Copy, CopyStore
from chalicelib.store.records import Row

COPIED = 100
"""Entries: as many as a page may have."""
LIFETIME = timedelta(days=1)
"""Also the longest that the name of a player who left may stand in one."""
REMEMBERED = timedelta(seconds=5)
_TOP = ""


class Copies:
    """Finds copies, each remembered for five seconds."""

    def __init__(self, store: CopyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._remembered: dict[tuple[str, str], tuple[Copy | None, datetime]] = {}

    def find(self, board_id: str, period_id: str) -> Copy | None:
        """Return the last copy of a top, if there is one of the last day that can be read."""
        now = self._clock()
        known = self._remembered.get((board_id, period_id))
        if known is None or now >= known[1] + REMEMBERED:
            known = self._read(board_id, period_id), now
            self._remembered[board_id, period_id] = known
        copy = known[0]
        return copy if copy is not None and now < copy.expires_at else None

    def _read(self, board_id: str, period_id: str) -> Copy | None:
        try:
            return self._store.find(board_id, period_id)
        except StoreUnavailableError:
            return None


class Copyist:
    """Makes copies."""

    def __init__(self, store: CopyStore, listing: Listing, clock: Clock) -> None:
        self._store = store
        self._listing = listing
        self._clock = clock

    def keep(self, trees: Sequence[tuple[Board, str]], out_of_time: OutOfTime) -> int:
        """Copy the tops that have changed, and return how many; what cannot be read now keeps the copy it has.

        Each run begins with another one: where there is no time for all, as when none can be read, all have their turn.

        Cost: for each board and period a Query and a read; where it has changed, or half of the copy's life is over,
        a write of some 20 units.
        """
        copied = 0
        first = int(self._clock().timestamp()) % len(trees) if trees else 0
        for board, period_id in [*trees[first:], *trees[:first]]:
            if out_of_time():
                break
            copied += self._copy(board, period_id)
        return copied

    def _copy(self, board: Board, period_id: str) -> bool:
        try:
            made = self._made(board, period_id)
            before = self._store.find(board.board_id, period_id)
            if made.says(before) and before is not None and made.as_of < before.expires_at - LIFETIME / 2:
                return False
            self._store.put(board.board_id, period_id, made)
        except StoreUnavailableError:
            return False
        return not made.says(before)

    def _made(self, board: Board, period_id: str) -> Copy:
        now = self._clock()
        rows = self._listing.after(board, period_id, _TOP, COPIED + 1)
        values = [board.value(row.position.score, row.position.subscore) for row in rows]
        ranks = competition_ranks(values, {}, position=0)
        entries = tuple(_entry(row, rank) for row, rank in zip(rows[:COPIED], ranks, strict=False))
        return Copy(entries, len(rows) > COPIED, as_of=now, expires_at=_to_seconds(now + LIFETIME))


def _entry(row: Row, rank: int | None) -> CopiedEntry:
    score, subscore, achieved_at, player_id = row.position
    return CopiedEntry(row.order_key, rank, player_id, row.display_name, row.avatar, score, subscore, achieved_at)


def _to_seconds(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
