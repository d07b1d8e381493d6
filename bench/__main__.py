"""Runs every benchmark and writes the reports: ``python -m bench``, or ``make bench``. Takes some five minutes."""

import sys
from collections.abc import Callable
from typing import TypeVar

from bench import bins, calls, cpu, local_run
from bench.cold import measures as cold
from bench.cold import page
from bench.report import REPORT, Measurements, written

Measured = TypeVar("Measured")


def main() -> None:
    measured = Measurements(
        calls=_announced("calls and capacity", lambda: calls.run(calls.SIZES)),
        remainders=_announced("bins", lambda: list(bins.remainders())),
        cpu=_announced("processor time", cpu.run),
        cold=_announced("cold starts", cold.run),
        local_run=_announced("local run", local_run.measure),
    )
    REPORT.write_text(written(measured), encoding="utf-8")
    page.PAGE.write_text(page.written(measured.cold), encoding="utf-8")
    print(f"Written: {REPORT.name}, {page.PAGE.name}")
    broken = [
        *calls.broken_claims(measured.calls.figures),
        *cpu.broken_claims(measured.cpu),
        *cold.broken_claims(measured.cold),
        *local_run.broken_claims(measured.local_run),
    ]
    if broken:
        sys.exit("\n".join(broken))


def _announced(name: str, measure: Callable[[], Measured]) -> Measured:
    print(f"{name} ...", flush=True)
    return measure()


if __name__ == "__main__":
    main()
