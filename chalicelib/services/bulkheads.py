"""Bulkheads: what goes wrong with one of many holds up no other one."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib import logs

_log = logging.getLogger(logs.LOGGER_NAME)


class Bulkheads:
    """Holds failures back until all have been seen to."""

    def __init__(self) -> None:
        self._failures: list[Exception] = []

    @contextmanager
    def around(self, **facts: object) -> Iterator[None]:
        """Log what fails inside, with facts that tell which one it was, and go on after it."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  # an edge between many: it is raised again by what comes after
            _log.exception("failed_apart", extra=facts)
            self._failures.append(error)

    def raise_first(self) -> None:
        """Raise what failed first, if anything did: whoever counts failures shall count it."""
        if self._failures:
            raise self._failures[0]
