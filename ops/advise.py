"""Says which layout suits a board: ``python -m ops.advise``, or ``make advise``.

BOARD names the board, PERIOD a period (current); WRITES the peak of writes a second to plan for, which is estimated
from the board otherwise. It ends with 0 when it could ask, 2 when not.
"""

import os
from collections.abc import Iterator
from typing import Any

from ops.command import number, options, run
from ops.functions import CommandError
from ops.jobs import Follower

FUNCTION = "advise_ranks"
ADVISED = 0


def main() -> None:
    parser = options(
        "Say which layout suits a board, why, and what the change costs.",
        os.environ,
        board="the board",
        period="current, previous, or a period's id",
        writes="the peak of writes a second to plan for",
    )
    given = parser.parse_args()
    run(lambda functions: advise(Follower(functions), given.board, given.period or "current", given.writes))


def advise(follower: Follower, board_id: str | None, period: str, writes: str | None) -> int:
    """Ask and tell, and return the exit status."""
    if board_id is None:
        raise CommandError("Which board? BOARD=<its id>")
    request: dict[str, Any] = {"board_id": board_id, "period": period}
    if writes is not None:
        request["writes_per_second"] = number("writes", writes)
    answer = follower.ask(FUNCTION, request)
    print("\n".join(_lines(board_id, answer)))
    return ADVISED


def _lines(board_id: str, answer: dict[str, Any]) -> Iterator[str]:
    figures, layout = answer["figures"], answer["figures"]["layout"]
    source = "as given" if answer["peak_given"] else "estimated from the records' times, a lower bound"
    shape = f"{layout['digits']} digits, {layout['lanes']} lanes, {layout['slices']} slices"
    yield f"{board_id}: {figures['records']:,} records; {shape}"
    yield f"  peak        {figures['peak']:,.1f} writes a second, {source}"
    yield f"  bin         {figures['bin_size']:,.1f} records that a rank may have to look at one by one"
    _, once, twice = figures["shares"]
    yield f"  slices      the fullest holds {once:.0%} of the records cut 1 deep, {twice:.0%} cut 2 deep"
    if not answer["changes"]:
        yield "Nothing to change."
        return
    for change in answer["changes"]:
        yield f"Change {change['setting']} from {change['now']} to {change['wanted']}: {change['why']}."
    cost = answer["cost"]
    yield (
        f"That takes about {cost['minutes']:,} minutes, {cost['write_units']:,} write and {cost['read_units']:,} read "
        f"units, ${cost['dollars']:,.2f} ({cost['prices']})."
    )
    wanted = " ".join(f"{change['setting'].upper()}={change['wanted']}" for change in answer["changes"])
    yield f"  make rebuild BOARD={board_id} {wanted}"


if __name__ == "__main__":
    main()
