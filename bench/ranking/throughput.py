"""How many records a second are settled on one board, by its lanes, and what holds them up.

``BENCH_DYNAMODB_ENDPOINT=http://127.0.0.1:8000 python -m bench.ranking.throughput [--records 100000] [--lanes 1,4,16]``
prints the table, writes the figures, and fails where a claim does not hold. Eight processes settle at the same time,
one batch in five is delivered twice; afterwards every counter is compared with a census of the scores, and a sample of
ranks, read as a game reads them, with a sorted list. Give ``--server-pid`` to have the database's processor time told.
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path as File

import numpy as np

from bench.endpoint import VARIABLE, endpoint
from bench.ranking import batches, results
from bench.ranking.endpoint_board import EndpointBoard, connected, fresh_tables, player_of, services_on
from bench.ranking.results import Claim
from bench.ranking.spreads import SEED, SPREADS, Chance, Column
from chalicelib.domain.periods import ALL_TIME
from chalicelib.ranking.pages import lane_of
from chalicelib.services.settle import Settlement
from chalicelib.store.dynamo import CancelledError, Dynamo, Part

RECORDS, LANES, SETTLERS, BATCH = 100_000, (1, 4, 16), 8, 25
DELIVERED_TWICE = 5
"""One batch in so many."""
RANKS_READ = 2_000
PROTOTYPE = 1_177
"""Records a second that a prototype of the index settled on one lane, sharing two cores with the database."""
RESULTS = results.FOLDER / "throughput.json"
SPREAD = SPREADS[0]
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Task:
    """A batch as the stream delivers it: who, the value now, and the record's generation."""

    board_id: str
    rows: Sequence[int]
    values: Sequence[int]
    generation: int


@dataclass(slots=True)
class Effort:
    """What settling took."""

    transactions: int = 0
    refused: int = 0
    """Transactions cancelled for a mark that was not as read: another settler had been there."""
    contended: int = 0
    """Transactions cancelled for an item that another one was busy with."""
    deferred: int = 0
    """Batches given up, to be delivered once more."""
    paused_seconds: float = 0
    processor_seconds: float = 0
    seconds: float = 0

    def add(self, other: "Effort") -> None:
        self.transactions += other.transactions
        self.refused += other.refused
        self.contended += other.contended
        self.deferred += other.deferred
        self.paused_seconds += other.paused_seconds
        self.processor_seconds += other.processor_seconds


@dataclass(frozen=True, slots=True)
class Figure:
    lanes: int
    players: str
    records: int
    seconds: float
    records_a_second: float
    transactions: int
    transactions_a_second: float
    refused: int
    contended: int
    deferred: int
    paused_seconds: float
    """Of all settlers together."""
    batch_p50_ms: float
    batch_p99_ms: float
    settler_cores: float
    """Processors the settlers kept busy."""
    server_cores: float | None
    """Processors the database kept busy, where its process is known."""
    wrong_counters: int
    ranks_read: int
    wrong_ranks: int


@dataclass(slots=True)
class WatchedDynamo(Dynamo):
    """Counts how transactions end, and how long is paused."""

    effort: Effort = field(default_factory=Effort)

    def transact(self, parts: Sequence[Part]) -> None:
        self.effort.transactions += 1
        try:
            Dynamo.transact(self, parts)
        except CancelledError as error:
            self.effort.refused += bool(error.refused)
            self.effort.contended += not error.refused
            raise

    def pause(self, attempt: int) -> None:
        started = time.perf_counter()
        Dynamo.pause(self, attempt)
        self.effort.paused_seconds += time.perf_counter() - started


