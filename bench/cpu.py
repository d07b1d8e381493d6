"""What the app adds to its DynamoDB calls: processor time of a warm request against the same calls made bare.

``python -m bench.cpu [--pairs 20] [--requests 25]`` prints the table, and fails where an operation takes more than it
may. Bare means a default botocore client that makes exactly the same calls, one after another, and does nothing with
the answers.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import botocore.session
from botocore import xform_name

from bench.canned import LATENCY_MS, canned
from bench.client import Call, Observer
from bench.memory import MemoryDynamoDB
from bench.operations import (
    GAME_END,
    GAME_START,
    LOBBY,
    OWN_ENTRY,
    TOP_PAGE,
    Step,
    actor_of,
    beaten,
    game_end,
    game_start,
    lobby,
    own_entry,
    page,
)
from bench.scene import BOARDS, CONTEXT, ENVIRONMENT, MIN_SIZE, Event, Scene, called, event
from chalicelib import bootstrap
from tests.tables import tables

MAX_RATIO = 1.3
PAIRS, REQUESTS = 20, 25
_TURN = 2
"""The middle of the board."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Milliseconds of processor time a request, all threads together; the ratio is the median of pairs."""

    name: str
    calls: int
    handler_ms: float
    bare_ms: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Recording:
    """The calls of one warm request, and with them those that warm it."""

    request: Event
    calls: Sequence[Call]
    warming: Sequence[Call]


@dataclass(frozen=True, slots=True)
class Results:
    comparisons: Sequence[Comparison]
    together_ms: float
    """What it adds to make two calls at the same time rather than one after the other."""
    together_at_once_ms: float
    """The same, where answers come so soon that two threads want the interpreter all the time."""


def measure(pairs: int = PAIRS, requests: int = REQUESTS) -> Results:
    """Compare each operation, ``requests`` of one kind and then of the other, that many ``pairs`` of times."""
    app, recordings = _recordings()
    compared = [_compared(name, app, recording, pairs, requests) for name, recording in recordings.items()]
    together, at_once = (
        _together_ms(recordings[OWN_ENTRY].calls[-2:], pairs, requests, latency_ms) for latency_ms in (LATENCY_MS, 0.0)
    )
    return Results(compared, together, at_once)


def run(pairs: int = PAIRS, requests: int = REQUESTS) -> Results:
    """Measure with the environment of the benchmarks, which has to be set before the app is imported."""
    os.environ.update(ENVIRONMENT)
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        return measure(pairs, requests)


def _recordings() -> tuple[Any, dict[str, Recording]]:
    memory = MemoryDynamoDB(tables())
    observer = Observer(memory)
    with observer.attached():
        scene = Scene.set(memory, MIN_SIZE)
        return scene.app, {name: _recorded(observer, scene, each) for name, each in _requests(scene).items()}


def _requests(scene: Scene) -> dict[str, Event]:
    actor = actor_of(scene, _TURN)
    game_id = scene.call(game_start(actor))["game_id"]
    return {
        OWN_ENTRY: own_entry("points", scene, _TURN),
        TOP_PAGE: page("points"),
        GAME_START: game_start(actor),
        LOBBY: lobby(actor),
        GAME_END: game_end(actor, game_id, {"points": beaten(actor, 1)["points"]}),
    }


def _recorded(observer: Observer, scene: Scene, request: Event) -> Recording:
    bootstrap.services.cache_clear()
    with observer.traced() as warming:
        for board in BOARDS:
            scene.call(event("GET", "/boards/{board_id}", path={"board_id": board["board_id"]}))
        scene.call(event("GET", "/"))
    with observer.traced() as calls:
        scene.call(request)
    return Recording(request, calls, warming)


def _compared(name: str, app: Any, recording: Recording, pairs: int, requests: int) -> Comparison:
    with canned([*recording.warming, *recording.calls]) as url:
        handler, bare = _handler(app, recording.request, url), _bare(recording.calls, url)
        for step in (handler, bare):
            _cpu_ms(step, 2 * requests)
        measured = [(_cpu_ms(handler, requests), _cpu_ms(bare, requests)) for _ in range(pairs)]
    return Comparison(
        name,
        len(recording.calls),
        statistics.median(one for one, _ in measured),
        statistics.median(other for _, other in measured),
        statistics.median(one / other for one, other in measured),
    )


def _handler(app: Any, request: Event, url: str) -> Step:
    os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = url
    bootstrap.services.cache_clear()
    called(app, request)
    return partial(app, request, CONTEXT)


def _bare(calls: Sequence[Call], url: str) -> Step:
    steps = _steps(calls, url)

    def step() -> None:
        for each in steps:
            each()

    return step


def _steps(calls: Sequence[Call], url: str) -> list[Step]:
    client = botocore.session.Session().create_client("dynamodb", endpoint_url=url)
    return [partial(getattr(client, xform_name(call.operation)), **call.request) for call in calls]


def _cpu_ms(step: Step, times: int) -> float:
    started = time.process_time()
    for _ in range(times):
        step()
    return (time.process_time() - started) / times * 1000


def _together_ms(calls: Sequence[Call], pairs: int, requests: int, latency_ms: float) -> float:
    """Return the processor time it adds to make two calls at the same time, as a rank read does."""
    with canned(calls, latency_ms) as url, ThreadPoolExecutor(1) as threads:
        one, other = _steps(calls, url)

        def together() -> None:
            started = threads.submit(other)
            one()
            started.result()

        def in_sequence() -> None:
            one()
            other()

        for step in (together, in_sequence):
            _cpu_ms(step, 2 * requests)
        return statistics.median(_cpu_ms(together, requests) - _cpu_ms(in_sequence, requests) for _ in range(pairs))


def broken_claims(results: Results) -> list[str]:
    return [
        f"{each.name}: {each.ratio:.2f} times the processor time of the bare calls, more than {MAX_RATIO}"
        for each in results.comparisons
        if each.ratio > MAX_RATIO
    ]


def report(results: Results) -> str:
    """Return the comparisons as a Markdown table, and what threads cost."""
    lines = ["| operation | ratio | calls | app, ms | bare calls, ms |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {each.name} | {each.ratio:.2f} | {each.calls} | {each.handler_ms:.2f} | {each.bare_ms:.2f} |"
        for each in results.comparisons
    ]
    threads = (
        f"Two calls at the same time, each answered after {LATENCY_MS:g} ms, take {results.together_ms:+.2f} ms of "
        f"processor time against one after the other; answered at once, {results.together_at_once_ms:+.2f} ms."
    )
    return "\n".join([*lines, "", threads])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    arguments = parser.parse_args()
    results = run(arguments.pairs, arguments.requests)
    print(report(results))
    broken = broken_claims(results)
    if broken:
        sys.exit("\n".join(broken))


if __name__ == "__main__":
    main()
