"""The report: what was measured, in docs/explanation/performance.md."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bench import bins, calls, cpu, local_run
from bench.bins import Remainder
from bench.calls import Figure
from bench.cold import measures as cold
from bench.endpoint import VARIABLE
from bench.operations import COUNT_ADVICE, GAME_END, RANK_ALONE, TURNS

REPORT = Path(__file__).resolve().parent.parent / "docs" / "explanation" / "performance.md"


@dataclass(frozen=True, slots=True)
class Measurements:
    calls: calls.Results
    remainders: Sequence[Remainder]
    cpu: cpu.Results
    cold: cold.Results
    local_run: local_run.Run


def written(measured: Measurements) -> str:
    """Return the whole document."""
    sections = (
        _opening(),
        _summary(measured),
        _calls(measured.calls),
        _bins(measured.remainders),
        _cpu(measured.cpu),
        _local_run(measured.local_run),
        _elsewhere(measured.calls),
    )
    return "\n\n".join(sections) + "\n"


def _opening() -> str:
    return f"""\
# Performance

Every figure here is measured by `make bench`, which writes this page: edit `bench/report.py`, not this.

Ratios come from runs that take turns with what they are compared to, and hold on other machines; times do not. This
one has {os.cpu_count()} cores, {platform.system()} on {platform.machine()}, and Python {platform.python_version()}.
The libraries: botocore {version("botocore")}, PynamoDB {version("pynamodb")}."""


def _summary(measured: Measurements) -> str:
    size, rank, count = _largest(measured.calls)
    dearest = max(measured.cpu.comparisons, key=lambda each: each.ratio)
    costliest = max(measured.cpu.calls, key=lambda each: each.ratio)
    one, fastest = measured.local_run.loads[0], max(each.requests_a_second for each in measured.local_run.loads)
    game_end = measured.calls.figures[GAME_END][size]
    rows = [
        ("an exact rank among " + f"{size:,}, against counting the better ones", _times(rank, count), "flat"),
        ("calls in sequence of a rank read", f"{rank.rounds}", "1"),
        ("calls in sequence of `gameEnd`", f"{game_end.rounds}", f"{calls.MAX_GAME_END_ROUNDS}"),
        (
            f"processor time of a request ÷ its bare calls, the highest ({dearest.name})",
            f"{dearest.ratio:.2f}",
            f"{cpu.MAX_RATIO}",
        ),
        ("processor time of a call ÷ botocore's, the highest", f"{costliest.ratio:.2f}", f"{cpu.MAX_CALL_RATIO}"),
        (
            "a cold start ÷ that of the leanest function with PynamoDB, packaged alike",
            f"{measured.cold.ratio(cold.LEANEST_PRUNED):.2f}",
            f"{cold.MAX_RATIO}",
        ),
        ("DynamoDB clients in a process", f"{measured.cold.clients}", "1"),
        ("local run: `GET /`, p50", f"{one.p50_ms:.1f} ms", f"{local_run.MAX_P50_MS:.0f} ms"),
        ("local run: requests a second", f"{fastest:.0f}", f"at least {local_run.MIN_REQUESTS_A_SECOND:.0f}"),
        (
            "local run: start to first answer",
            f"{measured.local_run.start_seconds:.1f} s",
            f"{local_run.MAX_START_SECONDS:.0f} s",
        ),
        (
            "local run: redeployment",
            f"{measured.local_run.redeploy_seconds:.1f} s",
            f"{local_run.MAX_REDEPLOY_SECONDS:.0f} s",
        ),
    ]
    lines = ["| what | measured | bound |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {what} | {figure} | {bound} |" for what, figure, bound in rows)])


def _calls(results: calls.Results) -> str:
    return f"""\
## Calls and capacity

{calls.report(results.figures)}

RRU and WRU are read and write request units. Rounds are calls in sequence: those made at the same time count once.

- Calls are those of the app's own client, seen through botocore's events, with the app invoked as Lambda does it.
  Boards are remembered for five seconds; the first request after that reads them again, one unit each.
