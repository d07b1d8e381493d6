"""Measures cold starts and writes the page: ``python -m bench.cold [--rounds 15]``. Takes a minute."""

from bench import pages
from bench.cold.measures import FUNCTION_ROUNDS, ROUNDS, broken_claims, run
from bench.cold.page import PAGE, written


def main() -> None:
    parser = pages.parser(__doc__, ROUNDS)
    parser.add_argument("--function-rounds", type=int, default=FUNCTION_ROUNDS)
    arguments = parser.parse_args()
    results = run(arguments.rounds, arguments.function_rounds)
    pages.conclude(written(results), PAGE, broken_claims(results), only_print=arguments.print)


if __name__ == "__main__":
    main()
