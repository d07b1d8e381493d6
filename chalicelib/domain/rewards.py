"""Rewards: what a place in the standings of a finished period earns, by the rules of its board."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import combinations, pairwise

from msgspec import Struct, field

from chalicelib.domain.boards import SortOrder, directed

MAX_RULES = 50
MAX_TIERS = 20
MAX_GRANTS = 10
MAX_ITEMS = 50
"""Of one reward: a notice tells of as many, and one transaction has room for them."""
MAX_AMOUNT = 10**9
MAX_PERCENTILE = 100


class By(StrEnum):
    """What a rule looks at."""

    RANK = "rank"
    PERCENTILE = "percentile"
    """The share of records that are not better, as players see it, rounded down to whole percent: 100 is the best."""
    TIER = "tier"


class Claiming(StrEnum):
    AUTOMATIC = "automatic"
    """Added to the player's balances when it is granted."""
    ON_DEMAND = "on_demand"
    """Added when the player asks for it."""


class Tier(Struct, frozen=True):
    """A band of a board: from a score on that is its worst, up to the next tier's."""

    name: str
    from_score: int


class Grant(Struct, frozen=True):
    item: str
    amount: int


class Rule(Struct, frozen=True):
    """Who stands from ``first`` to ``last``, both included, gets the grants."""

    by: By
    first: int | str = field(name="from")
    last: int | str = field(name="to")
    grants: tuple[Grant, ...]
    claim: Claiming = Claiming.AUTOMATIC


class RuleSet(Struct, frozen=True):
    """The rules of a board, and its tiers, the lowest first."""

    rules: tuple[Rule, ...] = ()
    tiers: tuple[Tier, ...] = ()


NO_RULES = RuleSet()


class RuleError(ValueError):
    """A rule makes no sense, or not beside another; the message says which and why."""


class Reward(Struct, frozen=True, kw_only=True):
    """An entry of a player's ledger."""

    reward_id: str
    source: str
    """The board, or the season, that it comes from."""
    period_id: str
    by: str
    rank: int | None
    grants: tuple[Grant, ...]
    claim: Claiming
    granted_at: datetime
    claimed_at: datetime | None
    """When it was added to the balances; None: not yet."""


class Due(Struct, frozen=True):
    """All that a player gets out of one event: given together or not at all."""

    player_id: str
    rewards: tuple[Reward, ...]


def reward_id(ended_at: datetime, source: str, by: str) -> str:
    """Return the id of what a player gets from one source at one end: the same however often it is computed.

    Ids sort by time, and stand in URLs as they are.

    >>> from datetime import UTC
    >>> reward_id(datetime(2026, 11, 23, tzinfo=UTC), "weekly", "rank")
    '20261123T0000Z.weekly.rank'
    """
    return f"{ended_at:%Y%m%dT%H%MZ}.{source}.{by}"


def check(rules: RuleSet, order: SortOrder) -> None:
    """Raise RuleError unless every rule means something, and no place meets two rules of the same kind."""
    _check_tiers(rules.tiers, order)
    bounds = [_bounds(number, rule, rules.tiers) for number, rule in enumerate(rules.rules)]
    for one, other in combinations(range(len(bounds)), 2):
        overlap = bounds[one][0] <= bounds[other][1] and bounds[other][0] <= bounds[one][1]
        if rules.rules[one].by is rules.rules[other].by and overlap:
            raise RuleError(
                f"rules {one} and {other} overlap: {_named(rules.rules[one])}, {_named(rules.rules[other])}"
            )


def earned(rules: RuleSet, order: SortOrder, *, rank: int, score: int, total: int) -> Iterator[Rule]:
    """Yield the rules that a place meets: at most one of each kind.

    Args:
        order: Of the board's scores.
        total: Records on the board.
    """
    place_by_kind: dict[By, int | None] = {
        By.RANK: rank,
        By.PERCENTILE: whole_percentile(rank, total),
        By.TIER: tier_of(rules.tiers, order, score),
    }
    for rule in rules.rules:
        place = place_by_kind[rule.by]
        first, last = bounds_of(rule, rules.tiers)
        if place is not None and first <= place <= last:
            yield rule


def whole_percentile(rank: int, total: int) -> int:
    """Return the share of a board's records that are not better, as players see it, in whole percent, rounded down.

    Players see four decimals: who reads 44.0 has 44, though the share may be a trifle less.

    >>> whole_percentile(1, 3), whole_percentile(2, 3), whole_percentile(3, 3)
    (100, 66, 33)
    """
    return int(round(MAX_PERCENTILE * (total - rank + 1) / total, 4))


def tier_of(tiers: Sequence[Tier], order: SortOrder, score: int) -> int | None:
    """Return the place, from 0, of the highest tier that a score reaches; None below the lowest.

    >>> tier_of([Tier("bronze", 10), Tier("gold", 50)], SortOrder.DESC, 50)
    1
    """
    reached = [place for place, tier in enumerate(tiers) if directed(score, order) <= directed(tier.from_score, order)]
    return max(reached, default=None)


def deepest_rank(rules: RuleSet) -> int | None:
    """Return the last rank that gets anything; None where ranks do not say."""
    if any(rule.by is not By.RANK for rule in rules.rules):
        return None
    return max((bounds_of(rule, ())[1] for rule in rules.rules), default=0)


def bounds_of(rule: Rule, tiers: Sequence[Tier]) -> tuple[int, int]:
    """Return from where to where a rule reaches, as numbers: a tier is its place among the tiers."""
    place_by_name: Mapping[int | str, int] = {tier.name: place for place, tier in enumerate(tiers)}
    first, last = (
        limit if isinstance(limit, int) else place_by_name.get(limit, -1) for limit in (rule.first, rule.last)
    )
    return first, last


def _check_tiers(tiers: Sequence[Tier], order: SortOrder) -> None:
    names = [tier.name for tier in tiers]
    if len(set(names)) != len(names):
        raise RuleError(f"two tiers have the name {next(name for name in names if names.count(name) > 1)!r}")
    for lower, higher in pairwise(tiers):
        if directed(lower.from_score, order) <= directed(higher.from_score, order):
            raise RuleError(
                f"tiers go from the lowest to the highest: {higher.name} begins no higher than {lower.name}"
            )


def _bounds(number: int, rule: Rule, tiers: Sequence[Tier]) -> tuple[int, int]:
    is_tier = rule.by is By.TIER
    if any(isinstance(limit, str) is not is_tier for limit in (rule.first, rule.last)):
        raise RuleError(f"rule {number}: by {rule.by}, from and to are {'names of tiers' if is_tier else 'integers'}")
    unknown = {str(rule.first), str(rule.last)} - {tier.name for tier in tiers} if is_tier else set()
    if unknown:
        raise RuleError(f"rule {number}: there is no tier {min(unknown)!r}")
    first, last = bounds_of(rule, tiers)
    lowest, highest = _LIMITS[rule.by]
    if not lowest <= first <= last or (highest is not None and last > highest):
        limits = "names of tiers, the lower first" if is_tier else f"{lowest} to {highest or 'any rank'}"
        raise RuleError(f"rule {number}: from {rule.first} to {rule.last} is no range within {limits}")
    if len({grant.item for grant in rule.grants}) != len(rule.grants):
        raise RuleError(f"rule {number}: it grants an item twice")
    return first, last


_LIMITS: Mapping[By, tuple[int, int | None]] = {
    By.RANK: (1, None),
    By.PERCENTILE: (0, MAX_PERCENTILE),
    By.TIER: (0, None),
}


def _named(rule: Rule) -> str:
    return f"{rule.by} {rule.first} to {rule.last}"
