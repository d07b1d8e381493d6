"""Players' ledgers of rewards and their balances, in the players table, beside the profile they leave with."""

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from chalicelib.domain.rewards import Claiming, Due, Grant, Reward
from chalicelib.store import keys
from chalicelib.store.dynamo import CancelledError, Dynamo, Item, Part
from chalicelib.store.players import PlayerStore
from chalicelib.store.typed import from_milliseconds, milliseconds, n, s

_FIRST_REWARD, _FIRST_BALANCE = keys.reward(""), keys.balance("")
_END = "~"
"""Sorts after every id."""


class RewardStore:
    def __init__(self, players: PlayerStore, dynamo: Dynamo) -> None:
        self._table = players.table
        self._players = players
        self._dynamo = dynamo

    def parts(self, due: Due) -> list[Part]:
        """Return the writes that give a player what is due: refused if any of it was given, or the player left.

        The check of the player is named ``left_name``, what was given before ``given_name``.
        """
        return [
            self._players.active_part(left_name(due.player_id), due.player_id),
            *(self._ledger_part(due.player_id, reward) for reward in due.rewards),
            *self._balance_parts(due.player_id, [each for each in due.rewards if each.claimed_at is not None]),
        ]

    def claim(self, player_id: str, reward: Reward) -> bool:
        """Add a reward to the balances, with the time it is claimed at; False when it was before, or the player left.

        One transaction of 2 items and one for each item granted.

        Raises:
            CancelledError: Another writer was busy with one of them.
        """
        parts = [
            self._players.active_part(left_name(player_id), player_id),
            self._claim_part(player_id, reward),
            *self._balance_parts(player_id, [reward]),
        ]
        try:
            self._dynamo.transact(parts)
        except CancelledError as error:
            if error.refused:
                return False
            raise
        return True

    def get(self, player_id: str, reward_id: str) -> Reward | None:
        """Return an entry of a ledger. One consistent read."""
        key = self._key(player_id, keys.reward(reward_id))
        found = self._dynamo.batch_get({self._table: [key]}, consistent=True)[self._table]
        return _reward(found[0]) if found else None

    def ledger(self, player_id: str, before: str = "", limit: int | None = None) -> list[Reward]:
        """Return a player's rewards, newest first, at most ``limit``: all, or those before a reward's id. One Query."""
        last = before or _END
        rows = self._rows(player_id, _FIRST_REWARD, keys.reward(last), None if limit is None else limit + 1)
        return [reward for reward in map(_reward, rows) if reward.reward_id != before][:limit]

    def balances(self, player_id: str) -> dict[str, int]:
        """Return how much a player has of each item, by item. One Query."""
        rows = self._rows(player_id, _FIRST_BALANCE, keys.balance(_END), None)
        return {row["sk"]["S"].removeprefix(_FIRST_BALANCE): int(row["amount"]["N"]) for row in reversed(rows)}

    def _rows(self, player_id: str, first: str, last: str, limit: int | None) -> list[Item]:
        request: Item = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {":pk": s(keys.player(player_id)), ":first": s(first), ":last": s(last)},
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        return self._dynamo.rows(request, limit)

    def _ledger_part(self, player_id: str, reward: Reward) -> Part:
        request: Item = {
            "TableName": self._table,
            "Item": {**self._key(player_id, keys.reward(reward.reward_id)), **_item(reward)},
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        return Part(given_name(player_id), "Put", request)

    def _claim_part(self, player_id: str, reward: Reward) -> Part:
        request: Item = {
            "TableName": self._table,
            "Key": self._key(player_id, keys.reward(reward.reward_id)),
            "UpdateExpression": "SET claimed_at = :claimed_at",
            "ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(claimed_at)",
            "ExpressionAttributeValues": {":claimed_at": _item(reward)["claimed_at"]},
        }
        return Part("claim", "Update", request)

    def _balance_parts(self, player_id: str, rewards: Iterable[Reward]) -> Iterator[Part]:
        for item, amount in totals(rewards).items():
            request: Item = {
                "TableName": self._table,
                "Key": self._key(player_id, keys.balance(item)),
                "UpdateExpression": "ADD amount :amount",
                "ExpressionAttributeValues": {":amount": n(amount)},
            }
            yield Part("balance", "Update", request)

    def _key(self, player_id: str, sort_key: str) -> Item:
        return {"pk": s(keys.player(player_id)), "sk": s(sort_key)}


def left_name(player_id: str) -> str:
    return f"left {player_id}"


def given_name(player_id: str) -> str:
    return f"given {player_id}"


def totals(rewards: Iterable[Reward]) -> Counter[str]:
    """Return how much there is of each item in some rewards: one item of a transaction each."""
    amounts: Counter[str] = Counter()
    for reward in rewards:
        for grant in reward.grants:
            amounts[grant.item] += grant.amount
    return amounts


def _item(reward: Reward) -> Item:
    item = {
        "reward_id": s(reward.reward_id),
        "source": s(reward.source),
        "period_id": s(reward.period_id),
        "by": s(reward.by),
        "grants": s(msgspec.json.encode(reward.grants).decode()),
        "claim": s(reward.claim.value),
        "granted_at": n(milliseconds(reward.granted_at)),
    }
    if reward.rank is not None:
        item["rank"] = n(reward.rank)
    if reward.claimed_at is not None:
        item["claimed_at"] = n(milliseconds(reward.claimed_at))
    return item


def _reward(item: Item) -> Reward:
    return Reward(
        reward_id=item["reward_id"]["S"],
        source=item["source"]["S"],
        period_id=item["period_id"]["S"],
        by=item["by"]["S"],
        rank=int(item["rank"]["N"]) if "rank" in item else None,
        grants=msgspec.json.decode(item["grants"]["S"], type=tuple[Grant, ...]),
        claim=Claiming(item["claim"]["S"]),
        granted_at=from_milliseconds(int(item["granted_at"]["N"])),
        claimed_at=from_milliseconds(int(item["claimed_at"]["N"])) if "claimed_at" in item else None,
    )
