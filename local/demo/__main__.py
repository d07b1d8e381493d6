"""Plays thousands of games, verifies every rank, ends a season: ``python -m local.demo``, or ``make demo``.

PLAYERS chooses how many play, PORT where Laurel is looked for before one is started.
"""

import os
import random
import signal
import sys
from types import FrameType
from typing import NoReturn

from deploy.errors import DeployError
from local.children import StartError
from local.demo.client import Client, DemoError, ServerGoneError
from local.demo.crew import Crew
from local.demo.crowd import crowd
from local.demo.match import Match
from local.demo.opponent import opponent
from local.demo.screen import Screen
from local.layout import DEFAULT_PORT

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
DEFAULT_PLAYERS = 2_000
# Beyond, it takes longer than access tokens last.
MAX_PLAYERS = 20_000


def main() -> None:
    screen = Screen()
    for number in STOP_SIGNALS:
        signal.signal(number, _interrupt)
    try:
        exact = _demo(screen, players=_number("PLAYERS", DEFAULT_PLAYERS, 1, MAX_PLAYERS))
    except KeyboardInterrupt:
        screen.say("\nStopped.")
    except (DemoError, StartError, DeployError) as error:
        sys.exit(str(error))
    else:
        sys.exit(0 if exact else 1)


def _demo(screen: Screen, players: int) -> bool:
    with (
        opponent(_number("PORT", DEFAULT_PORT, 1, 2**16 - 1), screen.say) as laurel,
        Client(laurel.url) as client,
        Crew() as crew,
    ):
        try:
            exact = Match(client, crew, screen, laurel.operator).run(crowd(players, random.Random()))  # noqa: S311  # a game
        except ServerGoneError as error:
            raise DemoError(f"{error}\n{laurel.last_words()}".rstrip()) from error
        if laurel.kept:
            screen.say(f"The boards stay: {laurel.url}boards")
        return exact


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    # A second Ctrl-C must not leave half of the processes behind.
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _number(name: str, default: int, least: int, most: int) -> int:
    text = os.environ.get(name, "")
    if text and not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        sys.exit(f"{name} must be a number from {least:,} to {most:,}, not {text!r}.")
    return int(text or default)


if __name__ == "__main__":
    main()
