"""Buckets: the few players of a tier who see only each other for a round, how they are filled, and how they end.

The buckets of a tier are filled in lanes: each open lane has one bucket that takes players. A lane opens only where two
placements met, and stays as it is, full, where a placement met nobody and there is another one. So a quiet season fills
one bucket after the other, a crowd as many at a time as it takes, and who comes after the crowd fills what it has left.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zlib import crc32

from msgspec import Struct

from chalicelib.domain.boards import Board
from chalicelib.domain.records import Record
from chalicelib.domain.seasons import EVERYBODY, Move, Season

MAX_LANES = 64
UNKNOWN = 0
"""The band of those whose skill nobody knows; the others are numbered from 1 on, the lowest first."""


class Shelf(Struct, frozen=True, order=True):
    """Where buckets stand that take the same players: a tier and, where skill counts, a band."""

    tier: int
    band: int = UNKNOWN


class BucketId(Struct, frozen=True, order=True):
    """A bucket of a round: the ``number``-th of its lane, from 0 on."""

    shelf: Shelf
    lane: int
    number: int


class Lanes(Struct):
    """The lanes of a shelf, as somebody saw them last."""

    newest: dict[int, int]
    """By lane, the number of its newest bucket: nobody is in one beyond it."""
    full: set[int]
    """The lanes whose newest bucket was found full, and is to stay the newest until another lane is needed."""

    @property
    def open(self) -> list[int]:
        return [lane for lane in self.newest if lane not in self.full]


class Place(Struct, frozen=True, array_like=True):
    """A member's rank in the bucket, competition style; None without a record, or with one that is hidden."""

    player_id: str
    rank: int | None


Result = tuple[Place, ...]
"""The places of a bucket, the best first, the unranked last."""


class Bucket(Struct, frozen=True):
    members: frozenset[str] = frozenset()
    result: Result | None = None
    """How it ended, from the first look after it was frozen on: nothing changes it any more."""


class Membership(Struct, frozen=True):
    """That a player is in a bucket of a round of a season."""

    player_id: str
    season_id: str
    round: int
    bucket: BucketId
    came: Move | None
    """How the player came into the tier; None for who had played no round before."""
    joined_at: datetime


def placed(board: Board, members: Iterable[str], record_by_player: Mapping[str, Record]) -> Result:
    """Return the places of a bucket's members by their records of its round. O(n log n).

    Who ties is listed by who was earlier, and who is not ranked by id, so that there is one answer.
    """
    unranked = set(members)
    shown = [record_by_player[each] for each in unranked & set(record_by_player) if not record_by_player[each].hidden]
    shown.sort(key=lambda record: (board.value(record.score, record.subscore), record.achieved_at, record.player_id))
    values = [board.value(record.score, record.subscore) for record in shown]
    ranked = [
        Place(record.player_id, bisect_left(values, value) + 1) for record, value in zip(shown, values, strict=True)
    ]
    unranked.difference_update(place.player_id for place in ranked)
    return (*ranked, *(Place(player_id, None) for player_id in sorted(unranked)))


def move(season: Season, result: Result, player_id: str) -> Move:
    """Return what the end of a round means to a member of a bucket, before the ends of the tiers are looked at.

    Promoted is whose rank the cut reaches, relegated who has fewer worse members than the cut. Equals fare equally, so
    a tie at a cut moves all of it or, where both cuts reach it, nobody. The unranked are the worst, and equal.

    Raises:
        KeyError: The player is no member.
    """
    rank = {place.player_id: place.rank for place in result}[player_id]
    worse = sum(_is_worse(place.rank, rank) for place in result)
    rises = rank is not None and rank <= season.promote.of(len(result))
    falls = worse < season.relegate.of(len(result))
    if rises is falls:
        return Move.STAYED
    return Move.PROMOTED if rises else Move.RELEGATED


def band(percentile: float | None, bands: int) -> int:
    """Return the band of a player, given the share of the board's records that are not better, in percent.

    >>> [band(percentile, 4) for percentile in (None, 0.5, 25, 25.1, 100)]
    [0, 1, 1, 2, 4]
    """
    if percentile is None or bands == 1:
        return UNKNOWN
    return max(1, -int(-percentile * bands // EVERYBODY))


def lane(player_id: str, lanes: Sequence[int], met: int) -> int:
    """Return the lane to place a player in: one of those that are open or, for who met somebody, perhaps another.

    The fewer lanes are open, the more of those who met somebody take any lane there could be. So a crowd has opened
    enough of them in no time, and few are opened for nothing.

    Args:
        lanes: Those that are open.
        met: How often another placement was in the way of this one.
    """
    if not lanes and not met:
        return 0
    chance = crc32(f"{player_id} {met}".encode())
    is_any, drawn = met and chance % (2 + len(lanes)) == 0, chance // (2 + len(lanes))
    return drawn % MAX_LANES if is_any or not lanes else lanes[drawn % len(lanes)]


def _is_worse(rank: int | None, than: int | None) -> bool:
    return than is not None and (rank is None or rank > than)
