"""The ranks table: the nodes and marks of every board's rank index. Derived from the records, rebuildable.

A node is an item whose attributes c0, c1 ... count the records below each child. Only atomic additions touch them, in
transactions with the marks, so no model stands between: PynamoDB's have no attributes made on the fly.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from chalicelib.domain.boards import Board
from chalicelib.domain.layouts import Indexing, Layout
from chalicelib.ranking import nodes
from chalicelib.ranking.bins import Path, place, shape_of
from chalicelib.ranking.nodes import Counts
from chalicelib.ranking.pages import lane_of
from chalicelib.store import keys
from chalicelib.store.dynamo import Dynamo, Item, Part
from chalicelib.store.typed import n, s, seconds

_CHILD = "c"
MARK_PART, NODE_PART = "mark", "node"
NodeName = tuple[int, int, Path]
"""The generation of the layout, the lane, and the digits that lead to a node, among those of one board and period."""


class Mark(Struct, frozen=True):
    """Player p is counted by ``value`` (directed; None: nowhere) as of ``generation`` of the record.

    So say the layouts whose generations are ``builds``; the bin follows from value and layout.
    """

    value: tuple[int, int] | None
    generation: int
    builds: tuple[int, ...] = (1,)

    def path(self, board: Board, layout: Layout) -> Path | None:
        """Return the bin that counts the player in a layout; None when none does."""
        if self.value is None or layout.generation not in self.builds:
            return None
        return place(shape_of(board, layout), self.value).path

    def tells_of_more_than(self, indexing: Indexing) -> bool:
        """Tell whether a build exists that ``indexing`` does not name: it is out of date."""
        return max(self.builds, default=0) > indexing.newest


UNMARKED = Mark(None, 0, ())


class OutdatedBoardError(Exception):
    """A board's definition is older than the marks of its players: read it again."""


class Move(Struct, frozen=True):
    """A player's place changes from what the mark says to ``value``, as of the record's ``generation``.

    It changes in every layout that is written.
    """

    board: Board
    period_id: str
    player_id: str
    mark: Mark
    value: tuple[int, int] | None
    generation: int
    expires_at: datetime | None
    """When the period is forgotten, and its nodes with it."""
    mark_expires_at: datetime | None

    @property
    def indexing(self) -> Indexing:
        return self.board.indexing(self.period_id)

    def paths(self, layout: Layout) -> tuple[Path | None, Path | None]:
        """Return the bins the player leaves and enters in a layout."""
        after = None if self.value is None else place(shape_of(self.board, layout), self.value).path
        return self.mark.path(self.board, layout), after

    @property
    def nodes(self) -> set[NodeName]:
        """Return the nodes it writes, unless it cancels out with another move."""
        return {
            (layout.generation, lane_of(self.player_id, layout.lanes), node)
            for layout in self.indexing.written
            for path in self.paths(layout)
            if path is not None
            for node in nodes.nodes_on(path)
        }


class TreeQuery(Struct, frozen=True):
    """Nodes and marks wanted of one board and period. No two queries of one read may be for the same.

    ``layout``: None for the one that is read.
    """

    board: Board
    period_id: str
    nodes: dict[Path, None]
    players: dict[str, None] = {}  # msgspec gives each instance its own
    """Both are ordered sets."""
    layout: Layout | None = None


class TreeReply(Struct, frozen=True):
    counts_by_node: dict[Path, Counts]
    mark_by_player: dict[str, Mark]


