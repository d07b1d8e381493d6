"""Over a real connection: whatever becomes of a call, a request is done wholly or not at all, and once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from random import Random
from typing import TypeVar

import pytest

from chalicelib.bootstrap.serving import Services
from chalicelib.domain.boards import Operator
from chalicelib.domain.games import GameResult
from chalicelib.domain.layouts import Layout, Layouts
from chalicelib.domain.records import Submission
from chalicelib.errors import ContendedError, RecordNotFoundError, StoreUnavailableError
from tests import invariants
from tests.faults import wire as wires
from tests.faults.streams import follow, told
from tests.faults.wire import ATTEMPTS, Rule, Wire
from tests.oracle import Oracle
from tests.services.scenes import ACTIONS, Scene, leave_behind, scene_of
from tests.stream import PLENTY, delivery
from tests.world import World

pytestmark = pytest.mark.slow

_REQUESTS = 10
Answer = TypeVar("Answer")
Request = Callable[[Scene, Wire], object]


def _served(name: str) -> Request:
    return lambda scene, wire: ACTIONS[name](scene, _server(scene, wire))


def _server(scene: Scene, wire: Wire) -> Services:
    """Return a process that has seen the board before.

    Models are bound to the process that was made last: who looks into a world in memory in between needs another.
    """
    board = scene.board
    services = wire.services(scene.world.clock)
    services.boards.remember(board)
    return services


def _followed(scene: Scene, wire: Wire) -> str:
    """Follow what the stream has told, as Lambda does that has nobody to answer to."""
    report = wire.follower(scene.world.clock).follow(told(scene.world), lambda: PLENTY)
    assert report.dead_lettered == 0
    if report.again:
        raise StoreUnavailableError("to be delivered again")
    return "followed"


_ACTION_BY_NAME = {
    "game_start": "ada_starts_a_game",
    "game_end": "ada_ends_a_game",
    "submission": "a_server_submits",
    "batch": "a_server_submits_for_all",
    "deletion": "adas_record_is_removed",
    "hiding": "ada_is_hidden",
}
REQUESTS: dict[str, Request] = {
    **{name: _served(action) for name, action in _ACTION_BY_NAME.items()},
    "settle": _followed,
}
FAULTS: list[tuple[str, Rule, int]] = [
    ("throttled", wires.THROTTLED, 1),
    ("throttled", wires.THROTTLED, ATTEMPTS),
    ("broken", wires.BROKEN, ATTEMPTS),
    ("hanging", wires.HANGING, 1),
    ("cut_before", wires.CUT_BEFORE, 1),
    ("cut_before", wires.CUT_BEFORE, ATTEMPTS),
    ("cut_after", wires.CUT_AFTER, 1),
    ("cut_after", wires.CUT_AFTER, ATTEMPTS),
    ("late", wires.LATE, 1),
    ("truncated", wires.TRUNCATED, ATTEMPTS),
    ("corrupted", wires.CORRUPTED, 1),
    ("corrupted", wires.CORRUPTED, ATTEMPTS),
]
LONG: list[tuple[str, Rule, int]] = [("hanging", wires.HANGING, ATTEMPTS), ("late", wires.LATE, ATTEMPTS)]
_CASES = [(name, fault) for name in REQUESTS for fault in FAULTS] + [("game_end", fault) for fault in LONG]


@pytest.mark.parametrize(("name", "fault"), _CASES, ids=lambda value: value if isinstance(value, str) else value[0])
def test_a_fault_at_any_call_leaves_a_request_whole_and_done_once(
    wire: Wire, name: str, fault: tuple[str, Rule, int]
) -> None:
    _, rule, times = fault
    struck = 0
    for number in count():
        scene = scene_of(Operator.INCR, played=True)
        if name == "settle":
            leave_behind(scene, "a_server_submits_for_all")
        before, after = scene.summary(), _summary_after(name, scene)
        wire.hold(scene.world)
        wire.proxy.fail(rule, after=number, times=times)
        first = _once(partial(REQUESTS[name], scene, wire))
        if not wire.proxy.fired:
            break
        struck += 1
        wire.proxy.set_rules()
        assert _settled(wire, scene) in ([before, after] if first is None else [after])
        again = _answered(partial(REQUESTS[name], scene, wire))
        assert not isinstance(first, GameResult) or again == first
        assert _settled(wire, scene) == after
    assert struck


def _once(request: Callable[[], Answer]) -> Answer | None:
    """Return the answer to a request, or None when there was none; any other failure is the test's."""
    try:
        return request()
    except StoreUnavailableError:
        return None


def _answered(request: Callable[[], Answer]) -> Answer | None:
    """Return the answer to a request that is sent until it is answered; None where there is nothing left to do."""
    for _ in range(_REQUESTS):
        try:
            return request()
        except (StoreUnavailableError, ContendedError):
            continue
        except RecordNotFoundError:
            return None
    pytest.fail("never answered")


def _settled(wire: Wire, scene: Scene) -> object:
    """Return what is stored once the stream is followed, having held it to what always holds."""
    world = wire.world(scene.world.clock)
    records = world.items("records")
    assert follow(world, [delivery(number, None, item) for number, item in enumerate(records, start=1)])
    invariants.check(world)
    return Scene(world, scene.ids, scene.games).summary()


