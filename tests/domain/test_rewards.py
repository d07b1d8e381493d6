"""Rules: what they promise to whom, and which of them are none."""

from datetime import UTC, datetime
from itertools import pairwise
from math import floor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.domain import rewards
from chalicelib.domain.boards import SortOrder
from chalicelib.domain.rewards import By, Grant, Rule, RuleError, RuleSet, Tier
from chalicelib.ranking.pages import percentile

GOLD = (Grant("gold", 1),)
TIERS = (Tier("bronze", 10), Tier("silver", 20), Tier("gold", 30))


def rule(by: By, first: int | str, last: int | str) -> Rule:
    return Rule(by, first, last, GOLD)


def met(rules: list[Rule], *, rank: int = 1, score: int = 0, total: int = 100) -> list[Rule]:
    found = rewards.earned(RuleSet(tuple(rules), TIERS), SortOrder.DESC, rank=rank, score=score, total=total)
    return list(found)


@pytest.mark.parametrize(("rank", "gets"), [(1, False), (2, True), (3, True), (4, False)])
def test_a_range_of_ranks_includes_both_ends(rank: int, gets: bool) -> None:
    assert bool(met([rule(By.RANK, 2, 3)], rank=rank)) is gets


@pytest.mark.parametrize(("score", "tier"), [(9, None), (10, 0), (19, 0), (20, 1), (30, 2), (31, 2)])
def test_a_tier_begins_with_its_own_score(score: int, tier: int | None) -> None:
    assert rewards.tier_of(TIERS, SortOrder.DESC, score) == tier


def test_where_less_is_better_tiers_go_down() -> None:
    tiers = (Tier("bronze", 30), Tier("gold", 10))
    rewards.check(RuleSet((), tiers), SortOrder.ASC)

    assert [rewards.tier_of(tiers, SortOrder.ASC, score) for score in (31, 30, 10)] == [None, 0, 1]
    with pytest.raises(RuleError, match="gold begins no higher than bronze"):
        rewards.check(RuleSet((), tiers), SortOrder.DESC)


@given(place=st.integers(1, 10**7).flatmap(lambda total: st.tuples(st.integers(1, total), st.just(total))))
@example(place=(55_996, 99_991)).via("a share of 43.99996, which players read as 44.0")
def test_a_percentile_is_the_one_that_players_see_rounded_down(place: tuple[int, int]) -> None:
    assert rewards.whole_percentile(*place) == floor(percentile(*place))


def test_one_place_may_meet_a_rule_of_each_kind() -> None:
    rules = [rule(By.RANK, 1, 1), rule(By.PERCENTILE, 100, 100), rule(By.TIER, "silver", "gold")]

    assert met(rules, rank=1, score=20) == rules


starts = st.lists(st.integers(1, 40), min_size=2, max_size=6, unique=True).map(sorted)


@given(by=st.sampled_from([By.RANK, By.PERCENTILE]), cuts=starts, rank=st.integers(1, 100))
def test_of_rules_that_do_not_overlap_a_place_meets_one_at_most(by: By, cuts: list[int], rank: int) -> None:
    rules = [rule(by, first, last - 1) for first, last in pairwise(cuts)]
    rewards.check(RuleSet(tuple(rules)), SortOrder.DESC)

    assert len(met(rules, rank=rank)) <= 1


@given(one=st.tuples(st.integers(1, 9), st.integers(1, 9)), other=st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_rules_of_one_kind_are_refused_where_a_place_meets_both(one: tuple[int, int], other: tuple[int, int]) -> None:
    ranges = [range(min(each), max(each) + 1) for each in (one, other)]
    rules = RuleSet(tuple(rule(By.RANK, each.start, each.stop - 1) for each in ranges))
    overlap = bool(set(ranges[0]) & set(ranges[1]))

    if overlap:
        with pytest.raises(RuleError, match="rules 0 and 1 overlap"):
            rewards.check(rules, SortOrder.DESC)
    else:
        rewards.check(rules, SortOrder.DESC)


def test_tiers_of_the_same_name_are_refused() -> None:
    with pytest.raises(RuleError, match="two tiers have the name 'silver'"):
        rewards.check(RuleSet((), (*TIERS, Tier("silver", 40))), SortOrder.DESC)


def test_rules_of_different_kinds_may_meet_the_same_place() -> None:
    rewards.check(RuleSet((rule(By.RANK, 1, 5), rule(By.PERCENTILE, 1, 5))), SortOrder.DESC)


@pytest.mark.parametrize(
    ("rules", "deepest"),
    [
        ([], 0),
        ([rule(By.RANK, 1, 3), rule(By.RANK, 7, 9)], 9),
        ([rule(By.RANK, 1, 3), rule(By.PERCENTILE, 50, 100)], None),
        ([rule(By.TIER, "gold", "gold")], None),
    ],
)
def test_how_far_down_anybody_gets_anything(rules: list[Rule], deepest: int | None) -> None:
    assert rewards.deepest_rank(RuleSet(tuple(rules), TIERS)) == deepest


def test_ids_of_rewards_sort_by_time_and_stand_in_urls() -> None:
    ends = [datetime(2026, 9, 30, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)]
    ids = [rewards.reward_id(end, "a-board_1", "percentile") for end in ends]

    assert ids == sorted(ids)
    assert ids[0] == "20260930T0000Z.a-board_1.percentile"
