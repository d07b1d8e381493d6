"""Settling: any order, any repetition, any company, and the index counts everybody once."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from msgspec.structs import replace

from chalicelib.domain.boards import Board
from chalicelib.domain.layouts import UNCUT, Indexing, Layout
from chalicelib.domain.records import Record
from chalicelib.services.settle import Settlement, Settler, deletion_of, settlement_of
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.ranks import OutdatedBoardError, RankStore
from tests.fake_dynamodb import Call, Once, conflict_on
from tests.oracle import Index, Line, Oracle
from tests.strategies import EXAMPLES, layouts, scores
from tests.tables import PREFIX
from tests.world import EPOCH, Inline, World

versions = st.lists(st.tuples(st.none() | scores, st.booleans()), min_size=1, max_size=5)
"""What becomes of a record, generation by generation: a score, hidden or not; None for its deletion."""
histories = st.lists(versions, min_size=1, max_size=8)


def settler(world: World) -> Settler:
    dynamo = Dynamo(world.client, Inline(), world.pauses.append)
    return Settler(dynamo, world.services.boards, RankStore(f"{PREFIX}ranks", dynamo))


def record(player: int, score: int, generation: int, *, hidden: bool = False) -> Record:
    return Record(f"{player:032x}", "race", "all", score, 0, EPOCH, generation, "Ada", hidden=hidden)


def settlements(board: Board, player: int, history: list[tuple[int | None, bool]]) -> list[Settlement]:
    listed = []
    for generation, (score, hidden) in enumerate(history, start=1):
        if score is None:
            listed.append(deletion_of(board, record(player, 0, generation - 1), EPOCH))
        else:
            listed.append(settlement_of(board, record(player, score, generation, hidden=hidden)))
    return listed


def oracle_of(board: Board, history_by_player: list[list[tuple[int | None, bool]]]) -> Oracle:
    last = {f"{player:032x}": history[-1] for player, history in enumerate(history_by_player)}
    lines = {
        player_id: Line(player_id, score, 0, EPOCH, hidden)
        for player_id, (score, hidden) in last.items()
        if score is not None
    }
    return Oracle(board, lines)


def _line(settlement: Settlement) -> Line:
    assert settlement.value is not None
    return Line(settlement.player_id, ~settlement.value[0], 0, EPOCH, hidden=False)


def index(world: World) -> Index:
    return Index.of(world.items("ranks"), world.services.boards.refreshed("race"), "all")


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(
    layouts=layouts,
    history_by_player=histories,
    repeated=st.booleans(),
    busy=st.integers(0, 4),
    random=st.randoms(use_true_random=False),
)
def test_batches_delivered_in_any_order_and_any_number_of_times_count_everybody_once(
    layouts: object, history_by_player: list[list[tuple[int | None, bool]]], repeated: bool, busy: int, random: Random
) -> None:
    world = World()
    board = world.board(layouts=layouts)
    everything = [
        each for player, history in enumerate(history_by_player) for each in settlements(board, player, history)
    ]
    random.shuffle(everything)
    world.before(Once(lambda call: call.operation == "TransactWriteItems", conflict_on("node#", "mark#"), busy))

    for batch in _batches(everything + (everything[::2] if repeated else [])):
        assert settler(world).settle(batch)

    index(world).check(oracle_of(board, history_by_player))
    newest = {f"{player:032x}": len(history) for player, history in enumerate(history_by_player)}
    assert index(world).generation_by_player == newest


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(history_by_player=histories, at=st.integers(0, 12), random=st.randoms(use_true_random=False))
def test_two_settlers_at_once_count_everybody_once(
    history_by_player: list[list[tuple[int | None, bool]]], at: int, random: Random
) -> None:
    world = World()
    board = world.board()
    newest = [settlements(board, player, history)[-1] for player, history in enumerate(history_by_player)]
    older = [random.choice(settlements(board, player, history)) for player, history in enumerate(history_by_player)]
    passed = Once(lambda _: True, lambda _: None, times=at)

    def settle_elsewhere(call: Call) -> None:
        del call
        assert settler(world).settle(newest)

    world.before(Once(lambda _: passed.done, settle_elsewhere))
    world.before(passed)
    settler(world).settle(older)
    world.undisturbed()
    assert settler(world).settle(newest)

    index(world).check(oracle_of(board, history_by_player))


def test_a_large_batch_is_settled_in_parts_of_at_most_100_items() -> None:
    world = World()
    board = world.board()
    everything = [settlement_of(board, record(player, 4**player % 10**15, 1)) for player in range(60)]

    assert settler(world).settle(everything)

    assert world.client.calls.count("TransactWriteItems") > 1
    assert len(index(world).path_by_player) == 60


def test_what_does_not_fit_goes_with_its_neighbours_in_rank() -> None:
    world = World()
    board = world.board()
    apart = [10**6, 10**9, 10**12]
    everything = [settlement_of(board, record(player, apart[player % 3] + player, 1)) for player in range(150)]
    nodes_by_transaction: list[int] = []
    world.before(lambda call: nodes_by_transaction.append(str(call.request).count("'node#")) if call.writes else None)

    assert settler(world).settle(everything)

    assert len(nodes_by_transaction) == 2
    assert sum(nodes_by_transaction) <= 1 + 2 * 3 + 3  # the two share the root and one branch at most
    index(world).check(Oracle(board, {each.player_id: _line(each) for each in everything}))


def test_what_is_settled_already_writes_nothing() -> None:
    world = World()
    board = world.board()
    settled = [settlement_of(board, record(1, 5, 2))]
    settler(world).settle(settled)
    calls = len(world.client.calls)

    assert settler(world).settle([settlement_of(board, record(1, 9, 1))])
    assert settler(world).settle(settled)

    assert world.client.calls[calls:] == ["BatchGetItem"] * 2


def test_an_index_that_stays_busy_leaves_the_rest_for_later(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    board = world.board()
    world.before(Once(lambda call: call.operation == "TransactWriteItems", conflict_on("node#"), times=99))

    assert not settler(world).settle([settlement_of(board, record(1, 5, 1))])

    assert [entry.message for entry in caplog.records] == ["settle_deferred"]
    assert sum(world.pauses) < 5
    assert index(world).path_by_player == {}


def test_a_mark_of_a_build_that_nobody_announced_is_damage_and_not_waited_for() -> None:
    world = World()
    board = world.board()
    settled = settlement_of(board, record(1, 5, 1))
    elsewhere = replace(board, layouts=UNCUT.with_period("all", Indexing(Layout(7))))
    assert settler(world).settle([structs.replace(settled, board=elsewhere)])

    with pytest.raises(OutdatedBoardError):
        settler(world).settle([settlement_of(board, record(1, 6, 2))])

    assert world.pauses == []


def test_nodes_forget_with_the_records_they_count() -> None:
    world = World()
    board = world.board(reset="0 0 * * *", retention_days=1)
    expiring = Record("1" * 32, "race", "20261122T0000Z", 5, 0, EPOCH, 1, "Ada", expires_at=EPOCH)

    settler(world).settle([settlement_of(board, expiring)])

    assert {item["expires_at"]["N"] for item in world.items("ranks")} == {str(int(EPOCH.timestamp()))}


def _batches(everything: list[Settlement]) -> list[list[Settlement]]:
    """Return batches in order, in none of which a player comes twice."""
    batches: list[list[Settlement]] = [[]]
    for each in everything:
        if each.player_id in {other.player_id for other in batches[-1]}:
            batches.append([])
        batches[-1].append(each)
    return batches
