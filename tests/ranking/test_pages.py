from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.ranking.pages import Value, competition_ranks, lane_of, percentile, window
from tests.strategies import EXAMPLES, player_ids

values = st.tuples(st.integers(0, 6), st.just(0))
listings = st.lists(values, min_size=1, max_size=25).map(sorted)


def rank(listing: list[Value], value: Value) -> int:
    return 1 + sum(other < value for other in listing)


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(listing=listings, data=st.data())
def test_two_known_ranks_give_those_of_every_row(listing: list[Value], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(listing) - 1))
    rows = listing[start : data.draw(st.integers(start + 1, len(listing)))]
    expected = [rank(listing, value) for value in rows]
    known = {value: rank(listing, value) for value in list(dict.fromkeys(rows))[:2]}

    assert competition_ranks(rows, known, position=None) == expected


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(listing=listings, data=st.data())
def test_ranks_are_right_or_unknown(listing: list[Value], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(listing) - 1))
    rows = listing[start:]
    asked = data.draw(st.sets(st.sampled_from(rows)))

    ranks = competition_ranks(rows, {value: rank(listing, value) for value in asked}, position=None)

    expected = [rank(listing, value) for value in rows]
    assert all(each in {None, right} for each, right in zip(ranks, expected, strict=True))
    assert all(each is not None for each, value in zip(ranks, rows, strict=True) if value in asked)


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(listing=listings, data=st.data())
def test_the_position_of_a_bins_first_row_gives_every_rank(listing: list[Value], data: st.DataObject) -> None:
    start = listing.index(data.draw(st.sampled_from(listing)))

    ranks = competition_ranks(listing[start:], {}, position=start)

    assert ranks == [rank(listing, value) for value in listing[start:]]


def test_no_rows_have_no_ranks() -> None:
    assert competition_ranks([], {}, position=None) == []
    assert competition_ranks([], {}, position=0) == []


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(total=st.integers(1, 30), own=st.integers(0, 29), size=st.integers(1, 12))
def test_a_window_is_full_and_centred_unless_an_end_is_near(total: int, own: int, size: int) -> None:
    own %= total
    rows = list(range(total))

    listing = rows[max(0, own - size) : own + 1 + size]
    above = listing.index(own)

    shown = window(above, len(listing) - above - 1, size)

    start = max(0, min(own - (size - 1) // 2, total - size))
    assert listing[shown] == rows[start : start + size]


@pytest.mark.property
@given(listing=listings)
def test_percentile_is_the_share_of_records_that_are_not_better(listing: list[Value]) -> None:
    for value in listing:
        not_better = sum(other >= value for other in listing)
        assert percentile(rank(listing, value), len(listing)) == round(100 * not_better / len(listing), 4)


@pytest.mark.property
@given(player_id=player_ids, lanes=st.integers(1, 8))
def test_a_player_has_a_lane_that_exists(player_id: str, lanes: int) -> None:
    assert 0 <= lane_of(player_id, lanes) < lanes


def test_lanes_share_the_players() -> None:
    counts = Counter(lane_of(f"{number:032x}", 4) for number in range(4000))

    assert all(800 < counts[lane] < 1200 for lane in range(4))
