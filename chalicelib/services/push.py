"""Push: notices to devices, once at most, and devices that are gone dropped."""

import logging
from collections.abc import Callable, Sequence
from functools import partial

import msgspec
from msgspec import Struct

from chalicelib import logs
from chalicelib.domain.devices import Device, headline
from chalicelib.domain.notices import Notice
from chalicelib.errors import ContendedError, StoreUnavailableError
from chalicelib.store.clients import ClientFailedError
from chalicelib.store.devices import DeviceStore
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.endpoints import Endpoints, is_gone

RESERVE_MILLISECONDS = 15_000
"""Nothing is pushed when less is left of an invocation: a call that times out is tried again."""
_AT_ONCE = 8
_log = logging.getLogger(logs.LOGGER_NAME)

Letter = tuple[str, Notice]
"""A player's id, and what the player is told."""
RemainingTime = Callable[[], int]
"""Milliseconds until the function is ended."""


class Pushed(Struct, frozen=True):
    """What became of the pushes, in numbers of devices."""

    sent: int = 0
    dropped: int = 0
    """Gone, as SNS says: nothing is pushed there again."""
    failed: int = 0
    """Not reached, for any other reason or for lack of time: the notice is in the inbox all the same."""

    def __add__(self, other: "Pushed") -> "Pushed":
        return Pushed(self.sent + other.sent, self.dropped + other.dropped, self.failed + other.failed)


class Push:
    def __init__(self, dynamo: Dynamo, store: DeviceStore, endpoints: Endpoints) -> None:
        self._dynamo = dynamo
        self._store = store
        self._endpoints = endpoints

    def push(self, letters: Sequence[Letter], remaining: RemainingTime) -> Pushed:
        """Push notices to their players' devices, and raise nothing.

        Cost: nothing where no platform is configured; else a Query for each player, a request for each device. Eight
        players are served at a time.
        """
        if not self._endpoints.applications or not letters:
            return Pushed()
        shares = [partial(self._share, letters[start::_AT_ONCE], remaining) for start in range(_AT_ONCE)]
        first, others = self._dynamo.alongside(shares[0], shares[1:])
        return sum(others, first)

    def _share(self, letters: Sequence[Letter], remaining: RemainingTime) -> Pushed:
        pushed = Pushed()
        for player_id, notice in letters:
            try:
                devices = self._store.of_player(player_id) if remaining() > RESERVE_MILLISECONDS else None
            except StoreUnavailableError:
                devices = None
            if devices is None:
                pushed += Pushed(failed=1)
                continue
            message = message_of(notice)
            pushed = sum((self._sent(player_id, device, message) for device in devices), pushed)
        return pushed

    def _sent(self, player_id: str, device: Device, message: str) -> Pushed:
        try:
            self._endpoints.send(device.endpoint, message)
        except ClientFailedError as error:
            return self._dropped(player_id, device) if is_gone(error) else Pushed(failed=1)
        return Pushed(sent=1)

    def _dropped(self, player_id: str, device: Device) -> Pushed:
        try:
            self._endpoints.delete(device.endpoint)
            self._store.delete(player_id, device.device_id)
        except (StoreUnavailableError, ContendedError):
            return Pushed(failed=1)
        _log.info("device_dropped", extra={"player_id": player_id, "platform": device.platform})
        return Pushed(dropped=1)


def message_of(notice: Notice) -> str:
    """Return what SNS takes for endpoints of every push service: texts, the notice's id and its kind."""
    told, facts = headline(notice.content), {"notice_id": notice.notice_id, "kind": notice.content.kind.value}
    shown = {"title": told.title, "body": told.body}
    apple = _json({"aps": {"alert": shown}, **facts})
    google = _json({"fcmV1Message": {"message": {"notification": shown, "data": facts}}})
    return _json({"default": told.title, "APNS": apple, "APNS_SANDBOX": apple, "GCM": google})


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
