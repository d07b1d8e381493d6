"""The report's sections on boards that no server here holds, and on how the index keeps up with submissions."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.ranking import counting, settles, simulation, throughput, visibility
from bench.ranking.markdown import number, table, units

Content = Mapping[str, Any]
Point = tuple[float, float]
Curves = Mapping[str, Sequence[Point]]
_SHOWN_FROM = 1_000_000


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
    file = folder / "simulation.json"
    if not file.exists():
        return {}
    boards = _boards(content(file))
    curves: dict[str, list[Point]] = {}
    for each in boards:
        if each.advised:
            curves.setdefault(each.spread, []).append((each.size, each.read_units.mean))
    counted = {each.size: each.count_read_units.mean for each in boards if each.spread == boards[0].spread}
    return curves | {counting.NAME: sorted(counted.items())}


def records_by_lanes(folder: Path) -> Curves:
    """Return records settled a second by lanes, by who is in the batches."""
    file = folder / "throughput.json"
    curves: dict[str, list[Point]] = {}
    if file.exists():
        for each in msgspec.convert(content(file)["lanes"], list[throughput.Figure]):
            curves.setdefault(each.players, []).append((each.lanes, each.records_a_second))
    return curves


def _simulated(found: Content) -> str:
    boards = _boards(found)
    rows = [_board_row(each) for each in boards if each.size >= _SHOWN_FROM]
    heads = ["scores", "records", "digits", "nodes", "same bin: mean", "p99", "RRU: mean", "p99", "COUNT RRU", "wrong"]
    sampled = sum(each.sampled for each in boards)
    return f"""\
## Up to a hundred million records

![Read units of an own rank on simulated boards](../images/ranking/simulation.svg)

{table(heads, rows)}

The index's items, every node and counter of them, are computed from the scores; no server holds them. {sampled:,} ranks
were sampled over all boards from a thousand records on, and compared with a sorted list. Above ten million records a
fourth digit is advised, which makes bins 64 times finer for one more node to read; the rows with three digits show
what it saves. "Same bin" is what the one Query of a rank counts."""


def _board_row(each: simulation.Figure) -> list[str]:
    return [
        f"{each.spread} ({each.parameters})",
        f"{each.size:,}",
        f"{each.digits}" if each.advised else f"{each.digits}, not advised",
        f"{each.node_items:,}",
        number(each.remainder.mean),
        f"{each.remainder.p99:,.0f}",
        f"{each.read_units.mean:.2f}",
        units(each.read_units.p99),
        units(each.count_read_units.mean),
        str(each.wrong),
    ]


def _boards(found: Content) -> list[simulation.Figure]:
    return msgspec.convert(found["boards"], list[simulation.Figure])


def _settled(found: Content) -> str:
    figures = msgspec.convert(found["settles"], list[settles.Figure])
    return f"""\
## What keeping the index exact costs

{settles.report(figures)}

Write units of settled batches by the published rules, transactions doubled, as `Settler` sends them: marks and nodes,
without the records themselves. Newcomers have no mark yet and raise counters; improvers move from bin to bin."""


def _carried(found: Content) -> str:
    figures = msgspec.convert(found["lanes"], list[throughput.Figure])
    return f"""\
## How many records a second are settled

![Records settled a second by lanes](../images/ranking/throughput.svg)

{throughput.report(figures)}

{found["settlers"]} settlers and the database share the cores of one machine: where they are all in use, more lanes have
nothing left to use. On AWS each lane's root node takes about a thousand write units a second."""


def _visible(found: Content) -> str:
    figures = msgspec.convert(found["visibility"], list[visibility.Figure])
    return f"""\
## From a submission to a rank that counts it

{visibility.report(figures)}

Submissions come when they are due, all for one board of one lane. Counted: from the commit of the record until every
rank read counts it. The stream is polled every {found["poll_seconds"]:g} s, as Lambda polls a table's."""


def _soaked(found: Content) -> str:
    left_out = {"machine", "claims"}
    plain = {
        name: value for name, value in found.items() if name not in left_out and not isinstance(value, list | dict)
    }
    tables = [_fact_table(name, value) for name, value in found.items() if name not in left_out and _is_rows(value)]
    facts = table(["what", "measured"], [[_words(name), _fact(value)] for name, value in plain.items()])
    return "\n\n".join(["## Under faults", *([facts] if plain else []), *tables])


def _is_rows(value: Any) -> bool:
    return isinstance(value, list | dict) and bool(value)


def _fact_table(name: str, value: Any) -> str:
    rows = value if isinstance(value, list) else [{_words(name): key, "value": each} for key, each in value.items()]
    heads = list(rows[0])
    return table([_words(head) for head in heads], [[_fact(row.get(head)) for head in heads] for row in rows])


def _words(name: str) -> str:
    return name.replace("_", " ")


def _fact(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else number(value)


_SECTIONS: dict[str, Callable[[Content], str]] = {
    "simulation": _simulated,
    "settles": _settled,
    "throughput": _carried,
    "visibility": _visible,
    "soak": _soaked,
}