- Each operation is made by {len(TURNS)} players, from the board's low end to its top. Calls are those of the usual one,
  units those of the dearest. There are three boards of each size: points (log-normal), stars (small integers, so that
  thousands tie) and lap times (log-normal, ascending, reset weekly).
- Units are counted from the sizes of items by DynamoDB's published rules: `bench/capacity.py`. A transaction's writes
  and checks cost double; a change of the ordered index costs its deletion and its put.
- The last digit may move: a number gets longer, a bin fuller. The benchmark fails when an operation's rounds or write
  units grow with the board, its requests by more than one beside others, or its read units by more than one.
  Distributions read the nodes in use: more of them on a fuller board, up to a bound that the benchmark holds too.

{_confirmation(results)}"""


def _confirmation(results: calls.Results) -> str:
    if not results.confirmations:
        return f"Set {VARIABLE} to have the same calls made to a DynamoDB, and what it reports compared."
    sizes = " and ".join(f"{size:,}" for size in sorted({each.size for each in results.confirmations}))
    return f"""\
The same calls were made to a DynamoDB ({VARIABLE}), on copies of the same boards of {sizes}:
{calls.confirmation_text(results.confirmations)}

DynamoDB Local, unlike DynamoDB, charges nothing for keys and queries that find nothing: where only that differs, the
figures agree. It also reports one figure for any transaction, so these writes were made one by one, and doubled."""


def _bins(remainders: Sequence[Remainder]) -> str:
    return f"""\
## What the Query of a rank looks at

A rank is what three nodes count, plus the better records of the player's own bin, counted by one Query. Some twenty of
them fill 4 KB, half a read unit.

{bins.report(remainders)}

It grows with the crowd in a bin, which is at most 1/4096 of its score wide, and not at all where scores are below
4,096. A board that expects more than ten million players gets one digit more: bins 64 times finer."""


def _cpu(results: cpu.Results) -> str:
    return f"""\
## Processor time

{cpu.report(results)}

A warm request, through Chalice's app and all of Laurel, against a default botocore client that makes exactly the same
calls and throws the answers away; and against itself with its calls left to botocore. All speak to a server of recorded
answers, a process of its own, over loopback. Calls are those of the requests, answered at once, without TLS.

Laurel's client makes the calls of items itself: their JSON goes out and comes in as it is, over connections it keeps.
`python -m bench.parts` tells what each part of botocore's work is worth; the decision on
[lean calls](../decisions/0009-lean-calls.md) says what is left out, what stays botocore's, and at which risk."""


def _local_run(run: local_run.Run) -> str:
    return f"""\
## Local run

{local_run.report(run)}

`GET /` through the embedded AWS's gateway and Lambda workers, warm, with the client on the same cores. These times say
how it is to develop here; they say nothing about AWS."""


def _elsewhere(results: calls.Results) -> str:
    size, rank, count = _largest(results)
    even = size * rank.read_units / count.read_units
    game_end = results.figures[GAME_END][size]
    return f"""\
## What is better elsewhere

- **Small boards.** Below some {round(even, -2):.0f} records, counting the better ones costs fewer units than reading
  the rank index, and needs none.
- **Writes.** An improved score costs {game_end.write_units:g} WRU, more than half of them for the rank index: a
  leaderboard that only lists its top writes a record for three. Scores that arrive by the thousand a second for one
  board are cheaper in a sorted set in memory.
- **Latency.** A sorted set in a server's memory answers in less time than DynamoDB takes for one call. It is also a
  server to keep, with its own durability to arrange.
- **Processor time.** An extension in C or Rust would sign, send and read in less than Python does. It would be a part
  to build for each architecture, and to load at every cold start."""


def _largest(results: calls.Results) -> tuple[int, Figure, Figure]:
    """Return the largest size, and what a rank and the COUNT query take there."""
    size = max(results.figures[RANK_ALONE])
    return size, results.figures[RANK_ALONE][size], results.figures[COUNT_ADVICE][size]


def _times(rank: Figure, count: Figure) -> str:
    return f"{rank.read_units:g} RRU against {count.read_units:g}: {count.read_units / rank.read_units:.0f} times fewer"
