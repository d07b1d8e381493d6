"""The plots of the report, as SVG whose bytes change only when the figures do."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from bench.ranking import bills, counting, laurel, prices, scale, tiers
from bench.ranking.figures import Findings, SizeFigures, Timing, parsed
from bench.ranking.peer import Line, Operation

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images" / "ranking"
COLOURS = {
    laurel.NAME: "#1b7f4d",
    counting.NAME: "#c0392b",
    tiers.NAME: "#e08e0b",
    "Redis, memory only": "#8e5ea2",
    "Redis, AOF every second": "#5b3a70",
    "PostgreSQL": "#2f6db3",
}
_MARKERS = dict(zip(COLOURS, "osDv^P", strict=True))
_STYLE = {
    "svg.hashsalt": "laurel",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.facecolor": "white",
}
_RATES = [10 ** (step / 8) for step in range(-24, 25)]
"""Plays a second: from one in a quarter of an hour to a thousand."""


def draw(folder: Path) -> None:
    """Draw what the figures in a folder of results show."""
    file = folder / "peers.json"
    if file.exists():
        findings, _ = parsed(file)
        save("own-rank.svg", lambda: own_rank(findings))
        save("operations.svg", lambda: operations(findings.largest))
        save("units.svg", lambda: units(findings))
        save("burst.svg", lambda: burst(findings.largest))
        save("money.svg", lambda: money(findings.largest))
    if scale.growth(folder):
        save("simulation.svg", lambda: growth(scale.growth(folder)))
    if scale.records_by_lanes(folder):
        save("throughput.svg", lambda: lanes(scale.records_by_lanes(folder)))


def save(name: str, make: Callable[[], Any]) -> None:
    """Write one figure as SVG, white behind it: forges show documents on dark pages too."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with rc_context(_STYLE):
        make().savefig(FOLDER / name, metadata={"Date": None, "Creator": None}, bbox_inches="tight")


def own_rank(findings: Findings) -> Any:
    """How long an own rank takes on boards of all sizes, on both lines."""
    figure = Figure(figsize=(10, 4.2))
    panels = figure.subplots(1, 2, sharey=True)
    titles = {Line.LOOPBACK: "over loopback", Line.INJECTED: "with AWS's latency injected"}
    for panel, (line, title) in zip(panels, titles.items(), strict=True):
        for name in findings.names():
            points = list(_points(findings, name, line))
            if points:
                panel.loglog(*zip(*points, strict=True), label=name, color=COLOURS[name], marker=_MARKERS[name])
        panel.set(title=f"Own rank, p50, {title}", xlabel="records on the board")
    panels[0].set_ylabel("milliseconds")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="lower center", ncols=3, bbox_to_anchor=(0.5, -0.13))
    return figure


def _points(findings: Findings, name: str, line: Line) -> Iterator[tuple[int, float]]:
    for found in findings.sizes:
        peer = found.of(name)
        timing: Timing | None = getattr(peer.operations[Operation.OWN_RANK], line.value) if peer else None
        if timing:
            yield found.size, timing.p50_ms


def operations(found: SizeFigures) -> Any:
    """All four operations on the largest board, with latency injected: p50 as a bar, p99 as a tick above it."""
    figure = Figure(figsize=(10, 4.2))
    panel = figure.subplots()
    timed = [peer for peer in found.peers if all(each.injected for each in peer.operations.values())]
    width = 0.8 / max(1, len(timed))
    for index, peer in enumerate(timed):
        timings = [each.injected for each in peer.operations.values() if each.injected]
        places = [place + (index - (len(timed) - 1) / 2) * width for place in range(len(timings))]
        bars = [timing.p50_ms for timing in timings]
        panel.bar(places, bars, width * 0.92, label=peer.peer, color=COLOURS[peer.peer])
        panel.plot(places, [timing.p99_ms for timing in timings], "_", color="black", markersize=9)
    panel.set_yscale("log")
    panel.set_xticks(range(len(Operation)), [str(operation) for operation in Operation])
    panel.set(title=f"{found.size:,} records, AWS's latency injected: p50, and p99 as a tick", ylabel="milliseconds")
    figure.legend(loc="upper center", ncols=6, fontsize=8.5, bbox_to_anchor=(0.5, 0.03))
    return figure


