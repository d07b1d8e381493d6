"""How long after a submission ranks count it: at once where the submission settles it, else when its stream does.

``python -m bench.ranking.visibility [--rates 50,200] [--seconds 20] [--results FILE]`` measures on the embedded AWS
and, with BENCH_DYNAMODB_ENDPOINT, on that DynamoDB; it prints the table, writes the figures, and fails where a claim
does not hold. Submissions come when they are due, whatever became of those before; all are for one board of one lane.
"""

import argparse
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path as File

import numpy as np

from bench.endpoint import endpoint
from bench.ranking import results
from bench.ranking.endpoint_board import RECORDS as RECORDS_TABLE
from bench.ranking.endpoint_board import (
    SETTINGS,
    EndpointBoard,
    connected,
    fresh_tables,
    plain_client,
    player_of,
)
from bench.ranking.results import Claim
from bench.ranking.spreads import SPREADS, Column
from chalicelib.bootstrap import serving
from chalicelib.bootstrap.following import build_following
from chalicelib.domain.records import Record, Submission
from chalicelib.errors import StoreUnavailableError
from chalicelib.services.settle import settlement_of
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo, Part
from chalicelib.store.ranks import MARK_PART
from chalicelib.store.records import RecordStore
from local.children import Emulator

RATES, SECONDS, PLAYERS = (50.0, 200.0), 20.0, 2_000
INLINE, STREAM = "settled by the submission", "settled by the stream"
EMBEDDED, GIVEN = "embedded AWS", "DynamoDB Local"
POLL_SECONDS = 0.25
"""Lambda looks at a shard of a table's stream four times a second."""
RESULTS = results.FOLDER / "visibility.json"
SPREAD = SPREADS[0]
_THREADS = 8
"""Submitters at once. More of them wait for the interpreter, not for the database."""
_BATCH, _STREAM_BATCH = 25, 100
_PATIENCE_SECONDS = 60.0
_ENOUGH_MILLISECONDS = 60_000

Event = tuple[str, int]
"""A player and a generation of the record."""


@dataclass(frozen=True, slots=True)
class Figure:
    database: str
    way: str
    offered_a_second: float
    carried_a_second: float
    submissions: int
    unanswered: int
    """Submissions of which the database did not say in time what became of them: a game sends them again."""
    late_p99_ms: float
    """How long after it was due a submission began, for want of a free thread."""
    answer_p50_ms: float
    answer_p99_ms: float
    counted_at_once: float
    """The share whose transaction also moved the counters."""
    counted_p50_ms: float
    """From the commit of the record until every rank read counts it."""
    counted_p99_ms: float
    counted_most_ms: float
    uncounted: int
    wrong_counters: int


@dataclass(slots=True)
class Journal:
    """When records were committed, and when they were counted."""

    committed: dict[Event, float] = field(default_factory=dict)
    counted: dict[Event, float] = field(default_factory=dict)

    def note(self, parts: Sequence[Part]) -> None:
        now = time.perf_counter()
        for part in parts:
            item = part.request.get("Item", {})
            if part.name == MARK_PART:
                self.counted[item["pk"]["S"].rpartition("#")[2], int(item["generation"]["N"])] = now
            elif part.request["TableName"] == RECORDS_TABLE:
                self.committed[item["player_id"]["S"], int(item["generation"]["N"])] = now

    def waits_ms(self) -> list[float]:
        """Return how long each committed record waited; one that was overtaken waited for its successor."""
        newest: dict[str, list[Event]] = {}
        for event in self.counted:
            newest.setdefault(event[0], []).append(event)
        waits = []
        for (player_id, generation), committed in self.committed.items():
            later = [self.counted[each] for each in newest.get(player_id, []) if each[1] >= generation]
            if later:
                waits.append(max(0.0, min(later) - committed) * 1000)
        return waits


@dataclass(slots=True)
class JournallingDynamo(Dynamo):
    journal: Journal = field(default_factory=Journal)

    def transact(self, parts: Sequence[Part]) -> None:
        Dynamo.transact(self, parts)
        self.journal.note(parts)


