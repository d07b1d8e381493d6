"""Turns: what becomes of a board's period once it is over.

A period is over at its end, by the clock alone. Whoever took it for the current one until then has ended a grace later:
from then on nobody writes a score into it, and it is frozen. What follows is done by jobs, once for each period, oldest
first, and nobody has to wait for it: a frozen period is ranked as any other.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from chalicelib.domain import rewards
from chalicelib.domain.boards import Board
from chalicelib.domain.periods import Period, period_at
from chalicelib.domain.rewards import NO_RULES, Claiming, Due, Reward, Rule, RuleSet


class TurnState(StrEnum):
    """How far a turn is, as it is stored."""

    FROZEN = "frozen"
    ARCHIVED = "archived"
    REWARDED = "rewarded"
    DONE = "done"
    FORGOTTEN = "forgotten"
    """The board's retention ended before the period could be archived."""


class Stage(StrEnum):
    """How far a period is, as it is told."""

    OPEN = "open"
    ENDED = "ended"
    """Over, and for a moment more only until the last game that ended in time is written."""
    FROZEN = "frozen"
    ARCHIVED = "archived"
    REWARDED = "rewarded"
    DONE = "done"
    FORGOTTEN = "forgotten"


_ENDED_STATES = frozenset({TurnState.DONE, TurnState.FORGOTTEN})


class Ended(Struct, frozen=True):
    """A period that is over."""

    period_id: str
    ended_at: datetime


class Line(Struct, frozen=True):
    """An entry as an archive keeps it: for ever, and so without the player's name."""

    rank: int
    player_id: str
    score: int
    subscore: int
    achieved_at: datetime


class Turn(Struct, frozen=True, kw_only=True):
    board_id: str
    period_id: str
    state: TurnState = TurnState.FROZEN
    ended_at: datetime
    frozen_at: datetime
    rules: RuleSet = NO_RULES
    """The board's rules of rewards as they were at the end of the period."""
    records: int = 0
    """How many were archived."""
    manifest: str = ""
    """The key of the archive's manifest in the bucket of exports; "" until there is one."""
    rewarded: int = 0
    """Players who got rewards."""
    left: int = 0
    """Players who would have, but had left."""
    done_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.state in _ENDED_STATES


def ended(period: Period, now: datetime) -> Ended | None:
    """Return a period as one that is over; None while it is not."""
    return Ended(period.period_id, period.end) if period.end is not None and period.end <= now else None


def due(board: Board, turned_until: datetime | None, now: datetime) -> Ended | None:
    """Return the oldest period of a board that is over and has not been turned; None while there is none.

    Args:
        turned_until: An instant before which all is turned; None: nothing is.
    """
    if board.tournament is not None:
        return None if turned_until is not None else ended(board.tournament.period, now)
    if board.reset is None:
        return None
    return ended(period_at(board.reset, turned_until or board.created_at), now)


def kept_since(board: Board, now: datetime) -> datetime | None:
    """Return the instant since which records are kept: those of periods that ended until then have expired."""
    return None if board.retention_days is None else now - timedelta(days=board.retention_days)


def is_forgotten(board: Board, turn: Turn, now: datetime) -> bool:
    """Tell whether the board's retention has taken the records of a period that is not archived."""
    kept = kept_since(board, now)
    return kept is not None and turn.state is TurnState.FROZEN and turn.ended_at <= kept


def stage_of(end: datetime | None, turn: Turn | None, now: datetime, grace: timedelta) -> Stage:
    """Return how far a period is, whether a job has begun to turn it or not."""
    if end is None or now < end:
        return Stage.OPEN
    if now < end + grace:
        return Stage.ENDED
    return Stage(turn.state.value) if turn else Stage.FROZEN


def dues(board: Board, turn: Turn, lines: Iterable[Line], now: datetime) -> Iterator[Due]:
    """Yield what the players of some archived lines earn: those who earn nothing are left out."""
    for line in lines:
        met = rewards.earned(turn.rules, board.sort_order, rank=line.rank, score=line.score, total=turn.records)
        earned = tuple(_reward(turn, line, rule, now) for rule in met)
        if earned:
            yield Due(line.player_id, earned)


def beyond(rules: RuleSet, lines: Sequence[Line]) -> bool:
    """Tell whether neither these lines nor any after them can earn anything."""
    deepest = rewards.deepest_rank(rules)
    return not lines or (deepest is not None and lines[0].rank > deepest)


def _reward(turn: Turn, line: Line, rule: Rule, now: datetime) -> Reward:
    return Reward(
        reward_id=rewards.reward_id(turn.ended_at, turn.board_id, rule.by),
        source=turn.board_id,
        period_id=turn.period_id,
        by=rule.by.value,
        rank=line.rank,
        grants=rule.grants,
        claim=rule.claim,
        granted_at=now,
        claimed_at=now if rule.claim is Claiming.AUTOMATIC else None,
    )
