"""A whole Laurel on a database in memory, with a clock that moves when told to and pauses that take no time."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from chalicelib.bootstrap import serving
from chalicelib.bootstrap.serving import Services
from chalicelib.config import Config, SigningKey
from chalicelib.domain.boards import Board
from chalicelib.domain.game_rules import GameRules
from chalicelib.domain.games import GameResult
from chalicelib.domain.players import IdentityKind
from chalicelib.domain.records import Submission
from chalicelib.services.settle import settlement_of
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.records import RecordStore
from tests.expressions import Item
from tests.fake_dynamodb import FakeDynamoDB, Hook
from tests.fake_s3 import FakeS3
from tests.fake_sns import TOPIC, FakeSns
from tests.tables import PREFIX, tables

MEDIA = f"{PREFIX}media-123456789012"
EPOCH = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = "s" * 32
Answer = TypeVar("Answer")


@dataclass(slots=True)
class HandClock:
    """Shows one instant until it is moved."""

    instant: datetime = EPOCH

    def __call__(self) -> datetime:
        return self.instant

    def advance(self, **duration: float) -> None:
        self.instant += timedelta(**duration)


class Inline(Executor):
    """Runs what is submitted at once: one thread, one order."""

    def submit(self, fn: Callable[..., Answer], /, *args: Any, **kwargs: Any) -> Future[Answer]:
        future: Future[Answer] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  # an executor's answer is also its failure
            future.set_exception(error)
        return future


@cache
def _definitions() -> tuple[Mapping[str, Any], ...]:
    return tuple(tables())


@dataclass(slots=True)
class World:
    rules_by_mode: Mapping[str, GameRules] = field(default_factory=dict)
    client: FakeDynamoDB = field(default_factory=lambda: FakeDynamoDB(_definitions()))
    s3: FakeS3 = field(default_factory=lambda: FakeS3({MEDIA}))
    clock: HandClock = field(default_factory=HandClock)
    pauses: list[float] = field(default_factory=list)
    sns: FakeSns = field(default_factory=FakeSns)
    push_applications: Mapping[str, str] = field(default_factory=dict)
    services: Services = field(init=False)

    def __post_init__(self) -> None:
        self.services = self.another_process()

    def another_process(self) -> Services:
        """Return services that share nothing with others but the database and the bucket."""
        return serving.build(self.config, self.dynamo(), self.clock, self.clients())

    @property
    def config(self) -> Config:
        keys = (SigningKey("a", SECRET),)
        return Config(
            "test",
            PREFIX,
            keys,
            (),
            self.rules_by_mode,
            notices_topic=TOPIC,
            push_applications=self.push_applications,
            media_bucket=MEDIA,
            media_url="https://media.example/",
        )

    def dynamo(self) -> Dynamo:
        return Dynamo(self.client, Inline(), self.pauses.append)

    def clients(self) -> Clients:
        return Clients(connect=lambda service: {"s3": self.s3, "sns": self.sns}[service])

    def board(self, board_id: str = "race", **rules: Any) -> Board:
        board = Board(board_id=board_id, title="Race", created_at=self.clock(), **rules)
        return self.services.boards.create(board)

    def player(self, name: str = "Ada") -> str:
        """Return the id of a new player, who signs in with the device "device-" and the name."""
        return self.services.players.register(IdentityKind.DEVICE, f"device-{name}", name, "en").player.player_id

    def play(self, player_id: str, *submissions: Submission) -> GameResult:
        """Return the answer to a game that took one second."""
        game = self.services.games.start(player_id, "classic")
        self.clock.advance(seconds=1)
        return self.services.games.end(player_id, game.game_id, submissions)

    def follow(self) -> None:
        """Settle what the stream has told of the records by now, as it does within a second."""
        services, dynamo = self.another_process(), self.dynamo()
        for record in map(RecordStore(f"{PREFIX}records", dynamo).parsed, self.items("records")):
            assert services.settler.settle([settlement_of(services.boards.get(record.board_id), record)])

    def before(self, hook: Hook) -> None:
        self.client.before.append(hook)

    def after(self, hook: Hook) -> None:
        self.client.after.append(hook)

    def undisturbed(self) -> None:
        """Take all hooks away."""
        self.client.before.clear()
        self.client.after.clear()

    def items(self, noun: str) -> list[Item]:
        return self.client.items(f"{PREFIX}{noun}")

    def names(self, board_id: str = "race", period: str = "current") -> list[str]:
        """Return the names on a board, best first."""
        return [entry.display_name for entry in self.services.standings.top(board_id, period, 100).entries]

    def ranks(self, board_id: str = "race", period: str = "current") -> list[tuple[int | None, str, int]]:
        """Return rank, name and score of a board's entries, best first."""
        entries = self.services.standings.top(board_id, period, 100).entries
        return [(entry.rank, entry.display_name, entry.score) for entry in entries]
