"""Counters: the rank index of one board and period, as far as it was read, level by level."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Self

from chalicelib.domain.boards import Board
from chalicelib.domain.periods import Period
from chalicelib.ranking import nodes
from chalicelib.ranking.bins import Path, is_leaf, shape_of
from chalicelib.ranking.descents import Descent
from chalicelib.ranking.nodes import Counts
from chalicelib.store.ranks import RankStore, TreeQuery


class Counters:
    """Holds the nodes that were read; none is read twice."""

    def __init__(self, store: RankStore, board: Board, period: Period) -> None:
        self.board = board
        self.period = period
        self.layout = board.layout(period.period_id)
        self.shape = shape_of(board, self.layout)
        self.counts_by_node: dict[Path, Counts] = {}
        self._store = store

    @classmethod
    def from_root(cls, store: RankStore, board: Board, period: Period) -> Self:
        """Return counters with the root read. One BatchGetItem of one node per lane."""
        counters = cls(store, board, period)
        counters.read([()])
        return counters

    @property
    def total(self) -> int:
        return nodes.total(self.counts_by_node)

    def of(self, node: Path) -> Counts:
        return self.counts_by_node[node]

    def read(self, wanted: Iterable[Path]) -> None:
        """Read those of the nodes that were not read before. One BatchGetItem per 100 (nodes x lanes), or none."""
        new = dict.fromkeys(node for node in wanted if node not in self.counts_by_node)
        if not new:
            return
        query = TreeQuery(self.board, self.period.period_id, new, layout=self.layout)
        found = self._store.read([query])[0].counts_by_node
        self.counts_by_node |= {node: found.get(node, {}) for node in new}

    def bins_at(self, offsets: Iterable[int]) -> list[Descent]:
        """Return where the records at some 0-based positions of the listing, each below the total, are counted.

        Cost: as for ``descended``.
        """
        return self.descended([Descent(offset=offset) for offset in offsets], partial(is_leaf, self.shape))

    def descended(self, descents: Sequence[Descent], ended: Callable[[Path], bool]) -> list[Descent]:
        """Return the searches where ``ended`` says that they end.

        Cost: per level one BatchGetItem, of at most a node per search and lane.
        """
        while not all(ended(descent.path) for descent in descents):
            self.read(descent.path for descent in descents if not ended(descent.path))
            descents = [descent if ended(descent.path) else descent.into(self.of(descent.path)) for descent in descents]
        return list(descents)
