from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from chalicelib.domain.layouts import MAX_DIGITS, MAX_LANES, MAX_SLICES, MIN_DIGITS, Layout, fresh
from chalicelib.ranking import advice
from chalicelib.ranking.advice import Figures, changes, cost, digits_for, lanes_for, slices_for
from chalicelib.ranking.bins import CHILDREN

layouts = st.builds(
    Layout,
    digits=st.integers(MIN_DIGITS, MAX_DIGITS),
    lanes=st.sampled_from([1, 2, 4, 8, 16, 32]),
    slices=st.integers(0, MAX_SLICES),
)
shares = st.tuples(st.just(1.0), st.floats(0.01, 1), st.floats(0.01, 1)).map(lambda each: tuple(sorted(each)[::-1]))
sizes = st.floats(0, 10**8)
figures = st.builds(
    lambda layout, records, size, coarser, peak, shares: Figures(layout, records, size, size + coarser, peak, shares),
    layouts,
    st.integers(0, 10**9),
    sizes,
    sizes,
    st.floats(0, 10**5),
    shares,
)
CALM = Figures(Layout(), 10_000, 3.0, 100.0, 2.0)


def wanted(known: Figures) -> Layout:
    by_setting = {change.setting: change.wanted for change in changes(known)}
    now = known.layout
    return structs.replace(
        now, **{name: by_setting.get(name, getattr(now, name)) for name in ("digits", "lanes", "slices")}
    )


def test_a_calm_board_of_ordinary_size_needs_nothing() -> None:
    assert changes(CALM) == []


@pytest.mark.parametrize(
    ("known", "setting", "now", "then"),
    [
        (replace(CALM, peak=600.0), "lanes", 1, 2),
        (replace(CALM, peak=300.0, shares=(1.0, 0.5, 0.1)), "slices", 0, 1),
        (replace(CALM, bin_size=1_270.0), "digits", 3, 4),
        (replace(CALM, layout=Layout(lanes=8)), "lanes", 8, 1),
        (replace(CALM, layout=Layout(slices=2)), "slices", 2, 0),
        (replace(CALM, layout=Layout(digits=5), bin_size=0.1, coarser_bin_size=5.0), "digits", 5, 4),
    ],
)
def test_what_a_board_needs_is_said_with_the_reason(known: Figures, setting: str, now: int, then: int) -> None:
    change = next(change for change in changes(known) if change.setting == setting)

    assert (change.now, change.wanted) == (now, then)
    assert change.why


@given(figures)
def test_advice_stays_within_what_an_operator_can_ask_for(known: Figures) -> None:
    layout = wanted(known)

    assert MIN_DIGITS <= layout.digits <= MAX_DIGITS
    assert 1 <= layout.lanes <= MAX_LANES
    assert 0 <= layout.slices <= MAX_SLICES


@given(figures)
def test_lanes_and_slices_that_were_advised_are_not_advised_against(known: Figures) -> None:
    followed = replace(known, layout=wanted(known))

    assert not {change.setting for change in changes(followed)} & {"lanes", "slices"}


@given(st.floats(1, 10**8), st.integers(MIN_DIGITS, MAX_DIGITS))
def test_digits_that_were_advised_are_not_advised_against(size: float, digits: int) -> None:
    advised = digits_for(size, size * CHILDREN, digits)
    steps = advised - digits
    followed = digits_for(size / CHILDREN**steps, size * CHILDREN / CHILDREN**steps, advised)

    assert (advised >= digits and followed == advised) or followed <= advised


@given(st.floats(0, 10**6), st.floats(0, 10**6))
def test_a_higher_peak_never_needs_fewer_lanes(one: float, other: float) -> None:
    assert lanes_for(min(one, other)) <= lanes_for(max(one, other))


@given(st.floats(0, 10**6))
def test_lanes_carry_the_peak_with_headroom_as_far_as_there_are_lanes(peak: float) -> None:
    lanes = lanes_for(peak)
    room = advice.LANE_SETTLES * advice.HEADROOM

    assert peak <= lanes * room or lanes == MAX_LANES
    assert lanes == 1 or peak > lanes // 2 * room


@given(st.floats(0, 10**6), shares)
def test_slices_are_the_shallowest_that_carry_the_peak(peak: float, shares: tuple[float, ...]) -> None:
    depth = slices_for(peak, shares)
    room = advice.PARTITION_WRITE_UNITS * advice.HEADROOM / advice.UNITS_TO_MOVE_IN_LISTING

    assert all(peak * shares[shallower] > room for shallower in range(depth))
    assert peak * shares[depth] <= room or depth == MAX_SLICES


def test_a_cut_that_does_not_help_enough_is_called_that() -> None:
    change = next(each for each in changes(replace(CALM, peak=9_000.0)) if each.setting == "slices")

    assert "no cut is deeper" in change.why


@given(figures, layouts)
def test_a_rebuild_costs_more_for_more_records_and_for_another_listing(known: Figures, layout: Layout) -> None:
    built = fresh(known.layout, 1, digits=layout.digits, lanes=layout.lanes, slices=layout.slices)
    price, twice = cost(known, built, 70), cost(replace(known, records=2 * known.records), built, 70)
    alike = cost(known, structs.replace(built, listing=known.layout.listing), 70)

    assert price.write_units >= 2 * known.records
    assert twice.write_units >= price.write_units >= alike.write_units
    assert twice.dollars >= price.dollars >= 0
    assert twice.minutes >= price.minutes >= 4
