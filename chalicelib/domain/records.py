"""Records: what is stored per player, board and period, and how a submission changes it."""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from chalicelib.domain.boards import INT64_MAX, INT64_MIN, Board, Operator
from chalicelib.domain.periods import Period


class Outcome(StrEnum):
    IMPROVED = "improved"
    KEPT = "kept"
    WORSENED = "worsened"
    REJECTED = "rejected"


class Reason(StrEnum):
    """Why a submission was rejected."""

    AUTHORITATIVE = "authoritative"
    BELOW_MIN = "below_min"
    ABOVE_MAX = "above_max"
    IMPLAUSIBLE_RATE = "implausible_rate"
    OVERFLOW = "overflow"
    NO_SUBSCORE = "no_subscore"
    NOT_STARTED = "not_started"
    OVER = "over"
    NOT_JOINED = "not_joined"
    NO_ATTEMPTS_LEFT = "no_attempts_left"


class Submission(Struct, frozen=True):
    board_id: str
    score: int
    subscore: int = 0


class Record(Struct, frozen=True):
    player_id: str
    board_id: str
    period_id: str
    score: int
    subscore: int
    achieved_at: datetime
    generation: int
    """How many times the record was changed, counted on through deletions; refuses stale writes."""
    display_name: str
    avatar: str | None = None
    hidden: bool = False
    expires_at: datetime | None = None


class Change(Struct, frozen=True):
    """A submission applied: the outcome and, unless rejected, the (score, subscore) that stands."""

    outcome: Outcome
    score: int = 0
    subscore: int = 0
    reason: Reason | None = None


class Score(Struct, frozen=True):
    """A record as answers show it."""

    score: int
    subscore: int
    achieved_at: datetime


class Placement(Struct, frozen=True):
    """What one submission did to one board, as gameEnd answers it."""

    board_id: str
    period_id: str
    outcome: Outcome
    reason: Reason | None
    before: Score | None
    after: Score | None
    rank_before: int | None
    rank_after: int | None
    total: int | None
    percentile: float | None


def shown(record: Record | None) -> Score | None:
    return Score(record.score, record.subscore, record.achieved_at) if record else None


def rejection(board: Board, submission: Submission, played: timedelta | None) -> Reason | None:
    """Return why the board refuses this submission, or None.

    Args:
        played: How long the game lasted by the server's clock; None for an authoritative submission.
    """
    limits = board.limits
    if board.authoritative and played is not None:
        return Reason.AUTHORITATIVE
    if board.subscore_order is None and submission.subscore != 0:
        return Reason.NO_SUBSCORE
    if limits.min_score is not None and submission.score < limits.min_score:
        return Reason.BELOW_MIN
    if limits.max_score is not None and submission.score > limits.max_score:
        return Reason.ABOVE_MAX
    if (
        played is not None
        and limits.max_per_second is not None
        and _faster(submission.score, played, limits.max_per_second)
    ):
        return Reason.IMPLAUSIBLE_RATE
    return None


def apply(board: Board, before: Record | None, submission: Submission) -> Change:
    """Return what the board's operator makes of the record and the submission."""
    score, subscore = _operated(board.operator, before, submission)
    if not (INT64_MIN <= score <= INT64_MAX and INT64_MIN <= subscore <= INT64_MAX):
        return Change(Outcome.REJECTED, reason=Reason.OVERFLOW)
    if before is None:
        return Change(Outcome.IMPROVED, score, subscore)
    new, old = board.value(score, subscore), board.value(before.score, before.subscore)
    if new == old or (new > old and board.operator is Operator.BEST):
        return Change(Outcome.KEPT, before.score, before.subscore)
    return Change(Outcome.IMPROVED if new < old else Outcome.WORSENED, score, subscore)


def expiry(board: Board, period: Period) -> datetime | None:
    """Return when the period's records are forgotten, or None for never.

    Those of a tournament as long after the end that was planned, so that stopping it leaves what is stored true.
    """
    end = board.tournament.ends_at if board.tournament else period.end
    if end is None or board.retention_days is None:
        return None
    return end + timedelta(days=board.retention_days)


def _operated(operator: Operator, before: Record | None, submission: Submission) -> tuple[int, int]:
    old_score, old_subscore = (before.score, before.subscore) if before else (0, 0)
    if operator is Operator.INCR:
        return old_score + submission.score, old_subscore + submission.subscore
    if operator is Operator.DECR:
        return old_score - submission.score, old_subscore - submission.subscore
    return submission.score, submission.subscore


def _faster(score: int, played: timedelta, max_per_second: int) -> bool:
    return score * 1000 > max_per_second * (played // timedelta(milliseconds=1))
