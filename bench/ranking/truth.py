"""What every answer must equal: the scores in a sorted list."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from bench.ranking.peer import Entry


class WrongAnswerError(Exception):
    """A peer ranked somebody wrongly: its figures are void."""


@dataclass(slots=True)
class Truth:
    """Every player's best score, and all scores ordered."""

    score_by_player: dict[str, int]
    _directed: list[int]
    """Negated scores: ascending from best to worst."""

    @classmethod
    def of(cls, score_by_player: Mapping[str, int]) -> Self:
        return cls(dict(score_by_player), sorted(-score for score in score_by_player.values()))

    def submit(self, player_id: str, score: int) -> None:
        before = self.score_by_player[player_id]
        if score > before:
            del self._directed[bisect_left(self._directed, -before)]
            insort(self._directed, -score)
            self.score_by_player[player_id] = score

    def rank(self, player_id: str) -> int:
        return self.rank_of(self.score_by_player[player_id])

    def rank_of(self, score: int) -> int:
        return 1 + bisect_left(self._directed, -score)

    def check_rank(self, player_id: str, rank: int) -> None:
        if rank != self.rank(player_id):
            raise WrongAnswerError(f"rank {rank} of a player who is {self.rank(player_id)}.")

    def check_top(self, entries: Sequence[Entry], limit: int) -> None:
        if len(entries) != min(limit, len(self._directed)):
            raise WrongAnswerError(f"{len(entries)} entries instead of {limit}")
        self._check_scores(entries, start=0)
        self._check_ranks(entries)

    def check_around(self, entries: Sequence[Entry], player_id: str, size: int, *, ranked: bool = True) -> None:
        """Check a window of consecutive entries with the player in the middle, unless an end of the board is near.

        Which of several equal players stands first is every peer's own affair.
        """
        players = [entry.player_id for entry in entries]
        if len(entries) != min(size, len(self._directed)) or player_id not in players:
            raise WrongAnswerError(f"{len(entries)} entries, not {size} around the player")
        start = self._start(entries)
        self._check_scores(entries, start)
        near_end = start == 0 or start + size >= len(self._directed)
        if players.index(player_id) != size // 2 and not near_end:
            raise WrongAnswerError(f"the player is {players.index(player_id) + 1}. of a window of {size}")
        if ranked:
            self._check_ranks(entries)

    def _start(self, entries: Sequence[Entry]) -> int:
        """Return the position of a window that begins somewhere among the players with its first score."""
        first = entries[0].score
        own = sum(entry.score == first for entry in entries)
        if own == len(entries):
            return bisect_left(self._directed, -first)
        return bisect_right(self._directed, -first) - own

    def _check_scores(self, entries: Sequence[Entry], start: int) -> None:
        expected = self._directed[start : start + len(entries)]
        if [-entry.score for entry in entries] != expected:
            raise WrongAnswerError(f"other scores than those from position {start} on")
        for entry in entries:
            if self.score_by_player[entry.player_id] != entry.score:
                raise WrongAnswerError(f"score {entry.score} of a player who has another")

    def _check_ranks(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.rank != self.rank_of(entry.score):
                raise WrongAnswerError(f"rank {entry.rank} for the score that is {self.rank_of(entry.score)}.")
