"""Inspection: nodes and marks looked at by themselves, with proofs that live traffic cannot blur."""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from msgspec import Struct, field

from chalicelib.domain.records import Record
from chalicelib.ranking import nodes, order
from chalicelib.ranking.bins import Path, first_value, is_leaf, last_value
from chalicelib.ranking.nodes import Counts
from chalicelib.services.rollcall import Build
from chalicelib.services.settle import Settlement, Settler, settlement_of
from chalicelib.store.dynamo import MAX_BATCH_KEYS, MAX_TRANSACTION_ITEMS, Dynamo
from chalicelib.store.ranks import UNMARKED, Mark, RankStore, TreeQuery, TreeReply
from chalicelib.store.records import RecordStore

FEW = 1000
"""Up to how many records of a bin are looked at one by one."""
SETTLED_TOGETHER = 88
"""Neighbours in rank order share their nodes: so many marks leave room for those in one transaction, as a rule."""
_LOOKS = 3
_ATTEMPTS = 6
_AFTER_ALL_KEYS = "~"
Answer = TypeVar("Answer")
Part = TypeVar("Part")


class Mended(NamedTuple):
    """How many records were settled late, how many marks name a wrong value, and which bins counted the former."""

    settled: int = 0
    wrong: int = 0
    left: frozenset[Path] = frozenset()


class Looks(Struct):
    """Looks at one counter."""

    known: set[str] = field(default_factory=set)
    """Players that may be counted in the bin, because their records were found there."""
    settled: int = 0
    """Records that were settled late, on the way."""
    left: set[Path] = field(default_factory=set)
    """Bins that counted them although they had moved on."""


