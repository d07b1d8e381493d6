"""Measures cold starts and writes the page: ``python -m bench.cold [--rounds 15]``. Takes a minute."""

import argparse
import sys

from bench.cold.measures import FUNCTION_ROUNDS, ROUNDS, broken_claims, run
from bench.cold.page import PAGE, written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--function-rounds", type=int, default=FUNCTION_ROUNDS)
    parser.add_argument("--print", action="store_true", help="print the page and leave the file alone")
    arguments = parser.parse_args()
    results = run(arguments.rounds, arguments.function_rounds)
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
