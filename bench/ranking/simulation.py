"""What an exact rank costs on boards of up to a hundred million records, by simulation of the index's items.

``python -m bench.ranking.simulation [--sizes 1000,100000000] [--digits 3,4] [--results FILE]`` prints the table, writes
the figures, and fails where a claim does not hold. No server and no store: nodes are counted in columns, and every
sampled rank is compared with a sorted list. 100 million records take 2 GB of memory, and some minutes a spread.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as File

import numpy as np
import numpy.typing as npt

from bench.capacity import READ_UNIT_BYTES, WRITE_UNIT_BYTES
from bench.memory import PAGE_BYTES
from bench.ranking import batches, results
from bench.ranking.census import Census, Tree
from bench.ranking.exemplars import Sizes, sizes_of_items
from bench.ranking.results import Claim
from bench.ranking.spreads import SEED, SPREADS, Chance, Column, Spread
from chalicelib.ranking import nodes

SIZES = tuple(10**exponent for exponent in range(3, 9))
DIGITS = (3, 4)
MOST_AT_THREE_DIGITS = 10_000_000
"""Larger boards are advised a fourth digit."""
SAMPLE, READ_AS_DEPLOYED, BATCHES = 100_000, 1_000, 200
BATCH = 25
BASE_SIZE, MAX_GROWTH = 1_000_000, 2.0
Units = npt.NDArray[np.float64]
RESULTS = results.FOLDER / "simulation.json"


@dataclass(frozen=True, slots=True)
class Distribution:
    """Of one figure over all sampled players."""

    mean: float
    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, figures: Column | Units) -> "Distribution":
        p50, p99, most = np.percentile(figures, [50, 99, 100], method="higher").tolist()
        return cls(round(float(figures.mean()), 3), p50, p99, most)


@dataclass(frozen=True, slots=True)
class Figure:
    """One board: what its index is, and what a player's own rank and a settle cost."""

    spread: str
    parameters: str
    crowded: bool
    size: int
    digits: int
    advised: bool
    """Whether a board of this size is advised this many digits."""
    node_items: int
    node_bytes: int
    """All nodes as DynamoDB stores them."""
    largest_node_bytes: int
    mark_bytes: int
    """All marks as DynamoDB stores them."""
    remainder: Distribution
    """Records of the own bin that a rank counts by a Query."""
    read_units: Distribution
    most_rounds: int
    count_read_units: Distribution
    """Of the usual advice: a COUNT query over everybody better."""
    sampled: int
    wrong: int
    """How many of the sampled ranks differ from a sorted list's."""
    write_units: Mapping[str, float]
    """Per record settled in batches of 25, by who is in them."""


def measure(
    sizes: Sequence[int] = SIZES, digits: Sequence[int] = DIGITS, spreads: Sequence[Spread] = SPREADS
) -> Iterator[Figure]:
    """Yield the figures of every board; of one spread, the smaller boards are the larger one's first records."""
    for spread in spreads:
        drawn = spread.values(max(sizes))
        items = sizes_of_items(subscores=spread.subscores)
        for size in sorted(sizes):
            values = drawn if size == len(drawn) else drawn[:size].copy()
            values.sort()
            for depth in digits:
                yield _figure(spread, Census(Tree(depth, spread.subscores), values), items)


def _figure(spread: Spread, census: Census, items: Sizes) -> Figure:
    chance = np.random.default_rng(SEED)
    size = len(census.values)
    mine = census.values[chance.integers(0, size, SAMPLE)]
    ranks = 1 + np.searchsorted(census.values, mine)
    remainders = census.remainders(mine)
    node_bytes = census.node_bytes(items.node_key)
    return Figure(
        spread=spread.name,
        parameters=spread.parameters,
        crowded=spread.crowded,
        size=size,
        digits=census.tree.digits,
        advised=census.tree.digits == advised_digits(size),
        node_items=census.nodes,
        node_bytes=int(node_bytes.sum()) + census.nodes * items.overhead,
        largest_node_bytes=int(node_bytes.max()),
        mark_bytes=size * (items.mark + items.overhead),
        remainder=Distribution.of(remainders),
        read_units=Distribution.of(_read_units(census, mine, remainders, items)),
        most_rounds=int(_pages(remainders, items).max()),
        count_read_units=Distribution.of(_query_units(ranks - 1, items)),
        sampled=SAMPLE,
        wrong=int((census.ranks(mine) != ranks).sum()) + _wrong_as_deployed(census, mine[:READ_AS_DEPLOYED]),
        write_units={name: _settled_units(name, spread, census, chance) for name in batches.DRAWS},
    )


def advised_digits(size: int) -> int:
    return 3 if size <= MOST_AT_THREE_DIGITS else 4


def _read_units(census: Census, mine: Column, remainders: Column, items: Sizes) -> Units:
    """Return what a player's own rank takes: a unit for each node and the mark, and the Query where it is made."""
    nodes_and_mark = census.tree.depth + 1
    queried = mine != census.tree.firsts(census.tree.bins(mine))
    return nodes_and_mark + np.where(queried, _query_units(remainders, items), 0)


