import pytest

from chalicelib.domain.boards import Board, Layout
from chalicelib.ranking.bins import Path
from chalicelib.ranking.pages import lane_of
from chalicelib.store.dynamo import CancelledError, Dynamo
from chalicelib.store.ranks import UNMARKED, Mark, Move, RankStore, TreeQuery
from tests.fake_dynamodb import FakeDynamoDB
from tests.tables import PREFIX, tables
from tests.world import EPOCH, Inline

PATH: Path = (53, 0, 5)
OTHER: Path = (53, 0, 7)
PLAYERS = [f"{number:032x}" for number in range(6)]


@pytest.fixture
def dynamo() -> Dynamo:
    return Dynamo(FakeDynamoDB(tables()), Inline(), lambda _: None)


@pytest.fixture
def store(dynamo: Dynamo) -> RankStore:
    return RankStore(f"{PREFIX}ranks", dynamo)


def board(**layout: int) -> Board:
    return Board(board_id="race", title="Race", layout=Layout(**layout), created_at=EPOCH)


def move(player_id: str, path: Path | None, mark: Mark = UNMARKED, on: Board | None = None) -> Move:
    return Move(on or board(), "all", player_id, mark, path, mark.generation + 1, None, None)


def test_counters_and_marks_read_back(store: RankStore, dynamo: Dynamo) -> None:
    dynamo.transact(store.parts([move(PLAYERS[0], PATH), move(PLAYERS[1], OTHER), move(PLAYERS[2], None)]))
    wanted: dict[Path, None] = dict.fromkeys([(), (53,), (53, 0), (1,)])

    reply = store.read([TreeQuery(board(), "all", wanted, dict.fromkeys(PLAYERS[:4]))])[0]

    assert reply.counts_by_node == {(): {53: 2}, (53,): {0: 2}, (53, 0): {5: 1, 7: 1}}
    assert reply.mark_by_player == {PLAYERS[0]: Mark(PATH, 1), PLAYERS[1]: Mark(OTHER, 1), PLAYERS[2]: Mark(None, 1)}
    assert store.marks("race", "all", PLAYERS) == reply.mark_by_player


def test_shared_nodes_are_written_once(store: RankStore) -> None:
    assert [part.name for part in store.parts([move(each, PATH) for each in PLAYERS])] == ["mark"] * 6 + ["node"] * 3


def test_nodes_that_do_not_change_are_not_written(store: RankStore, dynamo: Dynamo) -> None:
    dynamo.transact(store.parts([move(PLAYERS[0], PATH)]))

    parts = store.parts([move(PLAYERS[0], OTHER, Mark(PATH, 1))])
    stay = store.parts([move(PLAYERS[0], PATH, Mark(PATH, 1))])

    assert [part.name for part in parts] == ["mark", "node"]
    assert [part.name for part in stay] == ["mark"]


@pytest.mark.parametrize("mark", [UNMARKED, Mark(PATH, 2), Mark(None, 0)])
def test_a_move_from_another_mark_than_the_stored_one_is_refused(store: RankStore, dynamo: Dynamo, mark: Mark) -> None:
    dynamo.transact(store.parts([move(PLAYERS[0], PATH)]))

    with pytest.raises(CancelledError) as caught:
        dynamo.transact(store.parts([move(PLAYERS[0], OTHER, mark)]))

    assert caught.value.refused == {"mark"}
    assert store.marks("race", "all", PLAYERS) == {PLAYERS[0]: Mark(PATH, 1)}


def test_a_move_from_a_mark_that_does_not_exist_is_refused(store: RankStore, dynamo: Dynamo) -> None:
    with pytest.raises(CancelledError):
        dynamo.transact(store.parts([move(PLAYERS[0], OTHER, Mark(PATH, 1))]))


def test_lanes_share_the_writes_and_add_up(store: RankStore, dynamo: Dynamo) -> None:
    wide = board(lanes=3)

    dynamo.transact(store.parts([move(each, PATH, on=wide) for each in PLAYERS]))

    roots = [item["pk"]["S"] for item in dynamo.client.items(store.table) if item["pk"]["S"].endswith("#")]
    assert sorted(roots) == [f"node#race#all#1#{lane}#" for lane in sorted({lane_of(each, 3) for each in PLAYERS})]
    assert len(roots) > 1
    assert store.read([TreeQuery(wide, "all", {(): None})])[0].counts_by_node == {(): {53: 6}}


def test_boards_periods_and_builds_are_counted_apart(store: RankStore, dynamo: Dynamo) -> None:
    dynamo.transact(store.parts([move(PLAYERS[0], PATH)]))

    others = [
        TreeQuery(board(), "20261122T0000Z", {(): None}),
        TreeQuery(board(generation=2), "all", {(): None}),
    ]

    assert [reply.counts_by_node for reply in store.read(others)] == [{}, {}]


def test_many_trees_are_read_at_once(store: RankStore, dynamo: Dynamo) -> None:
    other = Board(board_id="duel", title="Duel", created_at=EPOCH)
    dynamo.transact(store.parts([move(PLAYERS[0], PATH), move(PLAYERS[1], OTHER, on=other)]))
    calls = len(dynamo.client.calls)

    replies = store.read([TreeQuery(each, "all", {(53, 0): None}) for each in (board(), other)])

    assert [reply.counts_by_node for reply in replies] == [{(53, 0): {5: 1}}, {(53, 0): {7: 1}}]
    assert dynamo.client.calls[calls:] == ["BatchGetItem"]
