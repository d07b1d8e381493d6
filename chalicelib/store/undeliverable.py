"""The dead letters of notices: messages that say nothing which could be delivered, each with the reason."""

import json
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from chalicelib.store.clients import Clients, calling

MAX_BYTES = 256 * 1024
"""The most SQS takes in one message."""


class Undeliverable(Struct, frozen=True):
    reason: str
    """A word for programs."""
    detail: str
    at: datetime
    message: str
    """As it came; cut off where it would be too large for the queue."""


class UndeliverableQueue:
    def __init__(self, name: str, clients: Clients) -> None:
        self._name = name
        self._clients = clients
        self._url = ""

    def put(self, letter: Undeliverable) -> None:
        """Put a letter into the queue, or raise ClientFailedError."""
        with calling():
            sqs: Any = self._clients.of("sqs")
            self._url = self._url or str(sqs.get_queue_url(QueueName=self._name)["QueueUrl"])
            sqs.send_message(QueueUrl=self._url, MessageBody=_body(letter))


def _body(letter: Undeliverable) -> str:
    whole = _encoded(letter)
    excess = len(whole) - MAX_BYTES
    if excess <= 0:
        return whole
    # Escaped, a character takes twelve bytes at most.
    kept = max(0, (MAX_BYTES - len(_encoded(msgspec.structs.replace(letter, message="")))) // 12)
    return _encoded(msgspec.structs.replace(letter, message=letter.message[:kept]))


def _encoded(letter: Undeliverable) -> str:
    # In ASCII: SQS refuses some characters that a message may hold.
    return json.dumps(msgspec.to_builtins(letter), separators=(",", ":"))
