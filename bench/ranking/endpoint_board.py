"""A board on a DynamoDB that is given by its endpoint: its records stored, its counters and its ranks checked."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, Self

import botocore.session
import numpy as np

from bench.capacity import Item
from bench.ranking.census import Census, Tree
from bench.ranking.spreads import Column
from bench.scene import ENVIRONMENT
from chalicelib.bootstrap import serving
from chalicelib.bootstrap.serving import Services
from chalicelib.config import Config, SigningKey
from chalicelib.domain.boards import Board, SortOrder
from chalicelib.domain.layouts import Layout, Layouts
from chalicelib.domain.periods import ALL_TIME
from chalicelib.domain.players import Identity, IdentityKind, Player
from chalicelib.domain.records import Record
from chalicelib.ranking.bins import Path
from chalicelib.ranking.nodes import Counts
from chalicelib.store import dynamo, keys
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.players import PlayerStore
from chalicelib.store.records import RecordStore
from tests.tables import PREFIX, create_tables, tables

RECORDS, RANKS, PLAYERS = f"{PREFIX}records", f"{PREFIX}ranks", f"{PREFIX}players"
_BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
SETTINGS = Config("bench", PREFIX, (SigningKey("bench", "a secret that signs nothing but benchmarks"),), (), {})
_DIGITS = 3
_BATCH, _THREADS = 25, 4


def connected(url: str) -> Dynamo:
    """Return the app's own client, reaching this endpoint."""
    os.environ.update(ENVIRONMENT | {"AWS_ENDPOINT_URL_DYNAMODB": url})
    return dynamo.connect()


def services_on(connection: Dynamo) -> Services:
    """Return services as they are deployed. The models know one client at a time: the last one given."""
    return serving.build(SETTINGS, connection)


def plain_client(url: str, service: str = "dynamodb") -> Any:
    """Return a client for what is not measured."""
    os.environ.update(ENVIRONMENT)
    return botocore.session.Session().create_client(service, endpoint_url=url)


def fresh_tables(url: str, *, streams: bool) -> None:
    """Make empty tables, in place of those of an earlier run.

    Args:
        streams: Keep the records' stream, which makes every write to DynamoDB Local dearer the longer it gets.
    """
    client = plain_client(url)
    ours = {definition["TableName"] for definition in tables()}
    for table in ours.intersection(client.list_tables()["TableNames"]):
        client.delete_table(TableName=table)
    create_tables(client)
    if not streams:
        client.update_table(TableName=RECORDS, StreamSpecification={"StreamEnabled": False})


def player_of(row: int) -> str:
    return f"{row:032x}"


@dataclass(frozen=True, slots=True)
class EndpointBoard:
    """A board that never resets, of ascending scores without subscores; its players are numbered by row."""

    url: str
    board: Board
    services: Services

    @classmethod
    def created(cls, url: str, board_id: str, lanes: int) -> Self:
        services = services_on(connected(url))
        board = Board(
            board_id=board_id,
            title="Points",
            sort_order=SortOrder.ASC,
            created_at=_BEGIN,
            sealed=True,
            layouts=Layouts(Layout(digits=_DIGITS, lanes=lanes)),
        )
        return cls(url, services.boards.create(board), services)

    def store(self, rows: Sequence[int], values: Sequence[int], generation: int) -> None:
        """Write records, and nothing of the rank index: what a stream is about to tell of."""
        store = RecordStore(RECORDS, connected(self.url))
        records = (self.record(row, value, generation) for row, value in zip(rows, values, strict=True))
        items = (store.put_part("record", self.board, record, None).request["Item"] for record in records)
        with ThreadPoolExecutor(_THREADS) as threads:
            for _ in threads.map(partial(_write, plain_client(self.url)), _batches(items)):
                pass

    def register(self, rows: Sequence[int]) -> None:
        """Give these players a profile, which those who submit need."""
        store = PlayerStore(PLAYERS, connected(self.url))
        with ThreadPoolExecutor(_THREADS) as threads:
            for _ in threads.map(store.register, map(_player, rows)):
                pass

    def record(self, row: int, value: int, generation: int) -> Record:
        return Record(
            player_id=player_of(row),
            board_id=self.board.board_id,
            period_id=ALL_TIME,
            score=value,
            subscore=0,
            achieved_at=_BEGIN + timedelta(milliseconds=row),
            generation=generation,
            display_name=_name(row),
        )

    def stored_values(self) -> Column:
        """Return the scores of all records."""
        whole = keys.board_period(self.board.board_id, ALL_TIME)
        items = _scanned(self.url, RECORDS)
        return np.array([int(item["score"]["N"]) for item in items if item["board_period"]["S"] == whole], np.int64)

    def wrong_counters(self, values: Column) -> int:
        """Return how many counters, of all nodes and added up over lanes, are not those of these scores."""
        return Census(Tree(_DIGITS), np.sort(values)).wrong_counters(nodes_of(self.board, _scanned(self.url, RANKS)))

    def wrong_ranks(self, values: Column, rows: Sequence[int]) -> int:
        """Return how many of these players are told another rank than a sorted list's."""
        standing = np.sort(values)
        expected = (1 + np.searchsorted(standing, values[list(rows)])).tolist()
        found = [self.services.standings.own(self.board.board_id, "current", player_of(row)).entry.rank for row in rows]
        return sum(one != other for one, other in zip(found, expected, strict=True))


def nodes_of(board: Board, items: Iterable[Item]) -> Iterator[tuple[Path, Counts]]:
    """Yield the nodes of a board that never resets among the items of the index, each lane's by itself."""
    beginning = keys.node(board.board_id, ALL_TIME, board.layout(ALL_TIME).generation, 0, ()).rsplit("#", 2)[0]
    for item in items:
        if item["pk"]["S"].startswith(f"{beginning}#"):
            text = item["pk"]["S"].rpartition("#")[2]
            counters = {int(name[1:]): int(value["N"]) for name, value in item.items() if name != "pk"}
            yield (keys.parsed_path(text) if text else ()), counters


def _scanned(url: str, table: str) -> Iterator[Item]:
    for page in plain_client(url).get_paginator("scan").paginate(TableName=table):
        yield from page["Items"]


def _name(row: int) -> str:
    return f"Player {row:06X}"


def _player(row: int) -> Player:
    return Player(
        player_id=player_of(row),
        display_name=_name(row),
        metadata={},
        created_at=_BEGIN,
        identities=(Identity(IdentityKind.DEVICE, player_of(row)),),
    )


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    while batch := list(islice(items, _BATCH)):
        yield batch


def _write(client: Any, items: Sequence[Item]) -> None:
    wanted: Item = {RECORDS: [{"PutRequest": {"Item": item}} for item in items]}
    while wanted:
        wanted = client.batch_write_item(RequestItems=wanted)["UnprocessedItems"]
