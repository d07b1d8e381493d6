"""Participations in tournaments, beside the players' profiles, and how many joined, beside the boards' turns."""

from collections.abc import Sequence

import msgspec

from chalicelib.domain.participations import Participation
from chalicelib.domain.tournaments import LANES, Price
from chalicelib.errors import ContendedError
from chalicelib.store import keys
from chalicelib.store.dynamo import CancelledError, Dynamo, Item, Part
from chalicelib.store.players import PlayerStore
from chalicelib.store.typed import from_milliseconds, milliseconds, n, s

PLAYER, JOINED, PLACES = "player", "joined", "places"
"""The parts that joining is refused for: the player left, has joined already, or the lane is full."""
_ATTEMPTS = 10
_FIRST = keys.participation("")
_END = "~"
"""Sorts after every board id."""


class ParticipationStore:
    def __init__(self, players: PlayerStore, shared_table: str, dynamo: Dynamo) -> None:
        self.table = players.table
        self.shared_table = shared_table
        self._players = players
        self._dynamo = dynamo

    def key(self, player_id: str, board_id: str) -> Item:
        return {"pk": s(keys.player(player_id)), "sk": s(keys.participation(board_id))}

    def places_keys(self, board_id: str) -> list[Item]:
        return [_places_key(board_id, lane) for lane in range(LANES)]

    def parsed(self, item: Item) -> Participation:
        return Participation(
            player_id=item["player_id"]["S"],
            board_id=item["board_id"]["S"],
            attempts=int(item["attempts"]["N"]),
            joined_at=from_milliseconds(int(item["joined_at"]["N"])) if "joined_at" in item else None,
            paid=msgspec.json.decode(item["paid"]["S"], type=tuple[Price, ...]) if "paid" in item else (),
            lane=int(item["lane"]["N"]) if "lane" in item else None,
        )

    def parsed_places(self, items: Sequence[Item | None]) -> tuple[int, ...]:
        """Return how many joined, by lane."""
        return tuple(int(item["joined"]["N"]) if item else 0 for item in items)

    def of_player(self, player_id: str) -> list[Participation]:
        """Return all of a player's participations, by board. One Query."""
        request: Item = {
            "TableName": self.table,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":pk": s(keys.player(player_id)),
                ":first": s(_FIRST),
                ":last": s(keys.participation(_END)),
            },
            "ConsistentRead": True,
        }
        return [self.parsed(item) for item in self._dynamo.rows(request)]

    def attempt_part(self, name: str, before: Participation | None, after: Participation) -> Part:
        """Return the write that counts an attempt, refused if another one was counted since ``before`` was read."""
        key = self.key(after.player_id, after.board_id)
        if before is None:
            item = {**key, **_identity(after)}
            put: Item = {"TableName": self.table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
            return Part(name, "Put", put)
        update: Item = {
            "TableName": self.table,
            "Key": key,
            "UpdateExpression": "SET attempts = :after",
            "ConditionExpression": "attempts = :before",
            "ExpressionAttributeValues": {":before": n(before.attempts), ":after": n(after.attempts)},
        }
        return Part(name, "Update", update)

    def joining_parts(self, before: Participation | None, joined: Participation, room: int) -> list[Part]:
        """Return the writes that let a player join: refused where any of what it takes is missing.

        Each balance is named by ``balance_name``.

        Args:
            room: How many places the lane has; passed over when places are not counted.
        """
        parts = [self._players.active_part(PLAYER, joined.player_id), self._joined_part(before, joined)]
        parts += [self._taken_part(joined.board_id, joined.lane, room)] if joined.lane is not None else []
        return [*parts, *(self._price_part(joined.player_id, price) for price in joined.paid)]

    def withdrawal_parts(self, joined: Participation) -> list[Part]:
        """Return the writes that take back what ``joining_parts`` wrote: refused unless it still stands."""
        gone: Item = {
            "TableName": self.table,
            "Key": self.key(joined.player_id, joined.board_id),
            "ConditionExpression": "joined_at = :joined_at AND paid = :paid",
            "ExpressionAttributeValues": {
                f":{name}": value for name, value in _joining(joined).items() if name in {"joined_at", "paid"}
            },
        }
        parts = [self._players.active_part(PLAYER, joined.player_id), Part(JOINED, "Delete", gone)]
        parts += [self._freed_part(joined.board_id, joined.lane)] if joined.lane is not None else []
        return [*parts, *(self._balance_part(joined.player_id, price.item, price.amount) for price in joined.paid)]

    def leave(self, participation: Participation) -> None:
        """Take back a participation together with its place, once; without a place there is nothing to do.

        Cost: a transaction of two items.

        Raises:
            ContendedError: Others stayed busy with the places; the participation stands.
        """
        if participation.lane is None:
            return
        gone: Item = {
            "TableName": self.table,
            "Key": self.key(participation.player_id, participation.board_id),
            "ConditionExpression": "attribute_exists(pk)",
        }
        freed = self._freed_part(participation.board_id, participation.lane)
        for attempt in range(_ATTEMPTS):
            try:
                self._dynamo.transact([Part(JOINED, "Delete", gone), freed])
            except CancelledError as error:
                refused = error.refused
            else:
                return
            if JOINED in refused:
                return
            self._dynamo.pause(attempt)
        raise ContendedError("the places of a tournament kept changing; send the same request again")

    def _joined_part(self, before: Participation | None, joined: Participation) -> Part:
        key = self.key(joined.player_id, joined.board_id)
        facts = _joining(joined)
        if before is None:
            item = {**key, **_identity(joined), **facts}
            put: Item = {"TableName": self.table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
            return Part(JOINED, "Put", put)
        update: Item = {
            "TableName": self.table,
            "Key": key,
            "UpdateExpression": "SET " + ", ".join(f"{name} = :{name}" for name in facts),
            "ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(joined_at)",
            "ExpressionAttributeValues": {f":{name}": value for name, value in facts.items()},
        }
        return Part(JOINED, "Update", update)

    def _taken_part(self, board_id: str, lane: int, room: int) -> Part:
        request = _places_update(self.shared_table, board_id, lane, 1)
        request["ConditionExpression"] = "attribute_not_exists(pk) OR joined < :room"
        request["ExpressionAttributeValues"][":room"] = n(room)
        return Part(PLACES, "Update", request)

    def _freed_part(self, board_id: str, lane: int) -> Part:
        return Part(PLACES, "Update", _places_update(self.shared_table, board_id, lane, -1))

    def _price_part(self, player_id: str, price: Price) -> Part:
        taken = self._balance_part(player_id, price.item, -price.amount)
        taken.request["ConditionExpression"] = "amount >= :amount"
        taken.request["ExpressionAttributeValues"][":amount"] = n(price.amount)
        return taken

    def _balance_part(self, player_id: str, item: str, change: int) -> Part:
        request: Item = {
            "TableName": self.table,
            "Key": {"pk": s(keys.player(player_id)), "sk": s(keys.balance(item))},
            "UpdateExpression": "ADD amount :change",
            "ExpressionAttributeValues": {":change": n(change)},
        }
        return Part(balance_name(item), "Update", request)


def _identity(participation: Participation) -> Item:
    return {
        "player_id": s(participation.player_id),
        "board_id": s(participation.board_id),
        "attempts": n(participation.attempts),
    }


def _joining(joined: Participation) -> Item:
    """Return the attributes of who joined, and did not only play."""
    facts = {"paid": s(msgspec.json.encode(joined.paid).decode())}
    if joined.joined_at is not None:
        facts["joined_at"] = n(milliseconds(joined.joined_at))
    if joined.lane is not None:
        facts["lane"] = n(joined.lane)
    return facts


def balance_name(item: str) -> str:
    return f"balance {item}"


def _places_update(table: str, board_id: str, lane: int, change: int) -> Item:
    return {
        "TableName": table,
        "Key": _places_key(board_id, lane),
        "UpdateExpression": "ADD joined :change",
        "ExpressionAttributeValues": {":change": n(change)},
    }


def _places_key(board_id: str, lane: int) -> Item:
    return {"pk": s(keys.board(board_id)), "sk": s(keys.places(lane))}
