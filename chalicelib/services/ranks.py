"""Ranks: how many records are better than a value, read from the rank index at a cost that does not grow."""

from collections.abc import Sequence
from functools import partial

from msgspec import Struct

from chalicelib.domain.boards import Board
from chalicelib.domain.layouts import Layout
from chalicelib.ranking import nodes, order
from chalicelib.ranking.bins import Path, Place, place, shape_of
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.ranks import UNMARKED, Mark, RankStore, TreeQuery, TreeReply
from chalicelib.store.records import RecordStore, Slice

Tree = tuple[str, str]
"""A board id and a period id."""


class Question(Struct, frozen=True):
    """How many records, other than the player's own, are better than ``value`` (directed)?

    Args:
        player_id: Whose own place is left out of the count; None: nobody's.
        mark: Where the player is counted, if the caller read it already; else it is read with the nodes.
        order_key: The player's key in the ordered index, if it may lie between; it is left out too.
    """

    board: Board
    period_id: str
    value: tuple[int, int]
    player_id: str | None = None
    mark: Mark | None = None
    order_key: str | None = None

    @property
    def tree(self) -> Tree:
        return self.board.board_id, self.period_id

    @property
    def layout(self) -> Layout:
        return self.board.layout(self.period_id)


class Standing(Struct, frozen=True):
    """What the index says of a value: the other records that are better, and all other records."""

    better: int
    others: int

    @property
    def rank(self) -> int:
        return self.better + 1

    @property
    def total(self) -> int:
        """Return how many are ranked, the asking player among them.

        Never below the rank: a record that arrives between the two parts of a read is counted in one of them only.
        """
        return max(self.others + 1, self.rank)


class RankReader:
    def __init__(self, dynamo: Dynamo, records: RecordStore, ranks: RankStore) -> None:
        self._dynamo = dynamo
        self._records = records
        self._ranks = ranks

    def read(self, questions: Sequence[Question]) -> list[Standing]:
        """Return the answers in order.

        Cost: one BatchGetItem for all (3 nodes a question, 6 below equal scores with subscores, times the board's
        lanes), and at the same time at most one counting query per question, two where the player's own key lies in
        the counted range.
        """
        if not questions:
            return []
        places = [place(shape_of(each.board, each.layout), each.value) for each in questions]
        ranges = [_ranges(question, where) for question, where in zip(questions, places, strict=True)]
        queries = _tree_queries(questions, places)
        calls = [
            partial(self._records.count_between, _slice(question, where), *pair)
            for question, where, pairs in zip(questions, places, ranges, strict=True)
            for pair in pairs
        ]
        replies, counts = self._dynamo.alongside(partial(self._ranks.read, list(queries.values())), calls)
        reply_by_tree = dict(zip(queries, replies, strict=True))
        remaining = iter(counts)
        rests = [sum(next(remaining) for _ in pairs) for pairs in ranges]
        return [
            _standing(question, where.path, rest, reply_by_tree[question.tree])
            for question, where, rest in zip(questions, places, rests, strict=True)
        ]

    def total(self, board: Board, period_id: str) -> int:
        """Return how many records are ranked. One BatchGetItem of one node per lane."""
        reply = self._ranks.read([TreeQuery(board, period_id, {(): None})])[0]
        return nodes.total(reply.counts_by_node)


def _slice(question: Question, where: Place) -> Slice:
    """Return the slice in which the whole bin lies."""
    return Slice(question.board, question.period_id, question.layout, where.path[: question.layout.slices])


def _standing(question: Question, path: Path, rest: int, reply: TreeReply) -> Standing:
    mark = question.mark
    if mark is None:
        mark = reply.mark_by_player.get(question.player_id or "", UNMARKED)
    counted_at = mark.path(question.board, question.layout)
    counted_better = counted_at is not None and counted_at < path
    # Never below nobody: a mark that was read before the nodes may tell of a player who was taken out of them since.
    return Standing(
        better=max(0, nodes.better(path, reply.counts_by_node) - counted_better + rest),
        others=max(0, nodes.total(reply.counts_by_node) - (counted_at is not None)),
    )


def _tree_queries(questions: Sequence[Question], places: Sequence[Place]) -> dict[Tree, TreeQuery]:
    queries: dict[Tree, TreeQuery] = {}
    for question, where in zip(questions, places, strict=True):
        query = queries.setdefault(question.tree, TreeQuery(question.board, question.period_id, {}))
        query.nodes.update(dict.fromkeys(nodes.nodes_on(where.path)))
        if question.player_id is not None and question.mark is None:
            query.players[question.player_id] = None
    return queries


def _ranges(question: Question, where: Place) -> list[tuple[str, str]]:
    """Return the ranges of order keys that hold the better records of the value's own bin."""
    if where.rest is None:
        return []
    first, last = order.prefix(where.rest), order.prefix(question.value)
    own = question.order_key
    if own is None or not first < own < last:
        return [(first, last)]
    just_below, just_above = own[:-1] + chr(ord(own[-1]) - 1), own + " "
    return [(first, just_below), (just_above, last)]
