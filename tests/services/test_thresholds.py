"""What a rank takes, and what a score is worth, equal what a sorted list says, whatever the board."""

from decimal import Decimal
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.boards import INT64_MAX, INT64_MIN, Board, SortOrder
from chalicelib.domain.layouts import Layout, Layouts
from chalicelib.domain.records import Submission
from chalicelib.errors import MalformedError
from chalicelib.services.thresholds import Threshold
from tests.fake_dynamodb import Call, Once
from tests.services.crowds import Crowd, Values, board, lists_of_values, nodes_read, values
from tests.strategies import EXAMPLES, boards
from tests.world import World

percents = st.decimals(min_value="0.0001", max_value=100, places=4)
WIDE = 1_000_000
"""A score in a bin of 256 scores."""


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(board=boards, records=lists_of_values, percents=st.lists(percents, max_size=5), data=st.data())
def test_a_threshold_is_the_value_of_the_record_at_that_rank(
    board: Board, records: Values, percents: list[Decimal], data: st.DataObject
) -> None:
    crowd = Crowd(board, records)
    total = len(records)
    ranks = data.draw(st.lists(st.integers(1, total + 2), max_size=8))

    ladder = crowd.world.services.thresholds.ladder(*crowd.tree, ranks, percents)

    ends = [next(rank for rank in count(1) if 100 * rank >= percent * total) for percent in percents]
    assert ladder.total == total
    assert [(each.rank, each.percent) for each in ladder.thresholds] == [
        *((rank, None) for rank in ranks),
        *zip(ends, percents, strict=True),
    ]
    for threshold in ladder.thresholds:
        assert (threshold.score, threshold.subscore, threshold.shared) == at_rank(crowd, threshold.rank)


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(board=boards, records=lists_of_values, rank=st.integers(1, 32), newcomer=values)
def test_who_reaches_a_threshold_holds_the_rank_and_who_is_worse_does_not(
    board: Board, records: Values, rank: int, newcomer: tuple[int, int]
) -> None:
    crowd = Crowd(board, records)
    score, subscore = crowd.value(*newcomer)

    [threshold] = crowd.world.services.thresholds.ladder(*crowd.tree, [rank]).thresholds
    gained = crowd.better_than(score, subscore) + 1

    if threshold.score is None or threshold.subscore is None:
        assert gained <= rank
        return
    needed = board.value(threshold.score, threshold.subscore)
    assert (gained <= rank) is (board.value(score, subscore) <= needed)
    assert threshold.shared == crowd.better_than(threshold.score, threshold.subscore) + 1


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(board=boards, records=lists_of_values, asked=values, data=st.data())
def test_a_prospect_is_the_rank_in_a_sorted_list(
    board: Board, records: Values, asked: tuple[int, int], data: st.DataObject
) -> None:
    crowd = Crowd(board, records)
    score, subscore = data.draw(st.sampled_from([crowd.value(*each) for each in (asked, *records)]))
    player_id = data.draw(st.none() | st.sampled_from([*crowd.player_ids, "f" * 32]))

    prospect = crowd.world.services.thresholds.prospect(*crowd.tree, score, subscore, player_id)

    total = len(records) + (player_id not in crowd.player_ids)
    assert prospect.rank == crowd.better_than(score, subscore, without=player_id) + 1
    assert prospect.total == total
    assert prospect.percentile == round(100 * (total - prospect.rank + 1) / total, 4)


@pytest.mark.parametrize("order", SortOrder)
@pytest.mark.parametrize("subscore_order", [None, *SortOrder])
def test_thresholds_reach_to_the_ends_of_64_bits(order: SortOrder, subscore_order: SortOrder | None) -> None:
    extremes = [(INT64_MIN, INT64_MIN), (INT64_MAX, INT64_MAX), (INT64_MIN, INT64_MAX), (0, INT64_MIN)]
    crowd = Crowd(board(sort_order=order, subscore_order=subscore_order), extremes)

    ladder = crowd.world.services.thresholds.ladder(*crowd.tree, [1, 2, 3, 4])

    assert [(each.score, each.subscore, each.shared) for each in ladder.thresholds] == [
        at_rank(crowd, rank) for rank in (1, 2, 3, 4)
    ]


def test_any_score_holds_a_rank_that_nobody_has_yet() -> None:
    crowd = Crowd(board(), [(5, 0), (9, 0)])

    ladder = crowd.world.services.thresholds.ladder(*crowd.tree, [2, 3, 10**15], [Decimal(100)])

    assert ladder.thresholds == [
        Threshold(2, None, 5, 0, 2),
        Threshold(3, None),
        Threshold(10**15, None),
        Threshold(2, Decimal(100), 5, 0, 2),
    ]


def test_on_an_empty_board_any_score_is_in_the_top_of_any_percent() -> None:
    crowd = Crowd(board(), [])

    assert crowd.world.services.thresholds.ladder(*crowd.tree, [1], [Decimal("0.1")]).thresholds == [
        Threshold(1, None),
        Threshold(1, Decimal("0.1")),
    ]
    assert crowd.world.services.thresholds.prospect(*crowd.tree, 0).rank == 1


