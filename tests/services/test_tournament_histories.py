"""Whoever joins, plays and leaves at the same moment, and dies or asks again: places, prices and attempts are exact.

Each history is a few actions of as many processes, every one of which may begin between two calls of another. Calls are
throttled before they do anything, or lose their answers after they did it; who is told so asks again, or gives up.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.bootstrap.serving import Services
from chalicelib.domain.records import Submission
from chalicelib.domain.tournaments import Tournament
from chalicelib.errors import GameError, StoreUnavailableError
from tests import invariants
from tests.fake_dynamodb import Call, Once, conflict_on, throttle, time_out
from tests.services.cups import CUP, HOUR, PRICE, Books, copied, cup, give, world_of
from tests.strategies import EXAMPLES
from tests.world import World

pytestmark = [pytest.mark.property]

GOLD = (0, 5, 10, 15, 25)
GAMES = 3
JOIN, PLAY, LEAVE, WITHDRAW, BEGIN, CALL_OFF = "join", "play", "leave", "withdraw", "begin", "call off"
THROTTLED, LOST, BUSY = "throttled", "lost", "busy"
ASKS_AGAIN = 5
_BUSY_ITEMS = ("places#", "participation#", "balance#", "profile")


@cache
def prepared(
    tournament: Tournament, before: timedelta = timedelta()
) -> tuple[World, tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return a world at a tournament's start, or before it, its players, and the games that each has under way."""
    world = world_of(tournament)
    world.clock.instant -= before
    ids = tuple(world.player(f"p{number}") for number in range(len(GOLD)))
    for player_id, gold in zip(ids, GOLD, strict=True):
        if gold:
            give(world, player_id, gold=gold)
    games = tuple(tuple(world.services.games.start(each, "classic").game_id for _ in range(GAMES)) for each in ids)
    world.clock.advance(seconds=1)
    return world, ids, games


@dataclass(frozen=True)
class Act:
    """What a player does; ``number`` is the game that is played."""

    kind: str
    player: int
    number: int = 0
    asks_again: bool = True


@dataclass
class Storm:
    """What happens at which call, counted over all processes."""

    world: World
    ids: tuple[str, ...]
    games: tuple[tuple[str, ...], ...]
    events: dict[int, Act | str]
    left: set[int] = field(default_factory=set)
    calls: int = 0
    _lost: str = ""

    def before(self, call: Call) -> None:
        self.calls += 1
        event = self.events.pop(self.calls, None)
        if isinstance(event, Act):
            self.do(event)
        elif event == THROTTLED:
            throttle(call)
        elif event == BUSY and call.operation == "TransactWriteItems":
            self._meet(call)
        elif event == LOST:
            self._lost = repr(call.request)

    def after(self, call: Call) -> None:
        if self._lost and self._lost == repr(call.request):
            self._lost = ""
            time_out(call)

    def do(self, act: Act) -> None:
        """Let another process do it, as often as its caller asks."""
        services = self.world.another_process()
        for _ in range(ASKS_AGAIN if act.asks_again else 1):
            try:
                self._action(act)(services)
            except StoreUnavailableError:
                continue
            except GameError:
                pass
            return

    def _action(self, act: Act) -> Callable[[Services], object]:
        player_id = self.ids[act.player]
        if act.kind == JOIN:
            return lambda services: services.tournaments.join(CUP, player_id)
        if act.kind == LEAVE:
            self.left.add(act.player)
            return lambda services: services.players.delete(player_id)
        if act.kind == WITHDRAW:
            return lambda services: services.tournaments.withdraw(CUP, player_id)
        if act.kind == CALL_OFF:
            return lambda services: services.boards.stop(CUP)
        if act.kind == BEGIN:
            return self._begin
        game_id = self.games[act.player][act.number]
        submissions = [Submission(CUP, 9 - act.number), Submission("race", 7)]
        return lambda services: services.games.end(player_id, game_id, submissions)

    def _begin(self, services: Services) -> None:
        """Let an operator move the start to this very moment."""
        board = services.boards.refreshed(CUP)
        assert board.tournament is not None
        now = self.world.clock()
        services.boards.change(CUP, {"tournament": replace(board.tournament, starts_at=now)})

    def _meet(self, call: Call) -> None:
        for text in _BUSY_ITEMS:
            if any(text in repr(write.get("Key") or write.get("Item")) for write in call.writes):
                conflict_on(text)(call)

    def settle(self) -> None:
        """Let the wind drop: who began to leave has left, and what the stream tells is counted."""
        self.world.undisturbed()
        for player in self.left:
            self.world.another_process().players.delete(self.ids[player])
        self.world.follow()

    def gold_of_those_here(self) -> dict[str, int]:
        return {self.ids[player]: gold for player, gold in enumerate(GOLD) if player not in self.left}


