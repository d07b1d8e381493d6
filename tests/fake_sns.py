"""An SNS in memory: one topic, open to interference as tests/fake_dynamodb.py lets DynamoDB be."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from tests.permissions.listeners import tell
from tests.tables import PREFIX

TOPIC = f"arn:aws:sns:eu-central-1:123456789012:{PREFIX}notices"
MAX_BYTES = 256 * 1024
MAX_ENTRIES = 10

Hook = Callable[[str], None]


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
        self.before: list[Hook] = []
        self.after: list[Hook] = []

    def publish_batch(self, **request: Any) -> Any:
        return self._make_api_call("PublishBatch", request)

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

    def _make_api_call(self, operation: str, request: Any) -> Any:
        tell("sns", operation, request)
        for hook in tuple(self.before):
            hook(operation)
        reply = self._publish_batch(request)
        for hook in tuple(self.after):
            hook(operation)
        return reply


def out_of_order(operation: str) -> None:
    """Fail, as a hook, the way SNS does."""
    raise ClientError({"Error": {"Code": "InternalError", "Message": "try later"}}, operation)


def _size(entry: Any) -> int:
    attributes = sum(len(name) + len(str(value)) for name, value in entry["MessageAttributes"].items())
    return len(entry["Message"].encode()) + len(entry["Subject"]) + attributes
