"""The exports' bucket: files for those who asked for them, the parts of an export being made, and archives."""

import zlib
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from chalicelib.ranking.rosters import Sighting
from chalicelib.store.clients import Clients, calling

GZIP, JSON = "application/gzip", "application/json"
_FAST = 1
"""Of zlib's levels: parts are read once or twice, then forgotten."""


class Part(Struct, frozen=True, array_like=True):
    """What one step saw, and the name of the part that the step before it left; "" for none."""

    before: str
    sightings: list[Sighting]


class ExportStore:
    """Objects are written once and never changed. Every method raises ClientFailedError when S3 does not do its part.

    Args:
        bucket: Its name; "" where a deployment has none.
    """

    def __init__(self, bucket: str, clients: Clients) -> None:
        self.bucket = bucket
        self._clients = clients

    def put_file(self, name: str, content: bytes, content_type: str) -> None:
        """Store a file under its whole name, in place of what may be there. One request."""
        with calling():
            self._client.put_object(Bucket=self.bucket, Key=name, Body=content, ContentType=content_type)

    def get_file(self, name: str) -> bytes:
        """Return what is stored under a name. One request."""
        with calling():
            content: bytes = self._client.get_object(Bucket=self.bucket, Key=name)["Body"].read()
        return content

    def put_part(self, name: str, part: Part) -> None:
        """Store a part. One request."""
        self.put_file(name, zlib.compress(msgspec.json.encode(part), _FAST), "application/octet-stream")

    def parts(self, last: str) -> Iterator[tuple[str, Part]]:
        """Yield a part, those before it, and their names. A request each, made when it is asked for."""
        while last:
            part = self._part(last)
            yield last, part
            last = part.before

    def _part(self, name: str) -> Part:
        return msgspec.json.decode(zlib.decompress(self.get_file(name)), type=Part)

    @property
    def _client(self) -> Any:
        return self._clients.of("s3")
