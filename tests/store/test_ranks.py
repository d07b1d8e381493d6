from typing import TYPE_CHECKING

import pytest

from chalicelib.domain.boards import Board, SortOrder
from chalicelib.domain.layouts import Indexing, Layout, Layouts
from chalicelib.ranking.pages import lane_of
from chalicelib.store.dynamo import CancelledError, Dynamo
from chalicelib.store.ranks import UNMARKED, Mark, Move, OutdatedBoardError, RankStore, TreeQuery
from tests.fake_dynamodb import FakeDynamoDB
from tests.tables import PREFIX, tables
from tests.world import EPOCH, Inline

if TYPE_CHECKING:
    from chalicelib.ranking.bins import Path

VALUE, OTHER = (5, 0), (7, 0)
"""They are counted at 53.0.5 and 53.0.7."""
FIRST = Layout()
PLAYERS = [f"{number:032x}" for number in range(6)]


@pytest.fixture
def dynamo() -> Dynamo:
    return Dynamo(FakeDynamoDB(tables()), Inline(), lambda _: None)


@pytest.fixture
def store(dynamo: Dynamo) -> RankStore:
    return RankStore(f"{PREFIX}ranks", dynamo)


def board(read: Layout = FIRST, *also_written: Layout) -> Board:
    layouts = Layouts().with_period("all", Indexing(read, also_written))
    return Board(board_id="race", title="Race", sort_order=SortOrder.ASC, layouts=layouts, created_at=EPOCH)


def move(
    player_id: str, value: tuple[int, int] | None, mark: Mark = UNMARKED, on: Board | None = None, step: int = 1
) -> Move:
    return Move(on or board(), "all", player_id, mark, value, mark.generation + step, None, None)


def test_counters_and_marks_read_back(store: RankStore, dynamo: Dynamo) -> None:
    dynamo.transact(store.parts([move(PLAYERS[0], VALUE), move(PLAYERS[1], OTHER), move(PLAYERS[2], None)]))
    wanted: dict[Path, None] = dict.fromkeys([(), (53,), (53, 0), (1,)])

    reply = store.read([TreeQuery(board(), "all", wanted, dict.fromkeys(PLAYERS[:4]))])[0]

    assert reply.counts_by_node == {(): {53: 2}, (53,): {0: 2}, (53, 0): {5: 1, 7: 1}}
    assert reply.mark_by_player == {PLAYERS[0]: Mark(VALUE, 1), PLAYERS[1]: Mark(OTHER, 1), PLAYERS[2]: Mark(None, 1)}
    assert store.marks("race", "all", PLAYERS) == reply.mark_by_player


def test_shared_nodes_are_written_once(store: RankStore) -> None:
    assert [part.name for part in store.parts([move(each, VALUE) for each in PLAYERS])] == ["mark"] * 6 + ["node"] * 3


def test_nodes_that_do_not_change_are_not_written(store: RankStore, dynamo: Dynamo) -> None:
    dynamo.transact(store.parts([move(PLAYERS[0], VALUE)]))

    parts = store.parts([move(PLAYERS[0], OTHER, Mark(VALUE, 1))])
    stay = store.parts([move(PLAYERS[0], VALUE, Mark(VALUE, 1))])

    assert [part.name for part in parts] == ["mark", "node"]
    assert [part.name for part in stay] == ["mark"]


@pytest.mark.parametrize("mark", [UNMARKED, Mark(VALUE, 2), Mark(None, 0)])
def test_a_move_from_another_mark_than_the_stored_one_is_refused(store: RankStore, dynamo: Dynamo, mark: Mark) -> None:
    dynamo.transact(store.parts([move(PLAYERS[0], VALUE)]))

    with pytest.raises(CancelledError) as caught:
        dynamo.transact(store.parts([move(PLAYERS[0], OTHER, mark)]))

    assert caught.value.refused == {"mark"}
    assert store.marks("race", "all", PLAYERS) == {PLAYERS[0]: Mark(VALUE, 1)}


def test_a_move_from_a_mark_that_does_not_exist_is_refused(store: RankStore, dynamo: Dynamo) -> None:
    with pytest.raises(CancelledError):
        dynamo.transact(store.parts([move(PLAYERS[0], OTHER, Mark(VALUE, 1))]))


