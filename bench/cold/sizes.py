"""What a function's memory buys: durations and costs, reckoned from processor time by Lambda's documented rules.

Nothing here ran on Lambda. A function has the share of one processor that its memory has of 1,769 MB, and no more than
one for a program that computes in one thread; waiting takes as long whatever it has.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html, https://aws.amazon.com/lambda/pricing/
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.canned import LATENCY_MS, canned
from bench.cpu import handler_at, recorded, turns
from bench.operations import GAME_END, OWN_ENTRY, TOP_PAGE

MEMORY_SIZES = (128, 256, 512, 1024, 1769, 3008)
WHOLE_PROCESSOR_MB = 1769
DOLLARS_PER_GB_SECOND = {"x86_64": 0.0000166667, "arm64": 0.0000133334}
DOLLARS_PER_REQUEST = 0.20 / 1e6
OPERATIONS = (OWN_ENTRY, TOP_PAGE, GAME_END)


@dataclass(frozen=True, slots=True)
class Work:
    """What one request takes: milliseconds of processor time, and of waiting for DynamoDB."""

    computing: float
    waiting: float

    def duration(self, memory: int) -> float:
        """Return the milliseconds it takes with so many megabytes."""
        return self.computing / share(memory) + self.waiting

    def dollars(self, memory: int, architecture: str) -> float:
        """Return what a million of them costs, where each has a function to itself meanwhile, as Lambda does it."""
        gigabyte_seconds = self.duration(memory) / 1000 * memory / 1024
        return 1e6 * (gigabyte_seconds * DOLLARS_PER_GB_SECOND[architecture] + DOLLARS_PER_REQUEST)


def share(memory: int) -> float:
    """Return the share of one processor that a function of so many megabytes has.

    >>> share(1769), share(3008)
    (1.0, 1.0)
    """
    return min(1.0, memory / WHOLE_PROCESSOR_MB)


def measured(pairs: int, requests: int) -> Mapping[str, Work]:
    """Measure warm requests against recorded answers; each of their calls is waited for, one after the other."""
    app, recordings = recorded()
    work_by_name = {}
    for name in OPERATIONS:
        recording = recordings[name]
        with canned([*recording.warming, *recording.calls]) as url:
            times = turns([handler_at(app, recording.request, url)], pairs, requests)
        computing = statistics.median(one for (one,) in times)
        work_by_name[name] = Work(computing, len(recording.calls) * LATENCY_MS)
    return work_by_name


def report(cold_start: float, work_by_name: Mapping[str, Work]) -> str:
    """Return a Markdown table, a row for each memory size.

    Args:
        cold_start: Milliseconds of processor time until the first answer from DynamoDB.
    """
    names = list(work_by_name)
    heads = ["memory, MB", "processor", "cold start, ms", *(f"{name}, ms" for name in names)]
    heads += [f"a million of the last, {architecture}, $" for architecture in DOLLARS_PER_GB_SECOND]
    rows = [_row(memory, cold_start, work_by_name) for memory in MEMORY_SIZES]
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, ["---"] * len(heads), *rows])


def _row(memory: int, cold_start: float, work_by_name: Mapping[str, Work]) -> Sequence[str]:
    durations = [f"{work.duration(memory):.0f}" for work in work_by_name.values()]
    game_end = work_by_name[GAME_END]
    dollars = [f"{game_end.dollars(memory, architecture):.2f}" for architecture in DOLLARS_PER_GB_SECOND]
    return [f"{memory:,}", f"{share(memory):.2f}", f"{cold_start / share(memory):.0f}", *durations, *dollars]
