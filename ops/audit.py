"""Audits rank indexes: ``python -m ops.audit``, or ``make audit``.

BOARD chooses one, else all are audited; PERIOD one of its periods; QUICK=1 leaves the marks out, which is what the
schedule does. It ends with 0 where nothing is wrong, 1 where something is, 2 when it could not ask.
"""

import os
from collections.abc import Sequence
from typing import Any

from ops.command import options, run
from ops.jobs import Answer, Follower

FUNCTION = "audit_ranks"
FINE, WRONG = 0, 1


def main() -> None:
    parser = options(
        "Compare counters with records.",
        os.environ,
        board="the board; all where it is left out",
        period="current, previous, or a period's id",
        quick="1: do not read the marks",
    )
    given = parser.parse_args()
    run(lambda functions: audit(Follower(functions), given.board, given.period or "current", quick=given.quick == "1"))


def audit(follower: Follower, board_id: str | None, period: str, *, quick: bool) -> int:
    """Audit and tell, and return the exit status."""
    fine = True
    for tree in _trees(follower, board_id, period):
        request = {"board_id": tree["board_id"], "period": tree["period_id"], "thorough": not quick}
        answer = follower.follow(FUNCTION, request)
        print(_line(answer))
        fine = fine and answer["found"]["drift"] == 0
    if not fine:
        print("Heal an index with `make rebuild BOARD=... PERIOD=...`; players are served meanwhile.")
    return FINE if fine else WRONG


def _trees(follower: Follower, board_id: str | None, period: str) -> Sequence[Any]:
    if board_id is not None:
        return [{"board_id": board_id, "period_id": period}]
    trees: Sequence[Any] = follower.ask(FUNCTION, {})["trees"]
    print(f"{len(trees)} boards and periods in stage {follower.functions.stage}.")
    return trees


def _line(answer: Answer) -> str:
    job, found = answer["job"], answer["found"]
    name = f"{job['board_id']} {job['period_id']}"
    settled = f", {found['settled']:,} settled late" if found["settled"] else ""
    if found["drift"] == 0:
        return f"{name}: exact, {found['records']:,} records{settled}"
    least = "" if found["complete"] else "at least "
    wrong = f"{found['wrong_counters']:,} counters and {found['wrong_marks']:,} marks wrong"
    return f"{name}: DRIFT, {least}{wrong}, {found['records']:,} records{settled}"


if __name__ == "__main__":
    main()
