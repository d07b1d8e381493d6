"""Games: one play from gameStart to gameEnd, and what makes its length credible."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.records import Placement, Submission


@dataclass(frozen=True, slots=True)
class GameRules:
    """Bounds of a mode, in seconds. A game can be ended until it expires, if it was not longer than ``max_seconds``."""

    min_seconds: int = 0
    max_seconds: int = 4 * 3600
    expires_seconds: int = 24 * 3600


DEFAULT_RULES = GameRules()


@dataclass(frozen=True, slots=True)
class GameResult:
    """What gameEnd answered, kept with the game so that the same call gets the same answer."""

    ended_at: datetime
    placements: tuple[Placement, ...]


@dataclass(frozen=True, slots=True)
class Game:
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
