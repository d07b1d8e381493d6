"""Devices: where a player wants notices pushed to."""

from collections.abc import Sequence

from chalicelib.domain.devices import MAX_DEVICES, Device, device_id
from chalicelib.domain.players import PlayerState
from chalicelib.errors import MalformedError, PushOffError
from chalicelib.services.clock import Clock
from chalicelib.services.profiles import account_gone
from chalicelib.store.clients import ClientFailedError
from chalicelib.store.devices import DeviceStore
from chalicelib.store.endpoints import Endpoints, is_gone, is_of_token
from chalicelib.store.players import PlayerStore


class Devices:
    """Methods that reach SNS raise ClientFailedError when it does not do its part; the same call goes on from there."""

    def __init__(self, *, store: DeviceStore, endpoints: Endpoints, players: PlayerStore, clock: Clock) -> None:
        self._store = store
        self._endpoints = endpoints
        self._players = players
        self._clock = clock

    def of_player(self, player_id: str) -> list[Device]:
        """Return a player's devices, the oldest first. One Query."""
        return self._store.of_player(player_id)

    def register(self, player_id: str, platform: str, token: str, replaces: str | None = None) -> Device:
        """Make a device the player's, and return it; the same token again is the same device.

        Args:
            replaces: The device that has a new token. It keeps its endpoint, and is known by another id from now on.

        Raises:
            PushOffError: This deployment pushes nothing.
            MalformedError: It pushes nothing to this platform, or the token is none of it.
        """
        self._require(platform)
        self._require_active(player_id)
        own = self._store.of_player(player_id)
        rotated = [each for each in own if each.device_id == replaces and each.platform == platform]
        endpoint = self._endpoint(platform, token, rotated)
        device = Device(device_id(platform, token), platform, endpoint, self._clock())
        others = [each for each in own if each.device_id != device.device_id and each not in rotated]
        surplus = others[: max(0, len(others) + 1 - MAX_DEVICES)]
        for each in surplus:
            self._endpoints.delete(each.endpoint)
        active = self._players.active_part("player", player_id)
        if not self._store.register(player_id, device, [*rotated, *surplus], active):
            self._forget(device)
            raise account_gone()
        return device

    def remove(self, player_id: str, device_id: str) -> None:
        """Push no more to a device; one that is not the player's is no error."""
        for device in self._store.of_player(player_id):
            if device.device_id == device_id:
                self._drop(player_id, device)

    def clear(self, player_id: str) -> None:
        """Push no more to any of a player's devices, and forget them."""
        for device in self._store.of_player(player_id):
            self._drop(player_id, device)

    def _endpoint(self, platform: str, token: str, rotated: Sequence[Device]) -> str:
        """Return an endpoint that leads to a token: that of the device that had another one, if it can."""
        for device in rotated:
            if self._renewed(device.endpoint, token):
                return device.endpoint
        endpoint = self._created(platform, token)
        # One that was there already may have been disabled.
        self._endpoints.renew(endpoint, token)
        for device in rotated:
            self._endpoints.delete(device.endpoint)
        return endpoint

    def _renewed(self, endpoint: str, token: str) -> bool:
        try:
            self._endpoints.renew(endpoint, token)
        except ClientFailedError as error:
            if is_gone(error) or is_of_token(error):
                return False
            raise
        return True

    def _created(self, platform: str, token: str) -> str:
        try:
            return self._endpoints.create(platform, token)
        except ClientFailedError as error:
            if is_of_token(error):
                raise MalformedError(f"body.token: is none of {platform}: {error.words}", field="token") from error
            raise

    def _drop(self, player_id: str, device: Device) -> None:
        # The endpoint first: what is pushed to one that is gone drops the device, should this end in between.
        self._endpoints.delete(device.endpoint)
        self._store.delete(player_id, device.device_id)

    def _forget(self, device: Device) -> None:
        """Delete the endpoint of a device that became nobody's: nothing else would."""
        if self._store.owner(device.device_id) is None:
            self._endpoints.delete(device.endpoint)

    def _require_active(self, player_id: str) -> None:
        """Refuse whoever is gone before SNS is asked for anything."""
        player = self._players.get(player_id)
        if player is None or player.state is not PlayerState.ACTIVE:
            raise account_gone()

    def _require(self, platform: str) -> None:
        known = self._endpoints.applications
        if not known:
            raise PushOffError("this deployment pushes nothing: LAUREL_PUSH_APPLICATIONS is not set")
        if platform not in known:
            raise MalformedError(f"body.platform: expected one of {', '.join(sorted(known))}", field="platform")