class Worker:
    """One settler: a process, as each invocation of a function is."""

    _only: "Worker"

    def __init__(self, url: str) -> None:
        self._dynamo = WatchedDynamo(connected(url).client)
        self._services = services_on(self._dynamo)

    @classmethod
    def start(cls, url: str) -> None:
        cls._only = cls(url)

    @classmethod
    def run(cls, task: Task) -> Effort:
        return cls._only.settle(task)

    def settle(self, task: Task) -> Effort:
        """Settle a batch, however often it takes."""
        started, busy = time.perf_counter(), time.process_time()
        effort = self._dynamo.effort = Effort()
        board = self._services.boards.get(task.board_id)
        settlements = [
            Settlement(board, ALL_TIME, player_of(row), (value, 0), task.generation, None, None)
            for row, value in zip(task.rows, task.values, strict=True)
        ]
        while not self._services.settler.settle(settlements):
            effort.deferred += 1
        effort.processor_seconds = time.process_time() - busy
        effort.seconds = time.perf_counter() - started
        return effort


@dataclass(frozen=True, slots=True)
class Leg:
    """What is to be settled in one go: these rows of a board whose scores are ``values``, all at one generation."""

    board: EndpointBoard
    lanes: int
    players: str
    rows: Column
    values: Column
    generation: int

    def store(self) -> None:
        self.board.store(self.rows.tolist(), self.values[self.rows].tolist(), self.generation)

    def deliveries(self) -> Iterator[Task]:
        """Yield the batches, each of one lane, one in five twice: the second while the first is under way."""
        for number, rows in enumerate(self._batches()):
            task = Task(self.board.board.board_id, rows.tolist(), self.values[rows].tolist(), self.generation)
            yield task
            if number % DELIVERED_TWICE == 0:
                yield task

    def _batches(self) -> list[Column]:
        """Return the rows as the stream's function groups them on a busy board: by lane. The lanes take turns."""
        lanes = np.array([lane_of(player_of(row), self.lanes) for row in self.rows.tolist()])
        by_lane = [self.rows[lanes == lane] for lane in range(self.lanes)]
        batches_of_lanes = [[rows[start : start + BATCH] for start in range(0, len(rows), BATCH)] for rows in by_lane]
        return [batch for turn in zip_longest(*batches_of_lanes) for batch in turn if batch is not None]


