"""Fixed tiers recounted on a schedule, as public samples of scoreboards on DynamoDB do.

A job counts how many records lie in each tier and keeps the counts in one item. A rank is what the better tiers count,
plus a share of the player's own tier by where the score lies between its edges. The edges are tuned once, by hand, to
the scores that are there; between two runs of the job nothing moves.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from bench.capacity import Item
from bench.ranking.board import StoredBoard
from bench.ranking.counting import Scoreboard
from bench.ranking.database import RANKS, RECORDS
from bench.ranking.peer import Entry, windowed
from bench.ranking.population import Population
from chalicelib.domain.boards import SortOrder, directed
from chalicelib.ranking import order
from chalicelib.store.typed import n, s

NAME = "tiers, recounted"
SHARES = (0, 0.0001, 0.001, 0.005, 0.01, 0.02, 0.05, *(step / 20 for step in range(2, 20)), 1)
"""Which part of the board is better than each edge: finer near the top, where players look."""
_ITEM_KEY = {"pk": s("tiers#points")}


class Tiers(Scoreboard):
    exact = False

    def __init__(self, board: StoredBoard) -> None:
        super().__init__(NAME, board)

    def load(self, population: Population) -> None:
        super().load(population)
        last = population.size - 1
        scores = [population.score_by_player[population.ranked[int(share * last)]] for share in SHARES]
        self._edges = sorted({directed(score, SortOrder.DESC) for score in scores})
        """Directed: ascending from best to worst."""

    def recount(self) -> None:
        """Count every tier, which passes over the whole index, and keep the counts."""
        bounds = [" ", *(order.prefix((edge, 0)) for edge in self._edges), "~"]
        counts = [self._between(first, last) for first, last in pairwise(bounds)]
        item = {**_ITEM_KEY, "counts": {"L": [n(count) for count in counts]}}
        self._dynamo.client.put_item(TableName=RANKS, Item=item)

    def own_rank(self, player_id: str) -> int:
        wanted: dict[str, Sequence[Item]] = {RECORDS: [self._key(player_id)], RANKS: [_ITEM_KEY]}
        found = self._dynamo.batch_get(wanted, consistent=False)
        return self._estimate(int(found[RECORDS][0]["score"]["N"]), _counts(found[RANKS]))

    def around(self, player_id: str, size: int) -> list[Entry]:
        """Return the neighbours, with ranks counted from the estimate of the player's own."""
        wanted: dict[str, Sequence[Item]] = {RECORDS: [self._key(player_id)], RANKS: [_ITEM_KEY]}
        found = self._dynamo.batch_get(wanted, consistent=False)
        own = found[RECORDS][0]
        own_key, score = own["order_key"]["S"], int(own["score"]["N"])
        above, (below,) = self._dynamo.alongside(
            lambda: self._above(own_key, size), [lambda: self._below(own_key, size)]
        )
        rows = [*above, (player_id, score), *below]
        first = max(1, self._estimate(score, _counts(found[RANKS])) - len(above))
        entries = [Entry(first + offset, *row) for offset, row in enumerate(rows)]
        return entries[windowed(len(above), len(below), size)]

    def _estimate(self, score: int, counts: Sequence[int]) -> int:
        value = directed(score, SortOrder.DESC)
        tier = bisect_right(self._edges, value)
        better = sum(counts[:tier])
        if 0 < tier < len(self._edges):
            begin, end = self._edges[tier - 1], self._edges[tier]
            better += round(counts[tier] * (value - begin) / (end - begin))
        return better + 1

    def _between(self, first: str, last: str) -> int:
        request = self._listing("standing = :standing AND order_key BETWEEN :first AND :last")
        request["ExpressionAttributeValues"] |= {":first": s(first), ":last": s(last)}
        return self._dynamo.count(request)


def _counts(found: Sequence[Item]) -> list[int]:
    return [int(count["N"]) for count in found[0]["counts"]["L"]]
