"""Thresholds: the score that a rank takes, and the rank that a score gives."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial

from msgspec import Struct

from chalicelib.domain.boards import Board, SortOrder, directed
from chalicelib.domain.periods import Period
from chalicelib.errors import MalformedError
from chalicelib.ranking import bins, order
from chalicelib.ranking.bins import Path
from chalicelib.ranking.descents import Descent, last_of_top
from chalicelib.ranking.pages import Value, percentile
from chalicelib.services.boards import Boards
from chalicelib.services.counters import Counters
from chalicelib.services.ranks import Question, RankReader
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.ranks import RankStore
from chalicelib.store.records import RecordStore, Slice, row_of


class Threshold(Struct, frozen=True):
    """What a player outside of it needs for ``rank`` or a better one: ``score``, and ``subscore`` where that is equal.

    Who reaches both gets the rank ``shared``, with everybody who has them already; who is any worse gets a worse rank
    than ``rank``. All three are None where the board has fewer records: any score will do. ``percent`` is what the rank
    was computed from, if it was.
    """

    rank: int
    percent: Decimal | None
    score: int | None = None
    subscore: int | None = None
    shared: int | None = None


class Ladder(Struct, frozen=True):
    """Thresholds among the ``total`` records that are ranked."""

    board: Board
    period: Period
    total: int
    thresholds: list[Threshold]


class Prospect(Struct, frozen=True):
    """What a record with this score would be: its rank among ``total`` records, itself one of them."""

    board: Board
    period: Period
    score: int
    subscore: int
    rank: int
    total: int
    percentile: float


class Thresholds:
    def __init__(
        self, dynamo: Dynamo, boards: Boards, records: RecordStore, ranks: RankStore, reader: RankReader
    ) -> None:
        self._dynamo = dynamo
        self._boards = boards
        self._records = records
        self._ranks = ranks
        self._reader = reader

    def ladder(self, board_id: str, period: str, ranks: Sequence[int], percents: Sequence[Decimal] = ()) -> Ladder:
        """Return what it takes to hold some ranks, and to be in the top of some percents, in the order asked.

        The top q percent of N records end at rank q x N / 100, rounded up.
        Cost: per level of the tree (3; 6 below equal scores with subscores) one BatchGetItem of at most a node per
        threshold and lane. Then, eight at a time, a Query for each bin of several values that a threshold lies in; it
        passes over the better records of that bin.
        """
        board = self._boards.get(board_id)
        counters = Counters.from_root(self._ranks, board, self._boards.period(board, period))
        total = counters.total
        wanted: list[tuple[int, Decimal | None]] = [(rank, None) for rank in ranks]
        wanted += [(last_of_top(percent, total), percent) for percent in percents]
        taken = list(dict.fromkeys(rank for rank, _ in wanted if rank <= total))
        found = dict(zip(taken, self._found(counters, taken), strict=True))
        thresholds = [
            _threshold(board, rank, percent, *found[rank]) if rank in found else Threshold(rank, percent)
            for rank, percent in wanted
        ]
        return Ladder(board, counters.period, total, thresholds)

    def prospect(
        self, board_id: str, period: str, score: int, subscore: int = 0, player_id: str | None = None
    ) -> Prospect:
        """Return the rank that a record with this score would have beside all others.

        Args:
            player_id: Whose it would be: the record they have is left out of the others.

        Raises:
            MalformedError: The board takes no subscores.

        Cost: one BatchGetItem (3 nodes; 6 below equal scores with subscores) alongside at most one counting Query. With
        a player, one BatchGetItem before it, of the record, and at most a Query more beside it.
        """
        board = self._boards.get(board_id)
        if board.subscore_order is None and subscore:
            raise MalformedError(f"subscore: board {board_id!r} takes no subscores", field="subscore")
        found = self._boards.period(board, period)
        order_key = self._order_key(board, found.period_id, player_id) if player_id else None
        value = board.value(score, subscore)
        standing = self._reader.read([Question(board, found.period_id, value, player_id, None, order_key)])[0]
        share = percentile(standing.rank, standing.total)
        return Prospect(board, found, score, subscore, standing.rank, standing.total, share)

    def _order_key(self, board: Board, period_id: str, player_id: str) -> str | None:
        record = self._records.get_many(board.board_id, period_id, [player_id]).get(player_id)
        return None if record is None or record.hidden else row_of(board, record).order_key

    def _found(self, counters: Counters, ranks: Sequence[int]) -> list[tuple[Value, int]]:
        """Return the values of the records at these positions of the listing, and their ranks."""
        descents = counters.bins_at([rank - 1 for rank in ranks])
        values_by_path = self._values_by_path(counters, descents)
        return [_value_and_rank(descent, values_by_path[descent.path]) for descent in descents]

    def _values_by_path(self, counters: Counters, descents: Sequence[Descent]) -> Mapping[Path, Sequence[Value]]:
        """Return the values in the descents' bins, best first, as far as any of them reaches; one of a bin of ties."""
        depth_by_path: dict[Path, int] = {}
        for path, offset, _ in descents:
            depth_by_path[path] = max(offset + 1, depth_by_path.get(path, 0))
        first_by_path = {path: [bins.first_value(counters.shape, path)] for path in depth_by_path}
        several = [path for path in depth_by_path if not bins.holds_one_value(counters.shape, path)]
        calls = [partial(self._values, counters, path, depth_by_path[path]) for path in several]
        # The ordered index may not show yet what is counted: in a bin that it shows empty, the best value stands.
        listed = {path: values for path, values in zip(several, self._at_once(calls), strict=True) if values}
        return first_by_path | listed

    def _values(self, counters: Counters, path: Path, limit: int) -> list[Value]:
        within = Slice(counters.board, counters.period.period_id, counters.layout, path[: counters.layout.slices])
        first = bins.first_value(counters.shape, path)
        rows = self._records.after(within, order.prefix(first), limit)
        values = [counters.board.value(row.position.score, row.position.subscore) for row in rows]
        return [value for value in values if bins.place(counters.shape, value).path == path]

    def _at_once(self, calls: Sequence[Callable[[], list[Value]]]) -> list[list[Value]]:
        if not calls:
            return []
        first, others = self._dynamo.alongside(calls[0], calls[1:])
        return [first, *others]


def _value_and_rank(descent: Descent, values: Sequence[Value]) -> tuple[Value, int]:
    value = values[min(descent.offset, len(values) - 1)]
    return value, descent.better + values.index(value) + 1


def _threshold(board: Board, rank: int, percent: Decimal | None, value: Value, shared: int) -> Threshold:
    score = directed(value[0], board.sort_order)
    subscore = directed(value[1], board.subscore_order or SortOrder.ASC)
    return Threshold(rank, percent, score, subscore, shared)
