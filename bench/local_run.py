"""How the local run performs: its start, a redeployment, and requests through gateway emulation and Lambda workers.

``python -m bench.local_run [--requests 400]`` prints the table, and fails where a claim does not hold.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from urllib.parse import urlsplit

from local.stack import LocalStack

MAX_START_SECONDS = 10.0
MAX_REDEPLOY_SECONDS = 5.0
MAX_P50_MS = 15.0
MIN_REQUESTS_A_SECOND = 100.0
CONNECTIONS = (1, 4, 8)
REQUESTS = 400
_WARMING = 40
_OK = 200


class UnexpectedStatusError(Exception):
    """The local run answered something else than 200."""


@dataclass(frozen=True, slots=True)
class Load:
    """Requests sent one after another over each of some connections."""

    connections: int
    p50_ms: float
    p99_ms: float
    requests_a_second: float


@dataclass(frozen=True, slots=True)
class Run:
    start_seconds: float
    """Until GET / is answered for the first time."""
    redeploy_seconds: float
    loads: Sequence[Load]


def measure(connections: Sequence[int] = CONNECTIONS, requests: int = REQUESTS) -> Run:
    """Start a local run that keeps nothing, send ``requests`` per number of connections, and stop it."""
    started = time.monotonic()
    with LocalStack() as laurel:
        complaint = laurel.first_answer()
        if complaint:
            raise UnexpectedStatusError(complaint)
        start_seconds = time.monotonic() - started
        loads = [load(laurel.url, number, requests) for number in connections]
        started = time.monotonic()
        laurel.deploy()
        return Run(start_seconds, time.monotonic() - started, loads)


def load(url: str, connections: int, requests: int) -> Load:
    """Send ``requests`` in all over so many connections, after some that are not measured."""
    with ThreadPoolExecutor(connections) as threads:
        list(threads.map(partial(_latencies_ms, url), [_WARMING // connections] * connections))
        started = time.monotonic()
        shares = threads.map(partial(_latencies_ms, url), [requests // connections] * connections)
        latencies = sorted(latency for share in shares for latency in share)
        seconds = time.monotonic() - started
    p99 = statistics.quantiles(latencies, n=100)[98]
    return Load(connections, statistics.median(latencies), p99, len(latencies) / seconds)


def _latencies_ms(url: str, requests: int) -> list[float]:
    """Return the latencies of GET / over one connection."""
    return list(_each_latency_ms(url, requests))


def _each_latency_ms(url: str, requests: int) -> Iterator[float]:
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=30)
    try:
        for _ in range(requests):
            started = time.perf_counter()
            connection.request("GET", address.path)
            answer = connection.getresponse()
            answer.read()
            if answer.status != _OK:
                raise UnexpectedStatusError(f"GET / answered {answer.status}")
            yield (time.perf_counter() - started) * 1000
    finally:
        connection.close()


def broken_claims(run: Run) -> list[str]:
    broken = []
    if run.start_seconds > MAX_START_SECONDS:
        broken.append(f"the start took {run.start_seconds:.1f} s, more than {MAX_START_SECONDS:.0f}")
    if run.redeploy_seconds > MAX_REDEPLOY_SECONDS:
        broken.append(f"a redeployment took {run.redeploy_seconds:.1f} s, more than {MAX_REDEPLOY_SECONDS:.0f}")
    if run.loads[0].p50_ms > MAX_P50_MS:
        broken.append(f"GET / took {run.loads[0].p50_ms:.1f} ms (p50), more than {MAX_P50_MS:.0f}")
    if max(load.requests_a_second for load in run.loads) < MIN_REQUESTS_A_SECOND:
        broken.append(f"fewer than {MIN_REQUESTS_A_SECOND:.0f} requests a second, however many connections")
    return broken


def report(run: Run) -> str:
    """Return the loads as a Markdown table, and the times of start and redeployment."""
    lines = ["| connections | GET / p50, ms | p99, ms | requests a second |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {load.connections} | {load.p50_ms:.1f} | {load.p99_ms:.1f} | {load.requests_a_second:.0f} |"
        for load in run.loads
    ]
    times = f"Start to first answer: {run.start_seconds:.1f} s. Redeployment: {run.redeploy_seconds:.1f} s."
    return "\n".join([*lines, "", times])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    run = measure(requests=parser.parse_args().requests)
    print(report(run))
    broken = broken_claims(run)
    if broken:
        sys.exit("\n".join(broken))


if __name__ == "__main__":
    main()
