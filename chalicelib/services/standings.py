"""Standings: pages, own entries, neighbourhoods and friends of a board, every rank exact."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from msgspec import Struct

from chalicelib.domain.boards import Board
from chalicelib.domain.periods import Period
from chalicelib.domain.records import Record
from chalicelib.errors import CursorError, RecordNotFoundError
from chalicelib.ranking import bins, order
from chalicelib.ranking.pages import Value, competition_ranks, percentile, window
from chalicelib.services.boards import Boards
from chalicelib.services.copies import Copies
from chalicelib.services.counters import Counters
from chalicelib.services.incidents import Incidents
from chalicelib.services.listing import Listing
from chalicelib.services.ranks import Question, RankReader, Standing
from chalicelib.services.tokens import Tokens
from chalicelib.store.copies import CopiedEntry, Copy
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.ranks import RankStore
from chalicelib.store.records import RecordStore, Row, row_of

_AFTER, _BEFORE = "after", "before"
_TOP = ""
_ALL = slice(None)


class Entry(Struct, frozen=True):
    """A record with its rank; None when the record is hidden."""

    rank: int | None
    player_id: str
    display_name: str
    avatar: str | None
    score: int
    subscore: int
    achieved_at: datetime


class OwnEntry(Struct, frozen=True):
    """A player's entry with what only its reader gets: how many are ranked, and the share not better, in percent."""

    entry: Entry
    total: int
    percentile: float | None


class Page(Struct, frozen=True):
    """Consecutive entries, best first. ``next_cursor`` is None on the last page, ``previous_cursor`` on the first.

    ``as_of`` is None where it shows what stands now, and when it stood so where it is a copy.
    """

    board: Board
    period: Period
    entries: list[Entry]
    next_cursor: str | None = None
    previous_cursor: str | None = None
    as_of: datetime | None = None


