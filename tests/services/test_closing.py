"""A round is closed once and exactly, whichever call is the last of whoever closes it, and whoever closes it beside."""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from typing import Any

import pytest

from chalicelib.domain import messages
from chalicelib.domain.jobs import LEASE, Job, JobState
from chalicelib.domain.notices import SeasonResult
from chalicelib.domain.rewards import Claiming
from chalicelib.domain.seasons import Move
from tests.fake_dynamodb import Call
from tests.services.league import League, each_look, league, made
from tests.services.turning import GRACE, HOURLY
from tests.services.works import after_steps, never
from tests.strikes import Killed, kill
from tests.world import HandClock, World

PLAYERS = 10
REWARD = "20261122T1400Z.winter.season"
Told = dict[str, tuple[str, int | None, str | None]]


@cache
def _master() -> tuple[League, list[str]]:
    found, ids = league(PLAYERS)
    each_look(found, ids)
    for number, player_id in enumerate(ids[:-1]):
        found.play(player_id, number)
    found.freeze(1)
    return found, ids


def ended() -> tuple[League, list[str]]:
    """Return a season whose first round is frozen: four buckets, the last of them of one player without a record."""
    master, ids = _master()
    world = World(client=master.world.client.copy(), clock=HandClock(master.world.clock()))
    return League(world, finals=master.finals), ids


def check(found: League, ids: list[str]) -> None:
    """Assert that everybody got and was told what follows from buckets in which the last to come is the best."""
    assert found.season.closed == 1
    rewarded = {ids[number] for number in (2, 5, 8)}
    assert ledger(found) == {(player_id, REWARD) for player_id in rewarded}
    assert balances(found) == dict.fromkeys(rewarded, 10)
    outcomes = [(Move.STAYED, 3, "bronze"), (Move.STAYED, 2, "bronze"), (Move.PROMOTED, 1, "silver")]
    expected: Told = {player_id: outcomes[number % 3] for number, player_id in enumerate(ids[:-1])}
    assert told(found) == {**expected, ids[-1]: (Move.STAYED, None, "bronze")}
    found.check()


def ledger(found: League) -> set[tuple[str, str]]:
    items = found.world.items("players")
    return {(item["pk"]["S"].partition("#")[2], item["reward_id"]["S"]) for item in items if "reward_id" in item}


def balances(found: League) -> dict[str, int]:
    items = found.world.items("players")
    held = [item for item in items if item["sk"]["S"] == "balance#gold"]
    return {item["pk"]["S"].partition("#")[2]: int(item["amount"]["N"]) for item in held}


def told(found: League) -> Told:
    """Return who was told of which outcome, rank and next tier; however often, it was the same, under one id."""
    ids: set[str] = set()
    outcome_by_player: Told = {}
    for message in map(messages.decoded, found.sns.texts):
        for edition in message.editions:
            if isinstance(edition.content, SeasonResult):
                ids.add(message.notice_id)
                for player_id in edition.recipients:
                    outcome = edition.content.outcome, edition.content.rank, edition.content.next_tier
                    assert outcome_by_player.setdefault(player_id, outcome) == outcome
    assert len(ids) == 1
    return outcome_by_player


def struck_at_every_call(strike: Callable[[League, Any], None], *, after: bool) -> Iterator[League]:
    """Yield seasons that are struck at their first call, at the second, and so on while there is such a call."""
    for number in count():
        found, _ = ended()
        calls = count()

        def hook(call: Any, found: League = found, calls: Iterator[int] = calls, number: int = number) -> None:
            if next(calls) == number:
                undisturbed(found)
                strike(found, call)

        for client in (found.world.client, found.sns):
            (client.after if after else client.before).append(hook)
        yield found
        if next(calls) <= number:
            return


def undisturbed(found: League) -> None:
    for client in (found.world.client, found.sns):
        client.before.clear()
        client.after.clear()


def test_a_round_that_is_frozen_is_closed_once() -> None:
    found, ids = ended()

    jobs = found.closed()

    assert [(job.state, job.done) for job in jobs] == [(JobState.DONE, PLAYERS)]
    check(found, ids)
    assert found.closed() == []


def test_nothing_is_closed_before_it_is_frozen() -> None:
    found, _ = ended()
    found.world.clock.advance(seconds=-1)

    assert found.closed() == []
    assert found.season.closed == 0


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_closing_killed_at_any_call_is_finished_by_another_process(after: bool) -> None:
    deaths = 0
    for found in struck_at_every_call(lambda _, call: kill(call), after=after):
        try:
            found.closed()
        except Killed:
            deaths += 1
            found.world.clock.instant += LEASE
        undisturbed(found)
        found.closed()
        check(found, _master()[1])
    assert deaths > 20


