"""Seasons: consecutive periods of a board, its rounds, between which players rise and fall through tiers.

A season is its definition and nothing else: which round is open follows from the clock, and where a player plays next
from how the player's last round ended. No job has to run for a round to begin or to end.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.periods import Period, period_at
from chalicelib.domain.rewards import MAX_ITEMS, Claiming, Grant, Reward, reward_id

MAX_ROUNDS = 100
MAX_TIERS = 20
MAX_BANDS = 10
MAX_PRIZES = 50
SMALLEST_BUCKET, LARGEST_BUCKET = 2, 50
EVERYBODY = 100
"""In percent."""
_BY = "season"


class Fill(StrEnum):
    """Whom a player meets in a bucket."""

    FIRST_COME = "first_come"
    SKILL = "skill"
    """Those of about the same place on the board, as far as it is known."""


class Move(StrEnum):
    """What the end of a round does to a player."""

    PROMOTED = "promoted"
    RELEGATED = "relegated"
    STAYED = "stayed"


class Cut(Struct, frozen=True):
    """How many of a bucket move, at most: exactly one of both is given."""

    rank: int | None = None
    percent: int | None = None

    def of(self, members: int) -> int:
        """Return the cut as a number of members.

        >>> Cut(rank=5).of(30), Cut(percent=20).of(14)
        (5, 2)
        """
        return self.rank if self.rank is not None else (self.percent or 0) * members // EVERYBODY


class Prize(Struct, frozen=True):
    """What the ranks from ``first`` to ``last`` of a bucket get at the end of a round."""

    first: int
    last: int
    grants: tuple[Grant, ...]
    tier: str | None = None
    """None: whichever it is."""
    in_last_round: bool = False
    """Only at the end of the season."""


class Round(Struct, frozen=True):
    """A period of the board, and its number in the season, from 1 on."""

    number: int
    period_id: str
    start: datetime
    end: datetime


class Season(Struct, frozen=True, kw_only=True):
    season_id: str
    board_id: str
    title: str
    tiers: tuple[str, ...]
    """The lowest first."""
    rounds: tuple[Round, ...]
    bucket_size: int
    fill: Fill = Fill.FIRST_COME
    bands: int = 1
    """Into how many equal parts of the board players are told apart by skill; 1 unless ``fill`` says so."""
    promote: Cut
    relegate: Cut
    prizes: tuple[Prize, ...] = ()
    claim: Claiming = Claiming.AUTOMATIC
    created_at: datetime
    closed: int = 0
    """How many rounds are over and done with: rewards given, results told."""

    def round_at(self, instant: datetime) -> Round | None:
        """Return the round that an instant falls into; None before the first one and after the last one."""
        return next((each for each in self.rounds if each.start <= instant < each.end), None)

    def is_last(self, number: int) -> bool:
        return number == self.rounds[-1].number

    def moved(self, tier: int, move: Move) -> tuple[Move, int]:
        """Return how a move ends, and in which tier: nobody rises above the highest or falls below the lowest."""
        step = {Move.PROMOTED: 1, Move.RELEGATED: -1, Move.STAYED: 0}[move]
        after = tier + step
        return (move, after) if 0 <= after < len(self.tiers) else (Move.STAYED, tier)


class SeasonError(ValueError):
    """A season makes no sense; ``field`` is the part that is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def rounds_of(reset: str, first: Period, count: int) -> tuple[Round, ...]:
    """Return consecutive periods of a board as the rounds of a season, from ``first`` on."""
    periods = islice(_onwards(reset, first), count)
    return tuple(Round(number, *period) for number, period in enumerate(periods, start=1))


def check(season: Season) -> None:
    """Raise SeasonError unless all of a definition means something."""
    if len(set(season.tiers)) != len(season.tiers):
        raise SeasonError("tiers", "two have the same name")
    if (season.fill is Fill.SKILL) is not (season.bands > 1):
        raise SeasonError("bands", "at least 2 where buckets are filled by skill, 1 otherwise")
    _check_cuts(season)
    for number, prize in enumerate(season.prizes):
        _check_prize(number, prize, season)
    items = {grant.item for prize in season.prizes for grant in prize.grants}
    if len(items) > MAX_ITEMS:  # a rank may meet all prizes
        raise SeasonError("prizes", f"{MAX_ITEMS} different items at most, not {len(items)}")


def due(season: Season, now: datetime, grace: timedelta) -> Round | None:
    """Return the oldest round that is frozen, and not done with; None while there is none."""
    waiting = season.rounds[season.closed :]
    return waiting[0] if waiting and waiting[0].end + grace <= now else None


def opens_at(current: Round, grace: timedelta) -> datetime:
    """Return from when on players are placed in a round: once the one before it is frozen, and its outcome certain."""
    return current.start if current.number == 1 else current.start + grace


def ended(season: Season, now: datetime, notice: timedelta) -> Season:
    """Return a season that ends with the round under way.

    Args:
        notice: A round that begins this soon is still played: who has read the definition already may begin it.
    """
    return replace(season, rounds=tuple(each for each in season.rounds if each.start < now + notice))


def reward(season: Season, played: Round, tier: int, rank: int, now: datetime) -> Reward | None:
    """Return what a rank of a bucket earns in a round: all prizes that it meets together; None for nothing."""
    grants = tuple(_summed(prize.grants for prize in season.prizes if _is_met(prize, season, played, tier, rank)))
    if not grants:
        return None
    return Reward(
        reward_id=reward_id(played.end, season.season_id, _BY),
        source=season.season_id,
        period_id=played.period_id,
        by=_BY,
        rank=rank,
        grants=grants,
        claim=season.claim,
        granted_at=now,
        claimed_at=now if season.claim is Claiming.AUTOMATIC else None,
    )


def _onwards(reset: str, first: Period) -> Iterator[tuple[str, datetime, datetime]]:
    period = first
    while period.start is not None and period.end is not None:
        yield period.period_id, period.start, period.end
        period = period_at(reset, period.end)


def _check_cuts(season: Season) -> None:
    for name, cut in (("promote", season.promote), ("relegate", season.relegate)):
        if (cut.rank is None) is (cut.percent is None):
            raise SeasonError(name, "give either a rank or a percent")
        if not 0 <= (cut.rank or 0) <= season.bucket_size or not 0 <= (cut.percent or 0) <= EVERYBODY:
            raise SeasonError(name, f"no more than the bucket's {season.bucket_size}, or 100 percent")
    if season.promote.of(season.bucket_size) + season.relegate.of(season.bucket_size) > season.bucket_size:
        raise SeasonError("promote", "together with relegate it moves more than a full bucket has")


def _check_prize(number: int, prize: Prize, season: Season) -> None:
    if not 1 <= prize.first <= prize.last <= season.bucket_size:
        raise SeasonError(f"prizes[{number}]", f"ranks go from 1 to {season.bucket_size}, the better one first")
    if prize.tier is not None and prize.tier not in season.tiers:
        raise SeasonError(f"prizes[{number}]", f"there is no tier {prize.tier!r}")


def _is_met(prize: Prize, season: Season, played: Round, tier: int, rank: int) -> bool:
    return (
        prize.first <= rank <= prize.last
        and prize.tier in {None, season.tiers[tier]}
        and (not prize.in_last_round or season.is_last(played.number))
    )


def _summed(grants: Iterable[tuple[Grant, ...]]) -> Iterator[Grant]:
    amount_by_item: dict[str, int] = {}
    for each in grants:
        for grant in each:
            amount_by_item[grant.item] = amount_by_item.get(grant.item, 0) + grant.amount
    return (Grant(item, amount) for item, amount in amount_by_item.items())
