"""A season of play on one database in memory, in bad weather: games, submissions, moderation, the stream, rebuilds.

Who sends a request sends it until it is answered. Then the players' own arithmetic takes it over, and knows from then
on what every record and every rank must be.
"""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count, cycle
from random import Random
from typing import TypeVar

from bench.ranking.turmoil import CHANCES, KilledError, Trouble, Turmoil
from chalicelib.bootstrap import serving
from chalicelib.bootstrap.following import build_following
from chalicelib.bootstrap.operations import Operations, build_operations
from chalicelib.bootstrap.serving import Services
from chalicelib.config import Config, SigningKey
from chalicelib.domain.boards import Board, Operator, SortOrder
from chalicelib.domain.games import GameResult
from chalicelib.domain.jobs import Job, JobState
from chalicelib.domain.layouts import Layout, Layouts
from chalicelib.domain.records import Outcome, Submission
from chalicelib.errors import ContendedError, RecordNotFoundError, StoreUnavailableError
from chalicelib.services.followup import FollowUp
from chalicelib.services.rebuild import Options
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo
from tests.fake_dynamodb import Call
from tests.oracle import Index, Line, Oracle
from tests.stream import PLENTY, RECORDS, Delivery, FakeQueue, delivery
from tests.tables import PREFIX
from tests.world import SECRET, Inline, World

_SHARDS, _SERVERS, _FOLLOWERS = 4, 4, 2
_GROUP, _BATCH, _REMEMBERED = 30, 90, 2_000
_LAG = 20 * _BATCH
"""How far the follower may fall behind, in changes."""
_OUT_OF_TIME = 0.02
_LONGEST_TURN_MS = 3_000
_CONFIG = Config("test", PREFIX, (SigningKey("a", SECRET),), (), {})
_BETWEEN_CHECKS = timedelta(days=8)
"""Past a period of the weekly board, and past what is kept of games."""
_REBUILDS = (Options(lanes=2), Options(slices=1), Options(digits=4, lanes=3), Options(digits=3, lanes=1, slices=0))
_KEY_NAMES = {"games": ("player_id", "game_id"), "records": ("player_id", "board_period"), "ranks": ("pk",)}
_TURNS = {"_submit_many": 8, "_play": 2, "_beside": 10}
_ASIDE = {"_submit": 10, "_moderate": 2, "_follow_again": 1, "_work": 4, "_poll": 5, "_begin_storm": 1}
_STORM = 100
"""What is done how often, in the middle of others' calls too."""
Answer = TypeVar("Answer")
Tree = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Race:
    """A board, and how its scores come about."""

    board_id: str
    rules: dict[str, object]
    score: Callable[[Random, int | None], tuple[int, int]]
    """From what the player has, if anything."""


def _better(random: Random, before: int | None) -> tuple[int, int]:
    start = round(50_000 * random.lognormvariate(0, 1)) if before is None else before
    return start + round(start * random.uniform(-0.005, 0.02)), 0


def _faster(random: Random, before: int | None) -> tuple[int, int]:
    start = round(95_000 * random.lognormvariate(0, 0.2)) if before is None else before
    return start - round(start * random.uniform(-0.001, 0.005)), 0


def _coins(random: Random, before: int | None) -> tuple[int, int]:
    del before
    return random.randint(1, 500), 0


def _rating(random: Random, before: int | None) -> tuple[int, int]:
    del before
    return round(random.normalvariate(1_500, 300)), random.randint(0, 9)


RACES = (
    Race("points", {}, _better),
    Race("laps", {"sort_order": SortOrder.ASC, "reset": "0 0 * * 1", "retention_days": 7}, _faster),
    Race("coins", {"operator": Operator.INCR, "layouts": Layouts(Layout(lanes=4))}, _coins),
    Race(
        "duels",
        {"operator": Operator.SET, "subscore_order": SortOrder.ASC, "layouts": Layouts(Layout(digits=2, slices=1))},
        _rating,
    ),
)


@dataclass
class Tally:
    """What happened, in numbers. Of several processes together: the sums."""

    submissions: int = 0
    """Answered."""
    settled: int = 0
    """Answered, and changed a record."""
    requests_repeated: int = 0
    moderated: int = 0
    batches: int = 0
    deliveries: int = 0
    settled_by_follower: int = 0
    put_off: int = 0
    rebuilds: int = 0
    rebuilds_failed: int = 0
    expired: int = 0
    """Items that DynamoDB deleted."""
    calls: int = 0
    ranks_checked: int = 0
    rank_errors: int = 0
    index_errors: int = 0
    """Boards and periods whose nodes and marks do not count exactly what is stored."""
    records_checked: int = 0
    record_errors: int = 0
    """Lost, counted twice, or neither whole nor not at all."""
    answers_wrong: int = 0
    troubles: dict[str, int] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        for name, value in vars(other).items():
            if name != "troubles":
                setattr(self, name, getattr(self, name) + value)
        self.troubles = dict(Counter(self.troubles) + Counter(other.troubles))

    @property
    def errors(self) -> int:
        return self.rank_errors + self.index_errors + self.record_errors + self.answers_wrong


