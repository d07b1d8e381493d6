"""Rewards over the API: rules that are set, and what a player was given, has, and claims."""

from typing import Any

import pytest

from chalicelib.bootstrap.stores import stores_of
from chalicelib.domain.rewards import Claiming, Due, Grant, Reward
from chalicelib.services import clock
from chalicelib.services.crediting import Crediting
from chalicelib.store import dynamo as dynamo_store
from chalicelib.store.rewards import RewardStore
from tests.api.world import NOBODY, YEARLY, World
from tests.tables import PREFIX

RULES: Any = {
    "rules": [
        {"by": "rank", "from": 1, "to": 10, "grants": [{"item": "gold", "amount": 100}], "claim": "automatic"},
        {"by": "tier", "from": "silver", "to": "gold", "grants": [{"item": "xp", "amount": 1}], "claim": "on_demand"},
    ],
    "tiers": [{"name": "silver", "from_score": 10}, {"name": "gold", "from_score": 20}],
}
GOLD, XP = "20261123T0000Z.speedrun.rank", "20261123T0000Z.speedrun.tier"


def give(player_id: str) -> None:
    dynamo = dynamo_store.connect()
    store = RewardStore(stores_of(lambda noun: f"{PREFIX}{noun}", dynamo).players, dynamo)
    Crediting(dynamo, store).give([Due(player_id, (_reward(GOLD, "gold"), _reward(XP, "xp", Claiming.ON_DEMAND)))])


def _reward(reward_id: str, item: str, claim: Claiming = Claiming.AUTOMATIC) -> Reward:
    return Reward(
        reward_id=reward_id,
        source="speedrun",
        period_id="20261122T0000Z",
        by=reward_id.rpartition(".")[2],
        rank=1,
        grants=(Grant(item, 7),),
        claim=claim,
        granted_at=clock.now(),
        claimed_at=clock.now() if claim is Claiming.AUTOMATIC else None,
    )


def test_rules_are_answered_as_they_were_set(world: World) -> None:
    path = f"/admin/boards/{world.board()}/rewards"
    assert world.api.get(path, admin=True).body == {"board_id": "speedrun", "rules": [], "tiers": []}

    answer = world.api.put(path, RULES, admin=True)

    assert answer.status == 200
    assert answer.body == {"board_id": "speedrun", **RULES} == world.api.get(path, admin=True).body


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"from": 11, "to": 10}, "rule 0: from 11 to 10 is no range within 1 to any rank"),
        ({"from": 0}, "rule 0: from 0 to 10 is no range within 1 to any rank"),
        ({"by": "percentile", "to": 101}, "rule 0: from 1 to 101 is no range within 0 to 100"),
        ({"by": "tier"}, "rule 0: by tier, from and to are names of tiers"),
        ({"by": "tier", "from": "silver", "to": "iron"}, "rule 0: there is no tier 'iron'"),
        ({"by": "tier", "from": "gold", "to": "silver"}, "rule 0: from gold to silver is no range"),
        ({"by": "tier", "from": "gold", "to": "gold"}, "rules 0 and 1 overlap: tier gold to gold, tier silver to gold"),
        ({"grants": [{"item": "gold", "amount": 1}] * 2}, "rule 0: it grants an item twice"),
        ({"grants": []}, "body.rules[0].grants: expected"),
        ({"grants": [{"item": "gold", "amount": 0}]}, "body.rules[0].grants[0].amount: expected"),
    ],
)
def test_rules_without_a_meaning_are_refused(world: World, change: dict[str, Any], problem: str) -> None:
    rules = {**RULES, "rules": [{**RULES["rules"][0], **change}, RULES["rules"][1]]}

    answer = world.api.put(f"/admin/boards/{world.board()}/rewards", rules, admin=True)

    assert answer.status == 400
    assert problem in answer.body["error"]["message"]


def test_a_player_sees_and_claims_rewards(world: World) -> None:
    ada = world.player()
    give(ada.player_id)

    claimed = world.api.post(f"/players/me/rewards/{XP}/claim", token=ada.token)

    assert claimed.body == world.api.post(f"/players/me/rewards/{XP}/claim", token=ada.token).body
    ledger = world.api.get("/players/me/rewards", token=ada.token).body
    assert [each["reward_id"] for each in ledger["rewards"]] == [XP, GOLD]
    assert ledger["rewards"][0] == claimed.body
    assert world.api.get("/players/me/balances", token=ada.token).body == {"balances": {"gold": 7, "xp": 7}}


def test_an_operator_sees_what_a_player_was_given_page_by_page(world: World) -> None:
    ada = world.player()
    give(ada.player_id)
    path = f"/admin/players/{ada.player_id}/rewards?limit=1"

    first = world.api.get(path, admin=True).body
    second = world.api.get(f"{path}&cursor={first['next_cursor']}", admin=True).body

    assert [each["rewards"][0]["reward_id"] for each in (first, second)] == [XP, GOLD]
    assert (first["balances"], second["next_cursor"]) == ({"gold": 7}, None)
    assert world.api.get(f"/admin/players/{NOBODY}/rewards", admin=True).status == 404


def test_rewards_are_a_part_of_the_players_export_and_leave_with_them(world: World) -> None:
    ada = world.player()
    give(ada.player_id)

    kept = world.api.get("/players/me/export", token=ada.token).body
    world.api.delete("/players/me", token=ada.token)

    assert [each["reward_id"] for each in kept["rewards"]] == [XP, GOLD]
    assert kept["balances"] == {"gold": 7}


def test_a_reward_of_nobody_is_not_claimed(world: World) -> None:
    answer = world.api.post(f"/players/me/rewards/{GOLD}/claim", token=world.player().token)

    assert (answer.status, answer.body["error"]["code"]) == (404, "reward_not_found")


def test_a_period_says_how_far_it_is(world: World) -> None:
    world.board("race", reset=YEARLY)

    periods = world.api.get("/boards/race/periods").body["periods"]

    assert (periods[0]["state"], periods[0]["archived"]) == ("open", None)
