"""Jobs followed to their end: a function is asked again and again and goes on where it stopped; a bar shows how far.

Who ends this program ends nothing else: the command, run again, goes on, and so does the schedule of the deployment.
"""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TextIO

from tqdm import tqdm

from ops.functions import CommandError, Functions

ANSWER_SECONDS = 5
"""How long a function works before it answers: often enough for a bar that moves."""
BUSY_SECONDS = 2.0
RETRIES = 10
PASSING = frozenset({"store_unavailable", "contended"})
RUNNING = "running"

Answer = dict[str, Any]


class Bar:
    """Shows a job's phase and how many records it has gone through; without a terminal, a line for each phase."""

    def __init__(self, out: TextIO = sys.stderr) -> None:
        self._out = out
        self._phase = ""
        self._bar = tqdm(total=0, unit=" records", unit_scale=True, file=out, disable=not out.isatty(), leave=False)

    def show(self, job: Mapping[str, Any]) -> None:
        waits = f", waits {job['wait_seconds']:.0f} s" if job["wait_seconds"] else ""
        self._bar.total = max(job["total"], job["done"])
        self._bar.n = job["done"]
        self._bar.set_description(f"{job['board_id']} {job['period_id']}: {job['phase']}{waits}", refresh=True)
        if self._bar.disable and job["phase"] != self._phase:
            print(f"{job['board_id']} {job['period_id']}: {job['phase']}{waits}", file=self._out, flush=True)
        self._phase = job["phase"]

    def close(self) -> None:
        self._bar.close()


@dataclass
class Follower:
    functions: Functions
    sleep: Callable[[float], None] = time.sleep
    bar: Bar = field(default_factory=Bar)

    def follow(self, function: str, request: Mapping[str, Any]) -> Answer:
        """Ask until the job has ended, and return the last answer; one without a job at once."""
        asked = {**request, "seconds": ANSWER_SECONDS}
        try:
            while True:
                answer = self.ask(function, asked)
                job = answer.get("job")
                if job is None or job["state"] != RUNNING:
                    return answer
                asked = {name: value for name, value in asked.items() if name != "abort"} | {"job_id": job["job_id"]}
                self.bar.show(job)
                self.sleep(_pause(job))
        finally:
            self.bar.close()

    def ask(self, function: str, request: Mapping[str, Any]) -> Answer:
        """Return an answer, or raise CommandError with the reason of a refusal that asking again does not change."""
        for left in reversed(range(RETRIES)):
            answer: Answer = self.functions.call(function, dict(request))
            if "error" not in answer:
                return answer
            if answer["error"]["code"] not in PASSING or not left:
                raise CommandError(answer["error"]["message"])
            self.sleep(BUSY_SECONDS)
        raise AssertionError("the last answer is returned or raised")


def _pause(job: Mapping[str, Any]) -> float:
    if job["busy"]:
        return BUSY_SECONDS
    return min(float(job["wait_seconds"]), BUSY_SECONDS)
