"""Tournaments: boards with a start and an end, whose players join, for a price, and have so many attempts.

A tournament has one period, and never resets. Whether a score counts follows from the definition, the clock, and what
the player has done before: no job has to run for a tournament to begin or to end.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from chalicelib.domain.periods import ALL_TIME, Period

LANES = 8
"""Into how many parts the places are cut, so that many can join at once: each part is counted for itself."""
MAX_CAPACITY = 10**9
MAX_ATTEMPTS = 10**6
MAX_PRICES = 10
_FINAL_FROM_START = ("starts_at", "join_required", "cost")
_ONLY_RAISED = ("capacity", "attempts")


class TournamentError(ValueError):
    """A tournament makes no sense; ``field`` is the part that is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Price(Struct, frozen=True):
    """So much of an item, taken from the balance of who joins."""

    item: str
    amount: int


class Tournament(Struct, frozen=True, kw_only=True, omit_defaults=True):
    starts_at: datetime
    ends_at: datetime
    join_required: bool = False
    """False: whoever submits takes part."""
    capacity: int | None = None
    """How many can join; None: all who want."""
    attempts: int | None = None
    """How many scores of a player count; None: all."""
    cost: tuple[Price, ...] = ()
    stopped_at: datetime | None = None

    @property
    def end(self) -> datetime:
        """When it is over: as planned, or stopped before."""
        return min(self.ends_at, self.stopped_at or self.ends_at)

    @property
    def period(self) -> Period:
        """Its only period. One that is stopped before its start has none of it left."""
        return Period(ALL_TIME, min(self.starts_at, self.end), self.end)

    @property
    def is_called_off(self) -> bool:
        """Whether it was stopped before its start, so that no score counts."""
        return self.end < self.starts_at

    @property
    def asks_of_players(self) -> bool:
        """Whether a score depends on what its player did before."""
        return self.join_required or self.attempts is not None

    def has_started(self, now: datetime) -> bool:
        return now >= self.starts_at

    def is_over(self, now: datetime) -> bool:
        return now >= self.end

    def lets_go(self, now: datetime, grace: timedelta) -> bool:
        """Tell whether who has joined may withdraw: no score counts before whoever withdraws now has done so.

        Args:
            grace: Longer than any request lives.
        """
        return self.is_called_off or now < self.starts_at - grace


def check(tournament: Tournament, now: datetime) -> None:
    """Raise TournamentError unless a tournament that begins anew can be held."""
    if tournament.ends_at <= tournament.starts_at:
        raise TournamentError("ends_at", "must come after starts_at")
    if tournament.ends_at <= now:
        raise TournamentError("ends_at", "must lie in the future")
    if not tournament.join_required and (tournament.capacity is not None or tournament.cost):
        raise TournamentError("join_required", "must be true where there is a capacity or a cost")
    items = [price.item for price in tournament.cost]
    if len(set(items)) < len(items):
        raise TournamentError("cost", "names an item twice")


def final_changed(before: Tournament, after: Tournament, now: datetime, *, end_is_final: bool) -> tuple[str, ...]:
    """Return the names of what differs, and may not any more.

    Once it is over, or stopped by whatever clock, all is final. The numbers of places and attempts only ever grow, and
    there are such numbers from the first moment or never: what nobody counted until then is not known. From the start
    on the start is final, and so is what players had to do to join.

    Args:
        end_is_final: Whether records exist that expire so long after the end.
    """
    if before.is_over(now) or before.stopped_at is not None:
        return tuple(name for name in before.__struct_fields__ if getattr(before, name) != getattr(after, name))
    final = list(_FINAL_FROM_START if before.has_started(now) else ())
    final += ["ends_at"] if end_is_final else []
    changed = [name for name in final if getattr(before, name) != getattr(after, name)]
    return (*changed, *_lowered(before, after))


def share(capacity: int, lane: int) -> int:
    """Return how many places a lane has.

    >>> [share(10, lane) for lane in range(LANES)]
    [2, 2, 1, 1, 1, 1, 1, 1]
    """
    return capacity // LANES + (lane < capacity % LANES)


def lanes_with_room(capacity: int, joined: tuple[int, ...], first: int) -> Iterator[int]:
    """Yield the lanes that have places left, beginning with one.

    Args:
        joined: How many have joined, by lane.
    """
    for number in range(LANES):
        lane = (first + number) % LANES
        if joined[lane] < share(capacity, lane):
            yield lane


def _lowered(before: Tournament, after: Tournament) -> Iterator[str]:
    for name in _ONLY_RAISED:
        old, new = getattr(before, name), getattr(after, name)
        if old != new and (old is None or new is None or new < old):
            yield name