def test_lanes_share_the_writes_and_add_up(store: RankStore, dynamo: Dynamo) -> None:
    wide = board(Layout(lanes=3))

    dynamo.transact(store.parts([move(each, VALUE, on=wide) for each in PLAYERS]))

    roots = [item["pk"]["S"] for item in dynamo.client.items(store.table) if item["pk"]["S"].endswith("#")]
    assert sorted(roots) == [f"node#race#all#1#{lane}#" for lane in sorted({lane_of(each, 3) for each in PLAYERS})]
    assert len(roots) > 1
    assert store.read([TreeQuery(wide, "all", {(): None})])[0].counts_by_node == {(): {53: 6}}


def test_boards_periods_and_builds_are_counted_apart(store: RankStore, dynamo: Dynamo) -> None:
    dynamo.transact(store.parts([move(PLAYERS[0], VALUE)]))

    others = [
        TreeQuery(board(), "20261122T0000Z", {(): None}),
        TreeQuery(board(Layout(2)), "all", {(): None}),
    ]

    assert [reply.counts_by_node for reply in store.read(others)] == [{}, {}]


def test_many_trees_are_read_at_once(store: RankStore, dynamo: Dynamo) -> None:
    other = Board(board_id="duel", title="Duel", created_at=EPOCH)
    dynamo.transact(store.parts([move(PLAYERS[0], VALUE), move(PLAYERS[1], OTHER, on=other)]))
    calls = len(dynamo.client.calls)

    replies = store.read([TreeQuery(each, "all", {(53, 0): None}) for each in (board(), other)])

    assert [reply.counts_by_node for reply in replies] == [{(53, 0): {5: 1}}, {(53, 0): {7: 1}}]
    assert dynamo.client.calls[calls:] == ["BatchGetItem"]


FRESH = Layout(2, digits=2, lanes=2)


def counts(store: RankStore, on: Board, layout: Layout) -> int:
    reply = store.read([TreeQuery(on, "all", {(): None}, layout=layout)])[0]
    return sum(reply.counts_by_node.get((), {}).values())


def test_a_player_is_counted_in_every_layout_that_is_written(store: RankStore, dynamo: Dynamo) -> None:
    rebuilding = board(FIRST, FRESH)
    dynamo.transact(store.parts([move(PLAYERS[0], VALUE)]))

    for each in PLAYERS[:2]:
        mark = store.marks("race", "all", [each]).get(each, UNMARKED)
        dynamo.transact(store.parts([move(each, OTHER, mark, on=rebuilding)]))

    assert store.marks("race", "all", PLAYERS)[PLAYERS[0]] == Mark(OTHER, 2, (1, 2))
    assert [counts(store, rebuilding, layout) for layout in rebuilding.indexing("all").written] == [2, 2]
    assert store.read([TreeQuery(rebuilding, "all", {(53, 0): None})])[0].counts_by_node == {(53, 0): {5: 0, 7: 2}}


def test_a_layout_that_a_mark_does_not_tell_of_yet_is_added_to_alone(store: RankStore, dynamo: Dynamo) -> None:
    dynamo.transact(store.parts([move(PLAYERS[0], VALUE)]))

    added = store.parts([move(PLAYERS[0], VALUE, Mark(VALUE, 1), on=board(FIRST, FRESH), step=0)])
    dynamo.transact(added)

    nodes = [part.request["Key"]["pk"]["S"] for part in added if part.name == "node"]
    lane = lane_of(PLAYERS[0], 2)
    assert nodes == [f"node#race#all#2#{lane}#", f"node#race#all#2#{lane}#59"]
    with pytest.raises(CancelledError):
        dynamo.transact(added)
    assert [counts(store, board(), layout) for layout in (Layout(), FRESH)] == [1, 1]


def test_a_layout_that_is_no_longer_written_keeps_what_it_had(store: RankStore, dynamo: Dynamo) -> None:
    dynamo.transact(store.parts([move(PLAYERS[0], VALUE, on=board(FIRST, FRESH))]))

    dynamo.transact(store.parts([move(PLAYERS[0], None, Mark(VALUE, 1, (1, 2)), on=board(FRESH))]))

    assert [counts(store, board(), layout) for layout in (Layout(), FRESH)] == [1, 0]


def test_a_board_older_than_a_mark_is_refused(store: RankStore) -> None:
    with pytest.raises(OutdatedBoardError):
        store.parts([move(PLAYERS[0], OTHER, Mark(VALUE, 1, (1, 2)))])
