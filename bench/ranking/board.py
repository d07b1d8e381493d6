"""One board on a database, as the app would have left it after everybody's first game."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import TypeVar

from bench.capacity import Item, item_size
from bench.ranking.database import PLAYERS, RANKS, RECORDS, Database
from bench.ranking.peer import Footprint, Line
from bench.ranking.population import BEGIN, Population, achieved_at, name_of
from chalicelib.bootstrap import serving
from chalicelib.bootstrap.serving import Services
from chalicelib.config import Config, SigningKey
from chalicelib.domain.boards import Board
from chalicelib.domain.players import Identity, IdentityKind, Player
from chalicelib.domain.records import Record
from chalicelib.services.settle import settlement_of
from chalicelib.store import keys
from chalicelib.store.dynamo import Dynamo, Part
from chalicelib.store.players import PlayerStore
from chalicelib.store.ranks import NODE_PART, UNMARKED, RankStore
from chalicelib.store.records import RecordStore
from tests.tables import PREFIX

BOARD_ID = "points"
STORE = "DynamoDB"
INDEX_ATTRIBUTES = frozenset({"player_id", "board_period", "standing", "order_key", "display_name"})
_SETTINGS = Config("bench", PREFIX, (SigningKey("bench", "a secret that signs nothing but benchmarks"),), (), {})
_CHUNK = 10_000
_STORED_OVERHEAD = 100
"""Bytes that DynamoDB adds to every stored item, an index's too."""
_MAX_SETTLED = 25
Each = TypeVar("Each")


@dataclass(slots=True)
class StoredBoard:
    """The board's records, index and players. Those who use it see each other's submissions."""

    database: Database
    submitted: set[str] = field(default_factory=set)
    """Players whose record changed since ``catch_up``."""
    _nodes: set[str] = field(default_factory=set)
    """Keys of the nodes that were written."""
    _footprints: tuple[float, float] = (0.0, 0.0)

    def services(self, dynamo: Dynamo) -> Services:
        """Return services as they are deployed, on a given client; only the last ones made may be used.

        The models know one client at a time.
        """
        built = serving.build(_SETTINGS, dynamo)
        built.boards.get(BOARD_ID)
        return built

    @property
    def period_id(self) -> str:
        """Return the id of the one period of a board without resets."""
        services = self.services(self._loopback)
        return services.boards.period(services.boards.get(BOARD_ID), "current").period_id

    def fill(self, population: Population, writers: Iterable[str]) -> None:
        """Make the tables and write everybody's record, mark and place in the index; ``writers`` get a profile."""
        self.database.create()
        services = serving.build(_SETTINGS, self._loopback)
        board = services.boards.create(Board(board_id=BOARD_ID, title="Points", created_at=BEGIN, sealed=True))
        period_id = services.boards.period(board, "current").period_id
        self._register(writers)
        number_by_player = {player_id: number for number, player_id in enumerate(population.score_by_player)}
        records = (
            _record(period_id, number_by_player[player_id], player_id, population.score_by_player[player_id])
            for player_id in population.ranked
        )
        for chunk in _chunks(records):
            self._write(board, chunk)
        self.database.end_pages()
        middle = population.ranked[population.size // 2]
        usual = _record(period_id, population.size // 2, middle, population.score_by_player[middle])
        self._footprints = self._measured(board, usual, population.size)

    def catch_up(self) -> None:
        """Count what was submitted and is not counted: what the function on the records' stream does."""
        if not self.submitted:
            return
        services = self.services(self._loopback)
        board, store = services.boards.get(BOARD_ID), RecordStore(RECORDS, self._loopback)
        for players in _chunks(sorted(self.submitted), _MAX_SETTLED):
            found = store.get_many(BOARD_ID, self.period_id, players).values()
            if not services.settler.settle([settlement_of(board, record) for record in found]):
                raise RuntimeError("the rank index could not be brought in line with the records")
        self.submitted.clear()

    def drop(self) -> None:
        self.submitted.clear()
        self._nodes.clear()
        self.database.drop()

    def footprint(self, *, with_index: bool) -> Footprint:
        """Return the bytes a record takes by the published rules, in the table and the ordered index."""
        plain, indexed = self._footprints
        return Footprint(memory=None, stored=plain + (indexed if with_index else 0))

    @property
    def _loopback(self) -> Dynamo:
        return self.database.client_by_line[Line.LOOPBACK]

    def _register(self, players: Iterable[str]) -> None:
        store = PlayerStore(PLAYERS, self._loopback)
        for player_id in players:
            store.register(
                Player(
                    player_id=player_id,
                    display_name=name_of(player_id),
                    metadata={},
                    created_at=BEGIN,
                    identities=(Identity(IdentityKind.DEVICE, player_id),),
                )
            )

    def _write(self, board: Board, records: Sequence[Record]) -> None:
        record_store = RecordStore(RECORDS, self._loopback)
        self.database.write(
            RECORDS, [record_store.put_part("record", board, record, None).request["Item"] for record in records]
        )
        moves = [settlement_of(board, record).move_from(UNMARKED) for record in records]
        parts = RankStore(RANKS, self._loopback).parts(moves)
        self.database.write(RANKS, [part.request["Item"] for part in parts if part.name != NODE_PART])
        for part in parts:
            if part.name == NODE_PART:
                self.database.unmeasured.update_item(**part.request)
                self._nodes.add(part.request["Key"]["pk"]["S"])

    def _measured(self, board: Board, record: Record, size: int) -> tuple[float, float]:
        """Return the stored bytes per record of the records alone, and of the rank index."""
        item = RecordStore(RECORDS, self._loopback).put_part("record", board, record, None).request["Item"]
        row = {name: value for name, value in item.items() if name in INDEX_ATTRIBUTES}
        parts = RankStore(RANKS, self._loopback).parts([settlement_of(board, record).move_from(UNMARKED)])
        mark = next(_item_of(part) for part in parts if part.name != NODE_PART)
        wanted = [{"pk": {"S": key}} for key in sorted(self._nodes)]
        nodes = sum(map(self._stored, self._loopback.batch_get({RANKS: wanted}, consistent=True)[RANKS]))
        return self._stored(item) + self._stored(row), self._stored(mark) + nodes / size

    @staticmethod
    def _stored(item: Item) -> int:
        return item_size(item) + _STORED_OVERHEAD


def standing(period_id: str) -> str:
    return keys.board_period(BOARD_ID, period_id)


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _record(period_id: str, number: int, player_id: str, score: int) -> Record:
    return Record(
        player_id=player_id,
        board_id=BOARD_ID,
        period_id=period_id,
        score=score,
        subscore=0,
        achieved_at=achieved_at(number),
        generation=1,
        display_name=name_of(player_id),
    )


def _item_of(part: Part) -> Item:
    return dict(part.request["Item"])


def _chunks(all_of_them: Iterable[Each], size: int = _CHUNK) -> Iterator[list[Each]]:
    remaining = iter(all_of_them)
    while chunk := list(islice(remaining, size)):
        yield chunk