def units(findings: Findings) -> Any:
    """The read units of an own rank, and of one recount of the tiers."""
    figure = Figure(figsize=(7, 4.2))
    panel = figure.subplots()
    for name in (laurel.NAME, counting.NAME, tiers.NAME):
        points = list(_own_rank_units(findings, name))
        if points:
            panel.loglog(*zip(*points, strict=True), label=name, color=COLOURS[name], marker=_MARKERS[name])
    recounts = [(each.size, peer.recount) for each in findings.sizes for peer in each.peers if peer.recount]
    points = [(size, recount.capacity.read_units) for size, recount in recounts]
    if points:
        panel.loglog(*zip(*points, strict=True), "--", label="one recount of the tiers", color=COLOURS[tiers.NAME])
    panel.set(title="Read units of an own rank", xlabel="records on the board", ylabel="read request units")
    panel.legend()
    return figure


def _own_rank_units(findings: Findings, name: str) -> Iterator[tuple[int, float]]:
    for found in findings.sizes:
        peer = found.of(name)
        capacity = peer.operations[Operation.OWN_RANK].capacity if peer else None
        if capacity:
            yield found.size, capacity.read_units


def burst(found: SizeFigures) -> Any:
    """By how many places ranks are wrong after a burst."""
    figure = Figure(figsize=(8, 3.2))
    panel = figure.subplots()
    bursts = [(peer.peer, peer.burst) for peer in found.peers if peer.burst]
    for place, (name, each) in enumerate(reversed(bursts)):
        panel.barh(place + 0.18, each.at_once.most, 0.34, color=COLOURS[name])
        panel.barh(place - 0.18, each.after_a_second.most, 0.34, color=COLOURS[name], alpha=0.45)
        text = f" at once {each.at_once.most:,}, after a second {each.after_a_second.most:,}"
        panel.text(max(each.at_once.most, each.after_a_second.most), place, text, va="center", fontsize=9)
    panel.grid(visible=False, axis="y")
    panel.set_yticks(range(len(bursts)), [name for name, _ in reversed(bursts)])
    writes = max((each.writes for _, each in bursts), default=0)
    most = max((each.at_once.most for _, each in bursts), default=1)
    panel.set_xlim(0, max(1, most) * 1.7)
    panel.set(title=f"Worst error of a rank after {writes:,} writes, {found.size:,} records", xlabel="places")
    return figure


def money(found: SizeFigures) -> Any:
    """A month's bill at any load."""
    figure = Figure(figsize=(8, 4.5))
    panel = figure.subplots()
    for bill in bills.of(found):
        rates = [rate for rate in _RATES if bill.carries is None or rate <= bill.carries]
        panel.loglog(
            rates, [bill.at(rate) for rate in rates], label=f"{bill.peer} ({bill.says})", color=COLOURS[bill.peer]
        )
    panel.set(
        title=f"A month at list prices, {found.size:,} records ({prices.REGION})",
        xlabel="plays a second, day and night (a play: one of each operation)",
        ylabel="dollars a month",
    )
    panel.legend(fontsize=8)
    return figure


def growth(points_by_label: scale.Curves) -> Any:
    """Read units of an own rank over board sizes."""
    figure = Figure(figsize=(8, 4.4))
    panel = figure.subplots()
    for label, points in points_by_label.items():
        style: dict[str, Any] = {"color": "black", "linestyle": "--"} if label == scale.COUNTED else {}
        panel.loglog(*zip(*points, strict=True), label=label, marker="o", markersize=4, **style)
    panel.set(
        title="Mean read units of an own rank, simulated; three digits up to ten million, then four",
        xlabel="records on the board",
        ylabel="read request units",
    )
    panel.legend(fontsize=8)
    return figure


def lanes(points_by_label: scale.Curves) -> Any:
    """Records settled a second, by lanes."""
    figure = Figure(figsize=(7, 3.6))
    panel = figure.subplots()
    for label, points in points_by_label.items():
        panel.plot(*zip(*sorted(points), strict=True), label=label, marker="o")
    panel.set_xscale("log", base=2)
    ticks = sorted({lane for points in points_by_label.values() for lane, _ in points})
    panel.set_xticks(ticks, [f"{lane:g}" for lane in ticks])
    panel.set_ylim(bottom=0)
    panel.set(title="Records settled a second", xlabel="lanes", ylabel="records a second")
    panel.legend(fontsize=8)
    return figure
