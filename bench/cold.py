"""What a cold start takes: importing the app, reaching its first call to DynamoDB, and how many clients it makes.

``python -m bench.cold [--starts 15]`` prints the table, and fails where a claim does not hold. Every start is a fresh
interpreter, those compared taking turns, and timed by its processor: nothing in it waits. Sockets are refused, and
imports get an empty environment.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore

from bench.client import Observer
from bench.memory import MemoryDynamoDB
from bench.operations import COUNT_ADVICE, RANK_ALONE, operations
from bench.scene import ENVIRONMENT, MIN_SIZE, Scene, event
from chalicelib.bootstrap import serving
from tests.tables import tables

CHECKOUT = Path(__file__).resolve().parent.parent
MAX_RATIO = 1.5
STARTS = 15

_PROLOGUE = """\
import json, os, re, sys, time

def refuse(event, arguments):
    if event.startswith("socket.") and event != "socket.__new__":
        raise PermissionError(event)

def say_how_long(*_arguments, **_event):
    ended = time.process_time()
    peak = re.search("VmHWM:\\s+(\\d+)", open("/proc/self/status").read()) if sys.platform == "linux" else None
    print(json.dumps([(ended - started) * 1000, int(peak[1]) / 1024 if peak else None]), flush=True)
    os._exit(0)

def watch(session):
    session.register("before-send.dynamodb", say_how_long)

sys.addaudithook(refuse)
request = json.loads(sys.argv[1])
started = time.process_time()
"""
_IMPORT_LIBRARIES = "import chalice, pynamodb.models\n"
_IMPORT_APP = "import app\n"
_IMPORTED = "say_how_long()\n"
_WATCH = "import botocore; botocore.register_initializer(watch)\n"
_BARE_CALL = """\
import botocore.session
client = botocore.session.get_session().create_client("dynamodb")
client.get_item(TableName="boards", Key={"board_id": {"S": "points"}})
"""
_APP_CALL = "app.app(request, None)\n"


@dataclass(frozen=True, slots=True)
class Start:
    """One fresh interpreter: milliseconds of processor time from its first line on, and the most memory it held."""

    ms: float
    mebibytes: float | None
    """None where the system does not say."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two kinds of start, the shortest of each: the work is always the same, and all else only adds to it."""

    name: str
    app: Start
    libraries: Start

    @property
    def ratio(self) -> float:
        return self.app.ms / self.libraries.ms


@dataclass(frozen=True, slots=True)
class Results:
    imported: Comparison
    called: Comparison
    clients: int
    """How many DynamoDB clients one process makes for one of every operation."""


def imports(starts: int = STARTS) -> Comparison:
    """Compare ``import app`` with importing chalice and PynamoDB's models alone."""
    app, libraries = _IMPORT_APP + _IMPORTED, _IMPORT_LIBRARIES + _IMPORTED
    return _compared("import", app, libraries, {}, starts)


def first_calls(starts: int = STARTS) -> Comparison:
    """Compare the way to the first call, imports included, with that of the libraries and a client of botocore's."""
    app, libraries = _IMPORT_APP + _WATCH + _APP_CALL, _IMPORT_LIBRARIES + _WATCH + _BARE_CALL
    return _compared("first call to DynamoDB", app, libraries, ENVIRONMENT, starts)


def clients_made() -> int:
    made: list[Any] = []

    def watch(session: Any) -> None:
        session.register("creating-client-class.dynamodb", lambda **event: made.append(event["class_attributes"]))

    memory = MemoryDynamoDB(tables())
    with Observer(memory).attached():
        scene = Scene.set(memory, MIN_SIZE)
        serving.services.cache_clear()
        botocore.register_initializer(watch)
        for operation in operations():
            if operation.name not in {RANK_ALONE, COUNT_ADVICE}:
                operation.prepare(scene, 0)()
        botocore.unregister_initializer(watch)
    return len(made)


def run(starts: int = STARTS) -> Results:
    """Measure with the environment of the benchmarks, which has to be set before the app is imported."""
    os.environ.update(ENVIRONMENT)
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        return Results(imports(starts), first_calls(starts), clients_made())


def broken_claims(results: Results) -> list[str]:
    broken = []
    if results.imported.ratio > MAX_RATIO:
        broken.append(f"import app: {results.imported.ratio:.2f} times that of the libraries, more than {MAX_RATIO}")
    if results.clients != 1:
        broken.append(f"{results.clients} DynamoDB clients in one process, not 1")
    return broken


def _compared(name: str, app: str, libraries: str, environment: Mapping[str, str], starts: int) -> Comparison:
    for program in (app, libraries):
        _started(program, environment)
    pairs = [(_started(app, environment), _started(libraries, environment)) for _ in range(starts)]
    return Comparison(name, _shortest(one for one, _ in pairs), _shortest(other for _, other in pairs))


def _shortest(starts: Iterable[Start]) -> Start:
    return min(starts, key=lambda start: start.ms)


def _started(program: str, environment: Mapping[str, str]) -> Start:
    request = json.dumps(event("GET", "/boards/{board_id}", path={"board_id": "points"}))
    command = [sys.executable, "-c", _PROLOGUE + program, request]
    done = subprocess.run(command, env=dict(environment), cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return Start(*json.loads(done.stdout))


def report(results: Results) -> str:
    """Return the comparisons as a Markdown table, and the number of clients."""
    lines = ["| | ratio | app | chalice and PynamoDB alone |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {each.name} | {each.ratio:.2f} | {_start_text(each.app)} | {_start_text(each.libraries)} |"
        for each in (results.imported, results.called)
    ]
    return "\n".join([*lines, "", f"DynamoDB clients in one process: {results.clients}."])


def _start_text(start: Start) -> str:
    return f"{start.ms:.0f} ms" if start.mebibytes is None else f"{start.ms:.0f} ms, {start.mebibytes:.0f} MiB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=STARTS)
    results = run(parser.parse_args().starts)
    print(report(results))
    broken = broken_claims(results)
    if broken:
        sys.exit("\n".join(broken))


if __name__ == "__main__":
    main()
