"""Rewards as boards' rules promise them, and as players and operators see and claim them."""

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain import rewards
from chalicelib.domain.rewards import Reward, RuleError, RuleSet
from chalicelib.errors import ContendedError, MalformedError, RewardNotFoundError
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.services.tokens import Tokens
from chalicelib.store.dynamo import CancelledError, Dynamo
from chalicelib.store.reward_rules import RuleStore
from chalicelib.store.rewards import RewardStore

_ATTEMPTS = 6


class LedgerPage(Struct, frozen=True):
    """A part of a player's ledger, newest first; ``next_cursor`` is None on the last page."""

    rewards: list[Reward]
    next_cursor: str | None


class Rewards:
    def __init__(  # noqa: PLR0913  # the composition root names them
        self, *, dynamo: Dynamo, boards: Boards, rules: RuleStore, store: RewardStore, tokens: Tokens, clock: Clock
    ) -> None:
        self._dynamo = dynamo
        self._boards = boards
        self._rules = rules
        self._store = store
        self._tokens = tokens
        self._clock = clock

    def rules(self, board_id: str) -> RuleSet:
        """Return the rules of a board. One Query."""
        return self._rules.newest(self._boards.get(board_id).board_id)

    def set_rules(self, board_id: str, rules: RuleSet) -> RuleSet:
        """Set the rules of a board: for the period that is open, and those after it. One write.

        Raises:
            MalformedError: A rule means nothing, or overlaps with another.
        """
        board = self._boards.get(board_id)
        try:
            rewards.check(rules, board.sort_order)
        except RuleError as error:
            raise MalformedError(f"body: {error}", field="rules") from error
        self._rules.put(board_id, rules, self._clock())
        return rules

    def ledger(self, player_id: str, limit: int, cursor: str | None = None) -> LedgerPage:
        """Return what a player was given. One Query.

        Raises:
            CursorError: Forged, or made for another ledger.
        """
        listing = {"of": "ledger", "player": player_id}
        found = self._store.ledger(player_id, self._tokens.last_shown(listing, cursor), limit + 1)
        shown, more = found[:limit], len(found) > limit
        return LedgerPage(shown, self._tokens.next_page(listing, shown[-1].reward_id) if more else None)

    def balances(self, player_id: str) -> dict[str, int]:
        """Return how much a player has of each item. One Query."""
        return self._store.balances(player_id)

    def claim(self, player_id: str, reward_id: str) -> Reward:
        """Add a reward to the player's balances, once, and return it; claimed before, it is returned as it is.

        Cost: a read, and a transaction of 2 items and one for each item granted.

        Raises:
            RewardNotFoundError: The player has no such reward.
            ContendedError: The player was being changed; nothing was claimed.
        """
        for attempt in range(_ATTEMPTS):
            reward = self._store.get(player_id, reward_id)
            if reward is None:
                raise RewardNotFoundError(f"you have no reward {reward_id!r}", reward_id=reward_id)
            if reward.claimed_at is not None:
                return reward
            if self._is_claimed(player_id, claimed := replace(reward, claimed_at=self._clock())):
                return claimed
            self._dynamo.pause(attempt)
        raise ContendedError("the account is being changed; send the same request again")

    def _is_claimed(self, player_id: str, reward: Reward) -> bool:
        try:
            return self._store.claim(player_id, reward)
        except CancelledError:
            return False
