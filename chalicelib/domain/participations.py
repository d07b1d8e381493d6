"""Participations: what a player has done in a tournament, and whether another score counts."""

from datetime import datetime

from msgspec import Struct

from chalicelib.domain.records import Reason
from chalicelib.domain.tournaments import Price, Tournament


class Participation(Struct, frozen=True):
    """A player in a tournament. One that is joined by playing has no ``joined_at``."""

    player_id: str
    board_id: str
    attempts: int = 0
    """How many scores counted, whether they changed the record or not."""
    joined_at: datetime | None = None
    paid: tuple[Price, ...] = ()
    lane: int | None = None
    """Where the player's place is counted; None: places are not."""


def refusal(tournament: Tournament, participation: Participation | None, now: datetime) -> Reason | None:
    """Return why a tournament takes no score of a player, or None. It is the same for games and for servers.

    >>> from datetime import UTC, timedelta
    >>> noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    >>> cup = Tournament(starts_at=noon, ends_at=noon + timedelta(hours=1), join_required=True)
    >>> [refusal(cup, None, noon + timedelta(hours=hours)).value for hours in (-1, 0, 1)]
    ['not_started', 'not_joined', 'over']
    """
    if tournament.is_over(now):
        return Reason.OVER
    if not tournament.has_started(now):
        return Reason.NOT_STARTED
    if tournament.join_required and (participation is None or participation.joined_at is None):
        return Reason.NOT_JOINED
    if tournament.attempts is not None and participation and participation.attempts >= tournament.attempts:
        return Reason.NO_ATTEMPTS_LEFT
    return None


def attempts_left(tournament: Tournament, participation: Participation | None) -> int | None:
    """Return how many more scores count; None: any number."""
    if tournament.attempts is None:
        return None
    return max(0, tournament.attempts - (participation.attempts if participation else 0))
