"""Turns, how far boards have come, and versions of rules: stored once, replaced by who read them, never going back."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from chalicelib.domain.rewards import NO_RULES, By, Claiming, Grant, Rule, RuleSet, Tier
from chalicelib.domain.turns import Turn, TurnState
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.reward_rules import RuleStore
from chalicelib.store.turns import TurnStore
from tests import strategies
from tests.fake_dynamodb import FakeDynamoDB
from tests.tables import PREFIX, tables
from tests.world import EPOCH, Inline

TABLE = f"{PREFIX}seasons"
DEFINITIONS = tuple(tables())
MINUTE = timedelta(minutes=1)

grants = st.builds(Grant, item=st.sampled_from(["gold", "xp"]), amount=st.integers(1, 10**9))
rules = st.builds(
    Rule,
    by=st.sampled_from(By),
    first=st.integers(0, 2**53) | st.just("low"),
    last=st.integers(0, 2**53) | st.just("high"),
    grants=st.lists(grants, min_size=1, max_size=3).map(tuple),
    claim=st.sampled_from(Claiming),
)
rule_sets = st.builds(
    RuleSet,
    rules=st.lists(rules, max_size=3).map(tuple),
    tiers=st.lists(st.builds(Tier, name=st.text(max_size=5), from_score=strategies.int64), max_size=3).map(tuple),
)
turns = st.builds(
    Turn,
    board_id=st.just("race"),
    period_id=st.just("20261122T1200Z"),
    state=st.sampled_from(TurnState),
    ended_at=strategies.instants,
    frozen_at=strategies.instants,
    rules=rule_sets,
    records=st.integers(0, 10**9),
    manifest=st.text(max_size=20),
    rewarded=st.integers(0, 10**9),
    left=st.integers(0, 10**9),
    done_at=st.none() | strategies.instants,
)
TURN = Turn(board_id="race", period_id="20261122T1200Z", ended_at=EPOCH, frozen_at=EPOCH + MINUTE)


def dynamo() -> Dynamo:
    return Dynamo(FakeDynamoDB(DEFINITIONS), Inline(), lambda _: None)


@pytest.fixture
def store() -> TurnStore:
    return TurnStore(TABLE, dynamo())


@given(turn=turns)
def test_a_turn_is_read_as_it_was_stored(turn: Turn) -> None:
    store = TurnStore(TABLE, dynamo())

    assert store.begin(turn)
    assert store.get(turn.board_id, turn.period_id) == turn


def test_a_turn_begins_once(store: TurnStore) -> None:
    store.begin(TURN)

    assert not store.begin(structs.replace(TURN, rules=RuleSet((), (Tier("gold", 1),))))
    assert store.get("race", TURN.period_id) == TURN


def test_a_turn_goes_on_only_from_where_it_was_read(store: TurnStore) -> None:
    archived = structs.replace(TURN, state=TurnState.ARCHIVED, manifest="theirs")
    store.begin(TURN)

    assert store.replace(TURN, archived)
    assert not store.replace(TURN, structs.replace(archived, manifest="ours"))
    assert store.get("race", TURN.period_id) == archived


def test_how_far_a_board_has_come_never_goes_back(store: TurnStore) -> None:
    assert store.turned_until(["race", "laps"]) == {}

    for minutes in (2, 1, 3, 3, 2):
        store.move("race", EPOCH + minutes * MINUTE)

    assert store.turned_until(["race", "laps", "race"]) == {"race": EPOCH + 3 * MINUTE}


@given(rules=rule_sets)
def test_rules_are_read_as_they_were_set(rules: RuleSet) -> None:
    store = RuleStore(TABLE, dynamo())

    store.put("race", rules, EPOCH)

    assert store.newest("race") == rules


def test_rules_are_those_that_stood_just_before_an_instant() -> None:
    store = RuleStore(TABLE, dynamo())
    first, second = RuleSet((), (Tier("first", 1),)), RuleSet((), (Tier("second", 2),))
    store.put("race", first, EPOCH)
    store.put("race", second, EPOCH + MINUTE)

    found = [store.newest("race", EPOCH + number * MINUTE) for number in (0, 1, 2)]

    assert found == [NO_RULES, first, second]
    assert store.newest("race") == second
    assert store.newest("laps") == NO_RULES
