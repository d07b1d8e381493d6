"""What a request and a call cost in processor time, against botocore making the same calls.

``python -m bench.cpu [--pairs 12] [--requests 25]`` prints the tables, and fails where something takes more than it
may. Requests go through the whole app; bare means a default botocore client that makes exactly the same calls, one
after another, and does nothing with the answers. Calls are compared one by one, those of the requests.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import botocore.session
import urllib3
from botocore import xform_name
from botocore.client import BaseClient
from botocore.config import Config as ClientConfig

from bench.canned import LATENCY_MS, canned
from bench.client import Call, Observer
from bench.memory import MemoryDynamoDB
from bench.operations import (
    BATCH,
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
from chalicelib.bootstrap import serving
from chalicelib.store import dynamo
from chalicelib.store.boards import BoardItem
from chalicelib.store.signing import Signature
from tests.tables import tables

MAX_RATIO = 1.0
MAX_CALL_RATIO = 0.4
SETTLED_BATCH = f"admin batch of {BATCH}: improved"
PAIRS, REQUESTS = 12, 25
LAUREL, UNCHECKED, DEFAULT, FLOOR = "Laurel", "botocore, unchecked", "botocore", "urllib3, signed"
"""Who makes a call: the app's client; botocore without parameter validation; botocore as it comes; nothing but urllib3,
a signature and the standard library's JSON, without retries, errors or credentials that change."""
_TURN = 2
"""The middle of the board."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Milliseconds of processor time a request, all threads together; the ratios are medians of pairs."""

    name: str
    calls: int
    handler_ms: float
    bare_ms: float
    ratio: float
    by_botocore_ratio: float
    """To the same request, its calls made by botocore."""


@dataclass(frozen=True, slots=True)
class CallComparison:
    """Microseconds of processor time a call, by who makes it: ``LAUREL``, ``UNCHECKED``, ``DEFAULT`` and ``FLOOR``."""

    name: str
    us_by_maker: Mapping[str, float]

    @property
    def ratio(self) -> float:
        return self.to(UNCHECKED)

    def to(self, maker: str) -> float:
        return self.us_by_maker[LAUREL] / self.us_by_maker[maker]


@dataclass(frozen=True, slots=True)
class Recording:
    """The calls of one warm request, and with them those that warm it."""

    request: Event
    calls: Sequence[Call]
    warming: Sequence[Call]


@dataclass(frozen=True, slots=True)
class Results:
    comparisons: Sequence[Comparison]
    calls: Sequence[CallComparison]
    together_ms: float
    """What it adds to make two calls at the same time rather than one after the other."""
    together_at_once_ms: float
    """The same, where answers come so soon that two threads want the interpreter all the time."""


def measure(pairs: int = PAIRS, requests: int = REQUESTS) -> Results:
    """Compare requests and calls, ``requests`` of one kind and then of the others, ``pairs`` times."""
    app, recordings = recorded()
    compared = [_compared(name, app, recording, pairs, requests) for name, recording in recordings.items()]
    calls = [_call_compared(name, call, pairs, requests) for name, call in calls_of(recordings).items()]
    together, at_once = (
        _together_ms(recordings[OWN_ENTRY].calls[-2:], pairs, requests, latency_ms) for latency_ms in (LATENCY_MS, 0.0)
    )
    return Results(compared, calls, together, at_once)


def run(pairs: int = PAIRS, requests: int = REQUESTS) -> Results:
    """Measure with the environment of the benchmarks, which has to be set before the app is imported."""
    os.environ.update(ENVIRONMENT)
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        return measure(pairs, requests)


def recorded() -> tuple[Any, dict[str, Recording]]:
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
        SETTLED_BATCH: _batch(scene),
    }


