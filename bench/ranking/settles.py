"""What a settled record costs in write units, by how many are settled together and what they do.

``python -m bench.ranking.settles [--sizes 1000,1000000] [--batches 1,10,25,50,90] [--results FILE]`` prints the table,
writes the figures, and fails where a claim does not hold. The deployed Settler settles on a database in memory, which
counts capacity by DynamoDB's rules: transactions at double price.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path as File

import numpy as np

from bench.memory import MemoryDynamoDB
from bench.ranking import results
from bench.ranking.batches import DRAWS, Batch
from bench.ranking.census import Census, Tree
from bench.ranking.results import Claim
from bench.ranking.spreads import SEED, SPREADS, SUBVALUE_BITS, Column, Spread
from chalicelib.domain.boards import Board, SortOrder
from chalicelib.domain.layouts import Layout, Layouts
from chalicelib.domain.periods import ALL_TIME
from chalicelib.services.settle import Settlement
from chalicelib.store import keys
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.ranks import MARK_PART, UNMARKED, RankStore
from tests.expressions import Item
from tests.fake_dynamodb import FakeDynamoDB
from tests.tables import PREFIX, tables
from tests.world import World

SIZES = (1_000, 10_000, 100_000, 1_000_000)
BATCH_SIZES = (1, 10, 25, 50, 90)
BACKLOG = 1_000
"""Changes that a stream delivers together once it fell behind."""
REBUILD_BATCH = 90
_DIGITS = 3
ROUNDS = 20
"""Batches of each kind."""
BATCH, MAX_WRITE_UNITS, MAX_REBUILD_UNITS = 25, 7.0, 3.0
IN_RANK_ORDER = "rebuild, in rank order"
RESULTS = results.FOLDER / "settles.json"
_RANKS = f"{PREFIX}ranks"


@dataclass(frozen=True, slots=True)
class Figure:
    """What settling takes on one board, on the average of its batches."""

    spread: str
    subscores: bool
    size: int
    digits: int
    players: str
    """Who is in the batches."""
    batch: int
    write_units: float
    """Per record."""
    read_units: float
    """Per record: its mark."""
    transactions: float
    """Per batch."""


class Meter(FakeDynamoDB):
    """A client of a database in memory that adds up what its calls consume."""

    def __init__(self) -> None:
        super().__init__(())
        self.memory = MemoryDynamoDB(tables())
        self.units_by_operation: dict[str, float] = {}

    def _make_api_call(self, operation: str, request: Item) -> Item:
        reply = self.memory.answer(operation, {**request, "ReturnConsumedCapacity": "TOTAL"})
        consumed = reply.get("ConsumedCapacity", [])
        units = sum(part["CapacityUnits"] for part in (consumed if isinstance(consumed, list) else [consumed]))
        self.calls.append(operation)
        self.units_by_operation[operation] = self.units_by_operation.get(operation, 0) + units
        return reply

    def reset(self) -> None:
        self.calls.clear()
        self.units_by_operation.clear()


@dataclass(slots=True)
class Settling:
    """A board in memory with the counters of all its records, and the marks of those who move."""

    spread: Spread
    values: Column
    digits: int = 3
    meter: Meter = field(default_factory=Meter)
    world: World = field(init=False)
    board: Board = field(init=False)
    _generations: dict[int, int] = field(default_factory=dict)
    """Of the records that have a mark, by row."""
    _joined: int = 0

    def __post_init__(self) -> None:
        self.world = World(client=self.meter)
        self.board = self.world.board(
            "points",
            sort_order=SortOrder.ASC,
            subscore_order=SortOrder.ASC if self.spread.subscores else None,
            layouts=Layouts(Layout(digits=self.digits)),
        )
        for item in node_items(self.board, Census(Tree(self.digits, self.spread.subscores), self.values)):
            self.meter.memory.put(_RANKS, item)

    def settle(self, batch: Batch) -> None:
        """Settle a batch, metered: nothing but its own calls."""
        rows = self._new_rows(len(batch.after)) if batch.rows is None else batch.rows.tolist()
        if batch.rows is not None:
            self._mark([row for row in rows if row not in self._generations])
            self.values[batch.rows] = batch.after
        for row in rows:
            self._generations[row] = self._generations.get(row, 0) + 1
        settlements = [self._settlement(row, value) for row, value in zip(rows, batch.after.tolist(), strict=True)]
        self.meter.reset()
        self.world.services.settler.settle(settlements)

    def _new_rows(self, count: int) -> list[int]:
        first = len(self.values) + self._joined
        self._joined += count
        return list(range(first, first + count))

    def _mark(self, rows: Sequence[int]) -> None:
        """Write the marks of records that the nodes count already."""
        self._generations |= dict.fromkeys(rows, 1)
        moves = [self._settlement(row, int(self.values[row])).move_from(UNMARKED) for row in rows]
        for part in RankStore(_RANKS, Dynamo(self.meter)).parts(moves):
            if part.name == MARK_PART:
                self.meter.memory.write(part.kind, part.request)

    def _settlement(self, row: int, value: int) -> Settlement:
        both = divmod(value, 1 << SUBVALUE_BITS) if self.spread.subscores else (value, 0)
        return Settlement(self.board, ALL_TIME, f"{row:032x}", both, self._generations[row], None, None)


@dataclass(slots=True)
class Tally:
    """What batches took together."""

    settling: Settling
    batches: int = 0
    records: int = 0
    read_units: float = 0
    write_units: float = 0
    transactions: int = 0

    def settle(self, batch: Batch) -> None:
        self.settling.settle(batch)
        meter = self.settling.meter
        self.batches += 1
        self.records += len(batch.after)
        self.read_units += meter.units_by_operation["BatchGetItem"]
        self.write_units += meter.units_by_operation["TransactWriteItems"]
        self.transactions += meter.calls.count("TransactWriteItems")

    def figure(self, players: str, batch_size: int) -> Figure:
        return Figure(
            spread=self.settling.spread.name,
            subscores=self.settling.spread.subscores,
            size=len(self.settling.values),
            digits=self.settling.digits,
            players=players,
            batch=batch_size,
            write_units=round(self.write_units / self.records, 2),
            read_units=round(self.read_units / self.records, 2),
            transactions=round(self.transactions / self.batches, 2),
        )


def node_items(board: Board, census: Census) -> Iterator[Item]:
    """Yield the nodes of a board's index as they are stored."""
    generation = board.layout(ALL_TIME).generation
    for depth, level in enumerate(census.levels):
        for child in level.children[level.starts].tolist():
            node = child >> level.width
            path = census.tree.path(node << census.tree.below(depth))[:depth]
            counters = {f"c{digit}": {"N": str(count)} for digit, count in level.counts_of(node).items()}
            yield {"pk": {"S": keys.node(board.board_id, ALL_TIME, generation, 0, path)}, **counters}


