"""PostgreSQL: one table of records, an index in rank order that answers alone, and ranks counted in it.

A rank takes two range counts: the better records, and all of them, without which no "of so many" and no percentile can
be said. Both pass over the index, in parallel where the planner finds it worth it; their time grows with the board.
"""

import os
import pwd
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from bench.ranking import latencies
from bench.ranking.peer import WITHOUT_TOTAL, Entry, Footprint, Line, Unavailable, ranked, windowed
from bench.ranking.population import Population, achieved_at, name_of
from bench.ranking.server import free_port, program, running
from bench.ranking.wire import LOOPBACK, Wire, wire_to

NAME = "PostgreSQL"
_BOARD = 1
_OPENING_ATTEMPTS = 300
_SETTINGS = {
    "shared_buffers": "512MB",
    "effective_cache_size": "2GB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "random_page_cost": "1.1",
    "max_parallel_workers_per_gather": "2",
    "jit": "off",
    "max_wal_size": "4GB",
    "max_connections": "40",
}
"""A small instance on flash storage. Commits wait for the disk, as by default."""
_SCHEMA = """
CREATE TABLE records (
    board integer NOT NULL, player_id text NOT NULL, score bigint NOT NULL, subscore bigint NOT NULL DEFAULT 0,
    achieved_at timestamptz NOT NULL, display_name text NOT NULL
) WITH (fillfactor = 90);
"""
_INDEXES = """
ALTER TABLE records ADD PRIMARY KEY (board, player_id);
CREATE INDEX ranking ON records (board, score DESC, subscore DESC, achieved_at, player_id) INCLUDE (display_name);
"""
_SUBMIT = """
UPDATE records SET score = %s, achieved_at = now() WHERE board = %s AND player_id = %s AND score < %s
"""
_BETTER = """
SELECT count(*) FROM records
WHERE board = %(board)s AND score > (SELECT score FROM records WHERE board = %(board)s AND player_id = %(player)s)
"""
_ALL = "SELECT count(*) FROM records WHERE board = %(board)s"
_OWN_RANK = f"SELECT ({_BETTER}), ({_ALL})"  # two constants of this module
_TOP = """
SELECT player_id, score, display_name FROM records
WHERE board = %s ORDER BY score DESC, subscore DESC, achieved_at, player_id LIMIT %s
"""
_AROUND = f"""
WITH own AS MATERIALIZED (
    SELECT score, achieved_at, player_id, display_name FROM records WHERE board = %(board)s AND player_id = %(player)s
), above AS (
    SELECT r.player_id, r.score, r.display_name FROM records r
    WHERE board = %(board)s AND score >= (SELECT score FROM own)
    AND (score > (SELECT score FROM own)
         OR (achieved_at, player_id) < ((SELECT achieved_at FROM own), (SELECT player_id FROM own)))
    ORDER BY score, subscore, achieved_at DESC, player_id DESC LIMIT %(above)s
), below AS (
    SELECT r.player_id, r.score, r.display_name FROM records r
    WHERE board = %(board)s AND score <= (SELECT score FROM own)
    AND (score < (SELECT score FROM own)
         OR (achieved_at, player_id) > ((SELECT achieved_at FROM own), (SELECT player_id FROM own)))
    ORDER BY score DESC, subscore DESC, achieved_at, player_id LIMIT %(below)s
)
SELECT 'above', player_id, score, display_name FROM above
UNION ALL SELECT 'own', player_id, score, display_name FROM own
UNION ALL SELECT 'below', player_id, score, display_name FROM below
UNION ALL SELECT 'better', NULL, ({_BETTER}), NULL
"""  # noqa: S608  # constants of this module


