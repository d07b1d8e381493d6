"""The oracle: where everybody must stand, by sorting everything that was submitted; it knows no other way."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from local.demo.boards import Board


@dataclass(frozen=True, slots=True)
class Submission:
    """A score the server accepted. ``at``: when, by its own clock."""

    player_id: str
    board_id: str
    score: int
    subscore: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """A player's place: 1 + the number of players who are strictly better."""

    rank: int
    player_id: str
    score: int
    subscore: int


def standings(board: Board, submissions: Iterable[Submission]) -> list[Row]:
    """Return every player's best on a board, best first; who achieved it earlier comes first among equals."""
    own = sorted((each for each in submissions if each.board_id == board.board_id), key=lambda each: order(board, each))
    best_by_player: dict[str, Submission] = {}
    for each in own:
        best_by_player.setdefault(each.player_id, each)
    rows: list[Row] = []
    for position, each in enumerate(best_by_player.values(), start=1):
        row = Row(position, each.player_id, each.score, each.subscore)
        rows.append(_ranked_as(rows[-1], row) if rows and _equal(board, rows[-1], row) else row)
    return rows


def order(board: Board, submission: Submission) -> tuple[tuple[int, int], datetime, str]:
    return board.value(submission.score, submission.subscore), submission.at, submission.player_id


def _equal(board: Board, one: Row, other: Row) -> bool:
    return board.value(one.score, one.subscore) == board.value(other.score, other.subscore)


def _ranked_as(above: Row, row: Row) -> Row:
    return Row(above.rank, row.player_id, row.score, row.subscore)
