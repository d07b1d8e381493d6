"""Rebuilds a rank index while it is in use: ``python -m ops.rebuild``, or ``make rebuild``.

BOARD names the board; PERIOD a period (current), or "later" for those that have not begun; DIGITS, LANES and SLICES the
layout wanted. Without any of the three the index is built anew as it is, which heals it. ABORT=1 gives a rebuild up.
It ends with 0 when the index is as wanted, 1 when the rebuild failed or was given up, 2 when it could not ask.
"""

import argparse
import os
from typing import Any

from ops.command import number, options, run
from ops.functions import CommandError
from ops.jobs import Follower

FUNCTION = "rebuild_ranks"
AS_WANTED, NOT_REBUILT = 0, 1


def main() -> None:
    parser = options(
        "Build a rank index anew, beside the one in use.",
        os.environ,
        board="the board",
        period="current, previous, a period's id, or later",
        digits="3 to 6: how fine the bins are",
        lanes="1 to 32: how many copies of each node share the writes",
        slices="0 to 2: how deep the listing is cut",
        abort="1: give up the rebuild under way",
    )
    given = parser.parse_args()
    run(lambda functions: rebuild(Follower(functions), request_of(given)))


def request_of(given: argparse.Namespace) -> dict[str, Any]:
    """Return what to ask for, or raise CommandError."""
    if given.board is None:
        raise CommandError("Which board? BOARD=<its id>")
    wanted = {name: number(name, getattr(given, name)) for name in ("digits", "lanes", "slices")}
    return {
        "board_id": given.board,
        "period": given.period or "current",
        "abort": given.abort == "1",
        **{name: value for name, value in wanted.items() if value is not None},
    }


def rebuild(follower: Follower, request: dict[str, Any]) -> int:
    """Rebuild and tell, and return the exit status."""
    answer = follower.follow(FUNCTION, request)
    job = answer["job"]
    if "from_period" in answer:
        print(f"{request['board_id']}: periods from {answer['from_period']} on begin with this layout.")
        return AS_WANTED
    if job is None:
        print(f"{request['board_id']}: nothing to do, the layout is {_layout(answer['layout'])}.")
        return AS_WANTED
    name = f"{job['board_id']} {job['period_id']}"
    if job["state"] == "done":
        print(f"{name}: rebuilt, from {_layout(answer['old'])} to {_layout(answer['fresh'])}.")
        return AS_WANTED
    print(f"{name}: {job['state']}: {job['message']}. The index is the one it was.")
    return AS_WANTED if request["abort"] and job["state"] == "aborted" else NOT_REBUILT


def _layout(layout: dict[str, Any]) -> str:
    return (
        f"{layout['digits']} digits, {layout['lanes']} lanes, {layout['slices']} slices (build {layout['generation']})"
    )


if __name__ == "__main__":
    main()
