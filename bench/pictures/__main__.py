"""Measures pictures and writes the page: ``python -m bench.pictures [--rounds 7]``. Takes two minutes."""

import sys

from bench import pages
from bench.pictures.measures import ROUNDS, broken_claims, run
from bench.pictures.page import PAGE, written
from bench.pictures.ways import missing


def main() -> None:
    arguments = pages.parser(__doc__, ROUNDS).parse_args()
    if asked := missing():
        sys.exit(asked)
    results = run(arguments.rounds)
    pages.conclude(written(results), PAGE, broken_claims(results), only_print=arguments.print)


if __name__ == "__main__":
    main()
