"""The report's sections on boards that no server here holds, and on how the index keeps up with submissions.

Each reads the figures that one program of this package left in bench/results.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.ranking.markdown import number, table, units

Content = Mapping[str, Any]
Point = tuple[float, float]
Curves = Mapping[str, Sequence[Point]]
COUNTED = "COUNT on an index"
_SHOWN_FROM = 1_000_000
_FEWEST_DIGITS, _WHOLE = 3, 1000
_CROWDED = """

A crowd in one bin is what this index is **not** made for: everybody's score among 244 neighbours of a million. Ranks
stay exact, and their cost grows with the crowd as the COUNT query's does; a sorted set in memory does not mind. Scores
that count from zero, or a fourth digit, spread such a crowd."""
Columns = Mapping[str, str]
"""Heads by the names of figures."""


def content(file: Path) -> Content:
    return dict(json.loads(file.read_text(encoding="utf-8")))


def sections(folder: Path) -> Iterator[str]:
    """Yield a section for each kind of figures that is there."""
    for name, section in _SECTIONS.items():
        file = folder / f"{name}.json"
        if file.exists():
            yield section(content(file))


def growth(folder: Path) -> Curves:
    """Return mean read units by simulated size: of each spread as advised, and of the COUNT query."""
    curves: dict[str, list[Point]] = {}
    counted: dict[float, float] = {}
    for board in _figures(folder, "simulation", "boards"):
        if board["advised"]:
            curves.setdefault(board["spread"], []).append((board["size"], board["read_units"]["mean"]))
            counted.setdefault(board["size"], board["count_read_units"]["mean"])
    return curves | ({COUNTED: sorted(counted.items())} if counted else {})


def records_by_lanes(folder: Path) -> Curves:
    """Return records settled a second by lanes: here, and where transactions contend as on AWS."""
    curves: dict[str, list[Point]] = {}
    for each in _figures(folder, "throughput", "lanes"):
        curves.setdefault(f"DynamoDB Local, {each['players']}", []).append((each["lanes"], each["records_a_second"]))
    for each in _figures(folder, "contention", "contention"):
        label = f"contended as on AWS, settlers: {each['settlers']}, batches of {each['batch']}"
        curves.setdefault(label, []).append((each["lanes"], each["records_a_second"]))
    return curves


def _figures(folder: Path, name: str, part: str) -> Sequence[Content]:
    file = folder / f"{name}.json"
    return list(content(file)[part]) if file.exists() else []


def _simulated(found: Content) -> str:
    boards = found["boards"]
    shown_from = min(_SHOWN_FROM, max(each["size"] for each in boards))
    heads = ["scores", "records", "digits", "nodes", "same bin: mean", "p99", "RRU: mean", "p99", "COUNT RRU", "wrong"]
    rows = [
        _board_row(each)
        for each in boards
        if each["size"] >= shown_from and (each["advised"] or each["digits"] == _FEWEST_DIGITS)
    ]
    sampled = sum(each["sampled"] for each in boards)
    crowded = _CROWDED if any(each["crowded"] for each in boards) else ""
    return f"""\
## Up to a hundred million records

![Read units of an own rank on simulated boards](../images/ranking/simulation.svg)

{table(heads, rows)}

The index's items, every node and counter of them, are computed from the scores; no server holds them. {sampled:,} ranks
were sampled over all boards from a thousand records on, and compared with a sorted list. Above ten million records a
fourth digit is advised, which makes bins 64 times finer for one more node to read; rows "not advised" show what that
decides. "Same bin" is what the one Query of a rank counts.{crowded}"""


def _board_row(each: Content) -> list[str]:
    return [
        f"{each['spread']} ({each['parameters']})",
        f"{each['size']:,}",
        f"{each['digits']}" if each["advised"] else f"{each['digits']}, not advised",
        f"{each['node_items']:,}",
        number(each["remainder"]["mean"]),
        f"{each['remainder']['p99']:,.0f}",
        number(each["read_units"]["mean"]),
        units(each["read_units"]["p99"]),
        units(each["count_read_units"]["mean"]),
        str(each["wrong"]),
    ]


def _settled(found: Content) -> str:
    largest = max(each["size"] for each in found["settles"])
    shown = [each for each in found["settles"] if each["size"] == largest]
    units_by_batch: dict[tuple[str, str], dict[str, float]] = {}
    for each in shown:
        units_by_batch.setdefault((each["spread"], each["players"]), {})[_batch(each)] = each["write_units"]
    batches = sorted({(each["digits"], each["batch"]): _batch(each) for each in shown}.items())
    heads = ["scores", "players", *(name for _, name in batches)]
    rows = [
        [*who, *(number(units_of.get(name)) for _, name in batches)] for who, units_of in sorted(units_by_batch.items())
    ]
    return f"""\