def test_hidden_records_take_no_rank() -> None:
    world, ids = played(9, 5, 3)
    world.services.moderation.hide(ids[0], world.services.boards.get("race"), "all", hidden=True)

    ladder = world.services.thresholds.ladder("race", "current", [1])

    assert (ladder.total, ladder.thresholds) == (2, [Threshold(1, None, 5, 0, 1)])
    assert world.services.thresholds.prospect("race", "current", 6, 0, ids[0]).total == 3


def test_a_subscore_on_a_board_without_is_refused() -> None:
    crowd = Crowd(board(), [])

    with pytest.raises(MalformedError, match="subscore"):
        crowd.world.services.thresholds.prospect(*crowd.tree, 0, 1)


def test_many_thresholds_take_as_many_rounds_as_one() -> None:
    crowd = Crowd(board(), [(score, 0) for score in range(0, 400 * WIDE, WIDE)])

    with crowd.calls() as calls:
        ranks = list(range(1, 400, 20))
        crowd.world.services.thresholds.ladder(*crowd.tree, ranks, [Decimal(percent) for percent in range(1, 21)])

    operations = [call.operation for call in calls]
    assert operations[:3] == ["BatchGetItem"] * 3
    assert set(operations[3:]) == {"Query"}
    assert len(operations[3:]) <= 40
    assert nodes_read(calls)[0] == 1
    assert max(nodes_read(calls)) <= 40


def test_thresholds_in_one_bin_take_one_query_as_far_as_the_last_of_them() -> None:
    crowd = Crowd(board(), [(WIDE + step, 0) for step in range(100)])

    with crowd.calls() as calls:
        crowd.world.services.thresholds.ladder(*crowd.tree, [1, 5, 30])

    [query] = [call.request for call in calls if call.operation == "Query"]
    assert query["Limit"] == 30


@pytest.mark.parametrize(("subscore_order", "levels"), [(None, 3), (SortOrder.ASC, 6)])
def test_thresholds_among_ties_take_no_query(subscore_order: SortOrder | None, levels: int) -> None:
    crowd = Crowd(board(subscore_order=subscore_order), [(7, 1)] * 20)

    with crowd.calls() as calls:
        ladder = crowd.world.services.thresholds.ladder(*crowd.tree, [10, 20])

    assert {threshold.shared for threshold in ladder.thresholds} == {1}
    assert nodes_read(calls) == [1] * levels
    assert len(calls) == levels


def test_a_rank_that_nobody_has_takes_one_read_of_the_root() -> None:
    crowd = Crowd(board(layouts=Layouts(Layout(lanes=3))), [(7, 0)])

    with crowd.calls() as calls:
        crowd.world.services.thresholds.ladder(*crowd.tree, [2, 1000])

    assert nodes_read(calls) == [3]
    assert len(calls) == 1


@pytest.mark.parametrize(("score", "operations"), [(7, ["BatchGetItem"]), (WIDE + 9, ["BatchGetItem", "Query"])])
def test_a_prospect_takes_one_round(score: int, operations: list[str]) -> None:
    crowd = Crowd(board(), [(7, 0), (WIDE, 0)])

    with crowd.calls() as calls:
        crowd.world.services.thresholds.prospect(*crowd.tree, score)

    assert sorted(call.operation for call in calls) == operations
    assert nodes_read(calls) == [3]


def test_a_record_that_is_counted_but_not_yet_listed_lets_its_bins_best_value_stand() -> None:
    world, _ = played(WIDE)
    world.client.freeze_indexes()
    world.play(world.player("late"), Submission("race", 3 * WIDE))

    [threshold] = world.services.thresholds.ladder("race", "current", [1]).thresholds
    world.client.thaw_indexes()
    [exact] = world.services.thresholds.ladder("race", "current", [1]).thresholds

    assert exact == Threshold(1, None, 3 * WIDE, 0, 1)
    assert threshold.score is not None
    assert 3 * WIDE <= threshold.score < 3 * WIDE * 4097 // 4096
    assert threshold.shared == 1


@pytest.mark.parametrize("round_", [2, 3])
def test_records_that_leave_between_two_rounds_leave_no_threshold_worse_than_asked(round_: int) -> None:
    world, ids = played(3 * WIDE, 3 * WIDE + 1, WIDE, 5)
    rounds = count(1)

    def leave(call: Call) -> None:
        del call
        for player_id in ids[:3]:
            world.services.moderation.remove(player_id, world.services.boards.get("race"), "all")

    world.before(Once(lambda call: call.operation == "BatchGetItem" and next(rounds) == round_, leave))
    thresholds = world.services.thresholds.ladder("race", "current", [1, 2, 3, 4]).thresholds

    assert all(each.score is not None and each.shared is not None for each in thresholds)
    assert [each.shared for each in thresholds if each.shared and each.shared > each.rank] == []


def played(*scores: int) -> tuple[World, list[str]]:
    world = World()
    world.board()
    ids = [world.player(f"p{number}") for number in range(len(scores))]
    for player_id, score in zip(ids, scores, strict=True):
        world.play(player_id, Submission("race", score))
    return world, ids


def at_rank(crowd: Crowd, rank: int) -> tuple[int | None, int | None, int | None]:
    """Return the value of the record at a position of a sorted list, and the rank it shares."""
    listing = crowd.oracle.listing()
    if rank > len(listing):
        return None, None, None
    shared, player_id = listing[rank - 1]
    line = crowd.oracle.lines[player_id]
    return line.score, line.subscore, shared
