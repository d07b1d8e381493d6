"""Boards: a ranked collection and the rules its records obey."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain import periods
from chalicelib.domain.layouts import UNCUT, Indexing, Layout, Layouts
from chalicelib.domain.periods import Period
from chalicelib.domain.tournaments import Tournament

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


class SortOrder(StrEnum):
    DESC = "desc"
    ASC = "asc"


class Operator(StrEnum):
    BEST = "best"
    SET = "set"
    INCR = "incr"
    DECR = "decr"


class Limits(Struct, frozen=True):
    """What one submission may claim; None sets no limit. Scores and limits are in the board's unit."""

    min_score: int | None = None
    max_score: int | None = None
    max_per_second: int | None = None


class Board(Struct, frozen=True, kw_only=True):
    board_id: str
    title: str
    unit: str = "points"
    sort_order: SortOrder = SortOrder.DESC
    subscore_order: SortOrder | None = None
    """How equal scores are told apart; None: the board takes no subscores."""
    operator: Operator = Operator.BEST
    reset: str | None = None
    """Five-field cron in UTC; None: one period for ever."""
    limits: Limits = Limits()
    authoritative: bool = False
    retention_days: int | None = None
    """How long a finished period is kept; None: for ever."""
    tournament: Tournament | None = None
    layouts: Layouts = UNCUT
    created_at: datetime
    revision: int = 1
    sealed: bool = False
    """True from just before the first record on: the rules above are final."""

    def period_at(self, instant: datetime) -> Period:
        """Return the period that holds an instant: of a tournament its only one, at whatever instant."""
        return self.tournament.period if self.tournament else periods.period_at(self.reset, instant)

    def indexing(self, period_id: str) -> Indexing:
        """Return which layouts of a period's rank index are in use."""
        return self.layouts.of(period_id)

    def layout(self, period_id: str) -> Layout:
        """Return the layout that is read."""
        return self.layouts.of(period_id).read

    def value(self, score: int, subscore: int) -> tuple[int, int]:
        """Return (score, subscore) as a pair that sorts ascending from best to worst.

        A descending number becomes its complement (-1 - n), which maps signed 64-bit integers onto themselves.
        """
        return directed(score, self.sort_order), directed(subscore, self.subscore_order or SortOrder.ASC)


RULES_SEALED_BY_RECORDS = ("unit", "sort_order", "subscore_order", "operator", "reset", "retention_days")
"""What gives records their meaning, and what says how long they and their counters live together."""


def directed(number: int, order: SortOrder) -> int:
    """Return ``number`` so that lower is better; applied twice it gives ``number`` back.

    >>> directed(10, SortOrder.DESC) < directed(9, SortOrder.DESC)
    True
    """
    return number if order is SortOrder.ASC else ~number


def sealed_rules_changed(before: Board, after: Board) -> tuple[str, ...]:
    """Return the names of the rules that order records and differ."""
    return tuple(name for name in RULES_SEALED_BY_RECORDS if getattr(before, name) != getattr(after, name))


def seal(board: Board) -> Board:
    return replace(board, sealed=True)
