from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.ranking.descents import Descent, last_of_top

counts = st.dictionaries(st.integers(0, 63), st.integers(0, 5), max_size=8)
percents = st.decimals(min_value="0.0001", max_value=100, places=4)


@given(counts=counts, offset=st.integers(0, 40))
def test_a_descent_goes_where_the_record_at_its_offset_is_counted(counts: dict[int, int], offset: int) -> None:
    children = [child for child in sorted(counts) for _ in range(counts[child])]

    path, rest, better = Descent((50,), offset, better=7).into(counts)

    if offset < len(children):
        assert path == (50, children[offset])
        assert (better, rest) == (7 + children.index(children[offset]), offset - children.index(children[offset]))


@given(counts=counts, offset=st.integers(0, 40))
def test_a_record_that_is_gone_is_replaced_by_no_worse_a_place(counts: dict[int, int], offset: int) -> None:
    total = sum(counts.values())

    path, rest, better = Descent((50,), offset, better=7).into(counts)

    assert better + rest <= 7 + offset
    if total == 0:
        assert (path, rest, better) == ((50, 0), 0, 7)
    elif offset >= total:
        assert better + rest == 7 + total - 1


@given(percent=percents, total=st.integers(1, 10**12))
def test_the_top_percent_ends_at_the_first_rank_that_is_not_less(percent: Decimal, total: int) -> None:
    rank = last_of_top(percent, total)

    assert 1 <= rank <= total
    assert rank * 100 >= percent * total > (rank - 1) * 100


@pytest.mark.parametrize(
    ("percent", "total", "rank"), [("1", 100, 1), ("1", 101, 2), ("0.1", 3000, 3), ("29", 100, 29), ("50", 0, 1)]
)
def test_percents_are_decimal(percent: str, total: int, rank: int) -> None:
    assert last_of_top(Decimal(percent), total) == rank
