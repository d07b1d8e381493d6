"""How many calls and how much capacity each operation takes, and that neither grows with the board.

``python -m bench.calls [--sizes 1000,10000,100000] [--turns 5]`` prints the table, and fails where a claim does not
hold. With BENCH_DYNAMODB_ENDPOINT it also repeats everything on that DynamoDB and compares what it says was consumed.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import botocore.session

from bench.client import Observer, Trace
from bench.endpoint import EndpointDynamoDB, endpoint
from bench.memory import MemoryDynamoDB
from bench.operations import (
    BARS,
    COUNT_ADVICE,
    HISTOGRAM,
    OVERVIEW,
    RANK_ALONE,
    TOP_PAGE,
    TURNS,
    Operation,
    operations,
)
from bench.scene import ENVIRONMENT, Scene, event
from chalicelib.bootstrap import serving
from tests.tables import PREFIX, tables

SIZES = (1_000, 10_000, 100_000)
LATENCY = 0.03
"""Seconds each call takes: long enough for a call made at the same time to begin, on a busy machine too."""
MAX_CONFIRMED_SIZE = 1_000
"""Above, filling the tables of DynamoDB Local may take longer than all the rest."""
MAX_GROWTH_IN_READ_UNITS = 1.0
"""Between the smallest board and any other: fuller bins and longer numbers may pass a step of 4 KB."""
MAX_READ_UNITS = {OVERVIEW: 1.0 + 106 + 2 * 64, HISTOGRAM: 1.0 + 2 * (BARS + 1)}
"""What reads the nodes in use reads more of them on a fuller board, but never more than there are, or than has bars."""
MAX_GAME_END_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Figure:
    """What an operation takes: the calls of its usual turn, and the units of the dearest."""

    requests: Mapping[str, int]
    """By DynamoDB's name of the operation."""
    rounds: int
    read_units: float
    write_units: float

    @classmethod
    def of(cls, traces: Sequence[Trace]) -> "Figure":
        usual = sorted(traces, key=lambda trace: (len(trace.calls), trace.rounds))[len(traces) // 2]
        return cls(
            requests=usual.operations,
            rounds=usual.rounds,
            read_units=max(trace.read_units for trace in traces),
            write_units=max(trace.write_units for trace in traces),
        )


Figures = Mapping[str, Mapping[int, Figure]]
"""By operation and board size."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What one turn of an operation consumed as counted, and as an endpoint says.

    ``vain``, a part of ``counted``, went to keys and queries that found nothing: DynamoDB takes it, DynamoDB Local not.
    """

    name: str
    size: int
    counted: float
    reported: float
    vain: float

    @property
    def agrees(self) -> bool:
        return self.reported in {self.counted, self.counted - self.vain}


@dataclass(slots=True)
class Results:
    figures: dict[str, dict[int, Figure]] = field(default_factory=dict)
    """By operation and board size."""
    confirmations: list[Confirmation] = field(default_factory=list)


def measure(sizes: Sequence[int], turns: int = len(TURNS), confirming: EndpointDynamoDB | None = None) -> Results:
    """Return what every operation takes on boards of these sizes, counted in memory and maybe confirmed."""
    results = Results()
    for size in sizes:
        memory = MemoryDynamoDB(tables())
        observer = Observer(memory, counting=True)
        with observer.attached():
            scene = Scene.set(memory, size)
            memory.end_pages(f"{PREFIX}records")
            confirmed = confirming if size <= MAX_CONFIRMED_SIZE else None
            with confirmed.holding(memory) if confirmed else nullcontext():
                observer.latency = LATENCY
                counted = _all_traces(observer, scene, turns)
                if confirmed:
                    observer.backend, observer.latency = confirmed, 0.0
                    results.confirmations += _confirmations(size, counted, _all_traces(observer, scene, turns))
            for name, traces in counted.items():
                results.figures.setdefault(name, {})[size] = Figure.of(traces)
    return results


def _all_traces(observer: Observer, scene: Scene, turns: int) -> dict[str, list[Trace]]:
    traces: dict[str, list[Trace]] = {}
    for operation in operations():
        # What new services know of the boards stays good for five seconds, which is longer than all turns take.
        serving.services.cache_clear()
        traces[operation.name] = [_traced(observer, scene, operation, turn) for turn in range(turns)]
    return traces


def _confirmations(
    size: int, counted: Mapping[str, Sequence[Trace]], reported: Mapping[str, Sequence[Trace]]
) -> Iterator[Confirmation]:
    for name, traces in counted.items():
        for ours, theirs in zip(traces, reported[name], strict=True):
            units = ours.read_units + ours.write_units, theirs.read_units + theirs.write_units
            yield Confirmation(name, size, *units, ours.vain_units)


def _traced(observer: Observer, scene: Scene, operation: Operation, turn: int) -> Trace:
    """Return the calls of one turn, made by an app that knows its boards, as all but its first seconds do."""
    step = operation.prepare(scene, turn)
    scene.call(event("GET", "/"))
    with observer.traced() as calls:
        step()
    return Trace(calls)


def broken_claims(figures: Figures) -> list[str]:
    """Return what the documents claim and these figures deny."""
    return [*_wrong_calls(figures), *_growing(figures)]


def _wrong_calls(figures: Figures) -> Iterator[str]:
    for name, figure_by_size in figures.items():
        for size, figure in figure_by_size.items():
            where = f"{name} at {size:,} records"
            if name == RANK_ALONE and figure.requests != {"BatchGetItem": 1, "Query": 1}:
                yield f"{where}: one BatchGetItem and one Query expected, not {dict(figure.requests)}"
            if name == TOP_PAGE and figure.requests != {"Query": 1}:
                yield f"{where}: one Query expected, not {dict(figure.requests)}"
            if name.startswith("gameEnd") and figure.rounds > MAX_GAME_END_ROUNDS:
                yield f"{where}: at most {MAX_GAME_END_ROUNDS} calls in sequence expected, not {figure.rounds}"


def _growing(figures: Figures) -> Iterator[str]:
    for name, figure_by_size in figures.items():
        if name == COUNT_ADVICE:
            continue
        smallest = figure_by_size[min(figure_by_size)]
        for size, figure in figure_by_size.items():
            if _grown(smallest, figure):
                yield f"{name}: {_calls(smallest)} grow to {_calls(figure)} at {size:,} records"
            most = MAX_READ_UNITS.get(name, smallest.read_units + MAX_GROWTH_IN_READ_UNITS)
            if figure.read_units > most:
                yield f"{name}: {smallest.read_units:g} read units grow to {figure.read_units:g} at {size:,} records"
            if figure.write_units > smallest.write_units:
                yield f"{name}: {smallest.write_units:g} write units grow to {figure.write_units:g} at {size:,} records"


def _grown(smaller: Figure, larger: Figure) -> bool:
    """Tell whether calls grew. A board's shape may add one beside the others: bins of one score take no Query."""
    more = sum(larger.requests.values()) - sum(smaller.requests.values())
    return more > 1 or larger.rounds > smaller.rounds


def _calls(figure: Figure) -> str:
    return f"{dict(figure.requests)} in {figure.rounds} rounds"


def report(figures: Figures) -> str:
    """Return the figures as a Markdown table."""
    sizes = sorted(next(iter(figures.values())))
    units = [f"{kind} at {size:,}" for kind in ("RRU", "WRU") for size in sizes]
    lines = [["operation", "requests", "rounds", *units], ["---"] * (3 + len(units))]
    for name, figure_by_size in figures.items():
        largest = figure_by_size[sizes[-1]]
        reads = [f"{figure_by_size[size].read_units:g}" for size in sizes]
        writes = [f"{figure_by_size[size].write_units:g}" for size in sizes]
        lines.append([name, requests_text(largest), str(largest.rounds), *reads, *writes])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def requests_text(figure: Figure) -> str:
    return " + ".join(f"{count} {name}" for name, count in figure.requests.items()) or "none"


def confirmation_text(confirmations: Sequence[Confirmation]) -> str:
    """Return one sentence on how the counted units compare, and a line for every difference."""
    differing = [each for each in confirmations if not each.agrees]
    lines = [f"{len(confirmations) - len(differing)} of {len(confirmations)} operations consumed what was counted."]
    lines += [
        f"- {each.name} at {each.size:,} records: {each.counted:g} counted, {each.vain:g} of it in vain; "
        f"{each.reported:g} reported"
        for each in differing
    ]
    return "\n".join(lines)


def run(sizes: Sequence[int], turns: int = len(TURNS)) -> Results:
    """Measure with the environment of the benchmarks, which has to be set before the app is imported."""
    os.environ.update(ENVIRONMENT)
    url = endpoint()
    if url is None:
        return measure(sizes, turns)
    client = botocore.session.Session().create_client("dynamodb", endpoint_url=url)
    os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = url
    return measure(sizes, turns, confirming=EndpointDynamoDB(client))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--turns", type=int, default=len(TURNS))
    arguments = parser.parse_args()
    results = run([int(size) for size in arguments.sizes.split(",")], arguments.turns)
    print(report(results.figures))
    if results.confirmations:
        print(confirmation_text(results.confirmations))
    broken = broken_claims(results.figures)
    if broken:
        sys.exit("\n".join(broken))


if __name__ == "__main__":
    main()
