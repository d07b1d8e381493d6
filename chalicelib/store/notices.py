"""The notices table: players' inboxes, and what everybody is told."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from chalicelib.domain import notices
from chalicelib.domain.notices import Notice, Slip
from chalicelib.store import keys
from chalicelib.store.dynamo import MAX_TRANSACTION_ITEMS, Dynamo, Item, Part
from chalicelib.store.typed import from_milliseconds, from_seconds, milliseconds, n, s, seconds

MAX_REMARKS = MAX_TRANSACTION_ITEMS - 1


class NoticeStore:
    """What is put is put once, and what is deleted is remembered: a call that is made again changes nothing more."""

    def __init__(self, table: str, dynamo: Dynamo) -> None:
        self.table = table
        self._dynamo = dynamo

    def deliver(self, player_id: str, notice: Notice) -> bool:
        """Put a notice into an inbox; False if it was there before, deleted or not. A write unit per KB."""
        return self._dynamo.put(self._new(keys.inbox(player_id), notice))

    def announce(self, notice: Notice) -> bool:
        """Put a notice where everybody sees it; False if it was there before."""
        return self._dynamo.put(self._new(keys.ANNOUNCEMENTS, notice))

    def discard(self, player_ids: Sequence[str], notice_id: str) -> None:
        """Take a notice out of inboxes without a trace. A request per 25."""
        self._dynamo.delete_all(self.table, [_key(keys.inbox(player_id), notice_id) for player_id in player_ids])

    def slips(self, player_id: str, before: str = "", at_once: int | None = None) -> Iterator[Slip]:
        """Yield what an inbox holds, newest first, from below an id on; from the newest, if it is "".

        Args:
            at_once: How many are read together; None where all of them are wanted.

        Cost: a consistent Query for so many, or for a MB of them, made when its first is asked for.
        """
        return map(_slip, self._dynamo.each(self._newest_first(keys.inbox(player_id), before, at_once)))

    def find(self, player_id: str, notice_ids: Sequence[str]) -> list[Slip]:
        """Return what an inbox holds under some ids, newest first. One consistent request per 100."""
        wanted = [_key(keys.inbox(player_id), notice_id) for notice_id in dict.fromkeys(notice_ids)]
        found = self._dynamo.batch_get({self.table: wanted}, consistent=True)[self.table] if wanted else []
        return sorted(map(_slip, found), key=lambda slip: slip.notice_id, reverse=True)

    def announcements(self) -> list[Notice]:
        """Return what everybody is told, newest first, for as long as DynamoDB keeps it. A Query per MB."""
        slips = map(_slip, self._dynamo.each(self._newest_first(keys.ANNOUNCEMENTS)))
        return [slip.notice for slip in slips if slip.notice]

    def remark(self, player_id: str, slips: Sequence[Slip], active: Part) -> bool:
        """Write into an inbox what was read or deleted; all or nothing, and nothing if ``active`` is refused.

        Args:
            slips: Without notices, at most ``MAX_REMARKS``. Of what is deleted nothing stays but that.
            active: The check that the player is not leaving: nothing new may be stored for whoever is.

        Returns:
            False where the player is leaving.

        Raises:
            ContendedError: Somebody else is busy with the same notices.
        """
        parts = [Part("remark", "Update", self._remark(player_id, slip)) for slip in slips]
        return self._dynamo.insist([active, *parts], "the same notices are being changed; send the same request again")

    def clear(self, player_id: str) -> None:
        """Delete an inbox. A Query per MB, a request per 25."""
        request = {**self._newest_first(keys.inbox(player_id)), "ProjectionExpression": "pk, sk"}
        self._dynamo.delete_all(self.table, self._dynamo.rows(request))

    def _newest_first(self, partition: str, before: str = "", at_once: int | None = None) -> Item:
        request: Item = {
            "TableName": self.table,
            "KeyConditionExpression": "pk = :pk AND sk < :before" if before else "pk = :pk",
            "ExpressionAttributeValues": {":pk": s(partition), **({":before": s(before)} if before else {})},
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        return request if at_once is None else {**request, "Limit": at_once}

    def _new(self, partition: str, notice: Notice) -> Part:
        item = {**_key(partition, notice.notice_id), **attributes(notice)}
        request = {"TableName": self.table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
        return Part("notice", "Put", request)

    def _remark(self, player_id: str, slip: Slip) -> Item:
        if slip.is_deleted or slip.read_at is None:
            update, values = "SET is_deleted = :yes, expires_at = :end REMOVE content, kind", {":yes": {"BOOL": True}}
        else:
            update, values = "SET read_at = :at, expires_at = :end", {":at": n(milliseconds(slip.read_at))}
        return {
            "TableName": self.table,
            "Key": _key(keys.inbox(player_id), slip.notice_id),
            "UpdateExpression": update,
            "ExpressionAttributeValues": {**values, ":end": n(seconds(slip.expires_at))},
        }


def attributes(notice: Notice) -> Item:
    """Return what an item says of a notice, beside its key."""
    return {
        "kind": s(notice.content.kind.value),
        "content": s(msgspec.json.encode(notice.content).decode()),
        "expires_at": n(seconds(notice.expires_at)),
    }


def parsed(item: Mapping[str, Item]) -> Notice:
    """Return the notice of which an item says something beside its key."""
    content = notices.content_of(item["kind"]["S"], item["content"]["S"])
    return Notice(item["sk"]["S"], content, _instant(item))


def _slip(item: Mapping[str, Item]) -> Slip:
    return Slip(
        notice_id=item["sk"]["S"],
        expires_at=_instant(item),
        notice=parsed(item) if "content" in item else None,
        read_at=from_milliseconds(int(item["read_at"]["N"])) if "read_at" in item else None,
        is_deleted="is_deleted" in item,
    )


def _instant(item: Mapping[str, Item]) -> datetime:
    return from_seconds(int(item["expires_at"]["N"]))


def _key(partition: str, notice_id: str) -> Item:
    return {"pk": s(partition), "sk": s(notice_id)}
