"""Buckets and who is in them: an item for each bucket, one for each shelf that they stand on, one for each membership.

A bucket's item counts the places it has given and names its members; a membership stands with its player, once for each
round. Both are written in one transaction, or neither.
"""

from collections.abc import Sequence

import msgspec

from chalicelib.domain.buckets import Bucket, BucketId, Lanes, Membership, Result, Shelf
from chalicelib.domain.seasons import Move
from chalicelib.errors import ContendedError
from chalicelib.store import keys
from chalicelib.store.dynamo import BusyError, Dynamo, Item, Part
from chalicelib.store.players import PlayerStore
from chalicelib.store.typed import from_milliseconds, milliseconds, n, s

PLAYER, MEMBERSHIP, BUCKET = "player", "membership", "bucket"
"""The parts that a placement is refused for: the player left, is placed already, or the bucket is full or has ended."""
_LANE, _FULL = "lane_", "full_lanes"
_LAST_ROUND = 999
_ATTEMPTS = 10
_ALL = "all"
_END = "~"
"""Sorts after every id."""


class BucketStore:
    """One request each."""

    def __init__(self, table: str, players: PlayerStore, dynamo: Dynamo) -> None:
        self.table = table
        self._players = players
        self._dynamo = dynamo

    def memberships(self, player_id: str, season_id: str | None = None) -> list[Membership]:
        """Return a player's memberships in a season, or in all, the newest round of each season first."""
        first, last = _first(season_id or ""), keys.membership(season_id or _END, _LAST_ROUND)
        return [_membership(player_id, item) for item in self._memberships(player_id, first, last, None)]

    def newest(self, player_id: str, season_id: str, number: int) -> Membership | None:
        """Return a player's membership in a round or, without one, in the last round before that the player played."""
        rows = self._memberships(player_id, _first(season_id), keys.membership(season_id, number), 1)
        return _membership(player_id, rows[0]) if rows else None

    def lanes(self, season_id: str, number: int, shelf: Shelf) -> Lanes:
        key = self._shelf_key(season_id, number, shelf)
        found = self._dynamo.batch_get({self.table: [key]}, consistent=True)[self.table]
        return _lanes(found[0]) if found else Lanes({}, set())

    def shelves(self, season_id: str, number: int) -> dict[Shelf, Lanes]:
        """Return the lanes of all shelves of a round."""
        request: Item = {
            "TableName": self.table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": s(keys.shelves(season_id, number))},
            "ConsistentRead": True,
        }
        return {keys.parsed_shelf(item["sk"]["S"]): _lanes(item) for item in self._dynamo.rows(request)}

    def begin_lane(self, season_id: str, number: int, shelf: Shelf, lane: int) -> None:
        """Begin a lane with its first bucket, unless it has begun."""
        self._move(season_id, number, shelf, lane, before=None)

    def advance(self, season_id: str, number: int, bucket: BucketId) -> None:
        """Open the bucket after this one, unless it is open already."""
        self._move(season_id, number, bucket.shelf, bucket.lane, before=bucket.number)

    def rest(self, season_id: str, number: int, bucket: BucketId) -> None:
        """Let a lane end with this bucket, which is full, until it is advanced, unless it was already."""
        name = f"{_LANE}{bucket.lane}"
        request: Item = {
            "TableName": self.table,
            "Key": self._shelf_key(season_id, number, bucket.shelf),
            "UpdateExpression": f"ADD {_FULL} :lane",
            "ConditionExpression": f"{name} = :number",
            "ExpressionAttributeValues": {":lane": {"SS": [str(bucket.lane)]}, ":number": n(bucket.number)},
        }
        self._dynamo.update(Part("shelf", "Update", request))

    def place(self, membership: Membership, size: int) -> None:
        """Place a player, if nothing speaks against it: one transaction of three items.

        Cost: six write units, eight where the bucket is larger than 1 KB, with some 25 members.

        Raises:
            CancelledError: For one of the parts named above, or because somebody else was busy with one of them.
        """
        key = self._membership_key(membership)
        put: Item = {
            "TableName": self._players.table,
            "Item": {**key, **_attributes(membership)},
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        self._dynamo.transact(
            [
                self._players.active_part(PLAYER, membership.player_id),
                Part(MEMBERSHIP, "Put", put),
                self._member_part(membership, size),
            ]
        )

    def get(self, season_id: str, number: int, bucket: BucketId) -> tuple[Bucket, int]:
        """Return a bucket, and how many places it has given: leaving does not give them back."""
        key = self._bucket_key(season_id, number, bucket)
        found = self._dynamo.batch_get({self.table: [key]}, consistent=True)[self.table]
        item = found[0] if found else {}
        members = frozenset(item["members"]["SS"]) if "members" in item else frozenset[str]()
        result = msgspec.json.decode(item["places"]["S"], type=Result) if "places" in item else None
        return Bucket(members, result), int(item["taken"]["N"]) if "taken" in item else 0

    def seal(self, season_id: str, number: int, bucket: BucketId, result: Result, taken: int) -> bool:
        """Write down how a bucket ended; False when it is written already, or there are more members by now.

        Cost: a write unit for each KB: four or five for fifty members.
        """
        given = "attribute_not_exists(taken)" if not taken else "taken = :taken"
        request: Item = {
            "TableName": self.table,
            "Key": self._bucket_key(season_id, number, bucket),
            "UpdateExpression": "SET places = :places",
            "ConditionExpression": f"attribute_not_exists(places) AND {given}",
            "ExpressionAttributeValues": {":places": s(msgspec.json.encode(result).decode())},
        }
        if taken:
            request["ExpressionAttributeValues"][":taken"] = n(taken)
        try:
            return self._dynamo.update(Part(BUCKET, "Update", request))
        except BusyError:
            return False

    def leave(self, membership: Membership) -> None:
        """Take a player out of a bucket; how it ended, if it has, stays as it was.

        Raises ContendedError when others stayed busy with the bucket.
        """
        request: Item = {
            "TableName": self.table,
            "Key": self._bucket_key(membership.season_id, membership.round, membership.bucket),
            "UpdateExpression": "DELETE members :player",
            "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeValues": {":player": {"SS": [membership.player_id]}},
        }
        for attempt in range(_ATTEMPTS):
            try:
                self._dynamo.update(Part(BUCKET, "Update", request))
            except BusyError:
                self._dynamo.pause(attempt)
            else:
                return
        raise ContendedError("the player's bucket kept changing; send the same request again")

    def _memberships(self, player_id: str, first: str, last: str, limit: int | None) -> Sequence[Item]:
        request: Item = {
            "TableName": self._players.table,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {":pk": s(keys.player(player_id)), ":first": s(first), ":last": s(last)},
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        return self._dynamo.rows(request, limit)

    def _move(self, season_id: str, number: int, shelf: Shelf, lane: int, before: int | None) -> None:
        name = f"{_LANE}{lane}"
        request: Item = {
            "TableName": self.table,
            "Key": self._shelf_key(season_id, number, shelf),
            "UpdateExpression": f"SET {name} = :after DELETE {_FULL} :lane",
            "ConditionExpression": f"attribute_not_exists({name})" if before is None else f"{name} = :before",
            "ExpressionAttributeValues": {
                ":after": n(0 if before is None else before + 1),
                ":lane": {"SS": [str(lane)]},
            },
        }
        if before is not None:
            request["ExpressionAttributeValues"][":before"] = n(before)
        self._dynamo.update(Part("shelf", "Update", request))

    def _member_part(self, membership: Membership, size: int) -> Part:
        request: Item = {
            "TableName": self.table,
            "Key": self._bucket_key(membership.season_id, membership.round, membership.bucket),
            "UpdateExpression": "ADD taken :one, members :player",
            "ConditionExpression": "(attribute_not_exists(taken) OR taken < :size) AND attribute_not_exists(places)",
            "ExpressionAttributeValues": {
                ":one": n(1),
                ":player": {"SS": [membership.player_id]},
                ":size": n(size),
            },
        }
        return Part(BUCKET, "Update", request)

    def _membership_key(self, membership: Membership) -> Item:
        sort_key = keys.membership(membership.season_id, membership.round)
        return {"pk": s(keys.player(membership.player_id)), "sk": s(sort_key)}

    def _shelf_key(self, season_id: str, number: int, shelf: Shelf) -> Item:
        return {"pk": s(keys.shelves(season_id, number)), "sk": s(keys.shelf(shelf))}

    def _bucket_key(self, season_id: str, number: int, bucket: BucketId) -> Item:
        return {"pk": s(keys.bucket(season_id, number, bucket)), "sk": s(_ALL)}


def _first(season_id: str) -> str:
    return keys.membership(season_id, 0)


def _lanes(shelf: Item) -> Lanes:
    numbers = ((int(name.removeprefix(_LANE)), each) for name, each in shelf.items() if name.startswith(_LANE))
    newest = {lane: int(number["N"]) for lane, number in sorted(numbers)}
    return Lanes(newest, set(map(int, shelf[_FULL]["SS"])) if _FULL in shelf else set())


def _attributes(membership: Membership) -> Item:
    attributes = {
        "season_id": s(membership.season_id),
        "round": n(membership.round),
        "bucket_path": s(keys.bucket_path(membership.bucket)),
        "joined_at": n(milliseconds(membership.joined_at)),
    }
    return attributes if membership.came is None else {**attributes, "came": s(membership.came.value)}


def _membership(player_id: str, item: Item) -> Membership:
    return Membership(
        player_id=player_id,
        season_id=item["season_id"]["S"],
        round=int(item["round"]["N"]),
        bucket=keys.parsed_bucket(item["bucket_path"]["S"]),
        came=Move(item["came"]["S"]) if "came" in item else None,
        joined_at=from_milliseconds(int(item["joined_at"]["N"])),
    )
