"""A model checker: every order in which the calls of some operations can reach the database, and every fault between.

An operation is deterministic: what it asks next follows from the replies it got. So it needs neither threads nor
greenlets: its position is its replies, and the next call is found by running it again until it asks for one more.
Databases are values: a call makes of one database another, and a reply. What is searched is the graph of both: its
nodes are a database and the positions of all operations, and a node that many orders lead to is searched once. Nothing
is left out: no bound on preemptions, only one on the faults of a run.

What this cannot see: calls that one operation makes at the same time come in one order, and indexes are up to date.
"""

import json
import marshal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from tests.expressions import Item
from tests.fake_dynamodb import Call, FakeDynamoDB, Hook, conflict_on, throttle, time_out
from tests.world import HandClock, World

_INDEX = "laurel-test-ranks"
_TRUTH = ("laurel-test-records", "laurel-test-players", "laurel-test-games")

Act = Callable[[World], object]
"""An operation of one process, which shares nothing with others but the database."""


class Event(StrEnum):
    """What becomes of a call."""

    ANSWERED = "answered"
    THROTTLED = "throttled"
    LOST = "lost"
    """Done, but the answer does not arrive."""
    INDEX_BUSY = "index-busy"
    TRUTH_BUSY = "truth-busy"
    CRASHED = "crashed"
    """The process ends before it makes the call, and nobody asks again."""
    RESTARTED = "restarted"
    """The process ends before it makes the call, and the operation begins anew in another."""


FAULTS = tuple(event for event in Event if event is not Event.ANSWERED)


class Turn(NamedTuple):
    """One operation's next call, and what becomes of it."""

    operation: int
    event: Event

    @classmethod
    def parsed(cls, text: str) -> "Turn":
        operation, _, event = text.partition(":")
        return cls(int(operation), Event(event or Event.ANSWERED))

    def __str__(self) -> str:
        return str(self.operation) if self.event is Event.ANSWERED else f"{self.operation}:{self.event}"


class Violation(AssertionError):  # noqa: N818  # it is what pytest shows
    """A schedule that ends as no plain order could."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation returned, or the error it ended with."""

    value: object


@dataclass(frozen=True, slots=True)
class End:
    """How a schedule ended."""

    world: World
    answers: tuple[Answer | None, ...]
    """By operation; None: it crashed."""
    faults: int


@dataclass(frozen=True, slots=True)
class Report:
    """How much was searched."""

    schedules: int
    """Different orders of calls and faults, all of whose ends were checked."""
    states: int
    ends: int

    def __str__(self) -> str:
        return f"{self.schedules:,} schedules through {self.states:,} states to {self.ends:,} different ends"