def measure(
    sizes: Sequence[int] = SIZES, batch_sizes: Sequence[int] = BATCH_SIZES, spreads: Sequence[Spread] = SPREADS
) -> Iterator[Figure]:
    """Yield the figures of every board; the largest also with a backlog, with four digits, and as a rebuild counts it.

    With subscores four digits are left to the simulation: they make nodes by the hundred thousand.
    """
    for spread in spreads:
        for size in sizes:
            yield from (_played(spread, size, players, batch) for batch in batch_sizes for players in DRAWS)
        yield from (_played(spread, max(sizes), players, BACKLOG) for players in DRAWS)
        if not spread.subscores:
            yield from (_played(spread, max(sizes), players, BATCH, digits=4) for players in DRAWS)
        yield _rebuilt(spread, max(sizes), REBUILD_BATCH)


def _played(spread: Spread, size: int, players: str, batch_size: int, digits: int = 3) -> Figure:
    """Return what batches take one after the other, each on the board as the last one left it."""
    settling = Settling(spread, np.sort(spread.values(size)), digits)
    chance = np.random.default_rng(SEED)
    tally = Tally(settling)
    for _ in range(ROUNDS):
        tally.settle(DRAWS[players](spread, settling.values, chance, batch_size))
    return tally.figure(players, batch_size)


def _rebuilt(spread: Spread, size: int, batch_size: int) -> Figure:
    """Return what counting records anew takes: neighbours in rank settled together."""
    values = np.sort(spread.values(size))
    tally = Tally(Settling(spread, values.copy()))
    for start in np.random.default_rng(SEED).integers(0, size - batch_size, ROUNDS).tolist():
        tally.settle(Batch(None, values[start : start + batch_size]))
    return tally.figure(IN_RANK_ORDER, batch_size)


def claims(figures: Sequence[Figure]) -> list[Claim]:
    """Return what was promised of these figures, and whether it holds."""
    promised = [each for each in figures if each.batch == BATCH and each.digits == _DIGITS and not each.subscores]
    dearest = max(promised, key=lambda each: each.write_units)
    rebuilt = [each for each in figures if each.players == IN_RANK_ORDER]
    return [
        Claim(
            f"A record settled in a batch of {BATCH} takes at most {MAX_WRITE_UNITS:g} write units "
            f"({_DIGITS} digits, no subscores)",
            dearest.write_units <= MAX_WRITE_UNITS,
            f"{min(each.write_units for each in promised):g} to {dearest.write_units:g}, the most for "
            f"{dearest.players}: {dearest.spread}, {dearest.size:,} records",
        ),
        Claim(
            f"A rebuild takes at most {MAX_REBUILD_UNITS:g} write units a record",
            all(each.write_units <= MAX_REBUILD_UNITS for each in rebuilt),
            f"{min(each.write_units for each in rebuilt):g} to {max(each.write_units for each in rebuilt):g}",
        ),
    ]


def report(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table."""
    heads = ["scores", "records", "digits", "players", "batch", "WRU a record", "RRU a record", "transactions a batch"]
    rows = [heads, ["---"] * len(heads)]
    for each in figures:
        rows.append([each.spread, f"{each.size:,}", str(each.digits), each.players, str(each.batch)])
        rows[-1] += [f"{each.write_units:g}", f"{each.read_units:g}", f"{each.transactions:g}"]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--batches", default=",".join(map(str, BATCH_SIZES)))
    parser.add_argument("--results", type=File, default=RESULTS)
    arguments = parser.parse_args()
    sizes, batch_sizes = ([int(each) for each in text.split(",")] for text in (arguments.sizes, arguments.batches))
    figures = list(measure(sizes, batch_sizes))
    found = claims(figures)
    results.write(arguments.results, {"seed": SEED, "settles": figures}, found)
    print(report(figures))
    results.conclude(found)


if __name__ == "__main__":
    main()