@pytest.mark.parametrize("silent", [False, True], ids=["at once", "thought dead"])
def test_a_round_closed_twice_at_the_same_time_is_closed_once(silent: bool) -> None:
    def close_beside(found: League, call: Any) -> None:
        del call
        found.world.clock.instant += LEASE if silent else LEASE * 0
        found.closed()

    for found in struck_at_every_call(close_beside, after=False):
        found.closed()
        undisturbed(found)
        found.closed()
        check(found, _master()[1])


def test_players_look_while_the_round_is_closed() -> None:
    ids = _master()[1]
    numbers = count()

    def look(found: League, call: Any) -> None:
        del call
        found.look(ids[next(numbers) % PLAYERS])

    for found in struck_at_every_call(look, after=False):
        found.closed()
        undisturbed(found)
        check(found, ids)


def test_a_closing_goes_on_where_its_time_ended() -> None:
    found, ids = ended()
    jobs: list[Job] = []
    while not jobs or jobs[-1].state is JobState.RUNNING:
        use = found.another_process(at_once=1)
        jobs += use.closing.keep(use.rounds.seasons.all(), after_steps(2))

    assert [job.done for job in jobs] == [3, 6, 9, 10, 10]
    check(found, ids)


def test_who_has_left_gets_nothing_and_holds_up_nobody() -> None:
    found, ids = ended()
    found.look(ids[0])
    found.leave(ids[2])

    job = found.closed()[0]

    assert job.state is JobState.DONE
    assert {player_id for player_id, _ in ledger(found)} == {ids[5], ids[8]}
    assert ids[2] in told(found)


def test_rounds_that_were_missed_are_closed_oldest_first() -> None:
    found, ids = ended()
    found.look(ids[2])
    found.freeze(2)
    found.until(4, minutes=5)

    jobs = found.closed()

    assert [job.period_id for job in jobs] == ["20261122T1300Z", "20261122T1400Z", "20261122T1500Z"]
    assert found.season.closed == 3
    found.check()


def test_the_last_round_tells_of_no_next_tier_and_gives_the_seasons_prizes() -> None:
    found, ids = league(2, rounds=1)
    each_look(found, ids)
    found.play(ids[0], 5)
    found.freeze(1)

    found.closed()

    assert told(found) == {ids[0]: (Move.PROMOTED, 1, None), ids[1]: (Move.STAYED, None, None)}
    items = {item["sk"]["S"] for item in found.world.items("players")}
    assert {"balance#gold", "balance#crown"} <= items


def test_rewards_that_are_to_be_claimed_wait_for_their_player() -> None:
    found, ids = league(1, claim=Claiming.ON_DEMAND)
    found.look(ids[0])
    found.play(ids[0], 5)
    found.freeze(1)
    found.closed()
    assert balances(found) == {}

    found.world.services.rewards.claim(ids[0], REWARD)

    assert balances(found) == {ids[0]: 10}


def test_a_season_that_cannot_be_closed_holds_up_no_other() -> None:
    found, ids = ended()
    found.world.board("other", reset=HOURLY)
    found.world.clock.instant = found.season.rounds[0].start
    first = {"season_id": "autumn", "board_id": "other", "first_period": found.season.rounds[0].period_id}
    made(found.world.services.rounds.seasons, **first)
    found.world.services.rounds.placement.place("autumn", ids[0])
    found.world.clock.instant = found.season.rounds[0].end + GRACE

    def fail(call: Call) -> None:
        if call.touches("bucket#autumn"):
            raise ValueError

    found.world.before(fail)
    with pytest.raises(ValueError):  # noqa: PT011  # just this one
        found.closed()

    undisturbed(found)
    assert found.season.closed == 1
    assert found.another_process().rounds.seasons.get("autumn").closed == 0


def test_a_season_in_which_nobody_played_is_closed_too() -> None:
    found, _ = league(0)
    found.until(4, hours=2)

    assert [job.state for job in found.closed()] == [JobState.DONE] * 4
    assert found.season.closed == 4


def test_a_deployment_without_a_topic_gives_rewards_all_the_same() -> None:
    found, ids = ended()
    use = found.another_process()
    use.closing._publisher = None  # noqa: SLF001  # as it is without the topic's setting

    use.closing.keep(use.rounds.seasons.all(), never)

    assert ledger(found) == {(ids[number], REWARD) for number in (2, 5, 8)}
    assert found.sns.texts == []