class _AwaitingError(BaseException):
    """An operation asks for something whose reply it has not been given. Nothing may catch it."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.operation)
        self.call = call


class _Script(FakeDynamoDB):
    """Gives the replies it holds, one per call, and stops whoever asks on."""

    def __init__(self, replies: Iterator["_Reply"]) -> None:
        super().__init__(())
        self._replies = replies
        self.asked: list[Call] = []

    def exchange(self, call: Call) -> Item:
        for reply in self._replies:
            self.asked.append(call)
            return reply.given()
        raise _AwaitingError(call)

    def require(self, count: int, last: str) -> None:
        assert len(self.asked) == count, "the operation did not ask as often as before"
        assert not count or _key_of(self.asked[-1]) == last, f"the operation asked otherwise than {last}"


class _Reply(NamedTuple):
    content: bytes
    """As marshal writes it: every reader gets a copy of its own."""
    failure: Callable[[], Exception] | None = None

    def given(self) -> Item:
        if self.failure is not None:
            raise self.failure()
        return marshal.loads(self.content)  # type: ignore[no-any-return]  # noqa: S302  # written by this process


class _Position(NamedTuple):
    """Where an operation stands: at a call, or at its end."""

    call: Call | None
    key: str
    answer: Answer | None


class _Process:
    """One operation, wherever it can stand."""

    def __init__(self, act: Act, clock: HandClock, prepare: Act) -> None:
        self._act = act
        self._prepare = prepare
        self._clock = clock
        self._replies: list[tuple[_Reply, ...]] = [()]
        self._next: dict[tuple[int, int], int] = {}
        self.positions = [self._run(())]

    def after(self, position: int, reply_id: int, reply: _Reply) -> int:
        """Return the position that a reply leads to."""
        known = self._next.get((position, reply_id))
        if known is None:
            replies = (*self._replies[position], reply)
            known = self._next[position, reply_id] = len(self.positions)
            self._replies.append(replies)
            self.positions.append(self._run(replies, self.positions[position].key))
        return known

    def _run(self, replies: tuple[_Reply, ...], last: str = "") -> _Position:
        """Return where the operation stands after some replies, the last of them to a call that is known."""
        client = _Script(iter(replies))
        world = World(client=client, clock=HandClock(self._clock()))
        self._prepare(world)
        try:
            answer = Answer(self._act(world))
        except _AwaitingError as awaiting:
            client.require(len(replies), last)
            return _Position(awaiting.call, _key_of(awaiting.call), None)
        client.require(len(replies), last)
        return _Position(None, "", answer)


@dataclass(slots=True)
class _Databases:
    """Databases by content, and what calls make of them."""

    clients: list[FakeDynamoDB] = field(default_factory=list)
    replies: list[_Reply] = field(default_factory=list)
    _id_by_content: dict[object, int] = field(default_factory=dict)
    _reply_id_by_content: dict[object, int] = field(default_factory=dict)
    _done: dict[tuple[int, str], tuple[int, int]] = field(default_factory=dict)

    def known(self, client: FakeDynamoDB) -> int:
        number = self._id_by_content.setdefault(client.content(), len(self.clients))
        if number == len(self.clients):
            self.clients.append(client)
        return number

    def performed(self, database: int, position: _Position) -> tuple[int, int]:
        """Return the database after a call and the id of the reply."""
        done = self._done.get((database, position.key))
        if done is None:
            done = self._done[database, position.key] = self._performed(database, position.call)
        return done

    def _performed(self, database: int, call: Call | None) -> tuple[int, int]:
        assert call is not None
        changes = bool(call.writes) or call.operation == "BatchWriteItem"
        client = self.clients[database].copy() if changes else self.clients[database]
        try:
            reply = client.perform(call)
        except ClientError as error:
            return database, self.failed(error)
        content = marshal.dumps(json.loads(json.dumps(reply)))  # plain, as it comes over a wire
        return self.known(client) if changes else database, self._reply_id(content, _Reply(content))

    def failed(self, error: ClientError | BotoCoreError) -> int:
        """Return the id of the reply that is this failure, made anew each time it is raised."""
        if isinstance(error, ClientError):
            kind, response, operation = type(error), error.response, error.operation_name
            return self._reply_id(repr(response), _Reply(b"", lambda: kind(response, operation)))
        return self._reply_id(repr(error), _Reply(b"", lambda: type(error)(**error.kwargs)))

    def _reply_id(self, content: object, reply: _Reply) -> int:
        number = self._reply_id_by_content.setdefault(content, len(self.replies))
        if number == len(self.replies):
            self.replies.append(reply)
        return number


class _State(NamedTuple):
    database: int
    positions: tuple[int, ...]
    """By operation; _CRASHED where it ended halfway."""
    faults: int


_START, _CRASHED = 0, -1
_ENDED = {Event.CRASHED: _CRASHED, Event.RESTARTED: _START}


class Search:
    """All schedules of some operations from one world on.

    Args:
        world: Where all begin.
        acts: The operations, by name.
        faults: How many faults may strike in one run, and which.
        check: Raises AssertionError where an end is none that should be.
        prepare: What each process has done and remembers before; it makes no calls.
    """

    def __init__(  # noqa: PLR0913  # a search is described by all of these
        self,
        world: World,
        acts: dict[str, Act],
        check: Callable[[End], None],
        *,
        faults: int = 0,
        kinds: Sequence[Event] = FAULTS,
        prepare: Act = lambda _: None,
    ) -> None:
        self._clock = world.clock
        self._names = list(acts)
        self._processes = [_Process(act, world.clock, prepare) for act in acts.values()]
        self._check = check
        self._databases = _Databases()
        self._first = _State(self._databases.known(world.client), (_START,) * len(acts), faults)
        self._faults, self._kinds = faults, kinds
        self._schedules_by_state: dict[_State, int] = {}
        self._checked: set[object] = set()
        self._path: list[Turn] = []

    def run(self) -> Report:
        """Check the end of every schedule, and raise Violation for the first that fails, with how to replay it."""
        schedules = self._below(self._first)
        return Report(schedules, len(self._schedules_by_state), len(self._checked))

    def replay(self, schedule: str) -> End:
        """Return where one schedule ends, given as a violation shows it."""
        state = self._first
        for text in schedule.split():
            state = self._turned(state, Turn.parsed(text))
        return self._end(state)

    def alone(self, operations: Sequence[int]) -> End:
        """Return where the operations end that run one after the other, each to its end, without the others."""
        state = self._first
        for operation in operations:
            while self._position(state, operation).call is not None:
                state = self._turned(state, Turn(operation, Event.ANSWERED))
        return self._end(state)

    def _below(self, state: _State) -> int:
        """Return how many schedules begin here, having checked the ends of all."""
        known = self._schedules_by_state.get(state)
        if known is not None:
            return known
        schedules = 0
        for turn in self._turns(state):
            self._path.append(turn)
            schedules += self._below(self._turned(state, turn))
            self._path.pop()
        if not schedules:
            self._check_end(state)
        self._schedules_by_state[state] = schedules or 1
        return schedules or 1

    def _turns(self, state: _State) -> Iterator[Turn]:
        for operation in range(len(state.positions)):
            position = self._position(state, operation)
            if position.call is None:
                continue
            yield Turn(operation, Event.ANSWERED)
            if state.faults:
                yield from (Turn(operation, kind) for kind in self._kinds if _strikes(kind, position.call))

    def _turned(self, state: _State, turn: Turn) -> _State:
        database, operation = state.database, turn.operation
        if turn.event in _ENDED:
            return _State(database, _replaced(state.positions, operation, _ENDED[turn.event]), state.faults - 1)
        position = self._position(state, operation)
        assert position.call is not None, f"{self._names[operation]} has ended"
        reply = -1
        if turn.event in {Event.ANSWERED, Event.LOST}:
            database, reply = self._databases.performed(database, position)
        if turn.event is not Event.ANSWERED:
            reply = self._databases.failed(_failure(turn.event, position.call))
        process = self._processes[operation]
        after = process.after(state.positions[operation], reply, self._databases.replies[reply])
        faults = state.faults - (turn.event is not Event.ANSWERED)
        return _State(database, _replaced(state.positions, operation, after), faults)

    def _position(self, state: _State, operation: int) -> _Position:
        position = state.positions[operation]
        return _GONE if position == _CRASHED else self._processes[operation].positions[position]

    def _end(self, state: _State) -> End:
        world = World(client=self._databases.clients[state.database].copy(), clock=HandClock(self._clock()))
        answers = tuple(self._position(state, operation).answer for operation in range(len(state.positions)))
        return End(world, answers, self._faults - state.faults)

    def _check_end(self, state: _State) -> None:
        end = self._end(state)
        content = state.database, tuple(map(repr, end.answers)), bool(end.faults)
        if content in self._checked:
            return
        self._checked.add(content)
        try:
            self._check(end)
        except (AssertionError, LookupError) as error:
            raise Violation(self._told(error)) from error

    def _told(self, error: Exception) -> str:
        state, lines = self._first, []
        for number, turn in enumerate(self._path, start=1):
            call = self._position(state, turn.operation).call
            lines.append(f"{number:4} {self._names[turn.operation]}: {call and call.operation} {turn.event}")
            state = self._turned(state, turn)
        again = " ".join(map(str, self._path))
        return "\n".join([f"{type(error).__name__}: {error}", *lines, f'again: .replay("{again}")'])


_GONE = _Position(None, "", None)


def _strikes(kind: Event, call: Call) -> bool:
    """Tell whether a fault can meet a call; one that reads cannot tell a lost answer from one not given."""
    match kind:
        case Event.LOST:
            return bool(call.writes)
        case Event.INDEX_BUSY:
            return any(write["TableName"] == _INDEX for write in _transacted(call))
        case Event.TRUTH_BUSY:
            return any(write["TableName"] in _TRUTH for write in _transacted(call))
        case _:
            return True


def _key_of(call: Call) -> str:
    return f"{call.operation} {call.request}"


def _transacted(call: Call) -> list[Item]:
    return call.writes if call.operation == "TransactWriteItems" else []


def _failure(event: Event, call: Call) -> ClientError | BotoCoreError:
    failures: dict[Event, Hook] = {
        Event.THROTTLED: throttle,
        Event.LOST: time_out,
        Event.INDEX_BUSY: conflict_on("node#", "mark#"),
        Event.TRUTH_BUSY: conflict_on("player_id", "profile"),
    }
    try:
        failures[event](call)
    except (ClientError, BotoCoreError) as error:
        return error
    raise AssertionError(f"{event} let {call.operation} pass")


def _replaced(positions: tuple[int, ...], operation: int, position: int) -> tuple[int, ...]:
    return (*positions[:operation], position, *positions[operation + 1 :])
