"""The endpoints of SNS by which push services reach devices."""

import re
from collections.abc import Mapping
from typing import Any

from chalicelib.store.clients import ClientFailedError, Clients, calling

_GONE = frozenset({"EndpointDisabled", "EndpointDisabledException", "NotFound", "NotFoundException"})
_INVALID = frozenset({"InvalidParameter", "InvalidParameterException"})
"""What SNS answers to much that is wrong with a request, and to some of it only: which, its words alone tell."""
_NOWHERE = "No endpoint found"
_TOKEN = "Token Reason:"  # noqa: S105  # words of SNS
_EXISTING = re.compile(r"Endpoint (arn:\S+) already exists with the same Token")


class Endpoints:
    """Every method is one request, and raises ClientFailedError when SNS does not do its part.

    Args:
        applications: The ARNs of SNS's platform applications, by our names of the platforms.
    """

    def __init__(self, applications: Mapping[str, str], clients: Clients) -> None:
        self.applications = applications
        self._clients = clients

    def create(self, platform: str, token: str) -> str:
        """Return the ARN of a token's endpoint; the same one for the same token, whatever became of it since."""
        try:
            with calling():
                reply = self._client.create_platform_endpoint(
                    PlatformApplicationArn=self.applications[platform], Token=token
                )
        except ClientFailedError as error:
            existing = _EXISTING.search(error.words)
            if existing is None:
                raise
            return existing[1]
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
    """Tell whether an endpoint leads nowhere any more: the push service said so, or it was deleted."""
    return failure.reason in _GONE or (failure.reason in _INVALID and _NOWHERE in failure.words)


def is_of_token(failure: ClientFailedError) -> bool:
    """Tell whether an endpoint cannot have a token: another one has it, or it is none of the platform's."""
    return failure.reason in _INVALID and _TOKEN in failure.words
