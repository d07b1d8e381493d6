"""Who plays, with which scores, and who asks or submits when: the same for every peer, whoever runs it."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice

SEED = 20261122
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
_MEDIAN = 50_000
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Population:
    """A board's players in the order in which they got their scores: log-normal points, the higher the better."""

    size: int

    @cached_property
    def score_by_player(self) -> dict[str, int]:
        chance = random.Random(SEED)  # noqa: S311  # the same players each time
        return {
            f"{chance.getrandbits(128):032x}": round(_MEDIAN * chance.lognormvariate(0, 1)) for _ in range(self.size)
        }

    @cached_property
    def ranked(self) -> Sequence[str]:
        """Return the players by score, best first."""
        return sorted(self.score_by_player, key=lambda player_id: (-self.score_by_player[player_id], player_id))

    def readers(self, turn: int) -> Iterator[str]:
        """Yield players for ever; any number of the first are spread evenly over the ranks."""
        share = 0.5 + turn * _GOLDEN
        while True:
            yield self.ranked[int(share % 1 * self.size)]
            share += _GOLDEN

    def writers(self, turn: int, count: int) -> list[str]:
        """Return different players, spread over the ranks: a turn's own where the board has enough of them."""
        step = max(1, self.size // count)
        return list(islice(self.ranked, turn * 7 % step, None, step))[:count]


def name_of(player_id: str) -> str:
    return f"Player {player_id[:6].upper()}"


def achieved_at(number: int) -> datetime:
    """Return when the player with this place in the order of arrival got the score: whole milliseconds."""
    return BEGIN + timedelta(milliseconds=number)


def raised(score: int, chance: random.Random) -> int:
    """Return a better score: by up to a third."""
    return score + 1 + round(score * chance.uniform(0.01, 0.33))