class Follower(threading.Thread):
    """Hands the records' stream to the deployed follower, as Lambda does: look, settle, look again."""

    def __init__(self, url: str, dynamo: Dynamo) -> None:
        super().__init__(daemon=True)
        self._follow_up = build_following(SETTINGS, dynamo, Clients()).follow_up
        self._streams = plain_client(url, "dynamodbstreams")
        arn = plain_client(url).describe_table(TableName=RECORDS_TABLE)["Table"]["LatestStreamArn"]
        shards = self._streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        self._places = [
            self._streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="LATEST")
            for shard in shards
            if "EndingSequenceNumber" not in shard["SequenceNumberRange"]
        ]
        self._ended = threading.Event()

    def run(self) -> None:
        iterators = [place["ShardIterator"] for place in self._places]
        while not self._ended.is_set():
            due = time.perf_counter() + POLL_SECONDS
            iterators = [self._followed(iterator) for iterator in iterators]
            time.sleep(max(0.0, due - time.perf_counter()))

    def _followed(self, iterator: str) -> str:
        """Follow what a shard has; return where it goes on."""
        while True:
            page = self._streams.get_records(ShardIterator=iterator, Limit=_STREAM_BATCH)
            deliveries = page["Records"]
            while deliveries:
                again = self._follow_up.follow(deliveries, lambda: _ENOUGH_MILLISECONDS).again
                deliveries = [each for each in deliveries if each["dynamodb"]["SequenceNumber"] in again]
            iterator = page["NextShardIterator"]
            if len(page["Records"]) < _STREAM_BATCH:
                return str(iterator)

    def end(self) -> None:
        self._ended.set()
        self.join()


@dataclass(slots=True)
class Stage:
    """A board of settled records, and who improves on it in turn."""

    url: str
    board: EndpointBoard
    dynamo: JournallingDynamo
    values: Column
    improved: dict[int, int] = field(default_factory=dict)

    @classmethod
    def set(cls, url: str, players: int) -> "Stage":
        fresh_tables(url, streams=True)
        board = EndpointBoard.created(url, "visible", lanes=1)
        values = SPREAD.values(players)
        board.store(range(players), values.tolist(), generation=1)
        records = [board.record(row, value, 1) for row, value in enumerate(values.tolist())]
        settlements = sorted((settlement_of(board.board, each) for each in records), key=lambda each: each.value or ())
        for start in range(0, players, _BATCH):
            board.services.settler.settle(settlements[start : start + _BATCH])
        board.register(range(players))
        return cls(url, board, JournallingDynamo(connected(url).client), values)

    def better(self, number: int) -> tuple[int, int]:
        """Return who improves with the submission of this number, and the new value."""
        row = number % len(self.values)
        value = self.improved.get(row, int(self.values[row]))
        step = 1 + abs(value) * (number * 31 % 50) // 1000
        self.improved[row] = value - step
        return row, value - step


def measure(url: str, database: str, rate: float, seconds: float, players: int) -> Iterator[Figure]:
    """Yield what it takes until submissions are counted, settled inline, then by the stream alone."""
    for way, submitter in ((INLINE, _inline), (STREAM, _truth_alone)):
        stage = Stage.set(url, players)
        follower = Follower(url, stage.dynamo)
        submit = submitter(stage)
        follower.start()
        timings = _open_loop(submit, stage, rate, round(rate * seconds))
        _drain(stage.dynamo.journal)
        follower.end()
        yield _figure(database, way, rate, timings, stage)


def _inline(stage: Stage) -> Callable[[int, int], object]:
    services = serving.build(SETTINGS, stage.dynamo)
    numbers = count()
    board_id = stage.board.board.board_id
    return lambda row, value: services.games.submit(
        player_of(row), Submission(board_id, value), f"submission-{next(numbers)}"
    )


def _truth_alone(stage: Stage) -> Callable[[int, int], object]:
    store = RecordStore(RECORDS_TABLE, stage.dynamo)
    record_by_row: dict[int, Record] = {}

    def submit(row: int, value: int) -> None:
        before = record_by_row.get(row) or stage.board.record(row, int(stage.values[row]), 1)
        after = record_by_row[row] = stage.board.record(row, value, before.generation + 1)
        stage.dynamo.transact([store.put_part("record", stage.board.board, after, before)])

    return submit


@dataclass(frozen=True, slots=True)
class Timings:
    """Of all submissions, in seconds: how late each began, and how long it took."""

    late: Sequence[float]
    took: Sequence[float]
    unanswered: int
    all_together: float