def _query_units(rows: Column, items: Sizes) -> Units:
    """Return the units of a Query that counts so many rows of the ordered index."""
    return np.maximum(1, -(-rows * items.row // READ_UNIT_BYTES)) / 2


def _pages(rows: Column, items: Sizes) -> Column:
    """Return how many calls, one after the other, a Query of so many rows takes."""
    return np.maximum(1, -(-rows * items.row // PAGE_BYTES))


def _wrong_as_deployed(census: Census, mine: Column) -> int:
    """Return how many ranks come out wrong when the deployed functions read the nodes."""
    remainders = census.remainders(mine).tolist()
    ranks = (1 + np.searchsorted(census.values, mine)).tolist()
    paths = [census.tree.path(each) for each in census.tree.bins(mine).tolist()]
    found = [
        1 + nodes.better(path, census.counts_on(path)) + rest for path, rest in zip(paths, remainders, strict=True)
    ]
    return sum(one != other for one, other in zip(found, ranks, strict=True))


def _settled_units(name: str, spread: Spread, census: Census, chance: Chance) -> float:
    drawn = (batches.DRAWS[name](spread, census.values, chance, BATCH) for _ in range(BATCHES))
    settled = [batches.pairs(census.tree, census.values, batch) for batch in drawn]
    return round(sum(map(batches.write_units, settled)) / sum(map(len, settled)), 2)


def claims(figures: Sequence[Figure]) -> list[Claim]:
    """Return what was promised of these figures, of crowded boards their exactness alone, and whether it holds."""
    meant_for = [each for each in figures if not each.crowded]
    largest = max(figures, key=lambda each: each.largest_node_bytes)
    slowest = max((each for each in meant_for if each.advised), key=lambda each: each.most_rounds)
    return [
        Claim(
            "Every sampled rank is the sorted list's",
            all(each.wrong == 0 for each in figures),
            f"{sum(each.wrong for each in figures)} wrong of {sum(each.sampled for each in figures):,}",
        ),
        Claim(
            "A node is written for one unit and read for one",
            largest.largest_node_bytes <= WRITE_UNIT_BYTES,
            f"the largest has {largest.largest_node_bytes} bytes: {_board(largest)}",
        ),
        Claim(
            "A rank takes one round of calls at the advised digits",
            slowest.most_rounds == 1,
            f"most: {slowest.most_rounds} at {_board(slowest)}",
        ),
        *_growth(meant_for),
    ]


def _growth(figures: Sequence[Figure]) -> Iterator[Claim]:
    advised = {(each.spread, each.size): each for each in figures if each.advised}
    sizes = sorted({size for _, size in advised})
    base_size = BASE_SIZE if BASE_SIZE in sizes else sizes[0]
    for spread in dict.fromkeys(name for name, _ in advised):
        base, last = advised[spread, base_size].read_units, advised[spread, sizes[-1]].read_units
        yield Claim(
            f"{spread}: a rank among {sizes[-1]:,} reads at most {MAX_GROWTH:g} times the units of {base_size:,}",
            last.mean <= MAX_GROWTH * base.mean and last.p99 <= MAX_GROWTH * base.p99,
            f"mean {base.mean:g} to {last.mean:g}, p99 {base.p99:g} to {last.p99:g}",
        )


def _board(figure: Figure) -> str:
    return f"{figure.spread}, {figure.size:,} records, {figure.digits} digits"


def report(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table."""
    heads = ["scores", "records", "digits", "nodes", "largest node", "same bin: mean", "p99", "most"]
    heads += ["RRU: mean", "p99", "most", "rounds", "COUNT RRU: mean", *(f"WRU: {name}" for name in batches.DRAWS)]
    rows = [heads, ["---"] * len(heads)]
    for each in figures:
        rest, read = each.remainder, each.read_units
        rows.append([each.spread, f"{each.size:,}", f"{each.digits}{'' if each.advised else ' (not advised)'}"])
        rows[-1] += [f"{each.node_items:,}", f"{each.largest_node_bytes}"]
        rows[-1] += [f"{rest.mean:.1f}", f"{rest.p99:,.0f}", f"{rest.most:,.0f}"]
        rows[-1] += [f"{read.mean:.2f}", f"{read.p99:g}", f"{read.most:g}", str(each.most_rounds)]
        rows[-1] += [f"{each.count_read_units.mean:,.1f}"]
        rows[-1] += [f"{units:.2f}" for units in each.write_units.values()]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--digits", default=",".join(map(str, DIGITS)))
    parser.add_argument("--results", type=File, default=RESULTS)
    arguments = parser.parse_args()
    sizes, digits = ([int(each) for each in text.split(",")] for text in (arguments.sizes, arguments.digits))
    figures = []
    for figure in measure(sizes, digits):
        figures.append(figure)
        print(f"{_board(figure)}: {figure.read_units.mean:.2f} read units", file=sys.stderr, flush=True)
    found = claims(figures)
    results.write(arguments.results, {"seed": SEED, "boards": figures}, found)
    print(report(figures))
    results.conclude(found)


if __name__ == "__main__":
    main()
