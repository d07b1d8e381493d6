"""The AWS clients that are needed now and then: each is made on its first use, so that nobody else pays for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import botocore.session
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import StoreUnavailableError

SERVICES = frozenset({"dynamodbstreams", "s3", "sns", "sqs"})
"""Those there are clients of, beside DynamoDB. Of no others does deploy/pruning.py package what botocore knows."""

_CONNECT_TIMEOUT, _READ_TIMEOUT = 1.0, 5.0
# What is signed for browsers to send has to reach the bucket's own region, as the world over knows a new bucket only
# after hours and no form follows S3's redirect; and it has to be signed as every region takes it.
_OF_S3: dict[str, Any] = {"signature_version": "s3v4", "s3": {"addressing_style": "virtual"}}
_LASTING = frozenset(
    {"AccessDenied", "AllAccessDisabled", "InvalidBucketName", "NoSuchBucket", "NoSuchKey"}  # of S3
    | {"AuthorizationError", "KMSAccessDenied", "KMSDisabled", "KMSNotFound", "KMSOptInRequired", "NotFound"}  # of SNS
)


class ClientFailedError(StoreUnavailableError):
    """A call failed, for whatever reason; ``reason`` is AWS's own name of it, and ``words`` what else it said."""

    def __init__(self, reason: str, words: str = "") -> None:
        super().__init__(f"AWS did not do what it was asked to: {reason}")
        self.reason = reason
        self.words = words

    @property
    def lasts(self) -> bool:
        """Tell whether trying again changes nothing, until somebody sees to the bucket, the topic, or our rights."""
        return self.reason in _LASTING


def _connect(service: str) -> Any:
    config = ClientConfig(
        connect_timeout=_CONNECT_TIMEOUT,
        read_timeout=_READ_TIMEOUT,
        retries={"total_max_attempts": 3, "mode": "standard"},
        **(_OF_S3 if service == "s3" else {}),
    )
    session = botocore.session.get_session()
    region = session.get_config_variable("region") or "us-east-1"
    return session.create_client(service, region_name=region, config=config)


@dataclass(slots=True)
class Clients:
    """botocore clients by the name of their service, one of each, whichever threads ask."""

    connect: Callable[[str], Any] = _connect
    _made: dict[str, Any] = field(default_factory=dict)
    _making: Lock = field(default_factory=Lock)

    def of(self, service: str) -> Any:
        with self._making:
            if service not in self._made:
                if service not in SERVICES:
                    raise LookupError(f"{service} is not packaged: add it to SERVICES here and in deploy/pruning.py")
                self._made[service] = self.connect(service)
            return self._made[service]


@contextmanager
def calling() -> Iterator[None]:
    """Turn whatever a client raises into ClientFailedError."""
    try:
        yield
    except ClientError as error:
        told = error.response["Error"]
        raise ClientFailedError(told["Code"], told.get("Message", "")) from error
    except BotoCoreError as error:
        raise ClientFailedError(type(error).__name__) from error