@dataclass
class Stream:
    """The records' stream in shards, each read in order; what was read comes again, late, now and then."""

    random: Random
    waiting: list[deque[Delivery]] = field(default_factory=lambda: [deque() for _ in range(_SHARDS)])
    read: deque[Delivery] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def take(self, world: World) -> None:
        """Take over what the table has told."""
        changes = world.client.changes(RECORDS)
        for change in changes:
            shard = self.waiting[hash(change.key[0]) % _SHARDS]
            shard.append(delivery(next(self._numbers), change.before, change.after))
        changes.clear()

    def batch(self) -> tuple[deque[Delivery], list[Delivery]]:
        shard = max(self.random.sample(self.waiting, 2), key=len)
        return shard, [shard[position] for position in range(min(len(shard), self.random.randint(1, _BATCH)))]

    def old(self) -> list[Delivery]:
        """Return a batch that was read before, in no order."""
        return self.random.sample(list(self.read), min(len(self.read), _BATCH))

    def done(self, shard: deque[Delivery], batch: Sequence[Delivery], again: Sequence[str]) -> None:
        """Go on as Lambda does: from the lowest number that must come again."""
        for each in batch:
            if again and each["dynamodb"]["SequenceNumber"] == again[0]:
                return
            self.read.append(shard.popleft())

    @property
    def length(self) -> int:
        return sum(map(len, self.waiting))


