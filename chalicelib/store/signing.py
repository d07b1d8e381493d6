"""Signature Version 4 for requests that are all alike: POST to the root of a host, the body signed with them.

tests/store/test_signing.py holds every signature to botocore's signer, which takes fifteen times as long: it derives
the key anew for every request, and goes through its headers four times.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
import time
from collections.abc import MutableMapping
from hashlib import sha256
from typing import Protocol

from botocore.auth import SIGNED_HEADERS_BLACKLIST

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNSIGNED = frozenset(SIGNED_HEADERS_BLACKLIST)


class Credentials(Protocol):
    """What is read of botocore's ReadOnlyCredentials, whose stubs let keys be None."""

    @property
    def access_key(self) -> str: ...
    @property
    def secret_key(self) -> str: ...
    @property
    def token(self) -> str | None: ...


class Signature:
    """Signs for one service in one region; threads may share it."""

    def __init__(self, region: str, service: str) -> None:
        self._region = region
        self._service = service
        self._key = ("", "", b"")
        """Day, secret and the key they make. One tuple, so that no thread sees halves of two."""

    def sign(
        self,
        headers: MutableMapping[str, str],
        body: bytes,
        credentials: Credentials,
        instant: time.struct_time,
    ) -> None:
        """Add the headers that sign a request, whose host is among those it has.

        Args:
            instant: Now, in UTC; AWS refuses what is minutes old.
        """
        timestamp = time.strftime("%Y%m%dT%H%M%SZ", instant)
        headers["X-Amz-Date"] = timestamp
        if credentials.token:
            headers["X-Amz-Security-Token"] = credentials.token
        names, request = _canonical(headers, body)
        day = timestamp[:8]
        scope = f"{day}/{self._region}/{self._service}/aws4_request"
        text = f"{_ALGORITHM}\n{timestamp}\n{scope}\n{sha256(request.encode()).hexdigest()}"
        signature = _hmac(self._key_of(day, credentials.secret_key), text).hex()
        headers["Authorization"] = (
            f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
        )

    def _key_of(self, day: str, secret: str) -> bytes:
        known_day, known_secret, key = self._key
        if (day, secret) != (known_day, known_secret):
            key = self._derived(day, secret)
            self._key = (day, secret, key)
        return key

    def _derived(self, day: str, secret: str) -> bytes:
        key = f"AWS4{secret}".encode()
        for part in (day, self._region, self._service, "aws4_request"):
            key = _hmac(key, part)
        return key


def _canonical(headers: MutableMapping[str, str], body: bytes) -> tuple[str, str]:
    """Return the names of the headers that are signed, and the request as it is signed."""
    signed = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
    signed = [(name, value) for name, value in signed if name not in _UNSIGNED]
    names = ";".join(name for name, _ in signed)
    lines = "".join(f"{name}:{value}\n" for name, value in signed)
    return names, f"POST\n/\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
