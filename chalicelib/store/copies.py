"""The part of the notices table that holds copies of standings: away from the tables that standings are read from."""

from datetime import datetime

import msgspec
from msgspec import Struct

from chalicelib.store import keys
from chalicelib.store.dynamo import Dynamo, Item, Part
from chalicelib.store.typed import from_milliseconds, from_seconds, milliseconds, n, s, seconds


class CopiedEntry(Struct, frozen=True, array_like=True):
    """An entry, and where in the listing it stood."""

    order_key: str
    rank: int | None
    player_id: str
    display_name: str
    avatar: str | None
    score: int
    subscore: int
    achieved_at: datetime


class Copy(Struct, frozen=True):
    """The top of a board and period as it stood at an instant."""

    entries: tuple[CopiedEntry, ...]
    more: bool
    """Whether there were others below."""
    as_of: datetime
    expires_at: datetime

    def says(self, other: "Copy | None") -> bool:
        """Tell whether another copy says the same, whenever it was made."""
        return other is not None and (self.entries, self.more) == (other.entries, other.more)


class CopyStore:
    def __init__(self, table: str, dynamo: Dynamo) -> None:
        self.table = table
        self._dynamo = dynamo

    def find(self, board_id: str, period_id: str) -> Copy | None:
        """Return the copy, if there is one that can be read, expired or not. One BatchGetItem, of about 10 KB."""
        wanted = {self.table: [self._key(board_id, period_id)]}
        found = self._dynamo.batch_get(wanted, consistent=False)[self.table]
        return _parsed(found[0]) if found else None

    def put(self, board_id: str, period_id: str, copy: Copy) -> None:
        """Store a copy in place of the one before, unless that is a later one. A write unit per KB."""
        item = {
            **self._key(board_id, period_id),
            "entries": s(msgspec.json.encode(copy.entries).decode()),
            "more": {"BOOL": copy.more},
            "as_of": n(milliseconds(copy.as_of)),
            "expires_at": n(seconds(copy.expires_at)),
        }
        condition = "attribute_not_exists(pk) OR as_of < :as_of"
        request = {"TableName": self.table, "Item": item, "ConditionExpression": condition}
        self._dynamo.put(Part("copy", "Put", {**request, "ExpressionAttributeValues": {":as_of": item["as_of"]}}))

    def _key(self, board_id: str, period_id: str) -> Item:
        return {"pk": s(keys.copy(board_id, period_id)), "sk": s(keys.TOP)}


def _parsed(item: Item) -> Copy | None:
    try:
        entries = msgspec.json.decode(item["entries"]["S"], type=tuple[CopiedEntry, ...])
    except msgspec.DecodeError:
        return None
    return Copy(
        entries=entries,
        more=item["more"]["BOOL"],
        as_of=from_milliseconds(int(item["as_of"]["N"])),
        expires_at=from_seconds(int(item["expires_at"]["N"])),
    )