class Season:
    """Players on the boards of one database, and everything that serves them."""

    def __init__(self, seed: int, players: int, chances: Mapping[Trouble, float] = CHANCES) -> None:
        self.tally = Tally()
        self._random = Random(seed)  # noqa: S311  # weather, not a secret
        self.world = World()
        self.world.client.open_streams()
        self._stream = Stream(self._random)
        self._queue = FakeQueue()
        self._servers = [self._server() for _ in range(_SERVERS)]
        self._followers = [self._follower() for _ in range(_FOLLOWERS)]
        self._operator = self._operations()
        for race in RACES:
            self.world.board(race.board_id, **race.rules)
        self._players = [self.world.player(str(number)) for number in range(players)]
        self._at_work: set[str] = set()
        self._oracles: dict[Tree, Oracle] = {}
        self._rebuild: Job | None = None
        self._options = cycle(_REBUILDS)
        self._ids = count(1)
        self._turmoil = Turmoil(self._random, self._beside, chances)
        self.world.before(self._turmoil.before)
        self.world.after(self._turmoil.after)

    def play(self, submissions: int) -> None:
        """Go on until so many submissions in all have changed a record."""
        while self.tally.settled < submissions:
            self.world.clock.advance(milliseconds=self._random.randint(1, _LONGEST_TURN_MS))
            self._do(_TURNS)
            while self._stream.length > self._random.randint(0, _LAG):
                self._poll()

    def check(self) -> None:
        """Let the weather clear, read the stream to its end, and compare everything."""
        with self._turmoil.calm():
            self._drain()
            boards = {board.board_id: board for board in self.world.another_process().boards.all()}
            ranks, items = self.world.items("ranks"), self.world.items("records")
            self.tally.record_errors += abs(len(items) - sum(len(each.lines) for each in self._oracles.values()))
            for (board_id, period_id), oracle in self._oracles.items():
                stored = Oracle.of(boards[board_id], items, period_id)
                self.tally.record_errors += _differences(stored.lines, oracle.lines)
                self.tally.records_checked += len(oracle.lines)
                self.tally.index_errors += not _agree(Index.of(ranks, boards[board_id], period_id), stored)
                self._check_ranks(board_id, period_id, oracle)
            self.tally.calls += len(self.world.client.calls)
            self.world.client.calls.clear()
        self.tally.troubles = {kind.value: times for kind, times in self._turmoil.struck.items()}

    def wait(self) -> None:
        """Let a week pass: a period ends, and DynamoDB deletes what has expired."""
        with self._turmoil.calm():
            self.world.clock.advance(days=_BETWEEN_CHECKS.days)
            now = self.world.clock().timestamp()
            for noun, names in _KEY_NAMES.items():
                for item in self.world.items(noun):
                    if "expires_at" in item and int(item["expires_at"]["N"]) <= now:
                        key = {name: item[name] for name in names}
                        self.world.client.perform(Call("DeleteItem", {"TableName": f"{PREFIX}{noun}", "Key": key}))
                        self.tally.expired += 1
        kept = {(item["board_period"]["S"]) for item in self.world.items("records")}
        self._oracles = {tree: oracle for tree, oracle in self._oracles.items() if "#".join(tree) in kept}

    def begin_rebuild(self) -> None:
        """Have a board laid out anew while everybody plays on."""
        with self._turmoil.calm():
            if self._rebuild is None:
                board = self._operator.boards.refreshed("points")
                self._rebuild = self._operator.rebuild.begin(board, "all", next(self._options))

    def _begin_storm(self) -> None:
        self._turmoil.begin_storm(self._random.randint(1, _STORM))

    def _drain(self) -> None:
        self._stream.take(self.world)
        while self._stream.length:
            self._poll()
        self.tally.record_errors += len(self._queue.bodies)

    def _check_ranks(self, board_id: str, period_id: str, oracle: Oracle) -> None:
        """Ask for every player's entry, as players do."""
        places = sorted(oracle.place(line) for line in oracle.lines.values() if not line.hidden)
        for line in oracle.lines.values():
            rank = None if line.hidden else 1 + bisect_left(places, oracle.place(line))
            self.tally.ranks_checked += 1
            self.tally.rank_errors += self._rank(board_id, period_id, line.player_id) != (rank, len(places))

    def _rank(self, board_id: str, period_id: str, player_id: str) -> tuple[int | None, int] | None:
        try:
            own = self.world.services.standings.own(board_id, period_id, player_id)
        except RecordNotFoundError:
            return None
        return own.entry.rank, own.total

    def _do(self, weights: Mapping[str, int]) -> None:
        [name] = self._random.choices(list(weights), list(weights.values()))
        getattr(self, name)()

    def _beside(self) -> None:
        self._do(_ASIDE)

    def _submit_many(self) -> None:
        race = self._random.choice(RACES)
        with self._working(self._random.randint(2, _GROUP)) as players:
            left = [(each, self._submission(race, each), f"submission-{next(self._ids)}") for each in players]
            while left:
                left = self._sent(left)

    def _sent(self, lines: list[tuple[str, Submission, str]]) -> list[tuple[str, Submission, str]]:
        """Send a batch, and return those that were not answered."""
        verdicts = self._answered(lambda services: services.games.submit_many(lines))
        left = []
        for line, verdict in zip(lines, verdicts, strict=True):
            if isinstance(verdict, GameResult):
                self._note(line[0], [line[1]], verdict)
            else:
                left.append(line)
        self.tally.requests_repeated += len(left) > 0
        return left

    def _submit(self) -> None:
        with self._working(1) as players:
            for player_id in players:
                self._submit_for(player_id)

    def _submit_for(self, player_id: str) -> None:
        submission = self._submission(self._random.choice(RACES), player_id)
        submission_id = f"submission-{next(self._ids)}"
        result = self._answered(lambda services: services.games.submit(player_id, submission, submission_id))
        self._note(player_id, [submission], result)

    def _play(self) -> None:
        with self._working(1) as players:
            for player_id in players:
                self._play_for(player_id)

    def _play_for(self, player_id: str) -> None:
        game = self._answered(lambda services: services.games.start(player_id, "classic"))
        self.world.clock.advance(seconds=1)
        races = self._random.sample(RACES, self._random.randint(1, 3))
        scores = [self._submission(race, player_id) for race in races]
        result = self._answered(lambda services: services.games.end(player_id, game.game_id, scores))
        self._note(player_id, scores, result)

    def _moderate(self) -> None:
        board, period_id, oracle = self._tree(self._random.choice(RACES).board_id)
        with self._working(1) as players:
            for player_id in players:
                if player_id in oracle.lines:
                    self._moderated(player_id, board, period_id, oracle)

    def _moderated(self, player_id: str, board: Board, period_id: str, oracle: Oracle) -> None:
        self.tally.moderated += 1
        if self._random.randrange(2):
            self._answered(lambda services: _remove(services, player_id, board, period_id))
            oracle.remove(player_id)
        else:
            hidden = not oracle.lines[player_id].hidden
            self._answered(lambda each: each.moderation.hide(player_id, board, period_id, hidden=hidden))
            oracle.hide(player_id, hidden=hidden)

    def _work(self) -> None:
        """Let the operator go on with a rebuild, for a few steps."""
        if self._rebuild is None:
            return
        steps = iter(range(self._random.randint(1, 5)))
        try:
            job = self._operator.rebuild.advance(self._rebuild, lambda: next(steps, None) is None)
        except KilledError:
            self._operator = self._operations()
            return
        except (StoreUnavailableError, ContendedError):
            return
        self._rebuild = job if job.state is JobState.RUNNING else None
        self.tally.rebuilds += job.state is JobState.DONE
        self.tally.rebuilds_failed += job.state is JobState.FAILED

    def _poll(self) -> None:
        self._stream.take(self.world)
        shard, batch = self._stream.batch()
        again = self._follow(batch) if batch else None
        # In the middle of this, another follower may have read the same.
        if again is not None and shard and shard[0] is batch[0]:
            self._stream.done(shard, batch, again)

    def _follow_again(self) -> None:
        self._follow(self._stream.old())

    def _follow(self, batch: Sequence[Delivery]) -> Sequence[str] | None:
        """Return what must come again; None when the function died: all of it."""
        place = self._random.randrange(_FOLLOWERS)
        self.tally.batches += 1
        self.tally.deliveries += len(batch)
        try:
            report = self._followers[place].follow(batch, self._remaining)
        except KilledError:
            self._followers[place] = self._follower()
            return None
        self.tally.settled_by_follower += report.settled
        self.tally.put_off += report.deferred
        return report.again

    def _remaining(self) -> int:
        return 0 if self._random.random() < _OUT_OF_TIME else PLENTY

    def _answered(self, act: Callable[[Services], Answer]) -> Answer:
        """Return the answer to a request that is sent, to one server or another, until it is answered."""
        while True:
            place = self._random.randrange(_SERVERS)
            try:
                return act(self._servers[place])
            except KilledError:
                self._servers[place] = self._server()
            except (StoreUnavailableError, ContendedError):
                pass
            self.tally.requests_repeated += 1

    @contextmanager
    def _working(self, number: int) -> Iterator[list[str]]:
        """Choose players who have no other request under way."""
        drawn = self._random.sample(self._players, min(number, len(self._players)))
        chosen = [each for each in drawn if each not in self._at_work]
        self._at_work.update(chosen)
        yield chosen
        self._at_work.difference_update(chosen)

    def _submission(self, race: Race, player_id: str) -> Submission:
        line = self._tree(race.board_id)[2].lines.get(player_id)
        return Submission(race.board_id, *race.score(self._random, line.score if line else None))

    def _note(self, player_id: str, submissions: Sequence[Submission], result: GameResult) -> None:
        """Take over what was answered, and compare the answer with one's own arithmetic."""
        placement_by_board = {each.board_id: each for each in result.placements}
        for submission in submissions:
            oracle = self._tree(submission.board_id)[2]
            outcome = oracle.submit(player_id, submission.score, submission.subscore, self.world.clock())
            placement, line = placement_by_board[submission.board_id], oracle.lines[player_id]
            self.tally.submissions += 1
            self.tally.settled += outcome in {Outcome.IMPROVED, Outcome.WORSENED}
            answer = placement.after and (placement.after.score, placement.after.subscore)
            self.tally.answers_wrong += (placement.outcome, answer) != (outcome, (line.score, line.subscore))

    def _tree(self, board_id: str) -> tuple[Board, str, Oracle]:
        boards = self.world.services.boards
        board = boards.known(board_id)
        period_id = boards.period(board, "current").period_id
        return board, period_id, self._oracles.setdefault((board_id, period_id), Oracle(board))

    def _server(self) -> Services:
        return serving.build(_CONFIG, self._dynamo(), self.world.clock)

    def _follower(self) -> FollowUp:
        clients = Clients({"sqs": self._queue}.__getitem__)
        return build_following(_CONFIG, self._dynamo(), clients, self.world.clock).follow_up

    def _operations(self) -> Operations:
        return build_operations(_CONFIG, self._dynamo(), self.world.clock)

    def _dynamo(self) -> Dynamo:
        return Dynamo(self.world.client, Inline(), lambda _: None)


def _remove(services: Services, player_id: str, board: Board, period_id: str) -> None:
    try:
        services.moderation.remove(player_id, board, period_id)
    except RecordNotFoundError:
        return


def _agree(index: Index, stored: Oracle) -> bool:
    try:
        index.check(stored)
    except AssertionError:
        return False
    return True


def _differences(stored: Mapping[str, Line], expected: Mapping[str, Line]) -> int:
    """Return how many records are missing, too many, or other than they should be."""
    players = stored.keys() | expected.keys()
    return sum(_facts(stored.get(player_id)) != _facts(expected.get(player_id)) for player_id in players)


def _facts(line: Line | None) -> object:
    return line and (line.score, line.subscore, line.hidden)