acts = st.builds(
    Act,
    kind=st.sampled_from([JOIN, JOIN, JOIN, PLAY, PLAY, LEAVE]),
    player=st.integers(0, len(GOLD) - 1),
    number=st.integers(0, GAMES - 1),
    asks_again=st.booleans(),
)
tournaments = st.builds(
    lambda capacity, attempts, cost: cup(join_required=True, capacity=capacity, attempts=attempts, cost=cost),
    capacity=st.sampled_from([1, 2, 3, 9, None]),
    attempts=st.sampled_from([1, 2, None]),
    cost=st.sampled_from([PRICE, PRICE, ()]),
)
events = st.dictionaries(
    st.integers(1, 25), st.one_of(acts, acts, st.sampled_from([THROTTLED, LOST, BUSY])), max_size=8
)


@settings(max_examples=max(60, EXAMPLES // 3))
@given(tournament=tournaments, first=st.lists(acts, min_size=1, max_size=6), events=events)
def test_no_place_price_or_attempt_is_lost_or_doubled(
    tournament: Tournament, first: list[Act], events: dict[int, Act | str]
) -> None:
    master, ids, games = prepared(tournament)
    storm = Storm(copied(master), ids, games, dict(events))
    storm.world.before(storm.before)
    storm.world.after(storm.after)

    for act in first:
        storm.do(act)
    storm.settle()

    books = Books.of(storm.world)
    books.check(tournament, storm.gold_of_those_here())
    assert set(books.participations) <= set(storm.gold_of_those_here())
    invariants.check(storm.world)
    check_nothing_is_blocked(storm, tournament, books)


def check_nothing_is_blocked(storm: Storm, tournament: Tournament, books: Books) -> None:
    """Assert that as many can join in the end as if nothing had ever failed."""
    price = sum(each.amount for each in tournament.cost)
    able = {player_id for player_id, gold in storm.gold_of_those_here().items() if gold >= price}
    for player in range(len(GOLD)):
        storm.do(Act(JOIN, player))
    joined = Books.of(storm.world)
    joined.check(tournament, storm.gold_of_those_here())
    assert books.joined <= joined.joined <= able
    assert len(joined.joined) == min(len(able), tournament.capacity or len(able))


@pytest.mark.parametrize("kind", [JOIN, LEAVE])
@pytest.mark.parametrize("between", [Act(JOIN, 4), Act(JOIN, 3), Act(LEAVE, 4), THROTTLED, LOST, BUSY])
@pytest.mark.parametrize("capacity", [1, 16])
def test_between_any_two_calls_others_do_no_harm(kind: str, between: Act | str, capacity: int) -> None:
    """The last place, wanted by two, or one of many, wanted by one of them twice: at each call of the other."""
    tournament = cup(join_required=True, capacity=capacity, attempts=1, cost=PRICE)
    number, is_met = 0, True
    while is_met:
        number += 1
        master, ids, games = prepared(tournament)
        storm = Storm(copied(master), ids, games, {})
        if kind == LEAVE:
            storm.do(Act(JOIN, 4))
        storm.world.before(storm.before)
        storm.world.after(storm.after)
        storm.events[number] = between
        storm.do(Act(kind, 4))
        is_met = not storm.events
        storm.settle()
        Books.of(storm.world).check(tournament, storm.gold_of_those_here())
        check_nothing_is_blocked(storm, tournament, Books.of(storm.world))


@pytest.mark.parametrize(
    "between", [Act(PLAY, 4, 2), Act(PLAY, 4, 1), Act(JOIN, 4), Act(LEAVE, 4), THROTTLED, LOST, BUSY]
)
@pytest.mark.parametrize(("is_open", "played_before"), [(True, 0), (True, 1), (False, 0), (False, 1)])
def test_between_any_two_calls_of_a_game_attempts_stay_exact(
    between: Act | str, is_open: bool, played_before: int
) -> None:
    """The last attempt, wanted by two games: whether it changes the record, or is worse than what stands."""
    tournament = cup(join_required=not is_open, attempts=1 + played_before)
    number, is_met = 0, True
    while is_met:
        number += 1
        master, ids, games = prepared(tournament)
        storm = Storm(copied(master), ids, games, {})
        for act in [Act(JOIN, 4)] * (not is_open) + [Act(PLAY, 4, 0)] * played_before:
            storm.do(act)
        storm.world.before(storm.before)
        storm.world.after(storm.after)
        storm.events[number] = between
        storm.do(Act(PLAY, 4, 1))
        is_met = not storm.events
        storm.settle()
        storm.do(Act(PLAY, 4, 1))
        books = Books.of(storm.world)
        books.check(tournament, storm.gold_of_those_here())
        assert books.counted[ids[4]] == (tournament.attempts if not storm.left else 0)
        assert (ids[4] in books.joined) == (not storm.left and (not is_open or (is_met and between == Act(JOIN, 4))))
        invariants.check(storm.world)


before_the_start = st.builds(
    Act,
    kind=st.sampled_from([JOIN, JOIN, WITHDRAW, WITHDRAW, LEAVE, PLAY, BEGIN, CALL_OFF]),
    player=st.integers(0, len(GOLD) - 1),
    number=st.integers(0, GAMES - 1),
    asks_again=st.booleans(),
)
interruptions = st.dictionaries(
    st.integers(1, 25),
    st.one_of(before_the_start, before_the_start, st.sampled_from([THROTTLED, LOST, BUSY])),
    max_size=8,
)


@settings(max_examples=max(60, EXAMPLES // 8))
@given(tournament=tournaments, first=st.lists(before_the_start, min_size=1, max_size=8), events=interruptions)
def test_who_withdraws_has_the_price_back_once_and_plays_no_more(
    tournament: Tournament, first: list[Act], events: dict[int, Act | str]
) -> None:
    storm = early(tournament, events)

    for act in first:
        storm.do(act)
    storm.settle()

    Books.of(storm.world).check(tournament, storm.gold_of_those_here())
    invariants.check(storm.world)


@pytest.mark.parametrize(
    "between",
    [Act(WITHDRAW, 4), Act(JOIN, 4), Act(JOIN, 3), Act(LEAVE, 4), Act(CALL_OFF, 0), THROTTLED, LOST, BUSY],
    ids=str,
)
@pytest.mark.parametrize("is_called_off", [False, True])
def test_between_any_two_calls_of_a_withdrawal_others_do_no_harm(between: Act | str, is_called_off: bool) -> None:
    tournament = cup(join_required=True, capacity=1, cost=PRICE)
    number, is_met = 0, True
    while is_met:
        number += 1
        storm = early(tournament, {})
        for act in [Act(JOIN, 4), *[Act(CALL_OFF, 0)] * is_called_off]:
            storm.do(act)
        storm.calls, storm.events[number] = 0, between
        storm.do(Act(WITHDRAW, 4))
        is_met = not storm.events
        storm.settle()
        storm.do(Act(WITHDRAW, 4))
        books = Books.of(storm.world)
        books.check(tournament, storm.gold_of_those_here())
        assert storm.ids[4] not in books.joined
    assert number > 2


def test_a_start_that_is_moved_to_the_moment_of_a_withdrawal_lets_nobody_play_for_nothing() -> None:
    tournament = cup(join_required=True, cost=PRICE)
    storm = early(tournament, {})
    storm.do(Act(JOIN, 4))

    def begin_and_play(call: Call) -> None:
        del call
        for act in (Act(BEGIN, 0), Act(PLAY, 4)):
            storm.do(act)

    storm.world.before(Once(lambda call: call.operation == "TransactWriteItems", begin_and_play))
    storm.do(Act(WITHDRAW, 4))

    books = Books.of(storm.world)
    books.check(tournament, storm.gold_of_those_here())
    assert books.counted[storm.ids[4]] == 1


def early(tournament: Tournament, events: dict[int, Act | str]) -> Storm:
    """Return a storm long before a tournament begins."""
    master, ids, games = prepared(tournament, HOUR / 2)
    storm = Storm(copied(master), ids, games, dict(events))
    storm.world.before(storm.before)
    storm.world.after(storm.after)
    return storm
