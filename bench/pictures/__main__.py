"""Measures pictures and writes the page: ``python -m bench.pictures [--rounds 7]``. Takes two minutes."""

import argparse
import sys

from bench.pictures.measures import ROUNDS, broken_claims, run
from bench.pictures.page import PAGE, written
from bench.pictures.ways import missing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--print", action="store_true", help="print the page and leave the file alone")
    arguments = parser.parse_args()
    if asked := missing():
        sys.exit(asked)
    results = run(arguments.rounds)
    if arguments.print:
        print(written(results))
    else:
        PAGE.write_text(written(results), encoding="utf-8")
        print(f"Written: {PAGE.name}")
    broken = broken_claims(results)
    if broken:
        sys.exit("\n".join(broken))


if __name__ == "__main__":
    main()
