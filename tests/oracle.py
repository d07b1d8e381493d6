"""What every answer about a board must equal: a list that is sorted anew for each question."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from chalicelib.domain.boards import INT64_MAX, INT64_MIN, Board, Operator, SortOrder
from chalicelib.domain.layouts import Layout
from chalicelib.domain.records import Outcome
from chalicelib.ranking.bins import place, shape_of
from chalicelib.store.typed import from_milliseconds
from tests.expressions import Item

Ranked = tuple[int, str]
"""A rank and a player's id."""


@dataclass(frozen=True, slots=True)
class Line:
    player_id: str
    score: int
    subscore: int
    achieved_at: datetime
    hidden: bool = False

    @classmethod
    def of(cls, item: Item) -> "Line":
        """Return what an item of the records table says."""
        return cls(
            item["player_id"]["S"],
            int(item["score"]["N"]),
            int(item["subscore"]["N"]),
            from_milliseconds(int(item["achieved_at"]["N"])),
            item["hidden"]["BOOL"],
        )


@dataclass(slots=True)
class Oracle:
    """The records of one board in one period."""

    board: Board
    lines: dict[str, Line] = field(default_factory=dict)

    @classmethod
    def of(cls, board: Board, items: Iterable[Item], period_id: str) -> "Oracle":
        """Return the oracle that knows what lies in the records table."""
        own = [Line.of(item) for item in items if item["board_period"]["S"] == f"{board.board_id}#{period_id}"]
        return cls(board, {line.player_id: line for line in own})

    def submit(self, player_id: str, score: int, subscore: int, now: datetime) -> Outcome:
        before = self.lines.get(player_id)
        new = self._operated(before, score, subscore)
        if any(not INT64_MIN <= number <= INT64_MAX for number in new):
            return Outcome.REJECTED
        after = Line(player_id, *new, now, hidden=before is not None and before.hidden)
        outcome = Outcome.IMPROVED if before is None else self._outcome(before, after)
        if outcome is not Outcome.KEPT:
            self.lines[player_id] = after
        return outcome

    def hide(self, player_id: str, *, hidden: bool) -> None:
        self.lines[player_id] = replace(self.lines[player_id], hidden=hidden)

    def remove(self, player_id: str) -> None:
        self.lines.pop(player_id, None)

    def listing(self) -> list[Ranked]:
        """Return rank and player of all visible records, best first, ties by who came first."""
        return [(self.rank(line), line.player_id) for line in self._sorted()]

    def rank(self, line: Line) -> int:
        return 1 + sum(self.place(other) < self.place(line) for other in self._visible())

    def rank_of(self, player_id: str) -> int | None:
        line = self.lines.get(player_id)
        return None if line is None or line.hidden else self.rank(line)

    @property
    def total(self) -> int:
        return len(list(self._visible()))

    def percentile(self, player_id: str) -> float:
        """Return how many percent of the records are not better than the player's."""
        own = self.place(self.lines[player_id])
        return round(100 * sum(self.place(other) >= own for other in self._visible()) / self.total, 4)

    def page_from(self, rank: int, limit: int) -> list[Ranked]:
        """Return the listing from the first record that ties with the one at a position."""
        listing = self.listing()
        if rank > len(listing):
            return []
        start = listing[rank - 1][0] - 1
        return listing[start : start + limit]

    def around(self, player_id: str, size: int) -> list[Ranked]:
        listing = self.listing()
        own = next(index for index, (_, each) in enumerate(listing) if each == player_id)
        start = max(0, min(own - (size - 1) // 2, len(listing) - size))
        return listing[start : start + size]

    def count(self, low: int, high: int) -> int:
        return sum(low <= line.score <= high for line in self._visible())

    def place(self, line: Line) -> tuple[int, int]:
        """Return what orders lines, ties left aside: the lower the better."""
        score = -line.score if self.board.sort_order is SortOrder.DESC else line.score
        return score, -line.subscore if self.board.subscore_order is SortOrder.DESC else line.subscore

    def _visible(self) -> Iterable[Line]:
        return (line for line in self.lines.values() if not line.hidden)

    def _sorted(self) -> list[Line]:
        return sorted(self._visible(), key=lambda line: (self.place(line), line.achieved_at, line.player_id))

    def _operated(self, before: Line | None, score: int, subscore: int) -> tuple[int, int]:
        old = (before.score, before.subscore) if before else (0, 0)
        match self.board.operator:
            case Operator.INCR:
                return old[0] + score, old[1] + subscore
            case Operator.DECR:
                return old[0] - score, old[1] - subscore
            case _:
                return score, subscore

    def _outcome(self, before: Line, after: Line) -> Outcome:
        if self.place(after) < self.place(before):
            return Outcome.IMPROVED
        if self.place(after) == self.place(before) or self.board.operator is Operator.BEST:
            return Outcome.KEPT
        return Outcome.WORSENED


@dataclass(slots=True)
class Index:
    """The rank index of one board and period, as it lies in the table."""

    counts_by_node: dict[tuple[int, ...], Counter[int]] = field(default_factory=dict)
    """Summed over lanes."""
    generation_by_player: dict[str, int] = field(default_factory=dict)
    value_by_player: dict[str, tuple[int, int]] = field(default_factory=dict)
    path_by_player: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, items: Iterable[Item], board: Board, period_id: str, layout: Layout | None = None) -> "Index":
        """Return what lies in the table of one build: that which is read, unless another is wanted."""
        index = cls()
        layout = layout or board.layout(period_id)
        for item in items:
            kind, board_id, period, *rest = item["pk"]["S"].split("#")
            if (board_id, period) != (board.board_id, period_id):
                continue
            if kind == "mark":
                index._add_mark(rest[0], item, board, layout)
            elif kind == "node" and rest[0] == str(layout.generation):
                index._add_node(_digits(rest[-1]), item)
        return index

    def check(self, oracle: Oracle) -> None:
        """Assert what always holds once everything is settled."""
        visible = {line.player_id for line in oracle.lines.values() if not line.hidden}
        assert set(self.path_by_player) == visible
        expected: dict[tuple[int, ...], Counter[int]] = {}
        for path in self.path_by_player.values():
            for depth, digit in enumerate(path):
                expected.setdefault(path[:depth], Counter())[digit] += 1
        assert {node: counts for node, counts in self.counts_by_node.items() if counts} == expected
        for node, counts in self.counts_by_node.items():
            if node:
                assert counts.total() == self.counts_by_node[node[:-1]][node[-1]], node

    def _add_mark(self, player_id: str, item: Item, board: Board, layout: Layout) -> None:
        self.generation_by_player[player_id] = int(item["generation"]["N"])
        if "value" in item and layout.generation in _digits(item["builds"]["S"]):
            value = int(item["value"]["N"]), int(item["subvalue"]["N"])
            self.value_by_player[player_id] = value
            self.path_by_player[player_id] = place(shape_of(board, layout), value).path

    def _add_node(self, node: tuple[int, ...], item: Item) -> None:
        counts = self.counts_by_node.setdefault(node, Counter())
        for name, value in item.items():
            if name.startswith("c"):
                counts[int(name[1:])] += int(value["N"])
        for child in [child for child, count in counts.items() if count == 0]:
            del counts[child]


def _digits(text: str) -> tuple[int, ...]:
    return tuple(int(digit) for digit in text.split(".") if digit)
