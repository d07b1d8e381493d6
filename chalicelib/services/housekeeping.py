"""Housekeeping: what the schedule does beside audits, so that nothing piles up and there is a copy to fall back on."""

from datetime import timedelta

from msgspec import Struct

from chalicelib.domain.boards import Board
from chalicelib.domain.jobs import Job
from chalicelib.services.abandonment import Abandonment
from chalicelib.services.bulkheads import Bulkheads
from chalicelib.services.clock import Clock
from chalicelib.services.copies import Copyist
from chalicelib.services.jobs import OutOfTime
from chalicelib.services.retention import Retention

SHARE = timedelta(seconds=60)
"""Of a run: one for copies, one for what is swept and counted. Audits, rebuilds and exports are not to wait until
millions of games are gone through, nor for tables that do not answer."""


class Kept(Struct, frozen=True):
    """What was done: tops copied anew, and jobs as they stand now."""

    copied: int
    retention: list[Job]
    games: Job | None


class Housekeeping:
    def __init__(self, *, copyist: Copyist, retention: Retention, abandonment: Abandonment, clock: Clock) -> None:
        self._copyist = copyist
        self._retention = retention
        self._abandonment = abandonment
        self._clock = clock

    def keep(
        self, boards: list[Board], trees: list[tuple[Board, str]], out_of_time: OutOfTime, *, anew: bool = False
    ) -> Kept:
        """Copy the tops of trees for a share of the run, then sweep and count for another one.

        Args:
            anew: Count games though they were counted less than a day ago.
        """
        copied, swept, games = 0, list[Job](), None
        bulkheads = Bulkheads()
        with bulkheads.around(work="copies"):
            copied = self._copyist.keep(trees, self._share(out_of_time))
        over = self._share(out_of_time)
        with bulkheads.around(work="retention"):
            swept = self._retention.keep(boards, over)
        with bulkheads.around(work="games"):
            games = self._abandonment.keep(over, anew=anew)
        bulkheads.raise_first()
        return Kept(copied, swept, games)

    def _share(self, out_of_time: OutOfTime) -> OutOfTime:
        end = self._clock() + SHARE
        return lambda: out_of_time() or self._clock() >= end