@dataclass(slots=True)
class Race:
    """Settlers against a database, on boards of so many records."""

    url: str
    records: int
    settlers: int
    ranks_read: int
    server_pid: int | None

    def run(self, lanes: int) -> Iterator[Figure]:
        """Yield what it takes to settle everybody as newcomers, then a quarter of them once more, improved."""
        board = EndpointBoard.created(self.url, f"lanes-{lanes}", lanes)
        values = SPREAD.values(self.records)
        batch = batches.far_improvements(SPREAD, values, _chance(), self.records // 4)
        improved = values.copy()
        improved[batch.rows] = batch.after
        rows = np.flatnonzero(improved != values)
        fresh = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self.settlers, fresh, Worker.start, (self.url,)) as pool:
            list(pool.map(_awake, range(4 * self.settlers)))
            yield self._run(pool, Leg(board, lanes, batches.NEWCOMERS, np.arange(self.records), values, 1))
            yield self._run(pool, Leg(board, lanes, batches.FAR, _chance().permutation(rows), improved, 2))

    def _run(self, pool: ProcessPoolExecutor, leg: Leg) -> Figure:
        leg.store()
        server, started = self._server_seconds(), time.perf_counter()
        efforts = list(pool.map(Worker.run, list(leg.deliveries())))
        seconds = time.perf_counter() - started
        server_cores = (self._server_seconds() - server) / seconds
        figure = _figure(leg, seconds, efforts)
        read = _chance().integers(0, len(leg.values), self.ranks_read).tolist()
        return replace(
            figure,
            server_cores=round(server_cores, 2) if self.server_pid else None,
            ranks_read=self.ranks_read,
            wrong_counters=leg.board.wrong_counters(leg.values),
            wrong_ranks=leg.board.wrong_ranks(leg.values, read),
        )

    def _server_seconds(self) -> float:
        """Return the processor time of the database's process so far, 0 where it is not known."""
        if self.server_pid is None:
            return 0
        fields = File(f"/proc/{self.server_pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


def _awake(_number: int) -> None:
    """Keep a settler busy for a moment, so that all of them have started."""
    time.sleep(0.05)


def _chance() -> Chance:
    return np.random.default_rng(SEED)


def _figure(leg: Leg, seconds: float, efforts: Sequence[Effort]) -> Figure:
    total = Effort()
    for effort in efforts:
        total.add(effort)
    p50, p99 = np.percentile([effort.seconds * 1000 for effort in efforts], [50, 99]).tolist()
    return Figure(
        lanes=leg.lanes,
        players=leg.players,
        records=len(leg.rows),
        seconds=round(seconds, 2),
        records_a_second=round(len(leg.rows) / seconds),
        transactions=total.transactions,
        transactions_a_second=round(total.transactions / seconds, 1),
        refused=total.refused,
        contended=total.contended,
        deferred=total.deferred,
        paused_seconds=round(total.paused_seconds, 2),
        batch_p50_ms=round(p50, 1),
        batch_p99_ms=round(p99, 1),
        settler_cores=round(total.processor_seconds / seconds, 2),
        server_cores=None,
        wrong_counters=0,
        ranks_read=0,
        wrong_ranks=0,
    )


def claims(figures: Sequence[Figure]) -> list[Claim]:
    """Return what was promised of these figures, and whether it holds."""
    wrong = sum(each.wrong_counters + each.wrong_ranks for each in figures)
    settled, read = sum(each.records for each in figures), sum(each.ranks_read for each in figures)
    exact = Claim(
        "Every counter and every rank read is exact",
        wrong == 0,
        f"{wrong} wrong; {settled:,} records settled, {read:,} ranks read",
    )
    return [exact, *(_pace(each) for each in figures if each.lanes == 1 and each.players == batches.NEWCOMERS)]


def _pace(figure: Figure) -> Claim:
    found = f"{figure.records_a_second:,} a second"
    if figure.server_cores is not None:
        found += f", on {figure.server_cores + figure.settler_cores:.2f} cores that other programs left"
    return Claim(f"One lane settles {PROTOTYPE:,} records a second", figure.records_a_second >= PROTOTYPE, found)


def report(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table."""
    heads = ["lanes", "players", "records/s", "transactions/s", "refused", "contended", "deferred", "batch p50 ms"]
    heads += ["p99 ms", "settlers' cores", "database's cores"]
    rows = [heads, ["---"] * len(heads)]
    for each in figures:
        rows.append([str(each.lanes), each.players, f"{each.records_a_second:,}", f"{each.transactions_a_second:g}"])
        rows[-1] += [f"{each.refused:,}", f"{each.contended:,}", str(each.deferred), f"{each.batch_p50_ms:g}"]
        rows[-1] += [f"{each.batch_p99_ms:g}", f"{each.settler_cores:g}", f"{each.server_cores or '-'}"]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--lanes", default=",".join(map(str, LANES)))
    parser.add_argument("--settlers", type=int, default=SETTLERS)
    parser.add_argument("--ranks-read", type=int, default=RANKS_READ)
    parser.add_argument("--server-pid", type=int)
    parser.add_argument("--results", type=File, default=RESULTS)
    arguments = parser.parse_args()
    url = endpoint()
    if url is None:
        sys.exit(f"set {VARIABLE} to a DynamoDB that takes {arguments.records:,} records")
    fresh_tables(url, streams=False)
    race = Race(url, arguments.records, arguments.settlers, arguments.ranks_read, arguments.server_pid)
    figures = [figure for lanes in arguments.lanes.split(",") for figure in race.run(int(lanes))]
    found = claims(figures)
    results.write(arguments.results, {"settlers": arguments.settlers, "load": results.load(), "lanes": figures}, found)
    print(report(figures))
    results.conclude(found)


if __name__ == "__main__":
    main()
