"""Replays dead letters: ``python -m ops.replay``, or ``make replay``.

It ends with 0 when everything was counted, 1 when letters stay in the queue, 2 when it could not ask.
"""

import os
import sys
from collections.abc import Iterator
from typing import Any

from ops.functions import CommandError, Functions

FUNCTION = "replay_dead_letters"
HIDDEN_MINUTES = 5
ALL_COUNTED, SOME_LEFT, NOT_ASKED = 0, 1, 2

Fate = dict[str, Any]


def main() -> None:
    try:
        sys.exit(replay(Functions(os.environ)))
    except CommandError as error:
        print(error, file=sys.stderr)
        sys.exit(NOT_ASKED)


def replay(functions: Functions) -> int:
    """Replay until the queue has nothing more to show, saying what became of each letter; return the exit status."""
    print(f"Replaying the dead letters of stage {functions.stage}.")
    left, counted = [], 0
    for fate in _fates(functions):
        print(_line(fate))
        if fate["replayed"]:
            counted += 1
        else:
            left.append(fate)
    print(_summary(counted, len(left)))
    return SOME_LEFT if left else ALL_COUNTED


def _fates(functions: Functions) -> Iterator[Fate]:
    more = True
    while more:
        answer = functions.call(FUNCTION)
        yield from answer["fates"]
        more = answer["more"]


def _line(fate: Fate) -> str:
    return f"  counted  {fate['subject']}" if fate["replayed"] else f"  stays    {fate['subject']}: {fate['why']}"


def _summary(counted: int, left: int) -> str:
    if not counted and not left:
        return f"The queue shows no letters. What an earlier replay left shows up {HIDDEN_MINUTES} minutes after it."
    if not left:
        return f"Replayed {counted}, all there were."
    return f"Replayed {counted}; {left} stay. Mend what they name; after {HIDDEN_MINUTES} minutes they can be replayed."


if __name__ == "__main__":
    main()