class Standings:
    def __init__(  # noqa: PLR0913  # the composition root names them
        self,
        *,
        dynamo: Dynamo,
        boards: Boards,
        records: RecordStore,
        listing: Listing,
        ranks: RankStore,
        reader: RankReader,
        tokens: Tokens,
        incidents: Incidents,
        copies: Copies,
    ) -> None:
        self._dynamo = dynamo
        self._boards = boards
        self._records = records
        self._listing = listing
        self._ranks = ranks
        self._reader = reader
        self._tokens = tokens
        self._incidents = incidents
        self._copies = copies

    def total(self, board_id: str, period: str) -> tuple[Board, Period, int]:
        """Return the board, the period and how many records are ranked in it. One BatchGetItem of one item."""
        board, found = self._tree(board_id, period)
        return board, found, self._reader.total(board, found.period_id)

    def top(self, board_id: str, period: str, limit: int) -> Page:
        """Return the best entries: in the degraded mode from the last copy, if there is one. One Query."""
        if self._incidents.is_degraded() and (page := self._from_copy(board_id, period, limit)):
            return page
        board, found = self._tree(board_id, period)
        rows = self._listing.after(board, found.period_id, _TOP, limit + 1)
        ranks = competition_ranks(_values(board, rows), {}, position=0)
        return self._page(board, found, rows[:limit], ranks, more_above=False, more_below=len(rows) > limit)

    def page(self, board_id: str, period: str, cursor: str, limit: int) -> Page:
        """Return the entries next to a cursor's. One Query, then the ranks of at most two values in one read.

        Ranks are read, not counted on from the page before: they are exact though scores change between two pages.

        Raises:
            CursorError: Forged, or made for another board or period.
        """
        board, found = self._tree(board_id, period)
        direction, order_key = self._opened(board, found, cursor)
        if direction == _AFTER:
            rows = self._listing.after(board, found.period_id, order_key, limit + 1)
            shown, more_above, more_below = rows[:limit], True, len(rows) > limit
        else:
            rows = self._listing.before(board, found.period_id, order_key, limit + 1)
            shown, more_above, more_below = rows[-limit:], len(rows) > limit, True
        ranks = self._ranks_of(board, found.period_id, shown, position=None if more_above else 0)
        return self._page(board, found, shown, ranks, more_above=more_above, more_below=more_below)

    def from_rank(self, board_id: str, period: str, rank: int, limit: int) -> Page:
        """Return the page whose first entries share the rank at a 1-based position of the listing.

        Where many records tie, the page begins with the first of them. Beyond the last record it is empty.
        Cost: a read of one node per level, in sequence, then one Query, which passes over the better records of the
        same bin.
        """
        board, found = self._tree(board_id, period)
        counters = Counters.from_root(self._ranks, board, found)
        if rank > counters.total:
            return Page(board, found, [])
        path, offset, better = counters.bins_at([rank - 1])[0]
        skipped = 0 if bins.holds_one_value(counters.shape, path) else offset
        start = order.prefix(bins.first_value(counters.shape, path))
        rows = self._listing.after(board, found.period_id, start, skipped + limit + 1)
        values = _values(board, rows)
        begin = values.index(values[min(skipped, len(rows) - 1)]) if rows else 0
        ranks = competition_ranks(values, {}, position=better)
        end = begin + limit
        return self._page(
            board,
            found,
            rows[begin:end],
            ranks[begin:end],
            more_above=better + begin > 0,
            more_below=len(rows) > end,
        )

    def own(self, board_id: str, period: str, player_id: str) -> OwnEntry:
        """Return a player's entry, or raise RecordNotFoundError.

        Cost: one GetItem of the record, then one BatchGetItem (3 nodes and the mark) alongside one counting Query.
        """
        board, found = self._tree(board_id, period)
        record = self._record(board, found.period_id, player_id)
        if record.hidden:
            return OwnEntry(_entry(row_of(board, record), None), self._reader.total(board, found.period_id), None)
        standing = self._reader.read([_question(board, record)])[0]
        return _own_entry(board, record, standing)

    def own_all(self, player_id: str) -> list[tuple[Board, Period, OwnEntry]]:
        """Return a player's visible entries in the current periods of all boards, by board.

        Cost: one BatchGetItem of the records, then the ranks of all in one read.
        """
        period_by_id = {board.board_id: self._boards.period(board, "current") for board in self._boards.all()}
        trees = [(board_id, period.period_id) for board_id, period in period_by_id.items()]
        stored = self._records.get_all(player_id, trees)
        current = [
            (self._boards.known(record.board_id), record)
            for record in sorted(stored, key=lambda record: record.board_id)
            if not record.hidden
        ]
        own = own_entries(self._reader, current)
        return [(board, period_by_id[board.board_id], each) for (board, _), each in zip(current, own, strict=True)]

    def around(self, board_id: str, period: str, player_id: str, size: int) -> Page:
        """Return ``size`` entries around a player's, which is in the middle unless an end of the board is near.

        The player's own entry is what is stored now, even if the ordered index does not show it yet.
        Cost: one GetItem; then one rank read alongside two Queries; one more rank read where ties pass the window.
        """
        board, found = self._tree(board_id, period)
        record = self._record(board, found.period_id, player_id)
        if record.hidden:
            raise _not_ranked(player_id, board)
        own = row_of(board, record)
        tree = board, found.period_id, own.order_key
        standings, (above, below) = self._dynamo.alongside(
            partial(self._reader.read, [_question(board, record)]),
            [partial(self._listing.before, *tree, size + 1), partial(self._listing.after, *tree, size + 1)],
        )
        position = 0 if len(above) <= size else None
        above, below = _without(above, player_id), _without(below, player_id)
        rows = [*above, own, *below]
        known = {board.value(record.score, record.subscore): standings[0].rank}
        shown = window(len(above), len(below), size)
        ranks = self._ranks_of(board, found.period_id, rows, position=position, known=known, shown=shown, own=own)
        more_above, more_below = shown.start > 0, shown.stop < len(rows)
        return self._page(board, found, rows[shown], ranks[shown], more_above=more_above, more_below=more_below)

    def among(self, board_id: str, period: str, player_ids: Sequence[str]) -> Page:
        """Return the entries of some players, best first; those without a visible record are left out.

        Cost: one BatchGetItem of the records, then one BatchGetItem of nodes and marks alongside one counting Query a
        player.
        """
        board, found = self._tree(board_id, period)
        stored = self._records.get_many(board.board_id, found.period_id, player_ids).values()
        visible = sorted(
            (record for record in stored if not record.hidden), key=lambda record: row_of(board, record).order_key
        )
        standings = self._reader.read([_question(board, record) for record in visible])
        entries = [
            _entry(row_of(board, record), standing.rank) for record, standing in zip(visible, standings, strict=True)
        ]
        return Page(board, found, entries)

    def _tree(self, board_id: str, period: str) -> tuple[Board, Period]:
        board = self._boards.get(board_id)
        return board, self._boards.period(board, period)

    def _record(self, board: Board, period_id: str, player_id: str) -> Record:
        record = self._records.get_many(board.board_id, period_id, [player_id]).get(player_id)
        if record is None:
            raise _not_ranked(player_id, board)
        return record

    def _ranks_of(  # noqa: PLR0913  # what is known of the rows' ranks comes from three sides
        self,
        board: Board,
        period_id: str,
        rows: Sequence[Row],
        *,
        position: int | None,
        known: dict[Value, int] | None = None,
        shown: slice = _ALL,
        own: Row | None = None,
    ) -> list[int | None]:
        """Return the rows' ranks, reading those of the first two values that neither rows nor ``known`` tell.

        Only the rows that are shown are worth a read; the others are there to tell where a tie begins.

        ``own`` stands in the rows as it is stored now: it counts as such, wherever the index counts it by now.
        """
        values = _values(board, rows)
        known = dict(known or {})
        ranks = competition_ranks(values, known, position=position)
        pairs = list(zip(values, ranks, strict=True))[shown]
        unknown = dict.fromkeys(value for value, rank in pairs if rank is None)
        asked = list(unknown)[:2]
        left_out = (own.position.player_id, None, own.order_key) if own else ()
        standings = self._reader.read([Question(board, period_id, value, *left_out) for value in asked])
        own_value = _values(board, [own])[0] if own else None
        for value, standing in zip(asked, standings, strict=True):
            known[value] = standing.rank + (own_value is not None and own_value < value)
        return competition_ranks(values, known, position=position)

    def _page(  # noqa: PLR0913  # a page is this much
        self,
        board: Board,
        period: Period,
        rows: Sequence[Row],
        ranks: Sequence[int | None],
        *,
        more_above: bool,
        more_below: bool,
    ) -> Page:
        return Page(
            board,
            period,
            [_entry(row, rank) for row, rank in zip(rows, ranks, strict=False)],
            self._cursor(board, period, _AFTER, rows[-1].order_key) if rows and more_below else None,
            self._cursor(board, period, _BEFORE, rows[0].order_key) if rows and more_above else None,
        )

    def _from_copy(self, board_id: str, period: str, limit: int) -> Page | None:
        board = self._boards.last(board_id)
        found = self._boards.period(board, period)
        copy = self._copies.find(board_id, found.period_id)
        return self._page_of(copy, board, found, limit) if copy else None

    def _page_of(self, copy: Copy, board: Board, period: Period, limit: int) -> Page:
        shown = copy.entries[:limit]
        more = copy.more or len(copy.entries) > limit
        cursor = self._cursor(board, period, _AFTER, shown[-1].order_key) if shown and more else None
        return Page(board, period, [_copied(each) for each in shown], cursor, as_of=copy.as_of)

    def _cursor(self, board: Board, period: Period, direction: str, order_key: str) -> str:
        values = {"b": board.board_id, "p": period.period_id, "d": direction, "k": order_key}
        return self._tokens.cursor(values)

    def _opened(self, board: Board, period: Period, cursor: str) -> tuple[str, str]:
        values = self._tokens.read_cursor(cursor)
        if "b" not in values:
            raise CursorError("the cursor was made for another listing; start from the first page")
        if (values["b"], values["p"]) != (board.board_id, period.period_id):
            raise CursorError(
                f"the cursor is of board {values['b']!r}, period {values['p']}; "
                f"asked was board {board.board_id!r}, period {period.period_id}"
            )
        return values["d"], values["k"]


