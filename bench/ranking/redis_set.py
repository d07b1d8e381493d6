"""Redis: a sorted set per board, as leaderboards are usually kept, with a hash of names beside it.

One round trip an operation: what takes several commands is a script on the server. Ranks are counted by score, so that
equal scores share one, as everywhere here. Scores are doubles: beyond 2^53, or with a second criterion, they would have
to be packed and would lose bits.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import redis

from bench.ranking import latencies
from bench.ranking.peer import Entry, Footprint, Line, ranked
from bench.ranking.population import Population, name_of
from bench.ranking.server import free_port, program, resident_bytes, running
from bench.ranking.wire import LOOPBACK, Wire, wire_to

MEMORY_ONLY, AOF = "Redis, memory only", "Redis, AOF every second"
_BOARD, _NAMES = "board:points", "names"
_CHUNK = 10_000
_OWN_RANK = """
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
return {redis.call('ZCOUNT', KEYS[1], '(' .. score, '+inf') + 1, redis.call('ZCARD', KEYS[1])}
"""
_TOP = """
local rows = redis.call('ZREVRANGE', KEYS[1], 0, ARGV[1] - 1, 'WITHSCORES')
local players = {}
for i = 1, #rows, 2 do players[#players + 1] = rows[i] end
return {rows, redis.call('HMGET', KEYS[2], unpack(players))}
"""
_AROUND = """
local own, size = redis.call('ZREVRANK', KEYS[1], ARGV[1]), tonumber(ARGV[2])
local last = redis.call('ZCARD', KEYS[1]) - 1
local start = math.max(0, math.min(own - math.floor(size / 2), last + 1 - size))
local rows = redis.call('ZREVRANGE', KEYS[1], start, start + size - 1, 'WITHSCORES')
local players = {}
for i = 1, #rows, 2 do players[#players + 1] = rows[i] end
local better = redis.call('ZCOUNT', KEYS[1], '(' .. rows[2], '+inf')
return {rows, redis.call('HMGET', KEYS[2], unpack(players)), better + 1, start}
"""


class RedisSet:
    exact = True

    def __init__(self, name: str, port: int, pid: int, wire: Wire) -> None:
        self.name = self.store = name
        self.wire = wire
        self._pid = pid
        self._client_by_line = {
            Line.LOOPBACK: redis.Redis(LOOPBACK, port, decode_responses=True),
            Line.INJECTED: redis.Redis(LOOPBACK, wire.port, decode_responses=True),
        }
        self.version = f"Redis {self._client_by_line[Line.LOOPBACK].info('server')['redis_version']}"
        self._empty_bytes = resident_bytes(pid)
        self._size = 0
        self.take(Line.LOOPBACK)

    def take(self, line: Line) -> None:
        self._client: Any = self._client_by_line[line]
        self._own_rank = self._client.register_script(_OWN_RANK)
        self._top = self._client.register_script(_TOP)
        self._around = self._client.register_script(_AROUND)

    def load(self, population: Population) -> None:
        self._size = population.size
        players = list(population.score_by_player)
        for start in range(0, len(players), _CHUNK):
            chunk = players[start : start + _CHUNK]
            pipeline = self._client.pipeline(transaction=False)
            pipeline.zadd(_BOARD, {player_id: population.score_by_player[player_id] for player_id in chunk})
            pipeline.hset(_NAMES, mapping={player_id: name_of(player_id) for player_id in chunk})
            pipeline.execute()

    def submit(self, player_id: str, score: int) -> None:
        self._client.zadd(_BOARD, {player_id: score}, gt=True)

    def own_rank(self, player_id: str) -> int:
        return int(self._own_rank([_BOARD], [player_id])[0])

    def top(self, limit: int) -> list[Entry]:
        rows, _names = self._top([_BOARD, _NAMES], [limit])
        return ranked(_pairs(rows), first_rank=1, position=0)

    def around(self, player_id: str, size: int) -> list[Entry]:
        rows, _names, first_rank, start = self._around([_BOARD, _NAMES], [player_id, size])
        return ranked(_pairs(rows), first_rank, start)

    def catch_up(self) -> None:
        """Nothing is left undone."""

    def footprint(self) -> Footprint:
        time.sleep(1)  # until what loading left behind is given back
        return Footprint(memory=(resident_bytes(self._pid) - self._empty_bytes) / self._size, stored=None)

    def drop(self) -> None:
        self._client.flushall()


def _pairs(rows: Sequence[str]) -> list[tuple[str, int]]:
    return [(player_id, int(score)) for player_id, score in zip(rows[::2], rows[1::2], strict=True)]


@contextmanager
def started() -> Iterator[list[RedisSet]]:
    """Start both kinds, or raise Unavailable."""
    with _started(MEMORY_ONLY, ["no"]) as first, _started(AOF, ["yes", "--appendfsync", "everysec"]) as second:
        yield [first, second]


@contextmanager
def _started(name: str, append_only: Sequence[str]) -> Iterator[RedisSet]:
    server, port = str(program("redis-server")), free_port()
    with TemporaryDirectory() as folder:
        command = [server, "--port", str(port), "--bind", LOOPBACK, "--dir", folder, "--save", ""]
        with (
            running([*command, "--appendonly", *append_only], port, Path(folder) / "log") as pid,
            wire_to(port) as wire,
        ):
            wire.delay({"": latencies.REDIS})
            yield RedisSet(name, port, pid, wire)
