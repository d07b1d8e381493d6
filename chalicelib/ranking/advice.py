"""Advice: which layout suits a board, by its own figures and the limits of DynamoDB.

Every limit stands here with its source. What is an assumption says so: a benchmark of your own beats it.
"""

from dataclasses import dataclass
from math import ceil

from chalicelib.domain.layouts import MAX_DIGITS, MAX_LANES, MAX_SLICES, MIN_DIGITS, Layout
from chalicelib.ranking.bins import CHILDREN

PARTITION_WRITE_UNITS = 1000
"""A second, for one partition and so for one item. AWS: "Best practices for designing partition keys effectively"."""
UNITS_TO_MOVE_IN_LISTING = 2
"""An improved record leaves its old place in the ordered index and enters the new one, a write unit each."""
LANE_SETTLES = 1000
"""Records a second, an assumption: two transactions that write one root at the same time cancel each other. In
bench/results/contention.json one lane carries 1,500, four 3,600 and sixteen 10,000, with transactions of 8 ms."""
HEADROOM = 0.5
"""How much of a limit a layout should use at the board's peak."""
HYSTERESIS = 4
"""A board gives lanes or slices back only when they would do for four times its peak."""
LARGE_BIN = 1000
"""Records: counting half of so many reads some fifteen read units, more than the nodes themselves."""

# What a rebuild takes: tests/services/test_advice.py counts it, on a board so small that its nodes are shared little.
WRITE_UNITS_PER_RECORD = 4
"""Of a rebuild: a mark, two units, and its share of the nodes, of their deletion later, and of the job's steps."""
WRITE_UNITS_PER_RELISTED_RECORD = 4
"""The record and its entry in the new listing, then once more without the old one."""
READ_UNITS_PER_RECORD = 6
"""The mark, the record, the mark again to settle, and its share of the nodes that are verified."""
READ_UNITS_PER_RELISTED_RECORD = 5
"""The same again, in a second pass, and the record before it is taken out of the old listing."""
DOLLARS_PER_WRITE_UNIT = 0.625e-6
DOLLARS_PER_READ_UNIT = 0.125e-6
PRICES = "on-demand list prices of us-east-1 since November 2024"
RECORDS_REBUILT_PER_SECOND = 1000
"""By one function, an assumption."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of a board and period."""

    layout: Layout
    records: int
    bin_size: float
    """Records in the bin of a record taken at random, where that bin holds different values; 0 for a bin of ties."""
    coarser_bin_size: float
    """The same if there were a digit less."""
    peak: float
    """Writes a second."""
    shares: tuple[float, ...] = (1.0, 1.0, 1.0)
    """The part of the records that stands in the fullest slice, when the listing is cut 0, 1 or 2 digits deep."""


@dataclass(frozen=True, slots=True)
class Change:
    setting: str
    now: int
    wanted: int
    why: str


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a rebuild to the layout wanted."""

    write_units: int
    read_units: int
    dollars: float
    minutes: int
    prices: str = PRICES


def changes(figures: Figures) -> list[Change]:
    """Return what should be changed; nothing where the layout suits the board."""
    wanted = [_digits(figures), _lanes(figures), _slices(figures)]
    return [change for change in wanted if change.now != change.wanted]


def cost(figures: Figures, wanted: Layout, grace_seconds: float) -> Cost:
    """Return what a rebuild to a layout costs.

    Args:
        grace_seconds: How long it waits, three times.
    """
    relisted = wanted.listing is not figures.layout.listing
    per_record = WRITE_UNITS_PER_RECORD + (WRITE_UNITS_PER_RELISTED_RECORD if relisted else 0)
    write_units = ceil(figures.records * per_record)
    read_units = ceil(figures.records * (READ_UNITS_PER_RECORD + (READ_UNITS_PER_RELISTED_RECORD if relisted else 0)))
    dollars = write_units * DOLLARS_PER_WRITE_UNIT + read_units * DOLLARS_PER_READ_UNIT
    seconds = figures.records / RECORDS_REBUILT_PER_SECOND + 3 * grace_seconds
    return Cost(write_units, read_units, round(dollars, 2), ceil(seconds / 60))


def lanes_for(peak: float) -> int:
    """Return the fewest lanes, a power of two, that settle a peak of writes a second with headroom.

    >>> lanes_for(0), lanes_for(500), lanes_for(501), lanes_for(10_000)
    (1, 1, 2, 32)
    """
    lanes = 1
    while lanes < MAX_LANES and peak > lanes * LANE_SETTLES * HEADROOM:
        lanes *= 2
    return lanes


def slices_for(peak: float, shares: tuple[float, ...]) -> int:
    """Return the shallowest cut whose fullest slice takes a peak of writes a second with headroom; else the deepest.

    >>> slices_for(200, (1.0, 0.6, 0.1)), slices_for(400, (1.0, 0.6, 0.1)), slices_for(9000, (1.0, 0.6, 0.1))
    (0, 1, 2)
    """
    return next((depth for depth, share in enumerate(shares[:MAX_SLICES]) if _fits(peak * share)), MAX_SLICES)


def digits_for(bin_size: float, coarser_bin_size: float, digits: int) -> int:
    """Return the fewest digits with which no record taken at random shares its bin with many others.

    At most one digit is given back at a time: how full still coarser bins would be is not known.

    >>> digits_for(400, 9_000, 3), digits_for(40_000, 900_000, 3), digits_for(2_000_000, 9_000_000, 3)
    (3, 4, 5)
    >>> digits_for(0.5, 20, 5)
    4
    """
    if digits > MIN_DIGITS and coarser_bin_size * HYSTERESIS <= LARGE_BIN:
        return digits - 1
    while digits < MAX_DIGITS and bin_size > LARGE_BIN:
        digits, bin_size = digits + 1, bin_size / CHILDREN
    return digits


def _digits(figures: Figures) -> Change:
    now, size = figures.layout.digits, figures.bin_size
    wanted = digits_for(size, figures.coarser_bin_size, now)
    if wanted > now:
        why = f"a rank counts among {size:,.0f} records of its bin; a digit more makes bins {CHILDREN} times finer"
    else:
        why = f"with a digit less a bin would hold {figures.coarser_bin_size:,.0f} records, and a rank read a node less"
    return Change("digits", now, wanted, why)


def _lanes(figures: Figures) -> Change:
    now, needed = figures.layout.lanes, lanes_for(figures.peak)
    wanted = needed if needed > now else min(now, lanes_for(figures.peak * HYSTERESIS))
    why = (
        f"a peak of {figures.peak:,.0f} writes a second; a lane settles about {LANE_SETTLES:,}, and is planned for "
        f"{HEADROOM:.0%} of that. A read takes every lane's nodes"
    )
    return Change("lanes", now, wanted, why)


def _slices(figures: Figures) -> Change:
    now, needed = figures.layout.slices, slices_for(figures.peak, figures.shares)
    wanted = needed if needed > now else min(now, slices_for(figures.peak * HYSTERESIS, figures.shares))
    fullest = figures.peak * figures.shares[wanted]
    why = (
        f"a partition of the listing takes {PARTITION_WRITE_UNITS:,} write units a second, and an improvement is "
        f"{UNITS_TO_MOVE_IN_LISTING}; cut {wanted} deep, the fullest slice gets {fullest:,.0f} of "
        f"{figures.peak:,.0f} writes a second"
    )
    return Change("slices", now, wanted, why if _fits(fullest) else f"{why}: still too many, but no cut is deeper")


def _fits(writes: float) -> bool:
    return writes * UNITS_TO_MOVE_IN_LISTING <= PARTITION_WRITE_UNITS * HEADROOM
