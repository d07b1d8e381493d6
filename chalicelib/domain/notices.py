"""Notices: what players are told, and what of it a player sees.

Whoever makes a notice twice gives it the same id both times, and a player's inbox takes an id once: it may be delivered
any number of times, and is shown once.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from typing import Annotated, ClassVar, TypeAlias

import msgspec
from msgspec import Meta, Struct

MAX_TITLE = 100
LIFETIME = timedelta(days=30)
"""How long a notice is shown of which nobody said how long."""
MAX_LIFETIME = timedelta(days=365)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_TAIL_LENGTH = 20

Title = Annotated[str, Meta(min_length=1, max_length=MAX_TITLE)]
Body = Annotated[str, Meta(max_length=2000)]
Link = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9+.-]*:[\x21-\x7e]{1,500}\Z")]
Name = Annotated[str, Meta(min_length=1, max_length=200)]


class NoticeKind(StrEnum):
    ANNOUNCEMENT = "announcement"
    SEASON_RESULT = "season_result"
    REWARD = "reward"
    PERSONAL = "personal"


class Announcement(Struct, frozen=True, omit_defaults=True):
    """What everybody is told."""

    kind: ClassVar[NoticeKind] = NoticeKind.ANNOUNCEMENT
    title: Title
    body: Body = ""
    link: Link | None = None
    board_id: Name | None = None


class PersonalNotice(Struct, frozen=True, omit_defaults=True):
    """What some players are told."""

    kind: ClassVar[NoticeKind] = NoticeKind.PERSONAL
    title: Title
    body: Body = ""
    link: Link | None = None


class SeasonResult(Struct, frozen=True, omit_defaults=True):
    """How a player came off in a round of a season."""

    kind: ClassVar[NoticeKind] = NoticeKind.SEASON_RESULT
    season_id: Name
    board_id: Name
    period_id: Name
    tier: Name
    outcome: Name
    next_tier: Name | None = None
    rank: Annotated[int, Meta(ge=1)] | None = None
    """In the bucket; None for a member without a record."""


class Grant(Struct, frozen=True):
    """So much of an item, as a reward grants it."""

    item: Name
    amount: Annotated[int, Meta(ge=1)]


class RewardNotice(Struct, frozen=True, omit_defaults=True):
    """What a player was given for a period."""

    kind: ClassVar[NoticeKind] = NoticeKind.REWARD
    reward_id: Name
    board_id: Name
    period_id: Name
    grants: Annotated[tuple[Grant, ...], Meta(min_length=1, max_length=50)]
    claimable: bool = False
    """Whether the player has to ask for it."""
    rank: Annotated[int, Meta(ge=1)] | None = None


Content: TypeAlias = Announcement | PersonalNotice | SeasonResult | RewardNotice
CONTENT_BY_KIND: Mapping[NoticeKind, type[Content]] = {
    each.kind: each for each in (Announcement, PersonalNotice, SeasonResult, RewardNotice)
}


class Notice(Struct, frozen=True):
    notice_id: str
    content: Content
    expires_at: datetime

    @property
    def sent_at(self) -> datetime:
        return instant_of(self.notice_id)


def notice_id(at: datetime, key: str) -> str:
    """Return the id of what is sent at an instant: the same for the same key, and sorting by time.

    >>> notice_id(datetime(2026, 11, 22, tzinfo=UTC), "season_result#spring#1")
    '01a2008d74004956b286f7ef7de9413a'
    """
    return first_of(at) + sha256(key.encode()).hexdigest()[:_TAIL_LENGTH]


def first_after(instant: datetime) -> str:
    """Return what sorts after the ids of an instant, and before all later ones."""
    return first_of(instant + _MILLISECOND)


def instant_of(notice_id: str) -> datetime:
    """Return when a notice was sent, or is to be.

    >>> instant_of("01a2008d74004956b286f7ef7de9413a").isoformat()
    '2026-11-22T00:00:00+00:00'
    """
    return _EPOCH + int(notice_id[:-_TAIL_LENGTH], 16) * _MILLISECOND


def first_of(instant: datetime) -> str:
    """Return what sorts before the ids of an instant, and after all earlier ones."""
    return f"{(instant - _EPOCH) // _MILLISECOND:012x}"


def content_of(kind: str, text: str) -> Content:
    """Return a content from its JSON, as it was stored."""
    return msgspec.json.decode(text, type=CONTENT_BY_KIND[NoticeKind(kind)])


class Slip(Struct, frozen=True):
    """What a player's inbox holds under an id.

    Without a notice it is a remark about an announcement, which all players share, or about a notice that was deleted:
    it stays until the notice would have expired, so that none delivered late comes back.
    """

    notice_id: str
    expires_at: datetime
    notice: Notice | None = None
    read_at: datetime | None = None
    is_deleted: bool = False


class Shown(Struct, frozen=True):
    """A notice as its player sees it."""

    notice: Notice
    read_at: datetime | None = None


def merged(slips: Iterable[Slip], announcements: Iterable[Notice], now: datetime) -> Iterator[Shown]:
    """Yield what a player sees, newest first, from their inbox and what everybody is told.

    Args:
        slips: Newest first; no more of them are taken than it takes to yield what is asked for.
        announcements: Newest first.
    """
    everybodys = (Slip(each.notice_id, each.expires_at, each) for each in announcements)
    in_order = heapq.merge(slips, everybodys, key=attrgetter("notice_id"), reverse=True)
    for _, same_id in groupby(in_order, key=attrgetter("notice_id")):
        shown = _shown(list(same_id), now)
        if shown:
            yield shown


def _shown(slips: list[Slip], now: datetime) -> Shown | None:
    notice = next((slip.notice for slip in slips if slip.notice), None)
    if notice is None or now >= notice.expires_at or any(slip.is_deleted for slip in slips):
        return None
    return Shown(notice, next((slip.read_at for slip in slips if slip.read_at), None))
