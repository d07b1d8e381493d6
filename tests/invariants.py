"""What always holds in the tables once every call has ended, whatever failed, was repeated or came between."""

from collections import defaultdict

from chalicelib.domain.boards import Board
from chalicelib.domain.layouts import Layout, Listing
from chalicelib.ranking import order
from chalicelib.ranking.bins import place, shape_of
from chalicelib.ranking.order import Position
from tests.expressions import Item
from tests.oracle import Index, Line, Oracle
from tests.world import World


def check(world: World, *, followed: bool = True) -> None:
    """Assert that records, index, names and accounts agree with each other.

    Args:
        followed: Whether the index was told of every change. If not, a record may have left its value and come back
            to it without its mark: then that names the right value, as of an earlier generation.
    """
    _check_boards(world, followed)
    _check_accounts(world)


def _check_boards(world: World, followed: bool) -> None:
    boards = {board.board_id: board for board in world.another_process().boards.all()}
    records_by_tree: defaultdict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in world.items("records"):
        board_id, period_id = item["board_period"]["S"].split("#")
        records_by_tree[board_id, period_id].append(item)
    for item in world.items("ranks"):
        kind, board_id, period_id, *_ = item["pk"]["S"].split("#")
        if kind in {"mark", "node"}:
            records_by_tree.setdefault((board_id, period_id), [])
    for (board_id, period_id), items in records_by_tree.items():
        _check_tree(world, boards[board_id], period_id, items, followed)


def _check_tree(world: World, board: Board, period_id: str, items: list[Item], followed: bool) -> None:
    assert board.sealed or not items
    oracle = Oracle.of(board, items, period_id)
    generations = {item["player_id"]["S"]: int(item["generation"]["N"]) for item in items}
    for layout in board.indexing(period_id).written:
        index = Index.of(world.items("ranks"), board, period_id, layout)
        index.check(oracle)
        for player, generation in generations.items():
            behind = generation - index.generation_by_player[player]
            assert behind == 0 or (behind > 0 and not followed), player
        for item in items:
            _check_record(board, layout, item, index)


def _check_record(board: Board, layout: Layout, item: Item, index: Index) -> None:
    line = Line.of(item)
    position = Position(line.score, line.subscore, line.achieved_at, line.player_id)
    if line.hidden:
        assert not {"standing", "standing_b", "order_key"} & set(item)
        return
    path = place(shape_of(board, layout), board.value(line.score, line.subscore)).path
    standing = item["standing" if layout.listing is Listing.A else "standing_b"]["S"]
    digits = ".".join(map(str, path[: layout.slices]))
    cut = f"#{layout.listed_since}#{digits}" if layout.listed_since > 1 or digits else ""
    assert standing == item["board_period"]["S"] + cut
    assert item["order_key"]["S"] == order.encode(board, position)
    assert index.path_by_player[line.player_id] == path
    assert index.value_by_player[line.player_id] == board.value(line.score, line.subscore)


def _check_accounts(world: World) -> None:
    """Every item belongs to a player who is here, and every record bears that player's name."""
    items = world.items("players")
    names = {
        item["player_id"]["S"]: item["display_name"]
        for item in items
        if item["sk"]["S"] == "profile" and "state" in item
    }
    for item in world.items("records"):
        assert item["display_name"] == names[item["player_id"]["S"]]
    assert {item["player_id"]["S"] for item in world.items("games")} <= set(names)
    for item in items:
        kind, owner, *_ = item["pk"]["S"].split("#")
        assert (item["player_id"]["S"] if kind == "identity" else owner) in names
