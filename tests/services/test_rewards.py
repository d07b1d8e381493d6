"""Rewards are given once and claimed once, whoever does so how often, and go with the player who leaves."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count

import pytest

from chalicelib.bootstrap.stores import stores_of
from chalicelib.domain.players import IdentityKind
from chalicelib.domain.rewards import NO_RULES, Claiming, Due, Grant, Reward, RuleSet
from chalicelib.errors import CursorError, GameError, MalformedError, RewardNotFoundError, StoreUnavailableError
from chalicelib.services.crediting import Crediting
from chalicelib.services.rewarding import Given
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.rewards import RewardStore
from tests.fake_dynamodb import Call, Once, conflict_on, time_out
from tests.services.turning import PERIOD, RULES, Turning, played, run
from tests.tables import PREFIX
from tests.world import EPOCH, Inline, World

GOLD = "20261122T1300Z.race.rank"


def reward(reward_id: str = GOLD, amount: int = 5, claim: Claiming = Claiming.AUTOMATIC) -> Reward:
    return Reward(
        reward_id=reward_id,
        source="race",
        period_id=PERIOD,
        by="rank",
        rank=1,
        grants=(Grant("gold", amount), Grant("xp", 1)),
        claim=claim,
        granted_at=EPOCH,
        claimed_at=EPOCH if claim is Claiming.AUTOMATIC else None,
    )


def crediting(world: World) -> Crediting:
    dynamo = Dynamo(world.client, Inline(), world.pauses.append)
    return Crediting(dynamo, RewardStore(stores_of(lambda noun: f"{PREFIX}{noun}", dynamo).players, dynamo))


def give(world: World, player_id: str, *rewards: Reward) -> Given:
    return crediting(world).give([Due(player_id, rewards)])


def test_what_is_given_automatically_is_in_the_balances_at_once() -> None:
    world = World()
    ada = world.player("Ada")

    assert give(world, ada, reward()) == Given(1)

    assert world.services.rewards.balances(ada) == {"gold": 5, "xp": 1}
    assert world.services.rewards.ledger(ada, 10).rewards == [reward()]


def test_what_is_given_twice_is_given_once() -> None:
    world = World()
    ada, bob = world.player("Ada"), world.player("Bob")
    give(world, ada, reward())

    given = crediting(world).give([Due(ada, (reward(),)), Due(bob, (reward(),))])

    assert given == Given(2)
    assert [world.services.rewards.balances(each) for each in (ada, bob)] == [{"gold": 5, "xp": 1}] * 2


def test_who_has_left_is_given_nothing() -> None:
    world = World()
    ada, bob = world.player("Ada"), world.player("Bob")
    world.services.players.delete(ada)

    given = crediting(world).give([Due(ada, (reward(),)), Due(bob, (reward(),))])

    assert given == Given(1, left=1)
    assert not [item for item in world.items("players") if ada in item["pk"]["S"]]


def test_more_players_than_a_transaction_takes_are_given_theirs() -> None:
    world = World()
    ids = [world.player(f"p{number}") for number in range(60)]

    assert crediting(world).give([Due(each, (reward(),)) for each in ids]) == Given(60)

    assert all(world.services.rewards.balances(each) == {"gold": 5, "xp": 1} for each in ids)


def test_players_whom_others_are_busy_with_hold_up_nobody_else() -> None:
    world = World()
    ids = [world.player(f"p{number}") for number in range(20)]
    busy = ids[7]
    conflict = conflict_on(busy)
    world.before(lambda call: conflict(call) if call.operation == "TransactWriteItems" and call.touches(busy) else None)

    with pytest.raises(StoreUnavailableError):
        crediting(world).give([Due(each, (reward(),)) for each in ids])
    world.undisturbed()

    assert crediting(world).give([Due(each, (reward(),)) for each in ids]) == Given(20)
    assert all(world.services.rewards.balances(each) == {"gold": 5, "xp": 1} for each in ids)


def test_a_claim_counts_once_and_answers_the_same_again() -> None:
    world = World()
    ada = world.player("Ada")
    give(world, ada, reward(claim=Claiming.ON_DEMAND))
    assert world.services.rewards.balances(ada) == {}

    claimed = world.services.rewards.claim(ada, GOLD)
    world.clock.advance(minutes=1)

    assert claimed.claimed_at == world.services.rewards.claim(ada, GOLD).claimed_at == EPOCH
    assert world.services.rewards.balances(ada) == {"gold": 5, "xp": 1}


def at_every_call(act: Callable[[World], None], *, after: bool) -> Iterator[tuple[World, str]]:
    """Yield worlds in which somebody acts at the first call to come, at the second, and so on."""
    for number in count():
        world = World()
        ada = world.player("Ada")
        give(world, ada, reward(claim=Claiming.ON_DEMAND))
        calls = count()

        def hook(call: Call, world: World = world, calls: Iterator[int] = calls, number: int = number) -> None:
            if next(calls) == number:
                world.undisturbed()
                act(world)

        (world.after if after else world.before)(hook)
        yield world, ada
        if next(calls) <= number:
            return


@pytest.mark.parametrize("after", [False, True])
def test_a_claim_whose_call_failed_is_made_once_when_it_is_repeated(after: bool) -> None:
    def fail(world: World) -> None:
        time_out(Call("", {}))

    for world, ada in at_every_call(fail, after=after):
        try:
            world.services.rewards.claim(ada, GOLD)
        except GameError:
            world.services.rewards.claim(ada, GOLD)
        world.undisturbed()
        assert world.services.rewards.balances(ada) == {"gold": 5, "xp": 1}


def test_two_claims_at_the_same_time_count_once() -> None:
    def claim_too(world: World) -> None:
        ada = world.services.players.sign_in(IdentityKind.DEVICE, "device-Ada").player.player_id
        world.another_process().rewards.claim(ada, GOLD)

    for world, ada in at_every_call(claim_too, after=False):
        world.services.rewards.claim(ada, GOLD)
        world.undisturbed()
        assert world.services.rewards.balances(ada) == {"gold": 5, "xp": 1}


@pytest.mark.parametrize("after", [False, True])
def test_nothing_is_left_of_who_leaves_while_they_claim(after: bool) -> None:
    def leave(world: World) -> None:
        ada = world.services.players.sign_in(IdentityKind.DEVICE, "device-Ada").player.player_id
        world.another_process().players.delete(ada)

    for world, ada in at_every_call(leave, after=after):
        with suppress(RewardNotFoundError):
            world.services.rewards.claim(ada, GOLD)
        world.undisturbed()
        kinds = {item["sk"]["S"] for item in world.items("players") if item["pk"]["S"].endswith(ada)}
        assert not kinds or "profile" in kinds


def test_a_claim_of_what_was_not_given_is_refused() -> None:
    world = World()

    with pytest.raises(RewardNotFoundError):
        world.services.rewards.claim(world.player("Ada"), GOLD)


def test_a_claim_waits_for_who_is_busy() -> None:
    world = World()
    ada = world.player("Ada")
    give(world, ada, reward(claim=Claiming.ON_DEMAND))
    world.before(Once(lambda call: call.operation == "TransactWriteItems", conflict_on("balance#gold"), 2))

    world.services.rewards.claim(ada, GOLD)

    assert world.services.rewards.balances(ada)["gold"] == 5


def test_a_ledger_is_read_page_by_page_newest_first() -> None:
    world = World()
    ada, bob = world.player("Ada"), world.player("Bob")
    ids = [f"202611{day}T0000Z.race.rank" for day in range(10, 17)]
    for each in ids:
        give(world, ada, reward(each))
    rewards = world.services.rewards

    pages = [rewards.ledger(ada, 3)]
    while pages[-1].next_cursor:
        pages.append(rewards.ledger(ada, 3, pages[-1].next_cursor))

    assert [[each.reward_id for each in page.rewards] for page in pages] == [ids[:3:-1], ids[3:0:-1], ids[:1]]
    with pytest.raises(CursorError):
        rewards.ledger(bob, 3, pages[0].next_cursor)


def test_everything_of_a_players_rewards_is_exported_and_leaves_with_them() -> None:
    world = World()
    ada = world.player("Ada")
    give(world, ada, reward())

    kept = world.services.players.export(ada)
    world.services.players.delete(ada)

    assert (kept.rewards, kept.balances) == ([reward()], {"gold": 5, "xp": 1})
    assert not world.items("players")


def test_who_leaves_while_a_period_is_turned_is_given_nothing_and_keeps_nobody_waiting() -> None:
    world, ids = played([5, 7, 40, 4096])
    turning = Turning(world)
    turning.set_rules(RULES)
    world.clock.advance(hours=1, minutes=2)
    expected = turning.oracle()

    def leave(call: Call) -> None:
        if call.touches("reward#"):
            world.undisturbed()
            world.services.players.delete(ids[0])

    world.before(leave)
    run(turning.another_process())
    turning.kept()

    turning.check(expected, RULES, left={ids[0]})


def test_rules_that_are_set_once_a_period_is_over_count_from_the_next_one() -> None:
    world, _ = played([5, 7, 40, 4096])
    turning = Turning(world)
    turning.set_rules(RULES)
    expected = turning.oracle()
    world.clock.advance(hours=1)
    world.services.rewards.set_rules("race", NO_RULES)
    world.clock.advance(minutes=2)

    turning.kept()

    turning.check(expected, RULES)
    assert world.services.rewards.rules("race") == NO_RULES


def test_rules_that_are_set_just_before_the_end_count_though_they_are_written_after_it() -> None:
    world, _ = played([5, 7, 40, 4096])
    turning = Turning(world)
    expected = turning.oracle()
    world.clock.advance(hours=1, seconds=-1)

    def dawdle(call: Call) -> None:
        if call.touches("rewards#"):
            world.undisturbed()
            world.clock.advance(seconds=29)
            run(turning.another_process())

    world.before(dawdle)
    world.services.rewards.set_rules("race", RULES)
    turning.kept()
    world.clock.advance(minutes=2)
    turning.kept()

    turning.check(expected, RULES)


def test_rules_that_overlap_are_refused_and_named() -> None:
    world, _ = played([])
    rules = RuleSet((*RULES.rules, RULES.rules[1]), RULES.tiers)

    with pytest.raises(MalformedError, match="rules 1 and 5 overlap: rank 2 to 3, rank 2 to 3"):
        world.services.rewards.set_rules("race", rules)
