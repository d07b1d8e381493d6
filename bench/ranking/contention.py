"""How many records a second lanes carry where transactions contend as on AWS, which DynamoDB Local never shows.

``python -m bench.ranking.contention [--lanes 1,4,16] [--settlers 1,8,32] [--results FILE]`` prints the table, writes
the figures, and fails where a claim does not hold. The deployed Settler settles on a database in memory that takes as
long as is assumed of AWS, and cancels a transaction that touches an item of another one under way. Time runs slower
than it is told, by a factor, so that processor time does not count.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path as File
from queue import Queue
from threading import Lock

import numpy as np

from bench.ranking import results
from bench.ranking.census import Census, Tree
from bench.ranking.endpoint_board import nodes_of, player_of
from bench.ranking.results import Claim
from bench.ranking.spreads import SPREADS, Column
from bench.ranking.throughput import Effort, WatchedDynamo
from chalicelib.domain.boards import Board, SortOrder
from chalicelib.domain.layouts import Layout, Layouts
from chalicelib.domain.periods import ALL_TIME
from chalicelib.ranking.pages import lane_of
from chalicelib.services.settle import Settlement, Settler
from chalicelib.store.ranks import RankStore
from tests.expressions import Item
from tests.fake_dynamodb import Call, FakeDynamoDB, conflict_on
from tests.tables import PREFIX, tables
from tests.world import World

LANES, SETTLERS, BATCH_SIZES = (1, 4, 16), (1, 8, 32), (25, 100)
RECORDS = 6_400
MIN_GAIN = 2.0
RESULTS = results.FOLDER / "contention.json"
SPREAD = SPREADS[0]
_CALL_SECONDS, _TRANSACTION_SECONDS = 0.004, 0.008
"""Assumed of DynamoDB, called from the same region."""
_RANKS = f"{PREFIX}ranks"
_DIGITS = 3
_SLOWER_PER_SETTLER = 0.5


@dataclass(frozen=True, slots=True)
class Figure:
    lanes: int
    settlers: int
    batch: int
    """Neighbours in rank, of one lane, that are settled together."""
    records: int
    records_a_second: float
    transactions_a_second: float
    """Those that were not cancelled."""
    contended: float
    """The share of transactions that were cancelled for another one under way."""
    deferred: int
    wrong_counters: int


class ContendedDynamoDB(FakeDynamoDB):
    """Takes its time, and refuses a transaction on items that another one is writing."""

    def __init__(self) -> None:
        super().__init__(tables())
        self.slower = 0.0
        """By how much time is stretched; 0: nothing takes any."""
        self._under_way: set[str] = set()
        self._guard = Lock()

    def _make_api_call(self, operation: str, request: Item) -> Item:
        if operation != "TransactWriteItems":
            time.sleep(_CALL_SECONDS * self.slower)
            return super()._make_api_call(operation, request)
        call = Call(operation, request)
        touched = {_key(write) for write in call.writes}
        with self._guard:
            contended = touched & self._under_way
            if not contended:
                self._under_way |= touched
        time.sleep((_CALL_SECONDS if contended else _TRANSACTION_SECONDS) * self.slower)
        if contended:
            conflict_on(*contended)(call)
        try:
            return super()._make_api_call(operation, request)
        finally:
            with self._guard:
                self._under_way -= touched


def _key(write: Item) -> str:
    return repr((write.get("Key") or write["Item"])["pk"]["S"])


@dataclass(slots=True)
class Arena:
    """A board on such a database, and settlers, each a thread."""

    lanes: int
    settlers: int
    batch: int
    records: int = RECORDS
    client: ContendedDynamoDB = field(default_factory=ContendedDynamoDB)
    world: World = field(init=False)
    board: Board = field(init=False)
    _dynamos: Queue[WatchedDynamo] = field(default_factory=Queue)

    def __post_init__(self) -> None:
        self.world = World(client=self.client)
        layouts = Layouts(Layout(lanes=self.lanes))
        self.board = self.world.board("points", sort_order=SortOrder.ASC, layouts=layouts)
        self.client.slower = max(2.0, self.settlers * _SLOWER_PER_SETTLER)
        for _ in range(self.settlers):
            self._dynamos.put(WatchedDynamo(self.client, sleep=self._sleep))

    def run(self) -> Figure:
        """Settle everybody as newcomers."""
        values = SPREAD.values(self.records)
        batches_of_lanes = self._batches(values)
        started = time.perf_counter()
        with ThreadPoolExecutor(self.settlers) as threads:
            efforts = list(threads.map(lambda rows: self._settle(rows, values), batches_of_lanes))
        seconds = (time.perf_counter() - started) / self.client.slower
        return self._figure(seconds, efforts, values)

    def _batches(self, values: Column) -> list[Column]:
        """Return the rows in batches of neighbours in rank, each of one lane; the lanes take turns."""
        ranked = np.argsort(values)
        lanes = np.array([lane_of(player_of(row), self.lanes) for row in ranked.tolist()])
        by_lane = [ranked[lanes == lane] for lane in range(self.lanes)]
        chunks = [[rows[start : start + self.batch] for start in range(0, len(rows), self.batch)] for rows in by_lane]
        return [batch for turn in zip_longest(*chunks) for batch in turn if batch is not None]

    def _settle(self, rows: Column, values: Column) -> Effort:
        dynamo = self._dynamos.get()
        effort = dynamo.effort = Effort()
        settler = Settler(dynamo, self.world.services.boards, RankStore(_RANKS, dynamo))
        settlements = [
            Settlement(self.board, ALL_TIME, player_of(row), (value, 0), 1, None, None)
            for row, value in zip(rows.tolist(), values[rows].tolist(), strict=True)
        ]
        while not settler.settle(settlements):
            effort.deferred += 1
        self._dynamos.put(dynamo)
        return effort

    def _sleep(self, seconds: float) -> None:
        time.sleep(seconds * self.client.slower)

    def _figure(self, seconds: float, efforts: Sequence[Effort], values: Column) -> Figure:
        total = Effort()
        for effort in efforts:
            total.add(effort)
        stored = nodes_of(self.board, self.client.items(_RANKS))
        return Figure(
            lanes=self.lanes,
            settlers=self.settlers,
            batch=self.batch,
            records=self.records,
            records_a_second=round(self.records / seconds),
            transactions_a_second=round((total.transactions - total.contended - total.refused) / seconds, 1),
            contended=round(total.contended / total.transactions, 3),
            deferred=total.deferred,
            wrong_counters=Census(Tree(_DIGITS), np.sort(values)).wrong_counters(stored),
        )


def measure(lanes: Sequence[int], settlers: Sequence[int], batch_sizes: Sequence[int]) -> Iterator[Figure]:
    for batch in batch_sizes:
        for at_once in settlers:
            for count in lanes:
                yield Arena(count, at_once, batch).run()


def claims(figures: Sequence[Figure]) -> list[Claim]:
    """Return what was promised of these figures, and whether it holds."""
    wrong = sum(each.wrong_counters for each in figures)
    settled = sum(each.records for each in figures)
    return [
        Claim("Every counter is exact", wrong == 0, f"{wrong} wrong; {settled:,} records settled"),
        *_gains(figures),
    ]


def _gains(figures: Sequence[Figure]) -> Iterator[Claim]:
    """Yield what lanes gain where the most settlers get in each other's way."""
    crowded = [each for each in figures if each.settlers == max(figure.settlers for figure in figures)]
    for batch in sorted({each.batch for each in crowded}):
        by_lanes = {each.lanes: each.records_a_second for each in crowded if each.batch == batch}
        few, many = by_lanes[min(by_lanes)], by_lanes[max(by_lanes)]
        yield Claim(
            f"Batches of {batch}: {max(by_lanes)} lanes carry at least {MIN_GAIN:g} times what {min(by_lanes)} carries",
            many >= MIN_GAIN * few,
            f"{few:,} and {many:,} records a second",
        )


def report(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table."""
    heads = ["batch", "settlers", "lanes", "records/s", "transactions/s", "contended", "deferred"]
    rows = [heads, ["---"] * len(heads)]
    for each in figures:
        rows.append([str(each.batch), str(each.settlers), str(each.lanes), f"{each.records_a_second:,}"])
        rows[-1] += [f"{each.transactions_a_second:g}", f"{each.contended:.0%}", str(each.deferred)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lanes", default=",".join(map(str, LANES)))
    parser.add_argument("--settlers", default=",".join(map(str, SETTLERS)))
    parser.add_argument("--results", type=File, default=RESULTS)
    arguments = parser.parse_args()
    lanes, settlers = ([int(each) for each in text.split(",")] for text in (arguments.lanes, arguments.settlers))
    figures = list(measure(lanes, settlers, BATCH_SIZES))
    found = claims(figures)
    assumed = {"call_seconds": _CALL_SECONDS, "transaction_seconds": _TRANSACTION_SECONDS}
    results.write(arguments.results, {"assumed": assumed, "contention": figures}, found)
    print(report(figures))
    results.conclude(found)


if __name__ == "__main__":
    main()
