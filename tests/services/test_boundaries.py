"""A score that is reported around the end of a period counts in one period, and stands in the archive of that one.

Games end while others end and while periods are turned, each between the calls of the other, and some take as long as
an invocation may. The clock alone decides: never who was faster, and never a job.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.jobs import LEASE
from chalicelib.domain.periods import parse
from chalicelib.domain.records import Submission
from chalicelib.domain.turns import TurnState
from tests.services.turning import HOURLY, PERIOD, Turning, played, run
from tests.strategies import EXAMPLES

CASES = max(40, EXAMPLES // 12)
LONGEST = timedelta(seconds=29)
"""How long an invocation that ends a game may take."""
NEXT_PERIOD = "20261122T1300Z"

Plan = dict[int, list[tuple[str, int]]]
"""What happens before which call: some wait for seconds, a game ends, or the schedule runs."""


@dataclass
class Night:
    """The end of a period, and what is done about it by several processes at once."""

    turning: Turning
    games: list[tuple[str, str, int]]
    """Players, their games, and the scores that they are about to report."""
    plan: Plan
    period_by_player: dict[str, str] = field(default_factory=dict)
    under_way: list[Any] = field(default_factory=list)
    """When each of the games began to end that have not ended."""
    calls: int = 0

    def __call__(self, call: Any) -> None:
        del call
        self.calls += 1
        for name, seconds in self.plan.pop(self.calls, ()):
            _ACTIONS[name](self, seconds)

    def wait(self, seconds: int) -> None:
        clock = self.turning.world.clock
        until = clock() + timedelta(seconds=seconds)
        if all(until - began <= LONGEST for began in self.under_way):
            clock.instant = until

    def end_game(self, seconds: int) -> None:
        if not self.games:
            return
        self.wait(seconds)
        player_id, game_id, score = self.games.pop()
        self.under_way.append(self.turning.world.clock())
        result = self.turning.world.another_process().games.end(player_id, game_id, [Submission("race", score)])
        self.under_way.pop()
        self.period_by_player[player_id] = result.placements[0].period_id

    def keep(self, seconds: int) -> None:
        self.wait(seconds)
        run(self.turning.another_process())


_ACTIONS: dict[str, Callable[[Night, int], None]] = {"wait": Night.wait, "end": Night.end_game, "keep": Night.keep}
actions = st.lists(st.tuples(st.sampled_from(sorted(_ACTIONS)), st.integers(0, 25)), min_size=1, max_size=3)


@pytest.mark.property
@pytest.mark.slow
@settings(max_examples=CASES)
@given(
    plan=st.dictionaries(st.integers(1, 150), actions, max_size=20),
    begins=st.lists(st.integers(0, 25), min_size=1, max_size=12),
    before_end=st.integers(0, 60),
)
def test_a_score_counts_in_one_period_and_stands_in_its_archive(plan: Plan, begins: list[int], before_end: int) -> None:
    world, ids = played(range(8))
    games = [(each, world.services.games.start(each, "classic").game_id, 100 + n) for n, each in enumerate(ids)]
    period = parse(HOURLY, PERIOD)
    assert period is not None
    assert period.end is not None
    world.clock.instant = period.end - timedelta(seconds=before_end)
    night = Night(Turning(world), games, dict(plan))
    world.before(night)
    night.turning.s3.before.append(night)

    for seconds in begins:
        night.end_game(seconds)
        night.keep(seconds)

    world.undisturbed()
    night.turning.undisturbed()
    world.follow()
    world.clock.instant += LEASE + timedelta(hours=2)
    night.turning.kept()
    _check(night, ids)


def _check(night: Night, ids: list[str]) -> None:
    """Assert that every score is in the archive of its period, and in no other."""
    score_by_player = {player_id: 100 + number for number, player_id in enumerate(ids)}
    for period_id in (PERIOD, NEXT_PERIOD):
        night.turning.period_id = period_id
        assert night.turning.turn.state is TurnState.DONE
        lines = night.turning.archived()
        reported = {line["player_id"]: line["score"] for line in lines if line["score"] >= 100}
        expected = {each for each, counted in night.period_by_player.items() if counted == period_id}
        assert reported == {player_id: score_by_player[player_id] for player_id in expected}
        assert [(line["rank"], line["player_id"]) for line in lines] == night.turning.oracle().listing()
