"""The lines that the app logs, as they would reach CloudWatch."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chalicelib import logs

Line = dict[str, Any]


class Lines:
    """What has been logged since it was made."""

    def __init__(self, stream: io.StringIO) -> None:
        self._stream = stream

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    def all(self) -> list[Line]:
        return [json.loads(line) for line in self.text.splitlines()]

    def of(self, message: str) -> list[Line]:
        return [line for line in self.all() if line["message"] == message]

    def one(self, message: str) -> Line:
        """Return the line of a message that is logged once."""
        [line] = self.of(message)
        return line


@contextmanager
def logged() -> Iterator[Lines]:
    """Yield what the app, which is imported, logs meanwhile."""
    logger = logging.getLogger(logs.LOGGER_NAME)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logger.handlers[0].formatter)
    logger.addHandler(handler)
    yield Lines(stream)
    logger.removeHandler(handler)