## What keeping the index exact costs

Write units per settled record, on boards of {largest:,}, by how many are settled together:

{table(heads, rows)}

By the published rules, transactions doubled, as `Settler` sends them: marks and nodes, without the records themselves.
Newcomers have no mark yet and raise counters; improvers move from bin to bin. A fourth digit writes one more node on
every path. A settle reads each record's mark, one unit."""


def _batch(each: Content) -> str:
    return f"{each['batch']:,}" + (f", {each['digits']} digits" if each["digits"] != _FEWEST_DIGITS else "")


def _carried(found: Content) -> str:
    columns = {
        "lanes": "lanes",
        "players": "players",
        "records_a_second": "records/s",
        "transactions_a_second": "transactions/s",
        "refused": "refused",
        "contended": "contended",
        "deferred": "deferred",
        "batch_p50_ms": "batch p50, ms",
        "batch_p99_ms": "p99, ms",
        "settler_cores": "settlers' cores",
        "server_cores": "database's cores",
        "wrong_ranks": "wrong ranks",
    }
    return f"""\
## How many records a second are settled

![Records settled a second by lanes](../images/ranking/throughput.svg)

On DynamoDB Local:

{_columns(found["lanes"], columns)}

{found["settlers"]} settlers and the database share the cores of one machine, with whatever else it did:
{found["load"]} processes wanted a processor. More lanes have nothing left to use there."""


def _contended(found: Content) -> str:
    columns = {
        "batch": "batch",
        "settlers": "settlers",
        "lanes": "lanes",
        "records_a_second": "records/s",
        "transactions_a_second": "transactions/s",
        "contended": "share contended",
        "deferred": "deferred",
        "wrong_counters": "wrong counters",
    }
    assumed = ", ".join(f"{_words(name)} {value}" for name, value in found["assumed"].items())
    return f"""\
### Where transactions contend as on AWS

DynamoDB Local never cancels a transaction for another one under way; AWS does, and that is what lanes are for. So the
deployed Settler also settles on a database in memory that cancels as AWS does, and takes as long
(assumed: {assumed}):

{_columns(found["contention"], columns)}"""


def _visible(found: Content) -> str:
    columns = {
        "database": "database",
        "way": "way",
        "offered_a_second": "offered/s",
        "carried_a_second": "carried/s",
        "unanswered": "unanswered",
        "answer_p50_ms": "answer p50, ms",
        "answer_p99_ms": "p99, ms",
        "counted_at_once": "counted at once, share",
        "counted_p50_ms": "counted p50, ms",
        "counted_p99_ms": "p99, ms",
        "counted_most_ms": "most, ms",
        "uncounted": "never counted",
    }
    return f"""\
## From a submission to a rank that counts it

{_columns(found["visibility"], columns)}

Submissions come when they are due, all for one board of one lane. Counted: from the commit of the record until every
rank read counts it. The stream is polled every {found["poll_seconds"]:g} s, as Lambda polls a table's. Database,
follower and submitters share the cores of one machine, with whatever else it did: {found["load"]} processes wanted a
processor. Where fewer are carried than offered, submissions waited."""


def _soaked(found: Content) -> str:
    soak = found["soak"]
    tally = {name: value for name, value in soak["tally"].items() if name != "troubles"}
    rows = [[_words(name), _figure(value)] for name, value in tally.items()]
    troubles = [[f"calls {_words(kind)}", _figure(times)] for kind, times in sorted(soak["tally"]["troubles"].items())]
    return f"""\
## A million submissions in bad weather

{table(["what happened", "times"], [*rows, *troubles])}

Games, submissions, batches, moderation, the stream's follower and rebuilds, as deployed, while calls fail and processes
die: {soak["processes"]} processes of {soak["players"]:,} players each, for {soak["seconds"]:,.0f} s, from seed
{soak["seed"]}. Every now and then the stream is read to its end, and every record, the whole index and every rank are
compared with a sorted list."""


def _columns(rows: Iterable[Content], columns: Columns) -> str:
    """Return a table of those figures that the rows have."""
    rows = list(rows)
    known = {name: head for name, head in columns.items() if rows and name in rows[0]}
    return table(list(known.values()), [[_figure(row[name]) for name in known] for row in rows])


def _words(name: str) -> str:
    return name.replace("_", " ")


def _figure(value: Any) -> str:
    if value is None or isinstance(value, str | bool):
        return str(value if value is not None else "-")
    return f"{value:,.0f}" if isinstance(value, int) or abs(value) >= _WHOLE else f"{value:.4g}"


_SECTIONS: dict[str, Callable[[Content], str]] = {
    "simulation": _simulated,
    "settles": _settled,
    "throughput": _carried,
    "contention": _contended,
    "visibility": _visible,
    "soak": _soaked,
}
