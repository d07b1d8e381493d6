"""Runs the ranking benchmark, part by part, and writes the report: ``python -m bench.ranking``, ``make bench-ranking``.

All of it takes some hours on two cores. ``--parts peers,report`` runs some; ``--sizes 1000,10000`` measures smaller
boards. What needs a DynamoDB is left out, and named at the end, where BENCH_DYNAMODB_ENDPOINT names none.
"""

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass

from bench.endpoint import VARIABLE, endpoint


@dataclass(frozen=True, slots=True)
class Part:
    """A module of this package that measures something, a program of its own: none inherits another's memory."""

    name: str
    sized: bool = False
    needs_endpoint: bool = False


PARTS = (
    Part("peers", sized=True),
    Part("simulation", sized=True),
    Part("settles"),
    Part("throughput", needs_endpoint=True),
    Part("contention"),
    Part("visibility"),
    Part("soak"),
    Part("report"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", default=os.environ.get("PARTS") or ",".join(part.name for part in PARTS))
    parser.add_argument("--sizes", default=os.environ.get("SIZES"))
    arguments = parser.parse_args()
    wanted = arguments.parts.split(",")
    parts = [part for part in PARTS if part.name in wanted]
    skipped = [part for part in parts if part.needs_endpoint and endpoint() is None]
    failed = [part.name for part in parts if part not in skipped and not _done(part, arguments.sizes)]
    for part in skipped:
        print(f"not measured: {part.name}: {VARIABLE} names no DynamoDB")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _done(part: Part, sizes: str | None) -> bool:
    print(f"== {part.name}", flush=True)
    sized = ["--sizes", sizes] if part.sized and sizes else []
    return subprocess.run([sys.executable, "-m", f"bench.ranking.{part.name}", *sized], check=False).returncode == 0


if __name__ == "__main__":
    main()