def _batch(scene: Scene) -> Event:
    players = scene.actors[len(scene.actors) // 3 :][:BATCH]
    submissions = [{"player_id": each.player_id, "score": beaten(each, 4)["points"]} for each in players]
    route = "/admin/boards/{board_id}/submissions/batch"
    return event("POST", route, path={"board_id": "points"}, body={"submissions": submissions}, admin=True)


def _recorded(observer: Observer, scene: Scene, request: Event) -> Recording:
    serving.services.cache_clear()
    with observer.traced() as warming:
        for board in BOARDS:
            scene.call(event("GET", "/boards/{board_id}", path={"board_id": board["board_id"]}))
        scene.call(event("GET", "/"))
    with observer.traced() as calls:
        scene.call(request)
    return Recording(request, calls, warming)


def _compared(name: str, app: Any, recording: Recording, pairs: int, requests: int) -> Comparison:
    with canned([*recording.warming, *recording.calls]) as url:
        handler, bare = handler_at(app, recording.request, url), _bare(recording.calls, url)
        measured = turns([handler, _by_botocore(handler), bare], pairs, requests)
    return Comparison(
        name,
        len(recording.calls),
        statistics.median(one for one, _, _ in measured),
        statistics.median(other for _, _, other in measured),
        statistics.median(one / other for one, _, other in measured),
        statistics.median(one / before for one, before, _ in measured),
    )


def calls_of(recordings: Mapping[str, Recording]) -> dict[str, Call]:
    """Return one call of each kind that the requests make, the last of it, by what it is."""
    chosen = {
        "GetItem of a player": (LOBBY, "GetItem"),
        "Query of 20 entries": (TOP_PAGE, "Query"),
        "BatchGetItem of a rank": (OWN_ENTRY, "BatchGetItem"),
        "TransactWriteItems of a game": (GAME_END, "TransactWriteItems"),
        f"TransactWriteItems that settles {BATCH}": (SETTLED_BATCH, "TransactWriteItems"),
    }
    return {
        name: [call for call in recordings[recording].calls if call.operation == operation][-1]
        for name, (recording, operation) in chosen.items()
    }


def _call_compared(name: str, call: Call, pairs: int, requests: int) -> CallComparison:
    with canned([call], latency_ms=0.0) as url:
        session = botocore.session.Session()
        unchecked = ClientConfig(parameter_validation=False)
        step_by_maker = {
            LAUREL: step_of(client_at(url), call),
            UNCHECKED: step_of(session.create_client("dynamodb", endpoint_url=url, config=unchecked), call),
            DEFAULT: step_of(session.create_client("dynamodb", endpoint_url=url), call),
            FLOOR: _floor(url, call),
        }
        measured = turns(list(step_by_maker.values()), pairs, 4 * requests)
    medians = [statistics.median(times) * 1000 for times in zip(*measured, strict=True)]
    return CallComparison(name, dict(zip(step_by_maker, medians, strict=True)))


def _floor(url: str, call: Call) -> Step:
    pool = urllib3.PoolManager().connection_from_url(url)
    credentials: Any = botocore.session.Session().get_credentials()
    signature, target = Signature(os.environ["AWS_DEFAULT_REGION"], "dynamodb"), f"DynamoDB_20120810.{call.operation}"
    fixed = {"Host": url.partition("//")[2], "X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"}

    def step() -> None:
        body, headers = json.dumps(call.request).encode(), dict(fixed)
        signature.sign(headers, body, credentials, time.gmtime())
        json.loads(pool.urlopen("POST", "/", body, headers, retries=False).data)

    return step


def turns(steps: Sequence[Step], pairs: int, requests: int) -> list[list[float]]:
    """Return milliseconds of each step, as often as there are pairs, the steps taking turns."""
    for step in steps:
        _cpu_ms(step, 2 * requests)
    return [[_cpu_ms(step, requests) for step in steps] for _ in range(pairs)]


def handler_at(app: Any, request: Event, url: str) -> Step:
    os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = url
    serving.services.cache_clear()
    called(app, request)
    return partial(app, request, CONTEXT)


def _by_botocore(handler: Step) -> Step:
    """Return the same request with its calls made by botocore."""

    def step() -> None:
        with _left_to_botocore():
            handler()

    return step


@contextmanager
def _left_to_botocore() -> Iterator[None]:
    client: Any = BoardItem._get_connection().connection.client  # noqa: SLF001  # the one that all share
    client._make_api_call = partial(BaseClient._make_api_call, client)  # type: ignore[attr-defined]  # noqa: SLF001  # botocore's way
    try:
        yield
    finally:
        del client._make_api_call  # noqa: SLF001  # the class's shows again


def _bare(calls: Sequence[Call], url: str) -> Step:
    client = botocore.session.Session().create_client("dynamodb", endpoint_url=url)
    steps = [step_of(client, call) for call in calls]

    def step() -> None:
        for each in steps:
            each()

    return step


def step_of(client: Any, call: Call) -> Step:
    return partial(getattr(client, xform_name(call.operation)), **call.request)


def by_botocore(client: Any, call: Call) -> None:
    """Let botocore make a call with the app's client."""
    BaseClient._make_api_call(client, call.operation, call.request)  # type: ignore[attr-defined]  # noqa: SLF001  # its way


def client_at(url: str) -> Any:
    """Return the app's client."""
    os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = url
    return dynamo.connect().client


def _cpu_ms(step: Step, times: int) -> float:
    started = time.process_time()
    for _ in range(times):
        step()
    return (time.process_time() - started) / times * 1000


def _together_ms(calls: Sequence[Call], pairs: int, requests: int, latency_ms: float) -> float:
    """Return the processor time it adds to make two calls at the same time, as a rank read does."""
    with canned(calls, latency_ms) as url, ThreadPoolExecutor(1) as threads:
        client = client_at(url)
        one, other = (step_of(client, call) for call in calls)

        def together() -> None:
            started = threads.submit(other)
            one()
            started.result()

        def in_sequence() -> None:
            one()
            other()

        return statistics.median(one - other for one, other in turns([together, in_sequence], pairs, requests))


def broken_claims(results: Results) -> list[str]:
    requests = [
        f"{each.name}: {each.ratio:.2f} times the processor time of the bare calls, more than {MAX_RATIO}"
        for each in results.comparisons
        if each.ratio > MAX_RATIO
    ]
    calls = [
        f"{each.name}: {each.ratio:.2f} times the processor time of botocore's call, more than {MAX_CALL_RATIO}"
        for each in results.calls
        if each.ratio > MAX_CALL_RATIO
    ]
    return [*requests, *calls]


def report(results: Results) -> str:
    """Return the comparisons as Markdown tables, and what threads cost."""
    threads = (
        f"Two calls at the same time, each answered after {LATENCY_MS:g} ms, take {results.together_ms:+.2f} ms of "
        f"processor time against one after the other; answered at once, {results.together_at_once_ms:+.2f} ms."
    )
    return "\n\n".join([_request_table(results.comparisons), _call_table(results.calls), threads])


def _request_table(comparisons: Sequence[Comparison]) -> str:
    lines = [
        "| request | ÷ its bare calls | calls | ÷ with botocore's calls | app, ms | bare calls, ms |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {each.name} | {each.ratio:.2f} | {each.calls} | {each.by_botocore_ratio:.2f} | {each.handler_ms:.2f} |"
        f" {each.bare_ms:.2f} |"
        for each in comparisons
    ]
    return "\n".join(lines)


def _call_table(calls: Sequence[CallComparison]) -> str:
    others = (UNCHECKED, DEFAULT, FLOOR)
    lines = [
        f"| call | Laurel, µs | {' | '.join(f'÷ {maker}' for maker in others)} |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {each.name} | {each.us_by_maker[LAUREL]:.0f} | {' | '.join(f'{each.to(maker):.2f}' for maker in others)} |"
        for each in calls
    ]
    return "\n".join(lines)


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
