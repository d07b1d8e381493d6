"""A burst: a thousand submissions as fast as they go, and how wrong the ranks are that are read then."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

from bench.ranking.contest import misses
from bench.ranking.figures import Burst
from bench.ranking.peer import Peer
from bench.ranking.population import Population, raised
from bench.ranking.truth import Truth

WRITES, THREADS, READERS = 1_000, 8, 50
TURN = 90
"""Whose writers submit, and whose readers read."""


def writers(population: Population) -> list[str]:
    return population.writers(TURN, min(WRITES, population.size // 2))


def burst(peer: Peer, truth: Truth, population: Population) -> Burst:
    """Submit, read, wait until a second has passed, and read again.

    By then a job on the stream of changes has run, if the peer has one; a job on a schedule of minutes has not.
    """
    chance = random.Random(TURN)  # noqa: S311  # the same scores each time
    submissions = [(player_id, raised(truth.score_by_player[player_id], chance)) for player_id in writers(population)]
    with ThreadPoolExecutor(THREADS) as threads:
        started = time.perf_counter()
        for _ in threads.map(lambda submission: peer.submit(*submission), submissions):
            pass
        seconds = time.perf_counter() - started
    ended = time.perf_counter()
    for submission in submissions:
        truth.submit(*submission)
    at_once = misses(peer, truth, population.readers(TURN), READERS)
    time.sleep(max(0.0, ended + 1 - time.perf_counter()))
    peer.catch_up()
    return Burst(
        len(submissions), THREADS, seconds, at_once, misses(peer, truth, population.readers(TURN + 1), READERS)
    )
