"""Games: one play from gameStart to gameEnd, and what makes its length credible."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from chalicelib.domain.game_rules import GameRules
from chalicelib.domain.records import Placement, Submission


class GameResult(Struct, frozen=True):
    """What gameEnd answered, kept with the game so that the same call gets the same answer."""

    ended_at: datetime
    placements: tuple[Placement, ...]


class Game(Struct, frozen=True):
    player_id: str
    game_id: str
    mode: str
    seed: int
    """At most 53 bits, exact in every client language."""
    started_at: datetime
    expires_at: datetime
    submissions: tuple[Submission, ...] | None = None
    result: GameResult | None = None

    def is_open(self, now: datetime) -> bool:
        return self.result is None and now < self.expires_at


def start(  # noqa: PLR0913  # what a game is
    *, player_id: str, game_id: str, mode: str, seed: int, rules: GameRules, now: datetime
) -> Game:
    return Game(player_id, game_id, mode, seed, now, now + timedelta(seconds=rules.expires_seconds))


def canonical(submissions: Sequence[Submission]) -> tuple[Submission, ...]:
    """Return the submissions in one order, so that the same scores always compare equal."""
    return tuple(sorted(submissions, key=lambda submission: submission.board_id))
