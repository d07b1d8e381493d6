"""What an export costs in processor time and memory: ``python -m bench.exports [--records 200000] [--moved 0.5]``.

The database and the bucket are in memory, in the same process: their time counts too, what a network takes does not.
Memory is what the process grows by at its peak; the objects in the bucket are a part of it.
"""

import argparse
import random
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.domain.jobs import JobState
from chalicelib.domain.records import Record
from chalicelib.services.export import exported
from chalicelib.services.forms import Form
from chalicelib.services.rollcall import DEFAULT_PAGES
from chalicelib.store.records import RecordStore
from tests.fake_dynamodb import Call
from tests.services.works import Works, after_steps
from tests.tables import PREFIX
from tests.world import World

RECORDS, MOVED = 200_000, 0.5
SCORES = 10**6
_BYTES_OF_MAXRSS = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Cost:
    records: int
    changed: int
    phases: dict[str, list[float]]
    """Seconds of processor time of each step."""
    megabytes: float
    stored_megabytes: float


def run(records: int, moved: float) -> Cost:
    """Export a board of which a part changed just before."""
    works = Works(World(), pages=DEFAULT_PAGES)
    works.world.board()
    works.world.clock.advance(hours=1)
    _fill(works, records, moved)
    works.use = works.another_process()
    before, phases = _peak(), dict[str, list[float]]()
    job = works.use.export.begin(works.board, "all", Form.JSONL)
    while job.state is JobState.RUNNING:
        phase, started = job.phase, time.process_time()
        job = works.use.export.advance(job, after_steps(1))
        phases.setdefault(phase, []).append(time.process_time() - started)
    state, stored = exported(job), sum(map(len, works.s3.objects.values()))
    return Cost(state.records, state.changed, phases, (_peak() - before) / 1e6, stored / 1e6)


def _fill(works: Works, records: int, moved: float) -> None:
    now, board = works.world.clock(), works.board
    chance = random.Random(7)  # noqa: S311  # the same players every time, no secrets
    store = RecordStore(f"{PREFIX}records", works.dynamo())
    for number in range(records):
        achieved_at = now if chance.random() < moved else board.created_at
        player_id, score = f"{chance.getrandbits(128):032x}", chance.randrange(SCORES)
        record = Record(player_id, "race", "all", score, 0, achieved_at, 1, f"player {number}")
        works.world.client.perform(Call("PutItem", store.put_part("record", board, record, None).request))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _BYTES_OF_MAXRSS


def table(cost: Cost) -> Iterator[str]:
    yield f"{cost.records:,} records, {cost.changed:,} changed just before; {cost.stored_megabytes:.1f} MB stored"
    yield ""
    yield "| phase | steps | longest step, s | s per million records |"
    yield "|---|---|---|---|"
    for phase, steps in cost.phases.items():
        per_million = sum(steps) / max(1, cost.records) * 1e6
        yield f"| {phase} | {len(steps)} | {max(steps):.2f} | {per_million:.1f} |"
    yield ""
    yield f"Memory: {cost.megabytes:.0f} MB more than before."


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what an export costs.")
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--moved", type=float, default=MOVED, help="the part of the records that changed just before")
    given = parser.parse_args()
    print("\n".join(table(run(given.records, given.moved))))


if __name__ == "__main__":
    main()
