"""An S3 in memory: the calls this app makes, each open to interference as tests/fake_dynamodb.py lets them be."""

import io
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from botocore.exceptions import ClientError

from tests.permissions.listeners import tell

PAGE = 1000
"""Keys that a listing answers at most."""


class Request(NamedTuple):
    """One operation as it reached the client."""

    operation: str
    key: str
    """Of a listing the prefix, of a deletion its first key."""


Hook = Callable[[Request], None]


class FakeS3:
    """Stands where a botocore client stands.

    ``before`` and ``after`` are called around every operation: one that raises in ``before`` keeps the operation from
    happening, one that raises in ``after`` loses its reply.
    """

    def __init__(self, buckets: set[str], page: int = PAGE) -> None:
        self.buckets = buckets
        self.page = page
        self.objects: dict[str, bytes] = {}
        self.headers: dict[str, dict[str, Any]] = {}
        """By key, what else an object was stored with, as the client names it."""
        self.before: list[Hook] = []
        self.after: list[Hook] = []
        self._operations: dict[str, Callable[[dict[str, Any]], Any]] = {
            "PutObject": self._put,
            "GetObject": self._get,
            "ListObjectsV2": self._list,
            "DeleteObjects": self._delete,
        }

    def put_object(self, **request: Any) -> Any:
        return self._make_api_call("PutObject", request)

    def get_object(self, **request: Any) -> Any:
        return self._make_api_call("GetObject", request)

    def list_objects_v2(self, **request: Any) -> Any:
        return self._make_api_call("ListObjectsV2", request)

    def delete_objects(self, **request: Any) -> Any:
        return self._make_api_call("DeleteObjects", request)

    def generate_presigned_post(self, **request: Any) -> Any:
        """Sign nothing, and answer the fields a form would have; who posts it does so with the signer's rights."""
        self._make_api_call("PutObject", request, sent=False)
        return {
            "url": f"https://{request['Bucket']}.s3.example",
            "fields": {**request["Fields"], "key": request["Key"]},
        }

    def _put(self, request: dict[str, Any]) -> Any:
        self.objects[request["Key"]] = bytes(request["Body"])
        self.headers[request["Key"]] = {
            name: value for name, value in request.items() if name not in {"Bucket", "Key", "Body"}
        }
        return {}

    def _get(self, request: dict[str, Any]) -> Any:
        content = self.objects.get(request["Key"])
        if content is None:
            refuse("NoSuchKey", "GetObject")
        return {"Body": io.BytesIO(content)}

    def _list(self, request: dict[str, Any]) -> Any:
        after, most = request.get("ContinuationToken", ""), min(self.page, request.get("MaxKeys", PAGE))
        # As S3 does: by the bytes of keys in UTF-8, which is the order of code points.
        found = sorted(key for key in self._keys(request["Prefix"]) if key > after)
        reply: dict[str, Any] = {"IsTruncated": len(found) > most, "KeyCount": len(found[:most])}
        reply |= {"Contents": [{"Key": key} for key in found[:most]]} if found else {}
        return {**reply, "NextContinuationToken": found[most - 1]} if reply["IsTruncated"] else reply

    def _keys(self, prefix: str) -> list[str]:
        return [key for key in self.objects if key.startswith(prefix)]

    def _delete(self, request: dict[str, Any]) -> Any:
        for each in request["Delete"]["Objects"]:
            self.objects.pop(each["Key"], None)
            self.headers.pop(each["Key"], None)
        return {}

    def _make_api_call(self, operation: str, request: dict[str, Any], *, sent: bool = True) -> Any:
        tell("s3", operation, request)
        return self._exchanged(operation, request) if sent else None

    def _exchanged(self, operation: str, request: dict[str, Any]) -> Any:
        made = Request(operation, _subject(request))
        for hook in tuple(self.before):
            hook(made)
        if request["Bucket"] not in self.buckets:
            refuse("NoSuchBucket", operation)
        reply = self._operations[operation](request)
        for hook in tuple(self.after):
            hook(made)
        return reply


def refuse(code: str, operation: str = "PutObject") -> NoReturn:
    raise ClientError({"Error": {"Code": code, "Message": code}}, operation)


def slow_down(request: Request) -> NoReturn:
    refuse("SlowDown", request.operation)


def _subject(request: dict[str, Any]) -> str:
    if "Delete" in request:
        return str(request["Delete"]["Objects"][0]["Key"])
    return str(request["Key"] if "Key" in request else request["Prefix"])
