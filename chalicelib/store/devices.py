"""Devices, in the players table: one item with its player, and one that says whose a device is.

Whoever signs in on a device that was another player's takes it over: nobody else's notices show there.
"""

from collections.abc import Sequence

from chalicelib.domain.devices import Device
from chalicelib.errors import ContendedError
from chalicelib.store import keys
from chalicelib.store.dynamo import CancelledError, Dynamo, Item, Part
from chalicelib.store.typed import from_milliseconds, milliseconds, n, s

_PLAYER, _CLAIM = "player", "claim"
_ATTEMPTS = 5


class DeviceStore:
    def __init__(self, table: str, dynamo: Dynamo) -> None:
        self.table = table
        self._dynamo = dynamo

    def of_player(self, player_id: str) -> list[Device]:
        """Return a player's devices, the oldest first. One consistent Query."""
        request: Item = {
            "TableName": self.table,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :device)",
            "ExpressionAttributeValues": {":pk": s(keys.player(player_id)), ":device": s(keys.device(""))},
            "ConsistentRead": True,
        }
        return sorted(map(_device, self._dynamo.rows(request)), key=lambda device: device.created_at)

    def owner(self, device_id: str) -> str | None:
        """Return whose a device is. One consistent read."""
        found = self._dynamo.batch_get({self.table: [_claim_key(device_id)]}, consistent=True)[self.table]
        return str(found[0]["player_id"]["S"]) if found else None

    def register(self, player_id: str, device: Device, replaced: Sequence[Device], active: Part) -> bool:
        """Store a device in the place of others; whoever had it before has it no more.

        Cost: a read, and a transaction of a few items.

        Args:
            active: The check that the player is not leaving.

        Returns:
            False where the player is leaving.

        Raises:
            ContendedError: Others kept registering the same device.
        """
        old = [each.device_id for each in replaced if each.device_id != device.device_id]
        for attempt in range(_ATTEMPTS):
            owner = self.owner(device.device_id)
            parts = [*self._puts(player_id, device, owner), *self._deletes(player_id, old)]
            try:
                self._dynamo.transact([active, *parts])
            except CancelledError as error:
                if active.name in error.refused:
                    return False
                self._dynamo.pause(attempt)
            else:
                return True
        raise ContendedError("the device is being registered elsewhere; send the same request again")

    def delete(self, player_id: str, device_id: str) -> None:
        """Delete a device, unless it is another player's by now; one that is not there is no error."""
        try:
            self._dynamo.transact(self._deletes(player_id, [device_id]))
        except CancelledError as error:
            if error.contended:
                raise ContendedError("the device is being registered; send the same request again") from error

    def _puts(self, player_id: str, device: Device, owner: str | None) -> list[Part]:
        """Return the writes that make a device a player's, refused if ``owner`` has it no more."""
        claim = {**_claim_key(device.device_id), "player_id": s(player_id)}
        puts = [
            Part(_CLAIM, "Put", {"TableName": self.table, "Item": claim, **_owned_by(owner)}),
            Part("device", "Put", {"TableName": self.table, "Item": _item(player_id, device)}),
        ]
        if owner not in {None, player_id}:
            request = {"TableName": self.table, "Key": _key(str(owner), device.device_id)}
            puts.append(Part("owner", "Delete", request))
        return puts

    def _deletes(self, player_id: str, device_ids: Sequence[str]) -> list[Part]:
        return [
            part
            for device_id in device_ids
            for part in (
                Part("device", "Delete", {"TableName": self.table, "Key": _key(player_id, device_id)}),
                Part(
                    _CLAIM,
                    "Delete",
                    {"TableName": self.table, "Key": _claim_key(device_id), **_owned_by(player_id)},
                ),
            )
        ]


def _owned_by(player_id: str | None) -> Item:
    if player_id is None:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "ConditionExpression": "player_id = :owner",
        "ExpressionAttributeValues": {":owner": s(player_id)},
    }


def _key(player_id: str, device_id: str) -> Item:
    return {"pk": s(keys.player(player_id)), "sk": s(keys.device(device_id))}


def _claim_key(device_id: str) -> Item:
    return {"pk": s(keys.device(device_id)), "sk": s(keys.PROFILE)}


def _item(player_id: str, device: Device) -> Item:
    return {
        **_key(player_id, device.device_id),
        "platform": s(device.platform),
        "endpoint": s(device.endpoint),
        "created_at": n(milliseconds(device.created_at)),
    }


def _device(item: Item) -> Device:
    return Device(
        device_id=keys.device_id(item["sk"]["S"]),
        platform=item["platform"]["S"],
        endpoint=item["endpoint"]["S"],
        created_at=from_milliseconds(int(item["created_at"]["N"])),
    )
