import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.layouts import UNCUT, Indexing, Layout, Layouts, Listing, fresh
from tests.strategies import layout

NIGHTLY = Layout(digits=4)
WEEKLY = Layout(digits=2)


@pytest.mark.parametrize(
    ("period_id", "read"),
    [
        ("20261101T0000Z", Layout()),
        ("20261122T0000Z", NIGHTLY),
        ("20261123T0000Z", NIGHTLY),
        ("20261201T0000Z", WEEKLY),
        ("20270101T0000Z", WEEKLY),
    ],
)
def test_a_period_has_the_layout_of_the_last_change_before_it(period_id: str, read: Layout) -> None:
    layouts = Layouts(since=(("20261122T0000Z", NIGHTLY), ("20261201T0000Z", WEEKLY)))

    assert layouts.of(period_id) == Indexing(read)


def test_a_rebuilt_period_has_its_own_and_the_others_keep_theirs() -> None:
    building = Indexing(Layout(), (Layout(2, lanes=4),))

    layouts = UNCUT.with_period("all", Indexing(NIGHTLY)).with_period("all", building)

    assert layouts.of("all") == building
    assert layouts.of("20261122T0000Z") == UNCUT.of("20261122T0000Z")
    assert (building.written, building.newest) == ((Layout(), Layout(2, lanes=4)), 2)


@given(current=layout, digits=st.integers(2, 4), lanes=st.integers(1, 16), slices=st.integers(0, 2))
def test_a_fresh_layout_lists_elsewhere_exactly_where_it_cuts_otherwise(
    current: Layout, digits: int, lanes: int, slices: int
) -> None:
    built = fresh(current, 7, digits=digits, lanes=lanes, slices=slices)

    assert (built.generation, built.digits, built.lanes, built.slices) == (8, digits, lanes, slices)
    cut_alike = slices == current.slices and (digits == current.digits or slices == 0)
    assert (built.listing is current.listing) is cut_alike
    assert built.listed_since == (current.listed_since if cut_alike else 8)


def test_listings_take_turns() -> None:
    cut = fresh(Layout(), 1, digits=3, lanes=1, slices=1)
    whole = fresh(cut, 2, digits=3, lanes=1, slices=0)

    assert (cut.listing, whole.listing) == (Listing.B, Listing.A)
