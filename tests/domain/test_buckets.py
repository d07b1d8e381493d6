"""How buckets end, held to definitions applied the slow way, and how they are filled."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.domain import buckets
from chalicelib.domain.boards import Board
from chalicelib.domain.buckets import MAX_LANES, UNKNOWN, Place, Result
from chalicelib.domain.records import Record
from chalicelib.domain.seasons import Cut, Move
from tests.domain.test_seasons import season
from tests.strategies import boards

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BOARD = Board(board_id="race", title="Race", created_at=NOON)
Scores = Sequence[int | None]
"""Of the players by number; None for one without a record."""
scores = st.lists(st.none() | st.integers(0, 8), min_size=1, max_size=30)
cuts = st.builds(Cut, rank=st.integers(0, 30)) | st.builds(Cut, percent=st.integers(0, 100))


def name(number: int) -> str:
    return f"{number:032x}"


def record(number: int, score: int, *, hidden: bool = False) -> Record:
    return Record(name(number), "race", "all", score, 0, NOON, 1, "", hidden=hidden)


def result_of(scores: Scores, board: Board = BOARD) -> Result:
    records = {name(number): record(number, score) for number, score in enumerate(scores) if score is not None}
    return buckets.placed(board, [name(number) for number in range(len(scores))], records)


def moves(scores: Scores, promote: Cut, relegate: Cut) -> list[Move]:
    result = result_of(scores)
    rules = season(promote=promote, relegate=relegate)
    return [buckets.move(rules, result, name(number)) for number in range(len(scores))]


def expected_moves(scores: Scores, promote: Cut, relegate: Cut) -> list[Move]:
    """Compute a whole bucket at once, from what each member is better and worse than."""
    level = [-1 if score is None else score for score in scores]
    up, down = (_number(cut, len(scores)) for cut in (promote, relegate))
    rises = [own >= 0 and sum(other > own for other in level) < up for own in level]
    falls = [sum(other < own for other in level) < down for own in level]
    return [
        Move.STAYED if rise == fall else Move.PROMOTED if rise else Move.RELEGATED
        for rise, fall in zip(rises, falls, strict=True)
    ]


def _number(cut: Cut, members: int) -> int:
    return cut.rank if cut.rank is not None else int(members * (cut.percent or 0) / 100 + 1e-9)


@given(board=boards, scores=scores)
def test_ranks_count_the_members_that_are_strictly_better(board: Board, scores: Scores) -> None:
    result = result_of(scores, board)

    values = {name(number): board.value(score, 0) for number, score in enumerate(scores) if score is not None}
    assert {place.player_id: place.rank for place in result} == {
        name(number): 1 + sum(other < values[name(number)] for other in values.values()) if score is not None else None
        for number, score in enumerate(scores)
    }


@given(scores=scores)
def test_each_member_has_one_place_best_first_and_unranked_last(scores: Scores) -> None:
    result = result_of(scores)

    assert sorted(place.player_id for place in result) == [name(number) for number in range(len(scores))]
    ranks = [len(scores) + 1 if place.rank is None else place.rank for place in result]
    assert ranks == sorted(ranks)


def test_a_hidden_record_and_a_stranger_s_are_as_good_as_none() -> None:
    records = {name(0): record(0, 9, hidden=True), name(1): record(1, 3), name(2): record(2, 5)}

    assert buckets.placed(BOARD, [name(0), name(1)], records) == (Place(name(1), 1), Place(name(0), None))


def test_ties_are_listed_by_who_was_earlier() -> None:
    late, early = record(1, 7), replace(record(2, 7), achieved_at=datetime(2026, 11, 22, 11, tzinfo=UTC))

    result = buckets.placed(BOARD, [name(1), name(2)], {name(1): late, name(2): early})

    assert result == (Place(name(2), 1), Place(name(1), 1))


@given(scores=scores, promote=cuts, relegate=cuts)
def test_each_move_alone_is_that_of_the_whole_bucket_at_once(scores: Scores, promote: Cut, relegate: Cut) -> None:
    assert moves(scores, promote, relegate) == expected_moves(scores, promote, relegate)


@given(scores=st.lists(st.integers(0, 10**6), min_size=1, max_size=50, unique=True), promote=cuts, relegate=cuts)
def test_without_ties_no_more_move_than_the_cuts_say(scores: Scores, promote: Cut, relegate: Cut) -> None:
    found = moves(scores, promote, relegate)

    assert found.count(Move.PROMOTED) <= promote.of(len(scores))
    assert found.count(Move.RELEGATED) <= relegate.of(len(scores))


@given(scores=scores, promote=cuts, relegate=cuts)
def test_nobody_falls_past_somebody_worse(scores: Scores, promote: Cut, relegate: Cut) -> None:
    assume(promote.of(len(scores)) + relegate.of(len(scores)) <= len(scores))
    found = moves(scores, promote, relegate)

    order = [Move.RELEGATED, Move.STAYED, Move.PROMOTED]
    pairs = sorted(
        (-1 if score is None else score, order.index(each)) for score, each in zip(scores, found, strict=True)
    )
    assert [moved for _, moved in pairs] == sorted(moved for _, moved in pairs)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([9], [Move.STAYED]),
        ([None], [Move.RELEGATED]),
        ([9, 8], [Move.PROMOTED, Move.RELEGATED]),
        ([9, 9], [Move.STAYED, Move.STAYED]),
        ([9, 9, 8], [Move.PROMOTED, Move.PROMOTED, Move.RELEGATED]),
        ([9, 8, None, None], [Move.PROMOTED, Move.STAYED, Move.RELEGATED, Move.RELEGATED]),
    ],
    ids=["alone", "alone without a record", "two", "a tie of all", "a tie at the top", "without records"],
)
def test_equals_fare_equally(scores: Scores, expected: list[Move]) -> None:
    assert moves(scores, Cut(rank=1), Cut(rank=1)) == expected


@pytest.mark.parametrize(
    ("promote", "relegate", "expected"),
    [
        (Cut(percent=20), Cut(percent=20), [Move.STAYED] * 3),
        (Cut(rank=5), Cut(percent=20), [Move.PROMOTED] * 3),
        (Cut(rank=5), Cut(rank=5), [Move.STAYED] * 3),
    ],
    ids=["percent", "rank", "both by rank"],
)
def test_in_a_bucket_smaller_than_its_cuts_only_one_by_rank_moves_all(
    promote: Cut, relegate: Cut, expected: list[Move]
) -> None:
    assert moves([9, 8, 7], promote, relegate) == expected


def test_the_move_of_no_member_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        buckets.move(season(), result_of([1]), name(5))


@given(percentile=st.floats(0.0001, 100), bands=st.integers(2, 10))
def test_a_band_is_an_equal_part_of_the_board(percentile: float, bands: int) -> None:
    found = buckets.band(percentile, bands)

    assert 1 <= found <= bands
    assert (found - 1) * 100 / bands <= percentile <= found * 100 / bands + 1e-9


def test_where_skill_does_not_count_all_are_alike() -> None:
    assert buckets.band(73.0, 1) == buckets.band(None, 1) == buckets.band(None, 5) == UNKNOWN


lanes = st.sets(st.integers(0, MAX_LANES - 1), min_size=1).map(sorted)


@given(number=st.integers(0, 10**9), lanes=lanes)
def test_who_meets_nobody_begins_no_lane(number: int, lanes: list[int]) -> None:
    assert buckets.lane(name(number), lanes, met=0) in lanes


@given(number=st.integers(0, 10**9), lanes=lanes | st.just([]), met=st.integers(0, 20))
def test_there_are_no_more_lanes_than_the_most(number: int, lanes: list[int], met: int) -> None:
    assert 0 <= buckets.lane(name(number), lanes, met) < MAX_LANES


def test_the_first_lane_is_the_same_for_all() -> None:
    assert {buckets.lane(name(number), [], met=0) for number in range(100)} == {0}


@pytest.mark.parametrize("there", [1, 8, 30])
def test_the_fewer_lanes_there_are_the_more_begin_where_players_meet(there: int) -> None:
    chosen = [buckets.lane(name(number), range(there), met=1) for number in range(4000)]

    begun = [lane for lane in chosen if lane >= there]
    assert len(begun) == pytest.approx(4000 / (2 + there) * (MAX_LANES - there) / MAX_LANES, rel=0.5)
    assert len(set(begun)) > (MAX_LANES - there) / 2


def test_players_spread_over_the_lanes() -> None:
    counts = Counter(buckets.lane(name(number), range(8), met=0) for number in range(4000))

    assert min(counts.values()) > 400
    assert max(counts.values()) < 600
