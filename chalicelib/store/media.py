"""The media bucket: what players upload, the files of their avatars, and what was refused."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any

from msgspec import Struct

from chalicelib.domain.avatars import MAX_UPLOAD_BYTES, MediaType, Refused
from chalicelib.store.clients import ClientFailedError, Clients, calling

_FOR_EVER = "public, max-age=31536000, immutable"
_MAX_KEYS = 1000
"""Of one request that deletes."""
_MAX_METADATA = 1024
"""Characters of a message; S3 takes 2 KB of metadata in all."""


class PostForm(Struct, frozen=True):
    """What a client posts a file with: all fields, then the file, as multipart/form-data to the URL."""

    url: str
    fields: Mapping[str, str]


class MediaStore:
    """Every method raises ClientFailedError when S3 does not do its part.

    Args:
        bucket: Its name; "" where a deployment has none.
    """

    def __init__(self, bucket: str, clients: Clients) -> None:
        self.bucket = bucket
        self._clients = clients

    def form(self, key: str, media_type: MediaType, lifetime: timedelta) -> PostForm:
        """Return a form that S3 takes for this key, this type and 1 byte to 20 MiB. Signed here: no request."""
        fields = {"Content-Type": media_type.value}
        size = ["content-length-range", 1, MAX_UPLOAD_BYTES]
        with calling():
            signed = self._client.generate_presigned_post(
                Bucket=self.bucket,
                Key=key,
                Fields=fields,
                Conditions=[fields, size],
                ExpiresIn=int(lifetime.total_seconds()),
            )
        return PostForm(signed["url"], signed["fields"])

    def read(self, key: str, limit: int) -> bytes | None:
        """Return the first ``limit`` bytes of an object, or None when there is none. Two requests.

        It is looked for in a listing: asked for what is not there, S3 answers that access is denied to whoever may not
        list the whole bucket.
        """
        with calling():
            found = self._client.list_objects_v2(Bucket=self.bucket, Prefix=key, MaxKeys=1).get("Contents", [])
        if [each["Key"] for each in found] != [key]:
            return None
        with calling():
            return _read(self._client.get_object(Bucket=self.bucket, Key=key)["Body"], limit)

    def publish(self, key: str, content: bytes, media_type: str) -> None:
        """Store a file that everybody may see and keep for ever: no other is ever stored under its key."""
        with calling():
            self._client.put_object(
                Bucket=self.bucket, Key=key, Body=content, ContentType=media_type, CacheControl=_FOR_EVER
            )

    def quarantine(self, key: str, content: bytes, refused: Refused) -> None:
        """Store what was refused, and why, as what no browser opens."""
        with calling():
            self._client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=content,
                ContentType="application/octet-stream",
                ContentDisposition="attachment",
                Metadata={"reason": refused.reason.value, "message": _ascii(refused.message)},
            )

    def keys(self, prefix: str) -> list[str]:
        """Return the keys that begin with a prefix: none without a bucket. One request per 1,000."""
        return list(self._listed(prefix)) if self.bucket else []

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects, whether they exist or not. One request per 1,000."""
        for start in range(0, len(keys), _MAX_KEYS):
            named = [{"Key": key} for key in keys[start : start + _MAX_KEYS]]
            with calling():
                reply = self._client.delete_objects(Bucket=self.bucket, Delete={"Objects": named, "Quiet": True})
            for failure in reply.get("Errors", []):
                raise ClientFailedError(failure["Code"])

    def _listed(self, prefix: str) -> Iterator[str]:
        request: dict[str, Any] = {"Bucket": self.bucket, "Prefix": prefix}
        while True:
            with calling():
                page = self._client.list_objects_v2(**request)
            yield from (each["Key"] for each in page.get("Contents", []))
            if not page.get("IsTruncated"):
                return
            request["ContinuationToken"] = page["NextContinuationToken"]

    @property
    def _client(self) -> Any:
        return self._clients.of("s3")


def _read(body: Any, limit: int) -> bytes:
    """Return what comes until the end, where alone botocore notices that some is missing, or the limit."""
    content = bytearray()
    with closing(body):
        while len(content) < limit and (chunk := body.read(limit - len(content))):
            content += chunk
    return bytes(content)


def _ascii(message: str) -> str:
    """Return a message as S3 takes it in metadata, which are headers: in ASCII, and in one line."""
    return message.encode("unicode_escape").decode()[:_MAX_METADATA]