class Inspector:
    def __init__(self, dynamo: Dynamo, records: RecordStore, ranks: RankStore, settler: Settler) -> None:
        self._dynamo = dynamo
        self._records = records
        self._ranks = ranks
        self._settler = settler

    def counts(self, build: Build, wanted: Sequence[Path]) -> dict[Path, Counts]:
        """Return the counters of some nodes, those of all lanes together. A read unit per node and lane."""
        read = partial(self._read, build)
        replies = self._in_parallel(read, wanted, max(1, MAX_BATCH_KEYS // build.layout.lanes))
        return {node: counts for reply in replies for node, counts in reply.counts_by_node.items()}

    def marks(self, build: Build, player_ids: Sequence[str]) -> dict[str, Mark]:
        """Return the marks that exist, by player. A read unit per player."""
        read = partial(self._ranks.marks, build.board.board_id, build.period_id)
        replies = self._in_parallel(read, player_ids, MAX_BATCH_KEYS)
        return {player_id: mark for reply in replies for player_id, mark in reply.items()}

    def records(self, build: Build, player_ids: Sequence[str]) -> list[Record]:
        """Return the records that exist. A read unit per record."""
        read = partial(self._records.get_many, build.board.board_id, build.period_id)
        replies = self._in_parallel(read, player_ids, MAX_BATCH_KEYS)
        return [record for reply in replies for record in reply.values()]

    def total(self, build: Build) -> int:
        """Return how many records the root counts. A read unit per lane."""
        return nodes.total(self.counts(build, [()]))

    def count_alike(self, one: Build, other: Build) -> bool:
        """Tell whether two builds count equally many records at the same instant; False while writers are too busy."""
        replies = self._at_once([_query(one, [()]), _query(other, [()])])
        return replies is not None and len({nodes.total(reply.counts_by_node) for reply in replies}) == 1

    def mend(self, build: Build, players: Collection[str], marks: dict[str, Mark]) -> Mended:
        """Settle the records of some players that are not, and count the marks that no settling puts right.

        Args:
            marks: Of these players, read before: a mark may be behind its record, but never differ at its generation.
        """
        found = [settlement_of(build.board, record) for record in self.records(build, list(players))]
        pairs = [(each, marks.get(each.player_id, UNMARKED)) for each in found]
        due = [each for each, mark in pairs if each.is_due(mark)]
        wrong = [each for each, mark in pairs if not each.is_due(mark) and mark.value != each.value]
        moved = [mark for each, mark in pairs if each.is_due(mark) and mark.value != each.value]
        paths = (mark.path(build.board, build.layout) for mark in moved)
        left = frozenset(path for path in paths if path is not None)
        return Mended(self.settled(due), len(wrong), left)

    def settled(self, due: Sequence[Settlement]) -> int:
        """Settle, in the given order, and return how many are settled now."""
        groups = [due[start : start + SETTLED_TOGETHER] for start in range(0, len(due), SETTLED_TOGETHER)]
        return sum(len(group) for group in groups if self._settler.settle(group))

    def persistent_difference(self, build: Build, path: Path, looks: Looks) -> int:
        """Return by how much a counter is too high in every one of several looks; 0 when one finds it right."""
        smallest = 0
        for attempt in range(_LOOKS):
            found = self.difference(build, path, looks)
            if found == 0 or found * smallest < 0:
                return 0
            smallest = min(smallest or found, found, key=abs)
            self._dynamo.pause(attempt)
        return smallest

    def difference(self, build: Build, path: Path, looks: Looks) -> int:
        """Return by how much the counter of a bin or a node is too high; 0 also while traffic allows no proof."""
        if is_leaf(build.shape, path):
            return self._difference_of_bin(build, path, looks)
        reply = self._instant(build, [path[:-1], path], ())
        if reply is None:
            return 0
        counts_by_node = reply.counts_by_node
        return counts_by_node.get(path[:-1], {}).get(path[-1], 0) - sum(counts_by_node.get(path, {}).values())

    def _difference_of_bin(self, build: Build, path: Path, looks: Looks) -> int:
        first = order.prefix(first_value(build.shape, path))
        last = order.prefix(last_value(build.shape, path)) + _AFTER_ALL_KEYS
        within = build.slice(path[: build.layout.slices])
        rows = [row for row in self._records.after(within, first, FEW + 1) if row.order_key < last]
        if len(rows) > FEW:
            return self._difference_of_many(build, path, partial(self._records.count_between, within, first, last))
        looks.known |= {row.position.player_id for row in rows}
        mended = self.mend(build, looks.known, self.marks(build, list(looks.known)))
        looks.settled += mended.settled
        looks.left |= mended.left
        return self._counter_less_marks(build, path, looks.known)

    def _counter_less_marks(self, build: Build, path: Path, known: Collection[str]) -> int:
        if len(known) + build.layout.lanes <= MAX_TRANSACTION_ITEMS:
            reply = self._instant(build, [path[:-1]], known)
            if reply is None:
                return 0
            counts, marks = reply.counts_by_node, reply.mark_by_player
        else:
            marks, counts = self.marks(build, list(known)), self.counts(build, [path[:-1]])
        named = sum(mark.path(build.board, build.layout) == path for mark in marks.values())
        return counts.get(path[:-1], {}).get(path[-1], 0) - named

    def _difference_of_many(self, build: Build, path: Path, count: Callable[[], int]) -> int:
        """Compare the counter with a count of the listing: that says nothing unless the counter stood still."""
        before = self.counts(build, [path[:-1]])
        listed = count()
        after = self.counts(build, [path[:-1]])
        if before != after:
            return 0
        return after.get(path[:-1], {}).get(path[-1], 0) - listed

    def _instant(self, build: Build, wanted: Sequence[Path], players: Iterable[str]) -> TreeReply | None:
        replies = self._at_once([_query(build, wanted, players)])
        return None if replies is None else replies[0]

    def _at_once(self, queries: Sequence[TreeQuery]) -> list[TreeReply] | None:
        for attempt in range(_ATTEMPTS):
            replies = self._ranks.snapshot(queries)
            if replies is not None:
                return replies
            self._dynamo.pause(attempt)
        return None

    def _read(self, build: Build, wanted: Sequence[Path]) -> TreeReply:
        return self._ranks.read([_query(build, wanted)])[0]

    def _in_parallel(self, read: Callable[[Sequence[Part]], Answer], wanted: Sequence[Part], size: int) -> list[Answer]:
        groups = [partial(read, wanted[start : start + size]) for start in range(0, len(wanted), size)]
        if not groups:
            return []
        first, others = self._dynamo.alongside(groups[0], groups[1:])
        return [first, *others]


def _query(build: Build, wanted: Sequence[Path], players: Iterable[str] = ()) -> TreeQuery:
    return TreeQuery(build.board, build.period_id, dict.fromkeys(wanted), dict.fromkeys(players), build.layout)