def own_entries(reader: RankReader, records: Sequence[tuple[Board, Record]]) -> list[OwnEntry]:
    """Return the entries of visible records, in order: the ranks of all in one read."""
    standings = reader.read([_question(board, record) for board, record in records])
    return [_own_entry(board, record, standing) for (board, record), standing in zip(records, standings, strict=True)]


def _values(board: Board, rows: Sequence[Row]) -> list[Value]:
    return [board.value(row.position.score, row.position.subscore) for row in rows]


def _without(rows: Sequence[Row], player_id: str) -> list[Row]:
    return [row for row in rows if row.position.player_id != player_id]


def _question(board: Board, record: Record) -> Question:
    return Question(board, record.period_id, board.value(record.score, record.subscore), record.player_id)


def _own_entry(board: Board, record: Record, standing: Standing) -> OwnEntry:
    share = percentile(standing.rank, standing.total)
    return OwnEntry(_entry(row_of(board, record), standing.rank), standing.total, share)


def _entry(row: Row, rank: int | None) -> Entry:
    score, subscore, achieved_at, player_id = row.position
    return Entry(rank, player_id, row.display_name, row.avatar, score, subscore, achieved_at)


def _copied(entry: CopiedEntry) -> Entry:
    return Entry(
        entry.rank,
        entry.player_id,
        entry.display_name,
        entry.avatar,
        entry.score,
        entry.subscore,
        entry.achieved_at,
    )


def _not_ranked(player_id: str, board: Board) -> RecordNotFoundError:
    return RecordNotFoundError(
        f"player {player_id!r} has no entry on board {board.board_id!r} in this period", player_id=player_id
    )
