"""Fresh interpreters on unpacked packages, with nothing else to import, timed by their processor: nothing waits."""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.scene import ENVIRONMENT, event

API = "app"
READ_BOARD = event("GET", "/boards/{board_id}", path={"board_id": "points"})

_PROLOGUE = """\
import json, os, re, sys, time

class Context:
    function_name = aws_request_id = "cold"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:cold"
    def get_remaining_time_in_millis(self):
        return 60_000

def refuse(event, arguments):
    if event.startswith("socket.") and event != "socket.__new__":
        raise PermissionError(event)

def say(*_arguments, **_event):
    called = time.process_time()
    peak = re.search("VmHWM:\\\\s+(\\\\d+)", open("/proc/self/status").read()) if sys.platform == "linux" else None
    modules = [name for name, module in sys.modules.items() if getattr(module, "__file__", None)]
    said = [(imported - started) * 1000, (called - started) * 1000, int(peak[1]) / 1024 if peak else None, modules]
    print(json.dumps(said), flush=True)
    os._exit(0)

def watch(session):
    session.register("after-call", say)

tree, handler, request = sys.argv[1:]
sys.path.insert(0, tree)
request = json.loads(request)
sys.stderr = open(os.devnull, "w")
started = time.process_time()
"""
_COLLECT_NOTHING = "import gc; gc.disable()\n"
_IMPORT = "module = __import__(handler.partition('.')[0])\nimported = time.process_time()\n"
_ONLY_IMPORT = f"sys.addaudithook(refuse)\n{_IMPORT}say()\n"
_WATCH = "import botocore; botocore.register_initializer(watch)\n"
_CALL = "getattr(module, handler.partition('.')[2])(request, Context())\nsay()\n"


@dataclass(frozen=True, slots=True)
class Start:
    """One fresh interpreter: milliseconds of processor time from its first line on."""

    imported: float
    called: float
    """Until the answer to the first call of AWS was there, or, where none is made, that of the function."""
    mebibytes: float | None
    """The most memory it held; None where the system does not say."""
    modules: Sequence[str]
    """Those that were read from files."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to start: a package and what it runs."""

    name: str
    tree: Path
    handler: str = f"app.{API}"
    request: Any = None
    collects: bool = True
    """Whether Python looks for garbage meanwhile, as it does by itself."""
    calls_aws: bool = True


def imported(way: Way) -> Start:
    """Import a function with an empty environment, but for its name, and every socket refused."""
    return _started(way, _ONLY_IMPORT, {"_HANDLER": way.handler})


def called(way: Way, endpoint: Mapping[str, str]) -> Start:
    """Import a function and call it, up to its first answer from AWS."""
    program = _IMPORT + (_WATCH if way.calls_aws else "") + _CALL
    return _started(way, program, {**ENVIRONMENT, **endpoint, "_HANDLER": way.handler})


def in_turns(ways: Sequence[Way], endpoint: Mapping[str, str], rounds: int) -> dict[str, Sequence[Start]]:
    """Return the starts of each way by its name, one a round."""
    for way in ways:
        called(way, endpoint)
    starts = [[called(way, endpoint) for way in ways] for _ in range(rounds)]
    return {way.name: each for way, each in zip(ways, zip(*starts, strict=True), strict=True)}


def shortest(starts: Iterable[Start]) -> Start:
    """Return the shortest: the work is always the same, and all else only adds to it."""
    return min(starts, key=lambda start: start.called)


def ratio(starts: Sequence[Start], others: Sequence[Start]) -> float:
    """Return how many times those of ``others`` these are: the median of the rounds."""
    return statistics.median(one.called / other.called for one, other in zip(starts, others, strict=True))


def _started(way: Way, program: str, environment: Mapping[str, str]) -> Start:
    program = _PROLOGUE + ("" if way.collects else _COLLECT_NOTHING) + program
    # No site packages, nothing from PYTHON* variables, and no byte code is written: a package's folder is read-only.
    command = [sys.executable, "-I", "-S", "-B", "-c", program, str(way.tree), way.handler, json.dumps(way.request)]
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout:
        raise RuntimeError(f"{way.name}: {done.stderr or 'no answer'}")
    return Start(*json.loads(done.stdout))
