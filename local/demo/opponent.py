"""The Laurel to play against: the one that runs already, or one of the demo's own, thrown away at the end."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from local import credentials
from local.demo.client import DemoError
from local.layout import API_PATH, LOOPBACK, STATE_DIR
from local.stack import LocalStack

LOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Opponent:
    url: str
    admin_key: str
    kept: bool
    """Whether it is still there after the demo."""
    last_words: Callable[[], str]


@contextmanager
def opponent(port: int, say: Callable[[str], object]) -> Iterator[Opponent]:
    """Yield the Laurel on ``port``, or start one beside whatever is there and stop it at the end.

    Raises:
        DemoError: Laurel is there, but its admin key is not.
        StartError, ResourceError, DeployError: See LocalStack.
    """
    url = f"http://{LOOPBACK}:{port}{API_PATH}"
    if _is_laurel(url):
        say(f"Playing against the Laurel that runs at {url}")
        yield Opponent(url, _kept_admin_key(url), kept=True, last_words=str)
        return
    started = time.monotonic()
    say(f"No Laurel runs on port {port}: starting one for the demo alone ...")
    with LocalStack() as laurel:
        if problem := laurel.first_answer():
            raise DemoError(problem)
        say(f"It is up after {time.monotonic() - started:.1f} s: {laurel.url}")
        yield Opponent(laurel.url, laurel.admin_key, kept=False, last_words=laurel.last_words)


def _is_laurel(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=LOOK_SECONDS) as response:
            answer = json.load(response)
    except (OSError, ValueError):
        return False
    return isinstance(answer, dict) and answer.get("name") == "laurel"


def _kept_admin_key(url: str) -> str:
    if not (STATE_DIR / credentials.FILE_NAME).exists():
        raise DemoError(
            f"{url} is a Laurel of another checkout: its admin key is not here. "
            "Stop it, or name another port: make demo PORT=8000"
        )
    return credentials.kept_in(STATE_DIR).admin_key
