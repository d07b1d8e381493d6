"""The endpoints of SNS by which push services reach devices."""

from collections.abc import Mapping
from typing import Any

from chalicelib.store.clients import ClientFailedError, Clients, calling

_GONE = frozenset(
    {"EndpointDisabled", "EndpointDisabledException", "InvalidParameter", "NotFound", "NotFoundException"}
)
"""What SNS answers about an endpoint that leads nowhere: the push service said so, it was deleted, or is another's."""


class Endpoints:
    """Every method is one request, and raises ClientFailedError when SNS does not do its part.

    Args:
        applications: The ARNs of SNS's platform applications, by our names of the platforms.
    """

    def __init__(self, applications: Mapping[str, str], clients: Clients) -> None:
        self.applications = applications
        self._clients = clients

    def create(self, platform: str, token: str) -> str:
        """Return the ARN of a token's endpoint; the same one for the same token."""
        with calling():
            reply = self._client.create_platform_endpoint(
                PlatformApplicationArn=self.applications[platform], Token=token
            )
        return str(reply["EndpointArn"])

    def renew(self, endpoint: str, token: str) -> None:
        """Give an endpoint the device's present token, and enable it, whatever the push service has said before."""
        with calling():
            self._client.set_endpoint_attributes(EndpointArn=endpoint, Attributes={"Token": token, "Enabled": "true"})

    def delete(self, endpoint: str) -> None:
        """Delete an endpoint; one that is not there is no error."""
        with calling():
            self._client.delete_endpoint(EndpointArn=endpoint)

    def send(self, endpoint: str, message: str) -> None:
        """Send a message: JSON, with a text for each push service."""
        with calling():
            self._client.publish(TargetArn=endpoint, Message=message, MessageStructure="json")

    @property
    def _client(self) -> Any:
        return self._clients.of("sns")


def is_gone(failure: ClientFailedError) -> bool:
    """Tell whether an endpoint leads nowhere any more."""
    return failure.reason in _GONE
