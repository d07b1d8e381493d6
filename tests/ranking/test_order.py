import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.boards import INT64_MAX, INT64_MIN, Board
from chalicelib.ranking import order
from chalicelib.ranking.order import Position
from tests.strategies import EXAMPLES, boards, instants, int64, player_ids

positions = st.builds(Position, int64 | st.integers(-2, 2), int64 | st.integers(-2, 2), instants, player_ids)


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(board=boards, listed=st.lists(positions, max_size=12))
def test_the_order_of_keys_is_the_order_of_ranks_then_of_time_then_of_players(
    board: Board, listed: list[Position]
) -> None:
    by_rank = sorted(
        listed, key=lambda each: (board.value(each.score, each.subscore), each.achieved_at, each.player_id)
    )

    assert sorted(order.encode(board, each) for each in listed) == [order.encode(board, each) for each in by_rank]


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(board=boards, position=positions)
def test_a_key_reads_back_as_what_it_was_made_of(board: Board, position: Position) -> None:
    assert order.decode(board, order.encode(board, position)) == position


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(board=boards, position=positions, value=st.tuples(int64, int64))
def test_the_keys_of_better_records_and_no_others_lie_below_a_prefix(
    board: Board, position: Position, value: tuple[int, int]
) -> None:
    key = order.encode(board, position)

    assert (key < order.prefix(value)) is (board.value(position.score, position.subscore) < value)
    assert key.startswith(order.prefix(board.value(position.score, position.subscore)))


@pytest.mark.parametrize(("value", "text"), [(INT64_MIN, "0" * 16), (0, "8" + "0" * 15), (INT64_MAX, "f" * 16)])
def test_the_ends_of_64_bits_fit(value: int, text: str) -> None:
    assert order.prefix((value, value)) == text * 2
