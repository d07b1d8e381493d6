"""What is to be published later, in the notices table: one partition, in the order in which it is due."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from chalicelib.domain.notices import Notice, first_after
from chalicelib.store import keys
from chalicelib.store.dynamo import Dynamo, Item, Part
from chalicelib.store.notices import attributes, parsed
from chalicelib.store.typed import s


class Publication(Struct, frozen=True):
    """A notice and to whom it goes; without recipients, to everybody. Its id says when."""

    notice: Notice
    recipients: tuple[str, ...] = ()

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

    def put(self, publication: Publication) -> None:
        item = {
            **self._key(publication.notice_id),
            **attributes(publication.notice),
            "recipients": s(msgspec.json.encode(publication.recipients).decode()),
        }
        self._dynamo.put(Part("publication", "Put", {"TableName": self.table, "Item": item}))

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

    def delete(self, notice_id: str) -> bool:
        """Delete a publication; False if it is not there any more."""
        request = {
            "TableName": self.table,
            "Key": self._key(notice_id),
            "ConditionExpression": "attribute_exists(pk)",
        }
        return self._dynamo.delete(Part("publication", "Delete", request))

    def _found(self, condition: str, bound: str, limit: int | None) -> list[Publication]:
        request: Item = {
            "TableName": self.table,
            "KeyConditionExpression": f"pk = :pk AND {condition}",
            "ExpressionAttributeValues": {":pk": s(keys.SCHEDULE), ":bound": s(bound)},
            "ConsistentRead": True,
        }
        return [_publication(item) for item in self._dynamo.rows(request, limit)]

    def _key(self, notice_id: str) -> Item:
        return {"pk": s(keys.SCHEDULE), "sk": s(notice_id)}


def _publication(item: Mapping[str, Item]) -> Publication:
    recipients = msgspec.json.decode(item["recipients"]["S"], type=tuple[str, ...])
    return Publication(parsed(item), recipients)
