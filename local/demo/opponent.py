"""The Laurel to play against: the one that runs already, or one of the demo's own, thrown away at the end."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from deploy import secrets
from local.demo.client import DemoError
from local.demo.operator import Operator
from local.layout import API_PATH, LOOPBACK
from local.stack import LocalStack
from local.target import embedded

LOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Opponent:
    url: str
    operator: Operator
    kept: bool
    """Whether it is still there after the demo."""
    last_words: Callable[[], str]


@contextmanager
def opponent(port: int, say: Callable[[str], object]) -> Iterator[Opponent]:
    """Yield the Laurel on ``port``, or start one beside whatever is there and stop it at the end.

    Raises:
        DemoError: Laurel is there, but its admin key is not.
        StartError, DeployError: See LocalStack.
    """
    url = f"http://{LOOPBACK}:{port}{API_PATH}"
    if _is_laurel(url):
        say(f"Playing against the Laurel that runs at {url}")
        yield Opponent(url, _operator(port), kept=True, last_words=str)
        return
    started = time.monotonic()
    say(f"No Laurel runs on port {port}: starting one for the demo alone ...")
    with LocalStack() as laurel:
        if problem := laurel.first_answer():
            raise DemoError(problem)
        say(f"It is up after {time.monotonic() - started:.1f} s: {laurel.url}")
        operator = Operator(laurel.admin_key, laurel.target)
        yield Opponent(laurel.url, operator, kept=False, last_words=laurel.last_words)


def _is_laurel(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=LOOK_SECONDS) as response:
            answer = json.load(response)
    except (OSError, ValueError):
        return False
    return isinstance(answer, dict) and answer.get("name") == "laurel"


def _operator(port: int) -> Operator:
    target = embedded(f"http://{LOOPBACK}:{port}")
    try:
        return Operator(secrets.admin_key(target), target)
    except (BotoCoreError, ClientError) as error:
        raise DemoError(f"The Laurel on port {port} does not give away its admin key: {error}") from error
