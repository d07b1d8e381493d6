"""The two boards every game of the demo ends with."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Board:
    board_id: str
    title: str
    unit: str
    descending: bool
    subscores: bool
    """Whether fewer crashes tell equal scores apart."""

    def definition(self) -> dict[str, Any]:
        """Return what POST /admin/boards takes."""
        return {
            "board_id": self.board_id,
            "title": self.title,
            "unit": self.unit,
            "sort_order": "desc" if self.descending else "asc",
            "subscore_order": "asc" if self.subscores else None,
        }

    def value(self, score: int, subscore: int) -> tuple[int, int]:
        """Return (score, subscore) as a pair that sorts ascending from best to worst."""
        return (-score if self.descending else score), (subscore if self.subscores else 0)

    def shown(self, score: int, subscore: int) -> str:
        """Return a score as people read it.

        >>> points("b").shown(48215, 0), fastest_lap("b").shown(2431, 1)
        ('48,215', '24.31 s, crashes: 1')
        """
        if self.descending:
            return f"{score:,}"
        return f"{score / 100:.2f} s, crashes: {subscore}"


def points(board_id: str) -> Board:
    return Board(board_id, "Points", "points", descending=True, subscores=False)


def fastest_lap(board_id: str) -> Board:
    return Board(board_id, "Fastest lap", "1/100 s", descending=False, subscores=True)
