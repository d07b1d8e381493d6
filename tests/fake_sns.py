"""An SNS in memory: a topic and devices, open to interference as tests/fake_dynamodb.py lets DynamoDB be."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from botocore.exceptions import ClientError

from tests.permissions.listeners import tell
from tests.tables import PREFIX

TOPIC = f"arn:aws:sns:eu-central-1:123456789012:{PREFIX}notices"
MAX_BYTES = 256 * 1024
MAX_ENTRIES = 10
MAX_PUSH_BYTES = 4096
APPLICATIONS = {
    platform: f"arn:aws:sns:eu-central-1:123456789012:app/{service}/{PREFIX}{platform}"
    for platform, service in {"apns": "APNS", "apns_sandbox": "APNS_SANDBOX", "fcm": "GCM"}.items()
}

Hook = Callable[[str], None]


@dataclass(slots=True)
class Endpoint:
    """A device, as a push service reaches it."""

    token: str
    enabled: bool = True
    shown: list[str] = field(default_factory=list)


class FakeSns:
    """Stands where a botocore client stands.

    ``before`` and ``after`` are called around every operation with its name: one that raises in ``before`` keeps it
    from happening, one that raises in ``after`` loses its reply.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        """What was published to the topic, in order."""
        self.refused: set[int] = set()
        """Which of the entries of a batch SNS does not take."""
        self.endpoints: dict[str, Endpoint] = {}
        self.picky = False
        """Whether it refuses to make an endpoint that is there, as it does where the attributes of the two differ."""
        self.nonsense: set[str] = set()
        """What is no token of any push service."""
        self._made = 0
        self.before: list[Hook] = []
        self.after: list[Hook] = []

    def publish_batch(self, **request: Any) -> Any:
        return self._make_api_call("PublishBatch", request)

    def create_platform_endpoint(self, **request: Any) -> Any:
        return self._make_api_call("CreatePlatformEndpoint", request)

    def set_endpoint_attributes(self, **request: Any) -> Any:
        return self._make_api_call("SetEndpointAttributes", request)

    def delete_endpoint(self, **request: Any) -> Any:
        return self._make_api_call("DeleteEndpoint", request)

    def publish(self, **request: Any) -> Any:
        return self._make_api_call("Publish", request)

    def _publish_batch(self, request: Any) -> Any:
        entries = request["PublishBatchRequestEntries"]
        assert request["TopicArn"] == TOPIC
        assert 1 <= len(entries) <= MAX_ENTRIES
        assert len({entry["Id"] for entry in entries}) == len(entries)
        assert sum(_size(entry) for entry in entries) <= MAX_BYTES
        taken = [entry for number, entry in enumerate(entries) if number not in self.refused]
        self.texts += [entry["Message"] for entry in taken]
        failed = [{"Id": entry["Id"], "Code": "InternalError"} for entry in entries if entry not in taken]
        return {"Successful": [{"Id": entry["Id"]} for entry in taken], "Failed": failed}

    def _create_endpoint(self, request: Any) -> Any:
        """Make an endpoint, or answer the one that has the token, enabled or not, as SNS does."""
        for arn, endpoint in self.endpoints.items():
            if endpoint.token == request["Token"] and self.picky:
                refuse("InvalidParameter", "CreatePlatformEndpoint", _taken(arn))
            if endpoint.token == request["Token"]:
                return {"EndpointArn": arn}
        self._require_token("CreatePlatformEndpoint", request["Token"])
        self._made += 1
        arn = f"{request['PlatformApplicationArn'].replace(':app/', ':endpoint/')}/{self._made}"
        self.endpoints[arn] = Endpoint(request["Token"])
        return {"EndpointArn": arn}

    def _set_attributes(self, request: Any) -> Any:
        arn, token = request["EndpointArn"], request["Attributes"]["Token"]
        if arn not in self.endpoints:
            refuse("NotFound", "SetEndpointAttributes")
        for other, endpoint in self.endpoints.items():
            if endpoint.token == token and other != arn:
                refuse("InvalidParameter", "SetEndpointAttributes", _taken(other))
        self._require_token("SetEndpointAttributes", token)
        self.endpoints[arn].token = token
        self.endpoints[arn].enabled = request["Attributes"]["Enabled"] == "true"
        return {}

    def _delete_endpoint(self, request: Any) -> Any:
        self.endpoints.pop(request["EndpointArn"], None)
        return {}

    def _require_token(self, operation: str, token: str) -> None:
        if token in self.nonsense:
            reason = "iOS device tokens must be no more than 400 hexadecimal characters"
            refuse("InvalidParameter", operation, f"Invalid parameter: Token Reason: {reason}")

    def _publish(self, request: Any) -> Any:
        endpoint = self.endpoints.get(request["TargetArn"])
        if endpoint is None:
            reason = "TargetArn Reason: No endpoint found for the target arn specified"
            refuse("InvalidParameter", "Publish", f"Invalid parameter: {reason}")
        if not endpoint.enabled:
            refuse("EndpointDisabled", "Publish")
        texts = json.loads(request["Message"])
        assert request["MessageStructure"] == "json"
        assert all(len(text.encode()) <= MAX_PUSH_BYTES for text in texts.values())
        endpoint.shown.append(texts["default"])
        return {}

    def _make_api_call(self, operation: str, request: Any) -> Any:
        tell("sns", operation, request)
        for hook in tuple(self.before):
            hook(operation)
        reply = self._operations[operation](self, request)
        for hook in tuple(self.after):
            hook(operation)
        return reply

    _operations: Mapping[str, Callable[["FakeSns", Any], Any]] = {
        "CreatePlatformEndpoint": _create_endpoint,
        "DeleteEndpoint": _delete_endpoint,
        "Publish": _publish,
        "PublishBatch": _publish_batch,
        "SetEndpointAttributes": _set_attributes,
    }


def refuse(code: str, operation: str, words: str = "") -> NoReturn:
    raise ClientError({"Error": {"Code": code, "Message": words or code}}, operation)


def out_of_order(operation: str) -> None:
    """Fail, as a hook, the way SNS does."""
    refuse("InternalError", operation)


def _taken(arn: str) -> str:
    return (
        f"Invalid parameter: Token Reason: Endpoint {arn} already exists with the same Token, but different attributes."
    )


def _size(entry: Any) -> int:
    attributes = sum(len(name) + len(str(value)) for name, value in entry["MessageAttributes"].items())
    return len(entry["Message"].encode()) + len(entry["Subject"]) + attributes
