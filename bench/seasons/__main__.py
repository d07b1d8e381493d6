"""What the end of a period costs, and that it is exact: ``python -m bench.seasons [--records 100000] [--deaths 20]``.

The database, the bucket and the topic stand in this process and count what is consumed by the published rules. Whoever
turns the period is a process of its own, whose calls take as long as those to AWS are assumed to: see
bench/ranking/latencies.py. It is killed, as kill -9 does, at calls that are drawn at random, and run twice at once.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from bench.ranking import prices
from bench.seasons.account import Account
from bench.seasons.keeper import Orders, Report
from bench.seasons.truth import Truth, wrong
from chalicelib.domain.boards import Board
from chalicelib.domain.jobs import LEASE
from chalicelib.domain.turns import Ended

RECORDS, DEATHS = 100_000, 20
_SEED = 7
_SILENCE = LEASE + timedelta(seconds=1)
"""After so long whoever says nothing is thought dead."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a turn that nobody disturbed."""

    report: Report
    busy_seconds: float
    """What of its time went by in the database, which answers one request at a time here."""
    units: Counter[tuple[str, str]]
    requests: Counter[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    cost: Cost
    deaths: int
    twice: int
    wrong: list[str]


def run(records: int, deaths: int) -> Outcome:
    """Turn one period undisturbed; then the same again, with deaths and duplicates."""
    cost, problems = _undisturbed(records)  # its account is forgotten before there is another one: they are large
    account = Account()
    truth = _ended(account, records)
    died, twice = _struck(account, cost.report.calls, deaths)
    return Outcome(cost, died, twice, [*problems, *wrong(truth, account)])


def _undisturbed(records: int) -> tuple[Cost, list[str]]:
    account = Account()
    truth = _ended(account, records)
    (report,) = account.run([Orders(is_held=True)])
    return Cost(report, account.busy_seconds, account.units, account.requests), wrong(truth, account)


def _ended(account: Account, records: int) -> Truth:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    board = Board(
        board_id="points", title="Points", reset="0 0 * * *", created_at=today - timedelta(days=1), sealed=True
    )
    return Truth.played(account, board, Ended(f"{board.created_at:%Y%m%dT%H%MZ}", today), records)


def _struck(account: Account, calls: int, deaths: int) -> tuple[int, int]:
    """Let processes die at points drawn from the whole course, every third beside another; then end it in peace.

    The other one thinks the first dead, whether it is or not.
    """
    chance = random.Random(_SEED)  # noqa: S311  # the same points every time
    points = [0, *sorted(chance.sample(range(1, calls), deaths))]
    ahead, died, twice = timedelta(0), 0, 0
    for number, (before, point) in enumerate(pairwise(points)):
        dying = Orders(ahead, last_call=point - before, is_answered=number % 2 == 0)
        together = [dying, replace(dying, ahead=ahead + _SILENCE)] if number % 3 == 0 else [dying]
        died += len(together) - len(account.run(together))
        twice += len(together) - 1
        ahead += 2 * _SILENCE
    while account.run([Orders(ahead)])[0].calls > _IDLE_CALLS:
        ahead += _SILENCE
    return died, twice


_IDLE_CALLS = 3
"""What a run that finds nothing to do takes at most."""


def table(found: Outcome, records: int) -> Iterator[str]:
    cost, report = found.cost, found.cost.report
    yield f"{records:,} records, of as many players, who all get something: {report.seconds:.1f} s,"
    yield f"{cost.busy_seconds:.1f} s of them in the database in memory, {report.processor_seconds:.1f} s of processor"
    yield f"time in the process that turns the period, in {report.calls:,} calls,"
    yield f"{report.megabytes:.0f} MB more than the process began with."
    yield ""
    yield "| units | tables | | a record |"
    yield "|---|---|---|---|"
    for (kind, tables), units in sorted(cost.units.items()):
        yield f"| {kind} | {tables} | {units:,.0f} | {units / max(1, records):.2f} |"
    reads = sum(units for (kind, _), units in cost.units.items() if kind == "read")
    writes = sum(cost.units.values()) - reads
    dollars = reads * prices.READ_UNIT + writes * prices.WRITE_UNIT
    yield ""
    yield f"In all {reads:,.0f} read units and {writes:,.0f} write units: ${dollars:.2f} at the list price."
    yield ", ".join(f"{count:,} {name}" for name, count in sorted(cost.requests.items())) + "."
    yield ""
    yield f"Killed {found.deaths} times, and run {found.twice} times by two at once:"
    yield from (f"- {each}" for each in found.wrong or ["0 lost, 0 doubled; the archive is the standings."])


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the end of a period, and hold it to a sorted list.")
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--deaths", type=int, default=DEATHS)
    given = parser.parse_args()
    found = run(given.records, given.deaths)
    print("\n".join(table(found, given.records)))
    sys.exit(bool(found.wrong))


if __name__ == "__main__":
    main()
