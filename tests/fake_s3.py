"""An S3 in memory: the calls this app makes, each open to interference as tests/fake_dynamodb.py lets them be."""

import io
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from botocore.exceptions import ClientError

from tests.permissions.listeners import tell


class Request(NamedTuple):
    """One operation as it reached the client."""

    operation: str
    key: str


Hook = Callable[[Request], None]


class FakeS3:
    """Stands where a botocore client stands.

    ``before`` and ``after`` are called around every operation: one that raises in ``before`` keeps the operation from
    happening, one that raises in ``after`` loses its reply.
    """

    def __init__(self, buckets: set[str]) -> None:
        self.buckets = buckets
        self.objects: dict[str, bytes] = {}
        self.before: list[Hook] = []
        self.after: list[Hook] = []

    def put_object(self, **request: Any) -> Any:
        return self._make_api_call("PutObject", request)

    def get_object(self, **request: Any) -> Any:
        return self._make_api_call("GetObject", request)

    def _put(self, request: dict[str, Any]) -> Any:
        self.objects[request["Key"]] = bytes(request["Body"])
        return {}

    def _get(self, request: dict[str, Any]) -> Any:
        if request["Key"] not in self.objects:
            refuse("NoSuchKey", "GetObject")
        return {"Body": io.BytesIO(self.objects[request["Key"]])}

    def _make_api_call(self, operation: str, request: dict[str, Any]) -> Any:
        tell("s3", operation, request)
        made = Request(operation, request["Key"])
        for hook in tuple(self.before):
            hook(made)
        if request["Bucket"] not in self.buckets:
            refuse("NoSuchBucket", operation)
        reply = self._put(request) if operation == "PutObject" else self._get(request)
        for hook in tuple(self.after):
            hook(made)
        return reply


def refuse(code: str, operation: str = "PutObject") -> NoReturn:
    raise ClientError({"Error": {"Code": code, "Message": code}}, operation)
