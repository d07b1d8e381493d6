"""How scores are spread: millions at a time, the same for the same seed.

Values are directed, as the index takes them: ascending from best to worst. On a board with subscores both are one
number, ``value << SUBVALUE_BITS | subvalue``, which sorts alike.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.int64]
Chance = np.random.Generator

SEED = 20261122
SUBVALUE_BITS = 40
_CHUNK = 1 << 22
"""Values at a time: what is made on the way to them stays in the tens of megabytes."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A board's scores. ``draw`` returns so many directed values."""

    name: str
    parameters: str
    draw: Callable[[Chance, int], Column]
    subscores: bool = False
    """Whether values hold both."""
    crowded: bool = False
    """Whether different scores crowd into few bins, which is what the index is not made for."""

    def values(self, count: int) -> Column:
        """Return the first ``count`` values of an endless sequence, unsorted. 8 bytes each and little more."""
        chance = np.random.default_rng(SEED)
        values = np.empty(count, np.int64)
        for start in range(0, count, _CHUNK):
            values[start : start + _CHUNK] = self.draw(chance, _CHUNK)[: count - start]
        return values


def _log_normal(median: float, sigma: float, *, ascending: bool = False) -> Callable[[Chance, int], Column]:
    def draw(chance: Chance, count: int) -> Column:
        scores = np.rint(median * chance.lognormal(0, sigma, count)).astype(np.int64)
        return scores if ascending else ~scores

    return draw


def _uniform(first: int, end: int) -> Callable[[Chance, int], Column]:
    return lambda chance, count: ~chance.integers(first, end, count)


def _normal(mean: float, deviation: float) -> Callable[[Chance, int], Column]:
    return lambda chance, count: ~np.rint(chance.normal(mean, deviation, count)).astype(np.int64)


def _levels_by_time(levels: int, median_ms: float, sigma: float) -> Callable[[Chance, int], Column]:
    times = _log_normal(median_ms, sigma, ascending=True)
    return lambda chance, count: (~chance.integers(0, levels, count) << SUBVALUE_BITS) | times(chance, count)


SPREADS = (
    Spread("log-normal points", "median 50,000, sigma 1", _log_normal(50_000, 1)),
    Spread("uniform points", "0 to 999,999", _uniform(0, 1_000_000)),
    Spread("small integers", "0 to 100", _uniform(0, 101)),
    Spread("Elo ratings", "normal, mean 1,500, deviation 300", _normal(1_500, 300)),
    Spread("lap times", "ms, log-normal, median 95,000, sigma 0.2", _log_normal(95_000, 0.2, ascending=True)),
    Spread("large log-normal points", "median 50,000,000, sigma 1", _log_normal(50_000_000, 1)),
    Spread(
        "50 levels, equal ones by time",
        "0 to 49 uniform, subscore in ms, log-normal, median 300,000, sigma 0.5",
        _levels_by_time(50, 300_000, 0.5),
        subscores=True,
    ),
    Spread("a crowd in one bin", "uniform, 1,000,000 to 1,000,243", _uniform(1_000_000, 1_000_244), crowded=True),
)
"""The first five are those of docs/explanation/performance.md; the others are harder on the index."""
