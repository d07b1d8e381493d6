"""Distributions: how many records of a board have which scores, now, at any zoom."""

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import pairwise

from msgspec import Struct

from chalicelib.domain.boards import INT64_MAX, INT64_MIN, Board, SortOrder, directed
from chalicelib.domain.periods import Period
from chalicelib.errors import MalformedError
from chalicelib.ranking import bins, histograms
from chalicelib.ranking.bins import Bin, Path
from chalicelib.ranking.descents import Descent
from chalicelib.services.boards import Boards
from chalicelib.services.counters import Counters
from chalicelib.services.ranks import Question, RankReader
from chalicelib.store.ranks import RankStore


class Bar(Struct, frozen=True):
    """How many records have a score from ``low`` to ``high``, both included."""

    low: int
    high: int
    count: int


class Distribution(Struct, frozen=True):
    """Bars, lowest first, and how many of the ``total`` records lie below and above all of them."""

    board: Board
    period: Period
    total: int
    bars: list[Bar]
    below: int = 0
    above: int = 0


class Distributions:
    def __init__(self, boards: Boards, ranks: RankStore, reader: RankReader) -> None:
        self._boards = boards
        self._ranks = ranks
        self._reader = reader

    def overview(self, board_id: str, period: str) -> Distribution:
        """Return all scores in bars at most 1/64 of their score wide; below 128 each score has its own.

        Empty bars are left out. Cost: one BatchGetItem a level of the scores' part of the tree (3): the root, the nodes
        below it in use, and of those that count the scores below 4,096 (262,144 with 4 digits) as many again as are in
        use: at most 64 a sign.
        """
        counters = self._counters(board_id, period)
        counts = _counts_by_bin(counters, [()])
        bars = [_bar(counters.board, each.first, each.last, count) for each, count in counts.items()]
        return Distribution(counters.board, counters.period, counts.total(), sorted(bars, key=_low))

    def histogram(
        self, board_id: str, period: str, bars: int, low: int | None = None, high: int | None = None
    ) -> Distribution:
        """Return at most ``bars`` bars, as equal in width as the bins allow, that hold the scores from low to high.

        Every bar begins and ends where a bin does, so that the counters alone give its count. Below 4,096 in magnitude
        a bar may be a single score; above, it is no narrower than a bin, and the bars may reach past low and high by
        less than a bin. An end left open is that of the board's scores.
        Cost: per level of the scores' part of the tree (3) one BatchGetItem, of at most a node per bar and lane: only
        those that count anybody. Where an end is open, as many more before, of two nodes each.

        Raises:
            MalformedError: ``low`` is greater than ``high``.
        """
        if low is not None and high is not None and low > high:
            raise MalformedError("low: must not be greater than high", field="low")
        counters = self._counters(board_id, period)
        scores = _range(counters, low, high)
        if scores is None:
            return Distribution(counters.board, counters.period, 0, [])
        ends = sorted(directed(score, counters.board.sort_order) for score in scores)
        borders = histograms.borders(ends[0], ends[1], bars, counters.shape.digits)
        paths = histograms.paths(borders, counters.shape.digits)
        for depth in range(1, counters.shape.digits):
            counters.read(histograms.wanted(paths, depth, counters.counts_by_node))
        before = [histograms.before(border, counters.shape.digits, counters.counts_by_node) for border in borders]
        return _distribution(counters.board, counters.period, counters.total, borders, before)

    def bands(self, board_id: str, period: str, edges: Collection[int]) -> Distribution:
        """Return a bar from each edge up to, not including, the next: exact wherever the edges lie.

        Cost: one BatchGetItem (at most 3 nodes an edge, 6 with subscores, times the board's lanes) alongside one
        counting Query for each edge inside a bin.
        """
        board = self._boards.get(board_id)
        found = self._boards.period(board, period)
        borders = sorted(_border(board, edge) for edge in set(edges))
        first = INT64_MIN if board.subscore_order else 0
        asked = [Question(board, found.period_id, (border, first)) for border in borders if border <= INT64_MAX]
        standings = self._reader.read(asked)
        total = standings[0].others if standings else self._reader.total(board, found.period_id)
        before = [standing.better for standing in standings] + [total] * (len(borders) - len(asked))
        return _distribution(board, found, total, borders, before)

    def _counters(self, board_id: str, period: str) -> Counters:
        board = self._boards.get(board_id)
        return Counters.from_root(self._ranks, board, self._boards.period(board, period))


def _counts_by_bin(counters: Counters, nodes: Sequence[Path]) -> Counter[Bin]:
    """Return how many records below some nodes have scores in which bin of an overview."""
    counters.read(nodes)
    children = {(*node, digit): count for node in nodes for digit, count in counters.of(node).items() if count}
    counts, wider = histograms.overview(children, counters.shape)
    return counts + _counts_by_bin(counters, wider) if wider else counts


def _range(counters: Counters, low: int | None, high: int | None) -> tuple[int, int] | None:
    """Return the lowest and the highest score to show; an end left open is the board's. None: nothing to show."""
    given = [score for score in (low, high) if score is not None]
    ends = given if len(given) == 2 else [*given, *_extent(counters)]  # noqa: PLR2004  # both
    if not ends:
        return None
    return low if low is not None else min(ends), high if high is not None else max(ends)


def _extent(counters: Counters) -> list[int]:
    """Return the ends of the bins in which the board's scores begin and end; none of an empty board."""
    if not counters.total:
        return []
    digits = counters.shape.digits
    searches = [Descent(), Descent(offset=counters.total - 1)]
    best, worst = counters.descended(searches, lambda path: len(path) == digits)
    ends = bins.bin_at(best.path).first, bins.bin_at(worst.path).last
    return [directed(end, counters.board.sort_order) for end in ends]


def _border(board: Board, edge: int) -> int:
    """Return the directed score at which the worse side of an edge begins; the edge belongs to the scores above it."""
    return edge if board.sort_order is SortOrder.ASC else directed(edge, board.sort_order) + 1


def _distribution(
    board: Board, period: Period, total: int, borders: Sequence[int], before: Sequence[int]
) -> Distribution:
    """Return the bars between directed borders, by how many records are better than each border."""
    counts = histograms.between(before)
    bars = [_bar(board, start, end - 1, count) for (start, end), count in zip(pairwise(borders), counts, strict=True)]
    better, worse = before[0], max(0, total - before[-1])
    below, above = (better, worse) if board.sort_order is SortOrder.ASC else (worse, better)
    return Distribution(board, period, total, sorted(bars, key=_low), below, above)


def _bar(board: Board, best: int, worst: int, count: int) -> Bar:
    low, high = sorted((directed(best, board.sort_order), directed(worst, board.sort_order)))
    return Bar(low, high, count)


def _low(bar: Bar) -> int:
    return bar.low
