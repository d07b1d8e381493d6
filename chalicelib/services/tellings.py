"""Telling everybody that tournaments have begun, and are over.

It is published first and noted then. Whoever dies in between tells it again, under the same id, which is shown once.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta

from chalicelib import logs
from chalicelib.domain import tellings
from chalicelib.domain.boards import Board
from chalicelib.domain.tellings import WORTH_TELLING
from chalicelib.services.clock import Clock
from chalicelib.services.notices import Publisher
from chalicelib.store.clients import ClientFailedError
from chalicelib.store.tellings import TellingStore

_log = logging.getLogger(logs.LOGGER_NAME)


class Tellings:
    def __init__(self, store: TellingStore, publisher: Publisher | None, clock: Clock, grace: timedelta) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock
        self._grace = grace

    def keep(self, boards: Iterable[Board]) -> int:
        """Tell what is due of some boards, and return how much. What SNS does not take is told by the next call.

        Cost: nothing, but within a day after a tournament began or ended: then a read unit for it.
        """
        if self._publisher is None:
            return 0
        now = self._clock()
        untold = self._store.untold([each for board in boards for each in tellings.due(board, now, self._grace)])
        if not untold:
            return 0
        try:
            self._publisher.publish(each.message for each in untold)
        except ClientFailedError as error:
            _log.warning("tournaments_untold", extra={"count": len(untold), "reason": error.reason})
            return 0
        for each in untold:
            self._store.note(each, each.at + self._grace + 2 * WORTH_TELLING)
        return len(untold)
