"""Every signature is botocore's."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.store.signing import Signature

REGION, SERVICE = "eu-central-1", "dynamodb"
NAMES = st.sampled_from(["User-Agent", "X-Amzn-Trace-Id", "TE", "X-Amz-Target", "x-ALPHA"]) | st.from_regex(
    r"[A-Za-z][A-Za-z0-9-]{0,12}", fullmatch=True
)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
HEADERS = st.dictionaries(NAMES, VALUES, max_size=5).filter(
    lambda headers: len({name.lower() for name in headers}) == len(headers)
)
SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
RESERVED = {"host", "date", "authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"}
instants = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # bounds are naive
credentials = st.builds(ReadOnlyCredentials, SECRETS, SECRETS, st.none() | SECRETS)


class TimedSigner(SigV4Auth):
    """botocore's signer, at an instant of the test's choice."""

    def __init__(self, instant: datetime, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._timestamp = instant.strftime("%Y%m%dT%H%M%SZ")

    _modify_request_before_signing: Any
    _inject_signature_to_request: Any

    def add_auth(self, request: Any) -> None:
        request.context["timestamp"] = self._timestamp
        self._modify_request_before_signing(request)
        text = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(text, request))


def botocores(headers: dict[str, str], body: bytes, keys: Any, instant: datetime) -> dict[str, str]:
    request = AWSRequest("POST", f"https://{headers['Host']}/", headers=headers, data=body)
    TimedSigner(instant, keys, SERVICE, REGION).add_auth(request)
    return dict(request.headers.items())


def ours(signature: Signature, headers: dict[str, str], body: bytes, keys: Any, instant: datetime) -> dict[str, str]:
    signed = dict(headers)
    signature.sign(signed, body, keys, instant.utctimetuple())
    return signed


@pytest.mark.property
@given(
    headers=HEADERS.map(lambda headers: {n: v for n, v in headers.items() if n.lower() not in RESERVED}),
    body=st.binary(max_size=100),
    keys=credentials,
    instant=instants,
)
def test_requests_are_signed_as_botocore_signs_them(
    headers: dict[str, str], body: bytes, keys: ReadOnlyCredentials, instant: datetime
) -> None:
    headers = {**headers, "Host": "dynamodb.example.com:8000"}

    assert ours(Signature(REGION, SERVICE), headers, body, keys, instant) == botocores(headers, body, keys, instant)


@pytest.mark.property
@given(
    turns=st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 3).map(lambda days: timedelta(hours=12 * days))), max_size=8
    )
)
def test_a_key_is_kept_for_its_day_and_its_secret_only(turns: list[tuple[str, timedelta]]) -> None:
    signature = Signature(REGION, SERVICE)
    headers = {"Host": "dynamodb.example.com", "X-Amz-Target": "DynamoDB_20120810.Query"}

    for secret, later in turns:
        keys, instant = ReadOnlyCredentials("id", secret, None), datetime(2026, 11, 22, 18, tzinfo=UTC) + later
        expected = botocores(headers, b"{}", keys, instant)
        assert ours(signature, headers, b"{}", keys, instant) == expected


def test_a_key_is_made_once_a_day() -> None:
    class Counting(Signature):
        made = 0

        def _derived(self, day: str, secret: str) -> bytes:
            self.made += 1
            return super()._derived(day, secret)

    signature = Counting(REGION, SERVICE)
    keys: Any = ReadOnlyCredentials("id", "secret", None)
    for _ in range(3):
        signature.sign({"Host": "x"}, b"", keys, time.gmtime(0))

    assert signature.made == 1
