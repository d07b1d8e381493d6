from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.demo.boards import Board, fastest_lap, points
from local.demo.oracle import Row, Submission, standings

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
POINTS, LAP = points("points"), fastest_lap("lap")


def submission(player: str, score: int, subscore: int = 0, *, board: Board = POINTS, second: int = 0) -> Submission:
    return Submission(player, board.board_id, score, subscore, START + timedelta(seconds=second))


def test_equal_scores_share_a_rank_and_the_next_one_is_passed_over() -> None:
    submissions = [submission("ada", 90), submission("ben", 90, second=1), submission("cleo", 80)]

    assert [row.rank for row in standings(POINTS, submissions)] == [1, 1, 3]


def test_the_best_of_a_player_counts_and_worse_ones_do_not() -> None:
    submissions = [submission("ada", 80), submission("ada", 95), submission("ada", 70), submission("ben", 90)]

    assert standings(POINTS, submissions) == [Row(1, "ada", 95, 0), Row(2, "ben", 90, 0)]


def test_the_lower_lap_is_better_and_fewer_crashes_tell_equal_ones_apart() -> None:
    submissions = [
        submission("ada", 2400, 1, board=LAP),
        submission("ben", 2400, 0, board=LAP, second=1),
        submission("cleo", 2390, 5, board=LAP),
    ]

    assert [row.player_id for row in standings(LAP, submissions)] == ["cleo", "ben", "ada"]


def test_who_was_first_comes_first_among_equals_even_after_the_same_score_again() -> None:
    submissions = [submission("ben", 90, second=2), submission("ada", 90, second=1), submission("ada", 90, second=3)]

    assert [row.player_id for row in standings(POINTS, submissions)] == ["ada", "ben"]


def test_submissions_to_the_other_board_do_not_count() -> None:
    assert standings(POINTS, [submission("ada", 1, board=LAP)]) == []


@pytest.mark.property
@given(
    st.sampled_from([POINTS, LAP]),
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(-3, 3), st.integers(0, 2), st.integers(0, 3))),
)
def test_a_rank_is_one_more_than_the_players_who_are_strictly_better(
    board: Board, drawn: Sequence[tuple[str, int, int, int]]
) -> None:
    submissions = [submission(*each[:3], board=board, second=each[3]) for each in drawn]

    rows = standings(board, submissions)

    best = {
        player: min(board.value(each.score, each.subscore) for each in submissions if each.player_id == player)
        for player in {each.player_id for each in submissions}
    }
    assert {row.player_id: row.rank for row in rows} == {
        player: 1 + sum(other < value for other in best.values()) for player, value in best.items()
    }
