"""The inbox: what a player was told personally and what everybody is told, as one list, newest first."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from msgspec import Struct

from chalicelib.domain.notices import Shown, Slip, merged
from chalicelib.domain.players import Player
from chalicelib.errors import NoticeNotFoundError
from chalicelib.services.announcements import Announcements
from chalicelib.services.clock import Clock
from chalicelib.services.profiles import account_gone
from chalicelib.services.tokens import Tokens
from chalicelib.store.notices import MAX_REMARKS, NoticeStore
from chalicelib.store.players import PlayerStore

_READ_AT_ONCE = 100
"""How much of an inbox is read for a page of it."""
_LAST = "~"
"""Sorts after every digit of an id."""


class InboxPage(Struct, frozen=True):
    """A player's notices, newest first; ``next_cursor`` is None on the last page."""

    notices: list[Shown]
    next_cursor: str | None


class Inbox:
    """A page goes on below the last id of the page before: what arrives meanwhile neither hides nor repeats anything.

    Announcements count for a player from the player's registration on.
    """

    def __init__(
        self,
        *,
        store: NoticeStore,
        announcements: Announcements,
        players: PlayerStore,
        tokens: Tokens,
        clock: Clock,
    ) -> None:
        self._store = store
        self._announcements = announcements
        self._players = players
        self._tokens = tokens
        self._clock = clock

    def page(self, player: Player, limit: int, cursor: str | None = None, *, unread_only: bool = False) -> InboxPage:
        """Return a page. One Query, more only where a hundred notices were deleted, expired, or read, in a row.

        Raises:
            CursorError: Forged, or made for another player or for read and unread together.
        """
        listing = {"of": "unread" if unread_only else "inbox", "player": player.player_id}
        seen = self._seen(player, self._tokens.last_shown(listing, cursor), _READ_AT_ONCE)
        wanted = (each for each in seen if not unread_only or each.read_at is None)
        found = list(islice(wanted, limit + 1))
        shown, more = found[:limit], len(found) > limit
        return InboxPage(shown, self._tokens.next_page(listing, shown[-1].notice.notice_id) if more else None)

    def unread(self, player: Player) -> int:
        """Return how many notices are unread: counted, so exact. A Query for each MB in the inbox."""
        return sum(shown.read_at is None for shown in self._seen(player))

    def read(self, player: Player, notice_ids: Sequence[str]) -> None:
        """Mark notices as read; those that are gone are passed over. At most ``MAX_REMARKS`` ids.

        Cost: a request to find them, and a transaction of two write units each.
        """
        self._mark_read(player, self._found(player, notice_ids, self._store.find(player.player_id, notice_ids)))

    def read_up_to(self, player: Player, notice_id: str) -> None:
        """Mark a notice and all that were sent before it as read: those that are there by now, no late arrivals.

        Cost: a Query for each MB, and a transaction for each ``MAX_REMARKS`` that were unread, the newest first: where
        that takes too long, the same call goes on from there.
        """
        # What another process has shown may be news to this one.
        self._mark_read(player, self._seen(player, f"{notice_id}{_LAST}", anew=True))

    def delete(self, player: Player, notice_id: str) -> None:
        """Delete a notice for this player. Deleting it again is no error, for as long as it would have been shown.

        Raises:
            NoticeNotFoundError: The player never had it, or it has expired.
        """
        slips = self._store.find(player.player_id, [notice_id])
        if any(slip.is_deleted for slip in slips):
            return
        found = self._found(player, [notice_id], slips)
        if not found:
            raise NoticeNotFoundError(f"you have no notice {notice_id!r}", notice_id=notice_id)
        self._remark(player, [Slip(notice_id, each.notice.expires_at, is_deleted=True) for each in found])

    def _seen(
        self, player: Player, before: str = "", at_once: int | None = None, *, anew: bool = False
    ) -> Iterator[Shown]:
        announcements = self._announcements.current(player.created_at, before, anew=anew)
        return merged(self._store.slips(player.player_id, before, at_once), announcements, self._clock())

    def _found(self, player: Player, notice_ids: Sequence[str], slips: Sequence[Slip]) -> list[Shown]:
        """Return what a player sees of some ids, of which the inbox holds ``slips``."""
        elsewhere = set(notice_ids) - {slip.notice_id for slip in slips if slip.notice}
        announcements = self._announcements.find(elsewhere, player.created_at) if elsewhere else []
        return list(merged(slips, announcements, self._clock()))

    def _mark_read(self, player: Player, seen: Iterable[Shown]) -> None:
        now = self._clock()
        unread = [each.notice for each in seen if each.read_at is None]
        self._remark(player, [Slip(each.notice_id, each.expires_at, read_at=now) for each in unread])

    def _remark(self, player: Player, slips: Sequence[Slip]) -> None:
        active = self._players.active_part("player", player.player_id)
        for start in range(0, len(slips), MAX_REMARKS):
            if not self._store.remark(player.player_id, slips[start : start + MAX_REMARKS], active):
                raise account_gone()
