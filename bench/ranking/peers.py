"""All peers at once: Laurel and what it is compared to, measured in one run.

``python -m bench.ranking.peers [--sizes 1000,10000]`` writes bench/results/peers.json and prints what is claimed, PASS
or FAIL. Laurel and the DynamoDB of the usual advice are timed where BENCH_DYNAMODB_ENDPOINT names a DynamoDB (Amazon's
DynamoDB Local, say; use no other: tables are dropped); without, they are counted in memory. Redis and PostgreSQL are
measured where their programs and clients are installed.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from importlib import import_module
from itertools import islice
from pathlib import Path

from bench.endpoint import VARIABLE, endpoint
from bench.ranking import burst, claims, contest, counting, laurel, results, tiers
from bench.ranking.board import StoredBoard
from bench.ranking.contest import Contest
from bench.ranking.counting import Counting
from bench.ranking.database import Database, at_endpoint, in_memory
from bench.ranking.figures import Findings, PeerFigures, SizeFigures, Timing, plain
from bench.ranking.laurel import Laurel
from bench.ranking.peer import Line, Operation, Peer, Questioned, Unavailable
from bench.ranking.population import Population
from bench.ranking.tiers import Tiers

SIZES = (1_000, 10_000, 100_000, 1_000_000)
RESULTS = results.FOLDER / "peers.json"
MAX_COUNTED_SIZE = 100_000
"""Above, a board in this process takes gigabytes: units are then those that the endpoint reports."""
_SERVERS = {"Redis": "bench.ranking.redis_set", "PostgreSQL": "bench.ranking.postgres"}


def measure(sizes: Sequence[int], servers: Iterable[str], keep: Callable[[Findings], None]) -> Findings:
    """Return what peers took on boards of these sizes; ``keep`` gets what is known after each."""
    findings = Findings()
    with ExitStack() as stack:
        database = stack.enter_context(_database(findings))
        started = [peer for name in servers for peer in _started(stack, name, findings)]
        for size in sizes:
            print(f"{size:,} records ...", flush=True)
            population = Population(size)
            found = _contested(population, [*_on(database), *started], findings, _all_of_it)
            findings.sizes.append(found)
            if database.wire and size <= MAX_COUNTED_SIZE:
                _add_counted(population, found, findings)
            findings.load = results.load()
            keep(findings)
    return findings


@contextmanager
def _database(findings: Findings) -> Iterator[Database]:
    url = endpoint()
    if url is None:
        reason = f"{VARIABLE} names no DynamoDB: requests, units and errors are counted in memory"
        findings.missing |= {f"times of {name}": reason for name in (laurel.NAME, counting.NAME, tiers.NAME)}
    with in_memory() if url is None else at_endpoint(url) as database:
        yield database


def _on(database: Database) -> list[Peer]:
    board = StoredBoard(database)
    return [Laurel(board, _writers), Counting(board), Tiers(board)]


def _writers(population: Population) -> set[str]:
    return contest.writers(population) | set(burst.writers(population))


def _started(stack: ExitStack, name: str, findings: Findings) -> list[Peer]:
    """Start the servers of a kind of peer, or note what is missing."""
    try:
        started: Callable[[], AbstractContextManager[list[Peer]]] = import_module(_SERVERS[name]).started
        return stack.enter_context(started())
    except ModuleNotFoundError as error:
        findings.missing[name] = f"its client is not installed ({error.name}): make bench-ranking installs it"
    except Unavailable as error:
        findings.missing[name] = str(error)
    return []


def _contested(
    population: Population, peers: Sequence[Peer], findings: Findings, run: Callable[[Contest], None]
) -> SizeFigures:
    held = Contest(population, peers, findings.wrong)
    held.load()
    run(held)
    return held.finished()


def _all_of_it(held: Contest) -> None:
    held.run()
    for peer, truth, figures in held.entered:
        print(f"  {peer.name}: {_summary(figures)}", flush=True)
        if isinstance(peer, Questioned):
            peer.take(Line.LOOPBACK)
            figures.aside = {name: _timed(ask, held.population) for name, ask in peer.aside.items()}
        if isinstance(peer, Tiers):
            peer.recount()
        own_rank = figures.operations[Operation.OWN_RANK].loopback
        if own_rank is None or own_rank.p50_ms < 1000 * contest.PATIENCE_SECONDS:
            figures.burst = burst.burst(peer, truth, held.population)


def _summary(figures: PeerFigures) -> str:
    timings = [figures.operations[operation].loopback for operation in Operation]
    shown = [f"{name} {timing.p50_ms:.2f} ms" for name, timing in zip(Operation, timings, strict=True) if timing]
    return ", ".join(shown) or "in memory"


def _timed(ask: Callable[[str], object], population: Population) -> Timing:
    readers = islice(population.readers(0), contest.SAMPLES[Operation.OWN_RANK])
    return contest.timing([[contest.seconds_of(partial(ask, player_id)) for player_id in readers]])


def _add_counted(population: Population, found: SizeFigures, findings: Findings) -> None:
    """Count what the endpoint reported by the published rules too, on a board in memory."""
    with in_memory() as database:
        counted = _contested(population, _on(database), findings, Contest.look)
    for figures in counted.peers:
        measured = found.of(figures.peer)
        for operation, each in figures.operations.items():
            if measured:
                measured.operations[operation].counted = each.counted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=os.environ.get("SIZES") or ",".join(map(str, SIZES)))
    parser.add_argument("--servers", default=",".join(_SERVERS), help='those to start; "" for none')
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # else servers would outlive this program

    def keep(findings: Findings) -> None:
        results.write(arguments.results, plain(findings), claims.of(findings))

    servers = arguments.servers.split(",") if arguments.servers else ()
    findings = measure([int(size) for size in arguments.sizes.split(",")], servers, keep)
    for name, reason in findings.missing.items():
        print(f"not measured: {name}: {reason}")
    if findings.wrong:
        sys.exit("wrong answers:\n" + "\n".join(findings.wrong))
    results.conclude(claims.of(findings))


if __name__ == "__main__":
    main()
