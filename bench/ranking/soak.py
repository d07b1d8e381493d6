"""A soak: a million submissions in bad weather, and every rank right.

``python -m bench.ranking.soak [--submissions 1000000] [--players 4000] [--processes 2] [--seed 1] [--results FILE]``
prints what happened, writes the figures, and fails where a rank was wrong, or a submission lost or counted twice.

Games, submissions, batches, moderation, the follower of the records' stream, rebuilds and DynamoDB's deletions of what
has expired run as deployed, on a database in memory, while calls fail and processes die. Now and then the weather
clears, the stream is read to its end, and everything is compared: every record with the players' own arithmetic, the
index with the records, and the rank of every player, as the app answers it, with a sorted list.
"""

import argparse
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path as File

from bench.ranking import results
from bench.ranking.results import Claim
from bench.ranking.season import Season, Tally

SUBMISSIONS, PLAYERS, PROCESSES, SEED = 1_000_000, 4_000, 2, 1
CHECKS = 10
RESULTS = results.FOLDER / "soak.json"


@dataclass(frozen=True, slots=True)
class Soak:
    """What all processes did together."""

    processes: int
    players: int
    """Of each process: every process has a database of its own."""
    seed: int
    seconds: float
    tally: Tally


def run(submissions: int, players: int, processes: int, seed: int) -> Soak:
    """Play so many submissions in all, that change a record each, as seasons beside each other."""
    started = time.monotonic()
    share = -(-submissions // processes)
    season = partial(_played, share, players)
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        tallies = list(pool.map(season, range(seed, seed + processes)))
    together = Tally()
    for tally in tallies:
        together.add(tally)
    return Soak(processes, players, seed, round(time.monotonic() - started, 1), together)


def _played(submissions: int, players: int, seed: int) -> Tally:
    logging.disable(logging.CRITICAL)  # what is put off is counted, not told
    season = Season(seed, players)
    for part in range(1, CHECKS + 1):
        season.begin_rebuild()
        season.play(submissions * part // CHECKS)
        season.check()
        print(f"seed {seed}: {season.tally.settled:,} settled, {season.tally.errors} errors", flush=True)
        season.wait()
    return season.tally


def claims(soak: Soak, submissions: int) -> list[Claim]:
    tally = soak.tally
    ranks = f"{tally.rank_errors} of {tally.ranks_checked:,} ranks after {tally.settled:,} settled submissions"
    records = f"{tally.record_errors} of {tally.records_checked:,} records, {tally.answers_wrong} answers"
    return [
        Claim(
            f"no rank is wrong over {submissions:,} settled submissions with faults",
            tally.rank_errors + tally.index_errors == 0 and tally.settled >= submissions,
            ranks,
        ),
        Claim("nothing is lost, and nothing counted twice", tally.record_errors + tally.answers_wrong == 0, records),
        Claim("no rebuild fails under traffic", tally.rebuilds_failed == 0, f"{tally.rebuilds} rebuilds"),
    ]


def lines(soak: Soak) -> Iterator[str]:
    """Yield what happened, a number a line."""
    for name, value in asdict(soak.tally).items():
        if name != "troubles":
            yield f"{value:>14,}  {name.replace('_', ' ')}"
    for kind, times in sorted(soak.tally.troubles.items()):
        yield f"{times:>14,}  calls {kind}"
    yield f"{soak.seconds:>14,}  seconds in {soak.processes} processes, {soak.players:,} players each, seed {soak.seed}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submissions", type=int, default=SUBMISSIONS)
    parser.add_argument("--players", type=int, default=PLAYERS)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--results", type=File, default=RESULTS)
    options = parser.parse_args()
    soak = run(options.submissions, options.players, options.processes, options.seed)
    print("\n".join(lines(soak)))
    found = claims(soak, options.submissions)
    results.write(options.results, {"soak": asdict(soak)}, found)
    results.conclude(found)


if __name__ == "__main__":
    main()
