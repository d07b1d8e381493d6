"""Announcements: the notices that everybody sees, kept in memory for a moment."""

from collections.abc import Collection
from datetime import datetime, timedelta

from msgspec import Struct

from chalicelib.domain.notices import Notice
from chalicelib.services.clock import Clock
from chalicelib.services.tokens import Tokens
from chalicelib.store.notices import NoticeStore

REMEMBERED = timedelta(seconds=5)
_LISTING = {"of": "announcements"}


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

    def current(self, since: datetime | None = None, before: str = "", *, anew: bool = False) -> list[Notice]:
        """Return what has not expired, newest first, as it was at most five seconds ago.

        Args:
            since: Only what was sent then or later.
            before: Only what has a lower id; "" for everything.
            anew: As it is now, at the price of a Query.
        """
        if anew:
            self._remembered = None
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
        unknown = wanted - {notice.notice_id for notice in self._read()}
        return [notice for notice in self.current(since, anew=bool(unknown)) if notice.notice_id in wanted]

    def page(self, limit: int, cursor: str | None = None) -> AnnouncementPage:
        """Return what everybody sees. At most a Query for each MB per five seconds and process.

        Raises:
            CursorError: Forged, or made for something else.
        """
        found = self.current(before=self._tokens.last_shown(_LISTING, cursor))
        shown, more = found[:limit], len(found) > limit
        return AnnouncementPage(shown, self._tokens.next_page(_LISTING, shown[-1].notice_id) if more else None)

    def _read(self) -> list[Notice]:
        if self._remembered is None or self._clock() >= self._remembered[1] + REMEMBERED:
            self._remembered = (self._store.announcements(), self._clock())
        return self._remembered[0]
