"""Tellings: what everybody is told of a tournament when it begins and when it is over, once each."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from chalicelib.domain import notices
from chalicelib.domain.boards import Board
from chalicelib.domain.messages import Edition, Message
from chalicelib.domain.notices import LIFETIME, Announcement

WORTH_TELLING = timedelta(days=1)
"""How long after an event it is still told: runs that were missed are made up for, and nobody is told of long ago."""


class Telling(Struct, frozen=True):
    """That something happened on a board at an instant: told once, however often it is found to be due."""

    board_id: str
    event: str
    at: datetime
    title: str
    expires_at: datetime

    @property
    def key(self) -> str:
        """What it is remembered by: an event that is put off is another one."""
        return f"{self.event}.{self.at:%Y%m%dT%H%M%S.%fZ}"

    @property
    def message(self) -> Message:
        notice_id = notices.notice_id(self.at, f"tournament#{self.board_id}#{self.event}")
        return Message(notice_id, self.expires_at, (Edition(Announcement(title=self.title, board_id=self.board_id)),))


def due(board: Board, now: datetime, grace: timedelta) -> Iterator[Telling]:
    """Yield what is to be told of a board by now.

    Args:
        grace: How long after an end it is certain: until then it may be put off, and known here later.
    """
    tournament = board.tournament
    if tournament is None:
        return
    start, end = tournament.starts_at, tournament.end
    if start <= now < min(end, start + WORTH_TELLING):
        yield Telling(
            board.board_id, "start", start, _titled(board, "{} has begun"), _second(min(end, start + LIFETIME))
        )
    if end + grace <= now < end + grace + WORTH_TELLING:
        words = "{} is called off" if tournament.is_called_off else "{} is over"
        yield Telling(board.board_id, "end", end, _titled(board, words), _second(end + LIFETIME))


def _titled(board: Board, words: str) -> str:
    """Return words about a board, of whose title as much as notices have room for."""
    room = notices.MAX_TITLE - len(words.format(""))
    return words.format(board.title if len(board.title) <= room else f"{board.title[: room - 1]}…")


def _second(instant: datetime) -> datetime:
    """Return an instant in whole seconds, as DynamoDB knows them, and not before it."""
    return (instant + timedelta(microseconds=999_999)).replace(microsecond=0)