def _summary_after(name: str, scene: Scene) -> object:
    """Return what the request leaves in memory, where nothing fails."""
    world = World(client=scene.world.client.copy(), clock=scene.world.clock)
    twin = Scene(world, scene.ids, scene.games)
    if name in _ACTION_BY_NAME:
        ACTIONS[_ACTION_BY_NAME[name]](twin, world.services)
    return twin.summary()


@pytest.mark.parametrize("name", _ACTION_BY_NAME)
def test_calls_that_take_as_long_as_on_aws_are_answered_at_once(
    wire: Wire, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A machine that is busy for a moment is not what is asked about.
    monkeypatch.setattr(wires, "READ_TIMEOUT", 60)
    scene = scene_of(Operator.INCR, played=True)
    after = _summary_after(name, scene)
    wire.hold(scene.world)
    wire.proxy.set_rules(wires.AS_FAR_AS_AWS)
    requests = wire.proxy.requests

    assert _once(lambda: REQUESTS[name](scene, wire) or "done") is not None

    assert wire.proxy.fired == wire.proxy.requests - requests > 0
    assert _settled(wire, scene) == after


CLIENTS, PLAYERS, ROUNDS = 3, 4, 12
WEATHER: list[Rule] = [
    {**rule, "probability": probability}
    for rule, probability in [
        (wires.THROTTLED, 0.06),
        (wires.BROKEN, 0.03),
        (wires.CUT_BEFORE, 0.03),
        (wires.CUT_AFTER, 0.08),
        (wires.CORRUPTED, 0.03),
        (wires.HANGING, 0.005),
        (wires.LATE, 0.01),
    ]
]


@dataclass
class Client:
    """A client of some players, which sends each request until it is answered, and reckons along."""

    services: Services
    players: list[str]
    random: Random
    oracle: Oracle
    _number: Iterator[int] = field(default_factory=count)

    def play(self) -> None:
        for _ in range(ROUNDS):
            player_id = self.random.choice(self.players)
            self.random.choice([self._submit, self._submit, self._end_game, self._moderate])(player_id)

    def _submit(self, player_id: str) -> None:
        submission, submission_id = self._submission(), f"submission-{next(self._number)}"
        send = partial(self.services.games.submit, player_id, submission, submission_id)
        self._note(player_id, submission, _answered(send), _answered(send))

    def _end_game(self, player_id: str) -> None:
        game = _answered(lambda: self.services.games.start(player_id, "classic"))
        assert game is not None
        submission = self._submission()
        send = partial(self.services.games.end, player_id, game.game_id, [submission])
        self._note(player_id, submission, _answered(send), _answered(send))

    def _moderate(self, player_id: str) -> None:
        board = self.services.boards.known("race")
        if player_id not in self.oracle.lines:
            return
        if self.random.randrange(2):
            _answered(lambda: self.services.moderation.remove(player_id, board, "all"))
            self.oracle.remove(player_id)
        else:
            hidden = not self.oracle.lines[player_id].hidden
            _answered(lambda: self.services.moderation.hide(player_id, board, "all", hidden=hidden))
            self.oracle.hide(player_id, hidden=hidden)

    def _submission(self) -> Submission:
        return Submission("race", self.random.choice([self.random.randint(1, 5), self.random.randint(0, 10**6)]))

    def _note(
        self, player_id: str, submission: Submission, answer: GameResult | None, again: GameResult | None
    ) -> None:
        assert answer is not None
        assert again == answer
        self.oracle.submit(player_id, submission.score, 0, datetime(2026, 1, 1, tzinfo=UTC))
        after, line = answer.placements[0].after, self.oracle.lines[player_id]
        assert after is not None
        assert after.score == line.score


@pytest.mark.parametrize("seed", range(2))
def test_clients_at_once_in_bad_weather_lose_nothing_and_count_nothing_twice(wire: Wire, seed: int) -> None:
    world = World()
    board = world.board(operator=Operator.INCR, layouts=Layouts(Layout(lanes=2)))
    ids = [[world.player(f"{client}-{number}") for number in range(PLAYERS)] for client in range(CLIENTS)]
    wire.hold(world)
    services = wire.services(world.clock)
    services.boards.remember(board)
    clients = [
        Client(services, players, Random(f"{seed} {number}"), Oracle(board)) for number, players in enumerate(ids)
    ]

    wire.proxy.set_rules(*WEATHER)
    with ThreadPoolExecutor(CLIENTS) as threads:
        for done in [threads.submit(client.play) for client in clients]:
            done.result()
    wire.proxy.set_rules()

    stored = wire.world(world.clock)
    records = stored.items("records")
    assert follow(stored, [delivery(number, None, item) for number, item in enumerate(records, start=1)])
    invariants.check(stored)
    found = Oracle.of(board, records, "all")
    expected = {player_id: line for client in clients for player_id, line in client.oracle.lines.items()}
    assert {each: (line.score, line.hidden) for each, line in found.lines.items()} == {
        each: (line.score, line.hidden) for each, line in expected.items()
    }
    assert len(expected) > CLIENTS