def _open_loop(submit: Callable[[int, int], object], stage: Stage, rate: float, submissions: int) -> Timings:
    """Submit when it is due, each on a free thread."""
    begin = time.perf_counter()

    def submitted(number: int, row: int, value: int) -> tuple[float, float, bool]:
        started = time.perf_counter()
        with suppress(StoreUnavailableError):
            submit(row, value)
            return started - (begin + number / rate), time.perf_counter() - started, True
        return started - (begin + number / rate), time.perf_counter() - started, False

    with ThreadPoolExecutor(_THREADS) as threads:
        answers = []
        for number in range(submissions):
            time.sleep(max(0.0, begin + number / rate - time.perf_counter()))
            answers.append(threads.submit(submitted, number, *stage.better(number)))
        late, took, answered = zip(*(answer.result() for answer in answers), strict=True)
    return Timings(late, took, answered.count(False), time.perf_counter() - begin)


def _drain(journal: Journal) -> None:
    """Wait until everything that was committed is counted, or for a minute."""
    deadline = time.perf_counter() + _PATIENCE_SECONDS
    while len(journal.waits_ms()) < len(journal.committed) and time.perf_counter() < deadline:
        time.sleep(POLL_SECONDS)


def _figure(database: str, way: str, rate: float, timings: Timings, stage: Stage) -> Figure:
    journal = stage.dynamo.journal
    waits = journal.waits_ms()
    answer_p50, answer_p99 = np.percentile(np.multiply(timings.took, 1000), [50, 99]).tolist()
    counted_p50, counted_p99, counted_most = np.percentile(waits, [50, 99, 100]).tolist()
    return Figure(
        database=database,
        way=way,
        offered_a_second=rate,
        carried_a_second=round((len(timings.took) - timings.unanswered) / timings.all_together, 1),
        submissions=len(timings.took),
        unanswered=timings.unanswered,
        late_p99_ms=round(float(np.percentile(timings.late, 99)) * 1000, 1),
        answer_p50_ms=round(answer_p50, 1),
        answer_p99_ms=round(answer_p99, 1),
        counted_at_once=round(waits.count(0) / len(waits), 4),
        counted_p50_ms=round(counted_p50, 1),
        counted_p99_ms=round(counted_p99, 1),
        counted_most_ms=round(counted_most, 1),
        uncounted=len(journal.committed) - len(waits),
        wrong_counters=stage.board.wrong_counters(stage.board.stored_values()),
    )


def claims(figures: Sequence[Figure]) -> list[Claim]:
    """Return what was promised of these figures, and whether it holds."""
    uncounted, wrong = sum(each.uncounted for each in figures), sum(each.wrong_counters for each in figures)
    submissions = sum(each.submissions for each in figures)
    return [
        Claim(
            "Every submission is counted, exactly",
            uncounted == wrong == 0,
            f"{submissions:,} submissions, {uncounted} uncounted, {wrong} wrong counters",
        )
    ]


def report(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table."""
    heads = [
        "database",
        "way",
        "offered/s",
        "carried/s",
        "unanswered",
        "late p99 ms",
        "answer p50 ms",
        "p99 ms",
        "counted at once",
    ]
    heads += ["counted p50 ms", "p99 ms", "most ms"]
    rows = [heads, ["---"] * len(heads)]
    for each in figures:
        rows.append([each.database, each.way, f"{each.offered_a_second:g}", f"{each.carried_a_second:g}"])
        rows[-1] += [str(each.unanswered)]
        rows[-1] += [f"{each.late_p99_ms:g}", f"{each.answer_p50_ms:g}", f"{each.answer_p99_ms:g}"]
        rows[-1] += [f"{each.counted_at_once:.1%}", f"{each.counted_p50_ms:g}", f"{each.counted_p99_ms:g}"]
        rows[-1] += [f"{each.counted_most_ms:g}"]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


@contextmanager
def _databases() -> Iterator[Mapping[str, str]]:
    """Yield the endpoints to measure on, by name."""
    given = endpoint()
    with Emulator(0, None) as embedded:
        yield {EMBEDDED: embedded.endpoint} | ({GIVEN: given} if given else {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", default=",".join(f"{rate:g}" for rate in RATES), help="submissions a second")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--players", type=int, default=PLAYERS)
    parser.add_argument("--results", type=File, default=RESULTS)
    arguments = parser.parse_args()
    rates = [float(rate) for rate in arguments.rates.split(",")]
    with _databases() as url_by_name:
        figures = [
            figure
            for name, url in url_by_name.items()
            for rate in rates
            for figure in measure(url, name, rate, arguments.seconds, arguments.players)
        ]
    found = claims(figures)
    results.write(
        arguments.results, {"load": results.load(), "poll_seconds": POLL_SECONDS, "visibility": figures}, found
    )
    print(report(figures))
    results.conclude(found)


if __name__ == "__main__":
    main()
