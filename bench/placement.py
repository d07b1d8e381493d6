"""How many players a second are placed in one tier of a season, and what a place costs: ``python -m bench.placement``.

The deployed placement places everybody in the same tier at the same time, on a database in memory that takes as long as
is assumed of AWS and cancels transactions that meet: see bench/ranking/contention.py. Everybody must be in one bucket,
and no bucket above its size. Units are counted from the sizes of items, by the published rules, with nobody in the way.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bench.client import READS
from bench.memory import MemoryDynamoDB
from bench.ranking.contention import ContendedDynamoDB
from bench.ranking.results import Claim, conclude
from bench.ranking.throughput import Effort, WatchedDynamo
from chalicelib.bootstrap.rounds import Rounds, build_rounds
from chalicelib.bootstrap.stores import stores_of
from chalicelib.config import Config, SigningKey
from chalicelib.domain.seasons import Cut
from chalicelib.errors import ContendedError
from chalicelib.services.boards import Boards
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.keys import parsed_bucket
from tests.expressions import Item
from tests.fake_dynamodb import FakeDynamoDB
from tests.services.league import League, made
from tests.services.turning import GRACE, HOURLY
from tests.tables import PREFIX, tables
from tests.world import SECRET, Inline, World

AT_ONCE, PLAYERS, LATER, SIZE = (1, 8, 32, 128), 2_000, 500, 30
MIN_GAIN = 4.0
_SLOWER_EACH = 0.5
"""Of a thread: time is stretched, so that processor time does not count."""
_CONFIG = Config("test", PREFIX, (SigningKey("a", SECRET),), (), {}, GRACE)


@dataclass(frozen=True, slots=True)
class Figure:
    at_once: int
    players: int
    players_a_second: float
    met: float
    """Transactions that met another one, for each player."""
    again: int
    """Players who were told to come again."""
    lanes: int
    buckets: int
    thin: int
    """Buckets that were less than half full when the crowd was gone."""
    thin_later: int
    """The same, when some more had come one by one."""
    wrong: int

    @property
    def row(self) -> str:
        cells = f"{self.players_a_second:,.0f}", f"{self.met:.2f}", self.again, self.lanes, self.buckets, self.thin
        return f"| {self.at_once} | {' | '.join(map(str, cells))} | {self.thin_later} |"


class Counted(FakeDynamoDB):
    """Counts what its calls consume."""

    def __init__(self) -> None:
        super().__init__(())
        self.units: Counter[str] = Counter()
        self._memory = MemoryDynamoDB(tables())

    def _make_api_call(self, operation: str, request: Item) -> Item:
        reply = self._memory.answer(operation, {**request, "ReturnConsumedCapacity": "TOTAL"})
        consumed = reply["ConsumedCapacity"]
        units = sum(each["CapacityUnits"] for each in (consumed if isinstance(consumed, list) else [consumed]))
        self.units["read" if operation in READS else "write"] += units
        return reply


def crowd(at_once: int, players: int, later: int = LATER) -> Figure:
    """Place players in the lowest tier of a season that has just begun, so many at a time, and more one by one."""
    database = ContendedDynamoDB()
    world, everybody = _begun(database, players + later)
    ids = everybody[:players]
    database.slower = max(2.0, at_once * _SLOWER_EACH)

    def sleep(seconds: float) -> None:
        time.sleep(seconds * database.slower)

    dynamos = [WatchedDynamo(database, Inline(), sleep, Effort()) for _ in range(at_once)]
    started = time.perf_counter()
    with ThreadPoolExecutor(at_once) as threads:
        shares = [(_rounds(world, dynamo), ids[number::at_once]) for number, dynamo in enumerate(dynamos)]
        again = sum(threads.map(lambda share: _placed(*share), shares))
    seconds = (time.perf_counter() - started) / database.slower
    database.slower = 0.0
    met = sum(dynamo.effort.contended for dynamo in dynamos)
    outcome = _outcome(world, ids)
    _placed(_rounds(world, dynamos[0]), everybody[players:])
    afterwards = _outcome(world, everybody)
    return Figure(
        at_once=at_once,
        players_a_second=len(ids) / seconds,
        met=met / len(ids),
        again=again,
        thin_later=afterwards["thin"],
        **{**outcome, "wrong": afterwards["wrong"]},
    )


def _begun(client: FakeDynamoDB, players: int) -> tuple[World, list[str]]:
    world = World(client=client)
    world.board(reset=HOURLY)
    made(world.services.rounds.seasons, bucket_size=SIZE, promote=Cut(percent=20), relegate=Cut(percent=20))
    ids = [world.player(f"p{number}") for number in range(players)]
    League(world).until(1)
    return world, ids


def _rounds(world: World, dynamo: Dynamo) -> Rounds:
    stores = stores_of(_CONFIG.table, dynamo)
    return build_rounds(_CONFIG, dynamo, stores, Boards(stores.boards, world.clock), world.clock)


def _placed(use: Rounds, ids: Sequence[str]) -> int:
    """Place players one after the other; return how many were told to come again, and did."""
    again = 0
    for player_id in ids:
        while True:
            try:
                use.placement.place("winter", player_id)
            except ContendedError:
                again += 1
            else:
                break
    return again


def _outcome(world: World, ids: Sequence[str]) -> dict[str, int]:
    found = League(world).buckets()
    places = Counter(player_id for bucket in found.values() for player_id in bucket["members"])
    taken = [bucket["taken"] for bucket in found.values()]
    return {
        "players": len(ids),
        "lanes": len({parsed_bucket(path).lane for _, path in found}),
        "buckets": len(taken),
        "thin": sum(2 * each < SIZE for each in taken),
        "wrong": sum(places[player_id] != 1 for player_id in ids) + sum(each > SIZE for each in taken),
    }


def costs() -> Iterator[tuple[str, float, float]]:
    """Yield what is done, and the mean of the read and of the write units it takes, with nobody in the way."""
    client = Counted()
    world, ids = _begun(client, 10 * SIZE)
    league, use = League(world), _rounds(world, Dynamo(client, Inline()))

    def measured(text: str, count: int, act: Callable[[], Any]) -> tuple[str, float, float]:
        client.units.clear()
        act()
        return text, client.units["read"] / count, client.units["write"] / count

    yield measured("a place in the first round", len(ids), lambda: _placed(use, ids))
    yield measured("a look at one's place", len(ids), lambda: _placed(use, ids))
    for number, player_id in enumerate(ids):
        league.play(player_id, number)
    season = league.season
    yield measured(f"a look at a bucket of {SIZE}", 1, lambda: use.buckets.standings(season, 1, ids[0]))
    world.clock.instant = season.rounds[0].end + GRACE
    yield measured("a place in a later round, of all who played", len(ids), lambda: _placed(use, ids))
    yield measured("a look at a bucket that has ended", 1, lambda: use.buckets.standings(season, 1, ids[0]))
    yield measured("closing a round, for each player, where all have looked", len(ids), league.closed)
    for number, player_id in enumerate(ids):
        league.play(player_id, number)
    world.clock.instant = season.rounds[1].end + GRACE
    yield measured("closing a round, for each player, where nobody has", len(ids), league.closed)


def claims(figures: Sequence[Figure]) -> list[Claim]:
    """Return what was promised of these figures, and whether it holds."""
    wrong, players = sum(each.wrong for each in figures), sum(each.players for each in figures)
    few, many = min(figures, key=lambda each: each.at_once), max(figures, key=lambda each: each.at_once)
    return [
        Claim(
            "Everybody is in one bucket, and no bucket is above its size", wrong == 0, f"{wrong} of {players:,} wrong"
        ),
        Claim("At most one bucket a lane is not full", all(each.thin <= each.lanes for each in figures), "thin, lanes"),
        Claim(
            f"Another {LATER} fill what a crowd has left thin, but for one bucket",
            all(each.thin_later <= 1 for each in figures),
            f"{max(each.thin_later for each in figures)} thin",
        ),
        Claim(
            f"{many.at_once} at once are placed at least {MIN_GAIN:g} times as fast as {few.at_once}",
            many.players_a_second >= MIN_GAIN * few.players_a_second,
            f"{few.players_a_second:,.0f} and {many.players_a_second:,.0f} a second",
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at-once", default=",".join(map(str, AT_ONCE)))
    parser.add_argument("--players", type=int, default=PLAYERS)
    arguments = parser.parse_args()
    heads = "at once", "players a second", "met", "told to come again", "lanes", "buckets", "thin", "thin later"
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    figures = []
    for at_once in map(int, arguments.at_once.split(",")):
        figures.append(crowd(at_once, arguments.players))
        print(figures[-1].row, flush=True)
    print("\n| | read units | write units |\n|---|---|---|")
    for text, read, write in costs():
        print(f"| {text} | {read:.1f} | {write:.1f} |")
    conclude(claims(figures))


if __name__ == "__main__":
    main()
