"""Announcements: the notices that everybody sees, kept in memory for a moment."""

from collections.abc import Collection
from datetime import datetime, timedelta

from msgspec import Struct

from chalicelib.domain.notices import Notice
from chalicelib.errors import CursorError
from chalicelib.services.clock import Clock
from chalicelib.services.tokens import Tokens
from chalicelib.store.notices import NoticeStore

REMEMBERED = timedelta(seconds=5)
_OF_ANNOUNCEMENTS = "announcements"


class AnnouncementPage(Struct, frozen=True):
    """Announcements, newest first; ``next_cursor`` is None on the last page."""

    notices: list[Notice]
    next_cursor: str | None


class Announcements:
    def __init__(self, store: NoticeStore, tokens: Tokens, clock: Clock) -> None:
        self._store = store
        self._tokens = tokens
        self._clock = clock
        self._remembered: tuple[list[Notice], datetime] | None = None

    def current(self, since: datetime | None = None, before: str = "") -> list[Notice]:
        """Return what has not expired, newest first, at most five seconds old.

        Args:
            since: Only what was sent then or later.
            before: Only what has a lower id; "" for everything.
        """
        now = self._clock()
        return [
            notice
            for notice in self._read()
            if now < notice.expires_at
            and (since is None or notice.sent_at >= since)
            and (not before or notice.notice_id < before)
        ]

    def find(self, notice_ids: Collection[str], since: datetime) -> list[Notice]:
        """Return what has not expired of some ids, newest first; those that are new to this process are looked up."""
        wanted = frozenset(notice_ids)
        if not wanted <= {notice.notice_id for notice in self._read()}:
            self._remembered = None
        return [notice for notice in self.current(since) if notice.notice_id in wanted]

    def page(self, limit: int, cursor: str | None = None) -> AnnouncementPage:
        """Return what everybody sees. At most a Query for each MB per five seconds and process.

        Raises:
            CursorError: Forged, or made for something else.
        """
        found = self.current(before=self._opened(cursor) if cursor else "")
        shown, more = found[:limit], len(found) > limit
        return AnnouncementPage(shown, self._cursor(shown[-1].notice_id) if more else None)

    def _read(self) -> list[Notice]:
        if self._remembered is None or self._clock() >= self._remembered[1] + REMEMBERED:
            self._remembered = (self._store.announcements(), self._clock())
        return self._remembered[0]

    def _cursor(self, notice_id: str) -> str:
        return self._tokens.cursor({"of": _OF_ANNOUNCEMENTS, "before": notice_id})

    def _opened(self, cursor: str) -> str:
        values = self._tokens.read_cursor(cursor)
        if values.get("of") != _OF_ANNOUNCEMENTS:
            raise CursorError("the cursor was made for another listing; start from the first page")
        return values["before"]