class RankStore:
    def __init__(self, table: str, dynamo: Dynamo) -> None:
        self.table = table
        self._dynamo = dynamo

    def mark_key(self, board_id: str, period_id: str, player_id: str) -> Item:
        return {"pk": s(keys.mark(board_id, period_id, player_id))}

    def parsed_mark(self, item: Item) -> Mark:
        value = (int(item["value"]["N"]), int(item["subvalue"]["N"])) if "value" in item else None
        return Mark(value, int(item["generation"]["N"]), keys.parsed_path(item["builds"]["S"]))

    def marks(self, board_id: str, period_id: str, player_ids: Sequence[str]) -> dict[str, Mark]:
        """Return the marks that exist, by player. One consistent request per 100 players."""
        wanted = {keys.mark(board_id, period_id, player_id): player_id for player_id in player_ids}
        found = self._dynamo.batch_get({self.table: [{"pk": s(key)} for key in wanted]}, consistent=True)
        return {wanted[item["pk"]["S"]]: self.parsed_mark(item) for item in found[self.table]}

    def read(self, queries: Sequence[TreeQuery]) -> list[TreeReply]:
        """Return the counters of the wanted nodes, summed over lanes, and the wanted marks.

        One consistent request per 100 items (lanes x nodes + players), a read unit each. Nodes in which nobody is
        counted and players without a mark are left out.
        """
        owners, replies = _all_owners(queries)
        wanted = [{"pk": s(key)} for key in owners]
        for item in self._dynamo.batch_get({self.table: wanted}, consistent=True)[self.table]:
            self._hand_over(item, *owners[item["pk"]["S"]])
        return replies

    def snapshot(self, queries: Sequence[TreeQuery]) -> list[TreeReply] | None:
        """Return the same as ``read``, as it stood at one instant; None while writers are busy with it.

        One request for at most 100 items, two read units each.
        """
        owners, replies = _all_owners(queries)
        items = self._dynamo.snapshot(self.table, [{"pk": s(key)} for key in owners])
        if items is None:
            return None
        for item in items:
            self._hand_over(item, *owners[item["pk"]["S"]])
        return replies

    def delete_nodes(self, board: Board, period_id: str, layout: Layout, paths: Iterable[Path]) -> None:
        """Delete nodes of a build that nobody reads or writes any more, in all its lanes. A write unit each."""
        query = TreeQuery(board, period_id, dict.fromkeys(paths), layout=layout)
        self._dynamo.delete_all(self.table, [{"pk": s(key)} for key, _ in _node_keys(query)])

    def _hand_over(self, item: Item, reply: TreeReply, owner: Path | str) -> None:
        if isinstance(owner, str):
            reply.mark_by_player[owner] = self.parsed_mark(item)
        else:
            reply.counts_by_node[owner] = nodes.added((reply.counts_by_node.get(owner, {}), _counts(item)))

    def parts(self, moves: Sequence[Move]) -> list[Part]:
        """Return the writes that make all moves: the marks, each only if it is still as read, and the nodes between.

        Nodes shared by several moves are written once.

        Raises:
            OutdatedBoardError: A mark tells of a layout that its board does not.
        """
        for move in moves:
            if move.mark.tells_of_more_than(move.indexing):
                told = f"the mark of player {move.player_id} tells of build {max(move.mark.builds)}"
                raise OutdatedBoardError(f"{told}, the board's newest is {move.indexing.newest}")
        written = [self._mark_part(move) for move in moves]
        for key, tree in _trees(moves).items():
            written += [
                _node_part(self.table, keys.node(*key, node), children, tree.expires_at)
                for node, children in nodes.moves(tree.pairs).items()
            ]
        return written

    def unchanged_parts(self, moves: Sequence[Move]) -> list[Part]:
        """Return the checks that the marks of all moves are as they were read, for who writes the moves later."""
        return [self._check_part(move) for move in moves]

    def _check_part(self, move: Move) -> Part:
        key = self.mark_key(move.board.board_id, move.period_id, move.player_id)
        return Part(MARK_PART, "ConditionCheck", {"TableName": self.table, "Key": key, **_as_read(move.mark)})

    def _mark_part(self, move: Move) -> Part:
        item: Item = {
            **self.mark_key(move.board.board_id, move.period_id, move.player_id),
            "generation": n(move.generation),
            "builds": s(keys.path(tuple(layout.generation for layout in move.indexing.written))),
        }
        if move.value is not None:
            item["value"], item["subvalue"] = map(n, move.value)
        if move.mark_expires_at is not None:
            item["expires_at"] = n(seconds(move.mark_expires_at))
        return Part(MARK_PART, "Put", {"TableName": self.table, "Item": item, **_as_read(move.mark)})


def _as_read(mark: Mark) -> Item:
    if mark is UNMARKED:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "ConditionExpression": "generation = :generation AND builds = :builds",
        "ExpressionAttributeValues": {":generation": n(mark.generation), ":builds": s(keys.path(mark.builds))},
    }


class _Tree(Struct):
    """What moves in one lane of one build of a board and period's index; it expires as a whole."""

    expires_at: datetime | None
    pairs: list[tuple[Path | None, Path | None]] = []  # msgspec gives each instance its own


def _all_owners(queries: Sequence[TreeQuery]) -> tuple[dict[str, tuple[TreeReply, Path | str]], list[TreeReply]]:
    """Return, by key, where each item that the queries want belongs, and the replies, empty yet."""
    owners: dict[str, tuple[TreeReply, Path | str]] = {}
    replies = [TreeReply({}, {}) for _ in queries]
    for query, reply in zip(queries, replies, strict=True):
        owners |= {key: (reply, node) for key, node in _node_keys(query)}
        owners |= {keys.mark(query.board.board_id, query.period_id, each): (reply, each) for each in query.players}
    return owners, replies


def _node_keys(query: TreeQuery) -> Iterator[tuple[str, Path]]:
    layout = query.layout or query.board.layout(query.period_id)
    for node in query.nodes:
        for lane in range(layout.lanes):
            yield keys.node(query.board.board_id, query.period_id, layout.generation, lane, node), node


def _trees(moves: Sequence[Move]) -> dict[tuple[str, str, int, int], _Tree]:
    trees: dict[tuple[str, str, int, int], _Tree] = {}
    for move in moves:
        for layout in move.indexing.written:
            lane = lane_of(move.player_id, layout.lanes)
            key = move.board.board_id, move.period_id, layout.generation, lane
            trees.setdefault(key, _Tree(move.expires_at)).pairs.append(move.paths(layout))
    return trees


def _node_part(table: str, key: str, children: Mapping[int, int], expires_at: datetime | None) -> Part:
    values = {f":{child}": n(count) for child, count in children.items()}
    expression = "ADD " + ", ".join(f"{_CHILD}{child} :{child}" for child in children)
    if expires_at is not None:
        expression += " SET expires_at = :expires_at"
        values[":expires_at"] = n(seconds(expires_at))
    request = {
        "TableName": table,
        "Key": {"pk": s(key)},
        "UpdateExpression": expression,
        "ExpressionAttributeValues": values,
    }
    return Part(NODE_PART, "Update", request)


def _counts(item: Item) -> Counts:
    return {int(name[1:]): int(value["N"]) for name, value in item.items() if name[0] == _CHILD}
