"""Pages: what a benchmark writes into docs/, as its command line has it."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def parser(description: str | None, rounds: int) -> argparse.ArgumentParser:
    """Return what benchmarks that write a page take alike."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--rounds", type=int, default=rounds)
    made.add_argument("--print", action="store_true", help="print the page and leave the file alone")
    return made


def conclude(text: str, page: Path, broken: Sequence[str], *, only_print: bool) -> None:
    """Write a page, or print it, and end the program with the claims that do not hold, if there are any."""
    if only_print:
        print(text)
    else:
        page.write_text(text, encoding="utf-8")
        print(f"Written: {page.name}")
    if broken:
        sys.exit("\n".join(broken))
