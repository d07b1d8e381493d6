"""What is to be published, in the notices table: one partition in the order in which it is due, one by names."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from chalicelib.domain.notices import Notice, first_after
from chalicelib.errors import ContendedError
from chalicelib.store import keys
from chalicelib.store.dynamo import CancelledError, Dynamo, Item, Part
from chalicelib.store.notices import attributes, parsed
from chalicelib.store.typed import s


class Publication(Struct, frozen=True):
    """A notice and to whom it goes; without recipients, to everybody. Its id says when."""

    notice: Notice
    recipients: tuple[str, ...] = ()
    publication_id: str | None = None
    """What its publisher calls it; None for a publication without a name, which is always new."""

    @property
    def notice_id(self) -> str:
        return self.notice.notice_id

    @property
    def at(self) -> datetime:
        return self.notice.sent_at


class PublicationStore:
    def __init__(self, table: str, dynamo: Dynamo) -> None:
        self.table = table
        self._dynamo = dynamo

    def put(self, publication: Publication) -> Publication | None:
        """Write a publication down, unless one of its name was before; return that one then.

        Raises:
            ContendedError: The same name is being published at this moment.
        """
        scheduled, name = self._put(keys.SCHEDULE, publication.notice_id, publication), publication.publication_id
        if name is None:
            self._dynamo.put(scheduled)
            return None
        claim = self._put(keys.PUBLICATIONS, name, publication)
        claim.request["ConditionExpression"] = "attribute_not_exists(pk)"
        try:
            self._dynamo.transact([claim, scheduled])
        except CancelledError as error:
            if error.refused:
                return self._claimed(name)
            raise ContendedError("the same publication is under way; send the same request again") from error
        return None

    def named(self, publication_id: str) -> Publication | None:
        """Return the publication of a name, sent or not. One consistent read."""
        wanted = {self.table: [_key(keys.PUBLICATIONS, publication_id)]}
        found = self._dynamo.batch_get(wanted, consistent=True)[self.table]
        return _publication(found[0]) if found else None

    def due(self, now: datetime, limit: int | None) -> list[Publication]:
        """Return what should have been published by now, the longest due first. One Query."""
        return self._found("sk < :bound", first_after(now), limit)

    def get(self, notice_id: str) -> Publication | None:
        """Return a publication. One Query."""
        found = self._found("sk = :bound", notice_id, None)
        return found[0] if found else None

    def after(self, notice_id: str, limit: int) -> list[Publication]:
        """Return what is to be published after an id ("" for the first), the next first. One Query."""
        return self._found("sk > :bound", notice_id or "0", limit)

    def begin(self, notice_id: str) -> bool:
        """Note that a publication is being sent, so that nobody takes it back; False if somebody did."""
        request = {
            "TableName": self.table,
            "Key": _key(keys.SCHEDULE, notice_id),
            "UpdateExpression": "SET is_begun = :yes",
            "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeValues": {":yes": {"BOOL": True}},
        }
        return self._dynamo.update(Part("publication", "Update", request))

    def delete(self, notice_id: str) -> None:
        """Delete a publication, whether it is there or not. What it was called stays taken."""
        request = {"TableName": self.table, "Key": _key(keys.SCHEDULE, notice_id)}
        self._dynamo.delete(Part("publication", "Delete", request))

    def cancel(self, publication: Publication) -> bool:
        """Delete a publication, and what it was called; False if it is gone, or being sent.

        Raises:
            ContendedError: Somebody else is busy with it.
        """
        request = {
            "TableName": self.table,
            "Key": _key(keys.SCHEDULE, publication.notice_id),
            "ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(is_begun)",
        }
        parts = [Part("publication", "Delete", request)]
        if publication.publication_id is not None:
            key = _key(keys.PUBLICATIONS, publication.publication_id)
            parts.append(Part("claim", "Delete", {"TableName": self.table, "Key": key}))
        return self._dynamo.insist(parts, "the publication is being changed; send the same request again")

    def _claimed(self, publication_id: str) -> Publication:
        claimed = self.named(publication_id)
        if claimed is None:
            raise ContendedError("the same publication is just being forgotten; send the same request again")
        return claimed

    def _put(self, partition: str, name: str, publication: Publication) -> Part:
        item = {
            **_key(partition, name),
            **attributes(publication.notice),
            "notice_id": s(publication.notice_id),
            "recipients": s(msgspec.json.encode(publication.recipients).decode()),
            **({} if publication.publication_id is None else {"publication_id": s(publication.publication_id)}),
        }
        return Part(partition, "Put", {"TableName": self.table, "Item": item})

    def _found(self, condition: str, bound: str, limit: int | None) -> list[Publication]:
        request: Item = {
            "TableName": self.table,
            "KeyConditionExpression": f"pk = :pk AND {condition}",
            "ExpressionAttributeValues": {":pk": s(keys.SCHEDULE), ":bound": s(bound)},
            "ConsistentRead": True,
        }
        return [_publication(item) for item in self._dynamo.rows(request, limit)]


def _key(partition: str, name: str) -> Item:
    return {"pk": s(partition), "sk": s(name)}


def _publication(item: Mapping[str, Item]) -> Publication:
    recipients = msgspec.json.decode(item["recipients"]["S"], type=tuple[str, ...])
    name = item["publication_id"]["S"] if "publication_id" in item else None
    return Publication(parsed({**item, "sk": item["notice_id"]}), recipients, name)
