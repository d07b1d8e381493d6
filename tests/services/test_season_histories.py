"""Seasons of several rounds in which anything happens to anybody: players are conserved, and are where they should be.

Players look, play, look while another one does, leave, and stay away; whoever looks may die before or after any call,
and the round may be closed at any time, by somebody who dies too.
"""

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.bootstrap.seasons import Seasons
from chalicelib.domain.jobs import LEASE
from chalicelib.domain.seasons import Cut, Fill
from chalicelib.errors import GameError
from tests.fake_dynamodb import Call, conflict_on
from tests.services.league import League, league
from tests.strategies import EXAMPLES
from tests.strikes import AtCall, Killed, kill

pytestmark = [pytest.mark.property, pytest.mark.slow]

PLAYERS, ROUNDS = 9, 4
players = st.integers(0, PLAYERS - 1)


@dataclass(frozen=True, slots=True)
class Event:
    """Something a player does, and what comes between two calls of it."""

    kind: str
    who: int
    score: int = 0
    at_call: int | None = None
    strike: str = "die"
    other: int = 0


looks = st.builds(
    Event,
    kind=st.just("look"),
    who=players,
    at_call=st.none() | st.integers(0, 9),
    strike=st.sampled_from(["die", "die after", "meet", "beside", "leave"]),
    other=players,
)
plays = st.builds(Event, kind=st.just("play"), who=players, score=st.integers(0, 5))
kinds = st.sampled_from(["leave", "close", "stay away"])
others = st.builds(Event, kind=kinds, who=players, at_call=st.integers(0, 60))
rounds = st.lists(
    st.lists(st.one_of(looks, looks, plays, others), min_size=6, max_size=20), min_size=ROUNDS, max_size=ROUNDS
)
rules = st.sampled_from(
    [
        {},
        {"bucket_size": 2, "promote": Cut(percent=50), "relegate": Cut(percent=50)},
        {"bucket_size": 5, "promote": Cut(rank=2), "relegate": Cut(percent=40)},
        {"fill": Fill.SKILL, "bands": 2},
    ]
)


def happen(found: League, ids: list[str], event: Event) -> None:
    gone = ids[event.who] in found.left
    if event.kind == "play" and not gone:
        found.play(ids[event.who], event.score)
    elif event.kind == "leave":
        found.leave(ids[event.who])
    elif event.kind == "close":
        struck(found, event, found.closed)
        found.world.clock.instant += LEASE
    elif event.kind == "look":
        struck(found, event, partial(found.look, ids[event.who]), ids)


def struck(found: League, event: Event, act: Any, ids: list[str] | None = None) -> None:
    """Do something that is interrupted as the event says; it may fail as it should, or die."""
    if event.at_call is not None:
        strike = AtCall(event.at_call)
        strike.act = interruption(found, event, ids)
        (found.world.after if event.strike == "die after" else found.world.before)(strike)
    with suppress(GameError, Killed):
        act()
    found.world.undisturbed()


def interruption(found: League, event: Event, ids: list[str] | None) -> Any:
    if ids is None or event.strike in {"die", "die after"}:
        return kill
    if event.strike == "meet":
        return met
    return partial(leaves if event.strike == "leave" else looks_too, found, ids[event.other], found.another_process())


def met(call: Call) -> None:
    if call.operation == "TransactWriteItems" and call.touches("bucket#"):
        conflict_on("bucket#")(call)


def looks_too(found: League, player_id: str, use: Seasons, call: Call) -> None:
    del call
    with suppress(GameError):
        found.look(player_id, use)


def leaves(found: League, player_id: str, use: Seasons, call: Call) -> None:
    del call, use
    found.leave(player_id)


@settings(max_examples=max(60, EXAMPLES // 10), deadline=None)
@given(rules=rules, history=rounds)
def test_players_are_conserved_and_where_whole_rounds_would_have_them(
    rules: dict[str, Any], history: list[list[Event]]
) -> None:
    found, ids = league(PLAYERS, **rules)
    for number, events in enumerate(history, start=1):
        for event in events:
            happen(found, ids, event)
        found.check()
        found.freeze(number)
    for _ in range(3):
        found.closed()
        found.world.clock.instant += LEASE
    found.check()
    assert found.season.closed == ROUNDS
    assert all(bucket["places"] is not None for bucket in found.buckets().values())
