"""Rewards: the rules of boards, and what players were given, have, and claim."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib.api.routing import Access, Api
from chalicelib.api.wire import (
    Answer,
    Balances,
    BoardId,
    BoardPath,
    Cursor,
    Int64,
    PlayerPath,
    RewardView,
    Strict,
    reward_view,
)
from chalicelib.bootstrap.serving import services
from chalicelib.domain.rewards import (
    MAX_AMOUNT,
    MAX_GRANTS,
    MAX_RULES,
    MAX_TIERS,
    By,
    Claiming,
    Grant,
    Rule,
    RuleSet,
    Tier,
)
from chalicelib.errors import (
    BoardNotFoundError,
    ContendedError,
    CursorError,
    PlayerNotFoundError,
    RewardNotFoundError,
)
from chalicelib.services.rewards import LedgerPage

api = Api("rewards")

Item = Annotated[
    str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}\Z", description="What is given: yours to name.", examples=["gold"])
]
TierName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}\Z", examples=["silver"])]
RewardId = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{8}T[0-9]{4}Z\.[a-z0-9][a-z0-9_-]{0,63}\.[a-z]{1,16}\Z",
        description="The minute that the period ended, the board or season, and what it was given for.",
        examples=["20261123T0000Z.weekly.rank"],
    ),
]
Place = Annotated[int, Meta(ge=0, le=2**53)] | TierName


class GrantBody(Strict):
    item: Item
    amount: Annotated[int, Meta(ge=1, le=MAX_AMOUNT, description="How much of it.")]


class TierBody(Strict):
    name: TierName
    from_score: Annotated[Int64, Meta(description="The worst score that belongs to it.")]


class RuleBody(Strict):
    """Who stands `from` to `to`, both included, gets the grants."""

    by: Annotated[
        By,
        Meta(
            description="`rank`: from 1 on. `percentile`: as own entries show it, rounded down, from 0 to 100, which is"
            " the best. `tier`: by name."
        ),
    ]
    first: Place = msgspec.field(name="from")
    last: Place = msgspec.field(name="to")
    grants: Annotated[list[GrantBody], Meta(min_length=1, max_length=MAX_GRANTS)]
    claim: Annotated[Claiming, Meta(description="Whether players get it without asking, or claim it.")] = (
        Claiming.AUTOMATIC
    )


class RulesBody(Strict):
    """A player gets what every rule promises that is met; rules of one kind do not overlap."""

    rules: Annotated[list[RuleBody], Meta(max_length=MAX_RULES)]
    tiers: Annotated[list[TierBody], Meta(max_length=MAX_TIERS, description="The lowest first.")] = msgspec.field(
        default_factory=list
    )


class RulesView(Answer):
    board_id: str
    rules: list[RuleBody]
    tiers: list[TierBody]


class RewardPath(Strict):
    reward_id: RewardId


class LedgerQuery(Strict):
    limit: Annotated[int, Meta(ge=1, le=100, description="Rewards a page.")] = 20
    cursor: Cursor | UnsetType = UNSET


class LedgerView(Answer):
    """Rewards, the newest first; `next_cursor` is null on the last page."""

    rewards: list[RewardView]
    next_cursor: str | None


class BalancesView(Answer):
    balances: Balances


class PlayerRewardsView(Answer):
    """As the player sees it, in one answer."""

    player_id: str
    balances: Balances
    rewards: list[RewardView]
    next_cursor: str | None


@api.route("GET", "/players/me/rewards", access=Access.PLAYER, errors=(CursorError,))
def ledger(caller: str, query: LedgerQuery) -> LedgerView:
    """Return what the signed-in player was given, claimed or not."""
    page = _page(caller, query)
    return LedgerView(rewards=[reward_view(reward) for reward in page.rewards], next_cursor=page.next_cursor)


@api.route("GET", "/players/me/balances", access=Access.PLAYER)
def balances(caller: str) -> BalancesView:
    """Return how much the signed-in player has of each item."""
    return BalancesView(balances=services().rewards.balances(caller))


@api.route(
    "POST",
    "/players/me/rewards/{reward_id}/claim",
    access=Access.PLAYER,
    errors=(RewardNotFoundError, ContendedError),
)
def claim(caller: str, path: RewardPath) -> RewardView:
    """Add a reward to the signed-in player's balances, once: the same call again gets the same answer."""
    return reward_view(services().rewards.claim(caller, path.reward_id))


@api.route("GET", "/admin/boards/{board_id}/rewards", access=Access.ADMIN, errors=(BoardNotFoundError,))
def rules(path: BoardPath) -> RulesView:
    """Return the rules of a board's rewards."""
    return _rules_view(path.board_id, services().rewards.rules(path.board_id))


@api.route("PUT", "/admin/boards/{board_id}/rewards", access=Access.ADMIN, errors=(BoardNotFoundError,))
def set_rules(path: BoardPath, body: RulesBody) -> RulesView:
    """Set the rules of a board's rewards: for the current period and those after it, and for none that is over."""
    return _rules_view(path.board_id, services().rewards.set_rules(path.board_id, _rules(body)))


@api.route(
    "GET",
    "/admin/players/{player_id}/rewards",
    access=Access.ADMIN,
    errors=(PlayerNotFoundError, CursorError),
)
def of_player(path: PlayerPath, query: LedgerQuery) -> PlayerRewardsView:
    """Return what a player was given and has."""
    player_id = services().players.public(path.player_id).player_id
    page = _page(player_id, query)
    return PlayerRewardsView(
        player_id=player_id,
        balances=services().rewards.balances(player_id),
        rewards=[reward_view(reward) for reward in page.rewards],
        next_cursor=page.next_cursor,
    )


def _page(player_id: str, query: LedgerQuery) -> LedgerPage:
    cursor = None if query.cursor is UNSET else query.cursor
    return services().rewards.ledger(player_id, query.limit, cursor)


def _rules(body: RulesBody) -> RuleSet:
    return RuleSet(
        tuple(
            Rule(
                rule.by, rule.first, rule.last, tuple(Grant(each.item, each.amount) for each in rule.grants), rule.claim
            )
            for rule in body.rules
        ),
        tuple(Tier(tier.name, tier.from_score) for tier in body.tiers),
    )


def _rules_view(board_id: BoardId, rules: RuleSet) -> RulesView:
    return RulesView(
        board_id=board_id,
        rules=[
            RuleBody(
                by=rule.by,
                first=rule.first,
                last=rule.last,
                grants=[GrantBody(item=grant.item, amount=grant.amount) for grant in rule.grants],
                claim=rule.claim,
            )
            for rule in rules.rules
        ],
        tiers=[TierBody(name=tier.name, from_score=tier.from_score) for tier in rules.tiers],
    )
