"""The part of the notices table that holds incidents: an item for each alarm that ever went off, and the mode."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from chalicelib.domain import incidents
from chalicelib.domain.incidents import Change, Incident, Setting
from chalicelib.errors import ContendedError
from chalicelib.store import keys
from chalicelib.store.dynamo import Dynamo, Item, Part
from chalicelib.store.typed import from_milliseconds, milliseconds, n, s, seconds

KEPT_CLOSED = timedelta(days=30)
MAX_REASON = 300
_ATTEMPTS = 10


class Noted(Struct, frozen=True):
    """What was known of an alarm before a change was told, and what is since."""

    before: Incident | None
    after: Incident | None


class Known(Struct, frozen=True):
    """All that there is to know: what an operator has set, when, and the last incident of each alarm."""

    setting: Setting
    set_at: datetime | None
    """None: nobody ever has."""
    incidents: list[Incident]


class IncidentStore:
    def __init__(self, table: str, dynamo: Dynamo) -> None:
        self.table = table
        self._dynamo = dynamo

    def note(self, alarm: str, change: Change) -> Noted:
        """Write down a change of an alarm, once, wherever among the others it belongs.

        Cost: a read, and a write unit unless it was known.

        Raises:
            ContendedError: Others kept telling of the same alarm.
        """
        shortened = msgspec.structs.replace(change, reason=change.reason[:MAX_REASON])
        for attempt in range(_ATTEMPTS):
            item = self._read(alarm)
            before = _history(item)
            after = incidents.noted(before, shortened)
            if after == before or self._dynamo.put(self._replacement(alarm, after, item)):
                return Noted(incidents.incident_of(alarm, before), incidents.incident_of(alarm, after))
            self._dynamo.pause(attempt)
        raise ContendedError(f"others kept telling of alarm {alarm!r}; try again", alarm=alarm)

    def known(self) -> Known:
        """Return the setting and the last incidents. One Query of some KB."""
        request: Item = {
            "TableName": self.table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": s(keys.INCIDENTS)},
        }
        item_by_key = {item["sk"]["S"]: item for item in self._dynamo.rows(request)}
        mode = item_by_key.pop(keys.MODE, None)
        found = [incidents.incident_of(alarm, _history(item)) for alarm, item in item_by_key.items()]
        last = [each for each in found if each is not None]
        if mode is None:
            return Known(Setting.AUTOMATIC, None, last)
        return Known(Setting(mode["setting"]["S"]), from_milliseconds(int(mode["set_at"]["N"])), last)

    def set(self, setting: Setting, at: datetime) -> None:
        """Keep what an operator has set; the last one holds."""
        item = {**self._key(keys.MODE), "setting": s(setting.value), "set_at": n(milliseconds(at))}
        self._dynamo.put(Part("mode", "Put", {"TableName": self.table, "Item": item}))

    def _read(self, alarm: str) -> Mapping[str, Item] | None:
        found = self._dynamo.batch_get({self.table: [self._key(alarm)]}, consistent=True)[self.table]
        return found[0] if found else None

    def _replacement(self, alarm: str, history: tuple[Change, ...], before: Mapping[str, Item] | None) -> Part:
        incident = incidents.incident_of(alarm, history)
        last = history[-1].at
        ends = {} if incident and incident.is_open else {"expires_at": n(seconds(last + KEPT_CLOSED))}
        item = {
            **self._key(alarm),
            "changes": s(msgspec.json.encode(history).decode()),
            "revision": n(int(before["revision"]["N"]) + 1 if before else 1),
            **ends,
        }
        request: Item = {"TableName": self.table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
        if before:
            request["ConditionExpression"] = "revision = :before"
            request["ExpressionAttributeValues"] = {":before": before["revision"]}
        return Part("incident", "Put", request)

    def _key(self, sort_key: str) -> Item:
        return {"pk": s(keys.INCIDENTS), "sk": s(sort_key)}


def _history(item: Mapping[str, Item] | None) -> tuple[Change, ...]:
    return msgspec.json.decode(item["changes"]["S"], type=tuple[Change, ...]) if item else ()
