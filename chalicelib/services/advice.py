"""The advisor: reads a board's own figures from its index, and says which layout would suit it better."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from statistics import fmean

from msgspec import Struct

from chalicelib.domain.boards import Board
from chalicelib.domain.layouts import Layout, fresh
from chalicelib.domain.periods import Period
from chalicelib.ranking import advice, order
from chalicelib.ranking.advice import Change, Cost, Figures
from chalicelib.ranking.bins import Path, first_value, holds_one_value, last_value
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.services.counters import Counters
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.ranks import RankStore
from chalicelib.store.records import RecordStore, Row, Slice

_SAMPLES = 64
_ROWS_PER_BIN = 16
_ENOUGH = 5
"""Improvements of one window that make a rate."""
_WINDOWS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(days=1))
_AFTER_ALL_KEYS = "~"


class Advice(Struct, frozen=True):
    """What to change, and what that costs; ``cost`` is None where nothing is to be changed."""

    figures: Figures
    peak_given: bool
    """Whether the operator said how many writes to expect; else they were estimated from the records' times."""
    changes: list[Change]
    layout: Layout
    cost: Cost | None


class Advisor:
    def __init__(  # noqa: PLR0913, PLR0917  # the composition root names them
        self, dynamo: Dynamo, boards: Boards, records: RecordStore, ranks: RankStore, clock: Clock, grace: timedelta
    ) -> None:
        self._dynamo = dynamo
        self._boards = boards
        self._records = records
        self._ranks = ranks
        self._clock = clock
        self._grace = grace

    def advise(self, board_id: str, period: str, writes_per_second: float | None = None) -> Advice:
        """Return advice for a board and period.

        Cost: up to 64 nodes a level and lane, and up to 128 Queries of 16 rows.

        Args:
            writes_per_second: The peak to plan for; None: estimate it. A record remembers its last improvement only,
                so an estimate is a lower bound.
        """
        board = self._boards.get(board_id)
        found = self._boards.period(board, period)
        counters = Counters.from_root(self._ranks, board, found)
        bins = self._sampled(counters)
        peak = self._peak(board, found, counters, bins) if writes_per_second is None else writes_per_second
        figures = Figures(
            layout=counters.layout,
            records=counters.total,
            bin_size=fmean(_differing(counters, path) for path in bins) if bins else 0,
            coarser_bin_size=fmean(sum(counters.of(path[:-1]).values()) for path in bins) if bins else 0,
            peak=peak,
            shares=_shares(counters),
        )
        return self._advice(board, found, figures, given=writes_per_second is not None)

    def _advice(self, board: Board, period: Period, figures: Figures, *, given: bool) -> Advice:
        changes = advice.changes(figures)
        now, wanted = figures.layout, {change.setting: change.wanted for change in changes}
        layout = fresh(
            now,
            board.indexing(period.period_id).newest,
            digits=wanted.get("digits", now.digits),
            lanes=wanted.get("lanes", now.lanes),
            slices=wanted.get("slices", now.slices),
        )
        if not changes:
            return Advice(figures, given, changes, now, None)
        return Advice(figures, given, changes, layout, advice.cost(figures, layout, self._grace.total_seconds()))

    def _sampled(self, counters: Counters) -> list[Path]:
        """Return the bins of records taken evenly from the best to the worst: a full bin comes several times."""
        offsets = {counters.total * (2 * each + 1) // (2 * _SAMPLES) for each in range(_SAMPLES)}
        return [descent.path for descent in counters.bins_at(sorted(offsets))] if counters.total > 0 else []

    def _peak(self, board: Board, period: Period, counters: Counters, bins: Sequence[Path]) -> float:
        """Return the most improvements a second, over the last minute, ten, hour or day."""
        reads = [partial(self._rows_of, board, period, counters, path) for path in dict.fromkeys(bins)]
        if not reads:
            return 0.0
        first, others = self._dynamo.alongside(reads[0], reads[1:])
        times = [row.position.achieved_at for rows in (first, *others) for row in rows]
        return max((_rate(times, self._clock(), window, counters.total) for window in _WINDOWS), default=0.0)

    def _rows_of(self, board: Board, period: Period, counters: Counters, path: Path) -> list[Row]:
        """Return some rows of a bin from either end: records that tie stand there in the order of their times."""
        within = Slice(board, period.period_id, counters.layout, path[: counters.layout.slices])
        first = order.prefix(first_value(counters.shape, path))
        last = order.prefix(last_value(counters.shape, path)) + _AFTER_ALL_KEYS
        rows = self._records.after(within, first, _ROWS_PER_BIN) + self._records.before(within, last, _ROWS_PER_BIN)
        return list({row.order_key: row for row in rows if first < row.order_key < last}.values())


def _rate(times: Sequence[datetime], now: datetime, window: timedelta, total: int) -> float:
    """Return improvements a second within a window, as far as a sample of records tells."""
    recent = sum(now - window <= time for time in times)
    return recent / len(times) * total / window.total_seconds() if recent >= _ENOUGH else 0.0


def _differing(counters: Counters, path: Path) -> int:
    return 0 if holds_one_value(counters.shape, path) else counters.of(path[:-1]).get(path[-1], 0)


def _shares(counters: Counters) -> tuple[float, ...]:
    """Return the part of the records in the fullest slice, for each depth of the cut."""
    root = counters.of(())
    if counters.total <= 0:
        return (1.0, 1.0, 1.0)
    children = [(digit,) for digit in root]
    counters.read(children)
    deeper = [count for child in children for count in counters.of(child).values()]
    return (1.0, max(root.values()) / counters.total, max(deeper, default=0) / counters.total)
