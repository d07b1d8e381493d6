"""Devices: where a player's notices are pushed to."""

from typing import Annotated

from msgspec import Meta

from chalicelib.api.routing import Access, Api
from chalicelib.api.wire import Answer, Instant, Strict
from chalicelib.bootstrap.serving import services
from chalicelib.domain.devices import Device
from chalicelib.errors import ContendedError, PushOffError, TokenError

api = Api("devices")

DeviceId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z", description="A digest of the platform and the token.")]
Platform = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9_]{0,31}\Z",
        description="One of the platforms of LAUREL_PUSH_APPLICATIONS.",
        examples=["fcm"],
    ),
]
Token = Annotated[
    str, Meta(pattern=r"^[\x21-\x7e]{1,2048}\Z", description="What the push service calls the device; SNS keeps it.")
]


class DeviceBody(Strict):
    platform: Platform
    token: Token
    replaces: Annotated[
        DeviceId | None, Meta(description="The id this device had before the push service gave it another token.")
    ] = None


class DevicePath(Strict):
    device_id: DeviceId


class DeviceView(Answer):
    device_id: str
    platform: str
    created_at: Annotated[Instant, Meta(description="When it was registered, with this token, the last time.")]


class DevicesView(Answer):
    """The oldest first."""

    devices: list[DeviceView]


@api.route(
    "POST", "/players/me/devices", access=Access.PLAYER, status=201, errors=(PushOffError, TokenError, ContendedError)
)
def register(caller: str, body: DeviceBody) -> DeviceView:
    """Push the player's notices to a device; again with the same token is the same device.

    A player has ten devices at most: another one takes the place of the oldest. A device is one player's at a time.
    """
    return device_view(services().devices.register(caller, body.platform, body.token, body.replaces))


@api.route("GET", "/players/me/devices", access=Access.PLAYER)
def own(caller: str) -> DevicesView:
    """Return the devices that the player's notices are pushed to."""
    return DevicesView(devices=[device_view(device) for device in services().devices.of_player(caller)])


@api.route(
    "DELETE", "/players/me/devices/{device_id}", access=Access.PLAYER, status=204, errors=(TokenError, ContendedError)
)
def remove(caller: str, path: DevicePath) -> None:
    """Push no more to a device; again is no error."""
    services().devices.remove(caller, path.device_id)


def device_view(device: Device) -> DeviceView:
    return DeviceView(device_id=device.device_id, platform=device.platform, created_at=device.created_at)
