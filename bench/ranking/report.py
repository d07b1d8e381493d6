"""The report: docs/explanation/ranking-benchmark.md and its plots, from what lies in bench/results.

``python -m bench.ranking.report`` writes it anew; nothing is measured.
"""

from pathlib import Path

from bench.ranking import comparison, figures, results, scale
from bench.ranking.markdown import wrapped

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "ranking-benchmark.md"
_PEERS = "peers.json"


def written(folder: Path = results.FOLDER) -> str:
    """Return the whole document."""
    sections = [_opening(folder)]
    if (folder / _PEERS).exists():
        findings, machine = figures.parsed(folder / _PEERS)
        sections += comparison.sections(findings, machine)
    sections += scale.sections(folder)
    return wrapped("\n\n".join(sections)) + "\n"


def _opening(folder: Path) -> str:
    return f"""\
# The ranking benchmark

What an exact rank costs here, and what it costs the usual ways, on the same work. `make bench-ranking` measures all of
it again and writes this page and its plots: edit `bench/ranking/`, not this. How the ranking works is told
[elsewhere](ranking.md).

{_claims(folder)}"""


def _claims(folder: Path) -> str:
    """Return what every part of the benchmark checked of itself."""
    rows = [
        (f"{'**PASS**' if claim['holds'] else '**FAIL**'}", claim["text"], claim["figures"])
        for file in sorted(folder.glob("*.json"))
        for claim in scale.content(file)["claims"]
    ]
    lines = [f"| {' | '.join(row)} |" for row in (("", "what was promised", "what was measured"), ("---",) * 3, *rows)]
    return "\n".join(lines)


def main() -> None:
    from bench.ranking import plots  # noqa: PLC0415  # what draws is in requirements-bench.txt only

    plots.draw(results.FOLDER)
    DOCUMENT.write_text(written(), encoding="utf-8")
    print(f"Written: {DOCUMENT.name}")


if __name__ == "__main__":
    main()