class Postgres:
    name, store, exact = NAME, NAME, True

    def __init__(self, port: int, folder: Path, wire: Wire) -> None:
        self.wire = wire
        self._folder = folder
        self._port_by_line = {Line.LOOPBACK: port, Line.INJECTED: wire.port}
        self._connections = threading.local()
        self._opened: list[Any] = []
        self._size = 0
        self.take(Line.LOOPBACK)
        self.version = f"PostgreSQL {self._rows('SHOW server_version')[0][0].partition(' ')[0]}"

    def take(self, line: Line) -> None:
        self._line = line

    def load(self, population: Population) -> None:
        self._size = population.size
        self._rows(_SCHEMA)
        with self._connection().cursor() as cursor:
            columns = "board, player_id, score, achieved_at, display_name"
            with cursor.copy(f"COPY records ({columns}) FROM STDIN") as copy:
                for number, (player_id, score) in enumerate(population.score_by_player.items()):
                    copy.write_row((_BOARD, player_id, score, achieved_at(number), name_of(player_id)))
        for statement in _INDEXES.split(";")[:-1]:
            self._rows(statement)
        self._rows("VACUUM (ANALYZE) records")

    def submit(self, player_id: str, score: int) -> None:
        self._connection().execute(_SUBMIT, (score, _BOARD, player_id, score))

    def own_rank(self, player_id: str) -> int:
        ((better, _total),) = self._rows(_OWN_RANK, {"board": _BOARD, "player": player_id})
        return int(better) + 1

    @property
    def aside(self) -> Mapping[str, Callable[[str], object]]:
        return {WITHOUT_TOTAL: self._better_alone}

    def top(self, limit: int) -> list[Entry]:
        rows = self._rows(_TOP, (_BOARD, limit))
        return ranked([(player_id, score) for player_id, score, _name in rows], first_rank=1, position=0)

    def around(self, player_id: str, size: int) -> list[Entry]:
        found = self._rows(_AROUND, {"board": _BOARD, "player": player_id, "above": 2 * size, "below": size})
        rows_by_part: dict[str, list[tuple[str, int]]] = {"above": [], "own": [], "below": [], "better": []}
        for part, other_id, score, _name in found:
            rows_by_part[part].append((other_id, score))
        ((own_id, own_score),), ((_, better),) = rows_by_part["own"], rows_by_part["better"]
        above, below = rows_by_part["above"][::-1], rows_by_part["below"]
        position = better + sum(score == own_score for _, score in above)
        rows = [*above, (own_id, own_score), *below]
        shown = windowed(min(len(above), size), len(below), size)
        skipped = max(0, len(above) - size)
        start = position - len(above)
        entries = ranked(rows, start + 1, start)
        return entries[shown.start + skipped : shown.stop + skipped]

    def catch_up(self) -> None:
        """Nothing is left undone: autovacuum does its work when it likes, as on any server."""

    def footprint(self) -> Footprint:
        ((total,),) = self._rows("SELECT pg_total_relation_size('records')")
        ((index,),) = self._rows("SELECT pg_relation_size('ranking') + pg_relation_size('records_pkey')")
        return Footprint(memory=index / self._size, stored=total / self._size)

    def drop(self) -> None:
        self._rows("DROP TABLE records")

    def close(self) -> None:
        for connection in self._opened:
            connection.close()

    def _rows(self, statement: str, parameters: Any = None) -> list[Any]:
        cursor = self._connection().execute(statement, parameters)
        return list(cursor.fetchall()) if cursor.description else []

    def _better_alone(self, player_id: str) -> int:
        return int(self._rows(_BETTER, {"board": _BOARD, "player": player_id})[0][0]) + 1

    def _connection(self) -> Any:
        """Return this thread's connection on the present line; statements are prepared on first use."""
        found = getattr(self._connections, self._line, None)
        if found is None:
            found = psycopg.connect(_url(self._port_by_line[self._line]), autocommit=True, prepare_threshold=0)
            setattr(self._connections, self._line, found)
            self._opened.append(found)
        return found


def _url(port: int) -> str:
    return f"postgresql://bench@{LOOPBACK}:{port}/postgres?sslmode=disable"


def _wait_until_open(port: int) -> None:
    """Wait until the server takes connections, which it listens for before it can."""
    for _ in range(_OPENING_ATTEMPTS):
        try:
            psycopg.connect(_url(port)).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("PostgreSQL takes no connections")


@contextmanager
def started() -> Iterator[list[Postgres]]:
    """Start a cluster in a folder of its own, or raise Unavailable."""
    folder = _installed()
    port = free_port()
    with TemporaryDirectory() as place:
        cluster, user = Path(place) / "cluster", _user(Path(place))
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        addresses = ["-p", str(port), "-c", f"listen_addresses={LOOPBACK}", "-c", "unix_socket_directories="]
        make = [str(folder / "initdb"), "-D", str(cluster), "-U", "bench", "-A", "trust", "--no-locale", "-E", "UTF8"]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, user=user)
        command = [str(folder / "postgres"), "-D", str(cluster), *addresses, *settings]
        with running(command, port, Path(place) / "log", user), wire_to(port) as wire:
            wire.delay({"": latencies.POSTGRES})
            _wait_until_open(port)
            peer = Postgres(port, cluster, wire)
            try:
                yield [peer]
            finally:
                peer.close()


def _installed() -> Path:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    config = shutil.which("pg_config")
    if config:
        folders.insert(0, Path(subprocess.check_output([config, "--bindir"], text=True).strip()))
    return program("initdb", *folders).parent


def _user(folder: Path) -> str | None:
    """Return whom the server runs as, and give the folder to them: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, user.pw_uid, user.pw_gid)
        return name
    raise Unavailable("no user other than root to run PostgreSQL as")
