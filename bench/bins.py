"""How many records a rank has to look at one by one: the better ones of its own bin, by how scores are spread.

``python -m bench.bins [--sizes 100000,1000000]`` prints the table. Nothing is stored: bins are arithmetic.
"""

import argparse
import random
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, quantiles

from chalicelib.ranking.bins import Shape, place

SIZES = (100_000, 1_000_000)
SAMPLE = 2_000
_SEED = 20261122
_SHAPE = Shape(digits=3, subscores=False)


@dataclass(frozen=True, slots=True)
class Remainder:
    """Records counted by the Query of a rank read, over a sample of players."""

    name: str
    size: int
    mean: float
    p99: float
    most: int


def remainders(sizes: Sequence[int] = SIZES, sample: int = SAMPLE) -> Iterator[Remainder]:
    for size in sizes:
        for name, score in _SPREADS.items():
            chance = random.Random(_SEED)  # noqa: S311  # the same scores each time
            yield _remainder(name, sorted(~score(chance) for _ in range(size)), chance, sample)


def _remainder(name: str, values: Sequence[int], chance: random.Random, sample: int) -> Remainder:
    """Count for a sample of directed values, of which all are given in order."""
    counts = [_better_in_bin(values, value) for value in chance.choices(values, k=sample)]
    return Remainder(name, len(values), fmean(counts), quantiles(counts, n=100)[98], max(counts))


def _better_in_bin(values: Sequence[int], value: int) -> int:
    rest = place(_SHAPE, (value, 0)).rest
    return 0 if rest is None else bisect_left(values, value) - bisect_left(values, rest[0])


_SPREADS: dict[str, Callable[[random.Random], int]] = {
    "points, log-normal (median 50,000)": lambda chance: round(50_000 * chance.lognormvariate(0, 1)),
    "points, uniform to a million": lambda chance: chance.randrange(1_000_000),
    "small integers, up to 100": lambda chance: chance.randrange(101),
    "Elo ratings (1,500 ± 300)": lambda chance: round(chance.gauss(1_500, 300)),
    "lap times, log-normal (median 95 s, in ms)": lambda chance: round(95_000 * chance.lognormvariate(0, 0.2)),
}


def report(found: Sequence[Remainder]) -> str:
    """Return the remainders as a Markdown table."""
    lines = ["| scores | records on the board | mean | p99 | most |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {each.name} | {each.size:,} | {each.mean:.0f} | {each.p99:.0f} | {each.most} |" for each in found]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    print(report(list(remainders([int(size) for size in parser.parse_args().sizes.split(",")]))))


if __name__ == "__main__":
    main()
