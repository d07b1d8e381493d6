"""Notices: what players are told, the messages that carry it, and what of it a player sees.

A message is JSON, of one kind and one version. Whoever makes one twice gives it the same id both times, and a player's
inbox takes an id once: a notice may be delivered any number of times, and is shown once.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from typing import Annotated, ClassVar, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct

VERSION = 1
MAX_RECIPIENTS = 500
MAX_MESSAGE_BYTES = 200_000
MAX_TITLE = 100
LIFETIME = timedelta(days=30)
"""How long a notice is shown of which nobody said how long."""
MAX_LIFETIME = timedelta(days=365)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)
"""Python knows no instant after that year, in whatever time zone."""
_MILLISECOND = timedelta(milliseconds=1)
_TAIL_LENGTH = 20
_ENVELOPE_BYTES = 300
_RECIPIENT_BYTES = 35
_EDITION_BYTES = 32

NoticeId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z", description="32 hex digits that sort by time.")]
PlayerId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
Title = Annotated[str, Meta(min_length=1, max_length=MAX_TITLE)]
Body = Annotated[str, Meta(max_length=2000)]
Link = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9+.-]*:[\x21-\x7e]{1,500}\Z")]
Name = Annotated[str, Meta(min_length=1, max_length=200)]


class NoticeKind(StrEnum):
    ANNOUNCEMENT = "announcement"
    SEASON_RESULT = "season_result"
    REWARD = "reward"
    PERSONAL = "personal"


class Fault(StrEnum):
    """Why a message cannot be delivered, however often it is tried."""

    MALFORMED = "malformed"
    UNKNOWN_VERSION = "unknown_version"
    UNKNOWN_KIND = "unknown_kind"


class UndeliverableError(ValueError):
    """A message says nothing that could be delivered; ``fault`` is the reason in a word."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


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
_CONTENT_BY_KIND: Mapping[NoticeKind, type[Content]] = {
    each.kind: each for each in (Announcement, PersonalNotice, SeasonResult, RewardNotice)
}


class Notice(Struct, frozen=True):
    notice_id: str
    content: Content
    expires_at: datetime

    @property
    def sent_at(self) -> datetime:
        return instant_of(self.notice_id)


class Edition(Struct, frozen=True):
    """A content, and who gets it; nobody is named where everybody does."""

    content: Content
    recipients: tuple[str, ...] = ()


class Message(Struct, frozen=True):
    """One notice on its way, in as many editions as its recipients are told different things."""

    notice_id: str
    expires_at: datetime
    editions: tuple[Edition, ...]
    version: int = VERSION

    @property
    def kind(self) -> NoticeKind:
        return self.editions[0].content.kind

    @property
    def recipients(self) -> int:
        return sum(len(edition.recipients) for edition in self.editions)

    def notices(self) -> Iterator[tuple[Notice, tuple[str, ...]]]:
        """Yield each edition as the notice it is, with its recipients."""
        for edition in self.editions:
            yield Notice(self.notice_id, edition.content, self.expires_at), edition.recipients


_Part = TypeVar("_Part")


class _Envelope(Struct):
    version: int
    kind: str


class _Edition(Struct):
    content: msgspec.Raw
    recipients: tuple[PlayerId, ...] = ()


class _Message(Struct):
    kind: NoticeKind
    notice_id: NoticeId
    expires_at: Annotated[datetime, Meta(tz=True)]
    editions: Annotated[tuple[_Edition, ...], Meta(min_length=1, max_length=MAX_RECIPIENTS)]
    version: int = VERSION


def notice_id(at: datetime, key: str) -> str:
    """Return the id of what is sent at an instant: the same for the same key, and sorting by time.

    >>> notice_id(datetime(2026, 11, 22, tzinfo=UTC), "season_result#spring#1")
    '01a2008d74004956b286f7ef7de9413a'
    """
    return _first_of(at) + sha256(key.encode()).hexdigest()[:_TAIL_LENGTH]


def first_after(instant: datetime) -> str:
    """Return what sorts after the ids of an instant, and before all later ones."""
    return _first_of(instant + _MILLISECOND)


def instant_of(notice_id: str) -> datetime:
    """Return when a notice was sent, or is to be.

    >>> instant_of("01a2008d74004956b286f7ef7de9413a").isoformat()
    '2026-11-22T00:00:00+00:00'
    """
    return _EPOCH + int(notice_id[:-_TAIL_LENGTH], 16) * _MILLISECOND


def _first_of(instant: datetime) -> str:
    return f"{(instant - _EPOCH) // _MILLISECOND:012x}"


def messages(
    notice_id: str, expires_at: datetime, contents: Iterable[tuple[str, Content]], size: int = MAX_RECIPIENTS
) -> Iterator[Message]:
    """Yield the messages that bring each player a content, as many as their sizes ask for.

    Args:
        contents: Players and what they are told, all of one kind. A content travels once with those next to each other.
        size: How many recipients a message has at most.
    """
    parcel = _Parcel()
    for player_id, content in contents:
        if parcel.recipients and (parcel.recipients == size or not parcel.has_room_for(content)):
            yield parcel.message(notice_id, expires_at)
            parcel = _Parcel()
        parcel.add(player_id, content)
    if parcel.recipients:
        yield parcel.message(notice_id, expires_at)


def encoded(message: Message) -> str:
    """Return a message as it travels: JSON, in at most ``MAX_MESSAGE_BYTES`` where ``messages`` made it."""
    wire = {
        "version": message.version,
        "kind": message.kind,
        "notice_id": message.notice_id,
        "expires_at": message.expires_at,
        "editions": message.editions,
    }
    return msgspec.json.encode(wire).decode()


def decoded(text: str | bytes) -> Message:
    """Return the message that a text is, or raise UndeliverableError. Fields that nobody knows are passed over."""
    envelope = _read(text, _Envelope)
    if envelope.version != VERSION:
        raise UndeliverableError(Fault.UNKNOWN_VERSION, f"version {envelope.version}: {VERSION} is known here")
    if envelope.kind not in set(NoticeKind):
        raise UndeliverableError(Fault.UNKNOWN_KIND, f"kind {envelope.kind[:100]!r}: {', '.join(NoticeKind)} are known")
    wire = _read(text, _Message)
    editions = tuple(Edition(content_of(wire.kind, each.content), each.recipients) for each in wire.editions)
    message = Message(wire.notice_id, wire.expires_at, editions)
    _require_times(message)
    _require_audience(message)
    return message


def content_of(kind: str, text: str | bytes | msgspec.Raw) -> Content:
    """Return a content from its JSON, or raise UndeliverableError."""
    return _read(text, _CONTENT_BY_KIND[NoticeKind(kind)])


def _require_times(message: Message) -> None:
    """Refuse an id that says no instant, or none before the notice's end: nobody could be shown when it was sent."""
    if message.expires_at >= _LATEST:
        rule = f"must lie before {_LATEST:%Y-%m-%d}"
        raise UndeliverableError(Fault.MALFORMED, f"expires_at {message.expires_at}: {rule}")
    if message.notice_id >= _first_of(message.expires_at):
        rule = "its first 12 digits are the milliseconds since 1970 at which it is sent, before expires_at"
        raise UndeliverableError(Fault.MALFORMED, f"notice_id {message.notice_id}: {rule}")


def _require_audience(message: Message) -> None:
    """Refuse recipients of what is for everybody, nobody's letters, and more than are delivered at once."""
    if message.kind is NoticeKind.ANNOUNCEMENT:
        if message.recipients or len(message.editions) > 1:
            raise UndeliverableError(Fault.MALFORMED, "an announcement has one edition, and no recipients")
    elif not all(edition.recipients for edition in message.editions) or message.recipients > MAX_RECIPIENTS:
        raise UndeliverableError(Fault.MALFORMED, f"each edition has recipients, at most {MAX_RECIPIENTS} in all")


def _read(text: str | bytes | msgspec.Raw, kind: type[_Part]) -> _Part:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise UndeliverableError(Fault.MALFORMED, str(error)) from error


class _Parcel:
    """Players and their contents, while they are put together to a message."""

    def __init__(self) -> None:
        self.recipients = 0
        self._groups: list[tuple[Content, list[str]]] = []
        self._bytes = _ENVELOPE_BYTES

    def has_room_for(self, content: Content) -> bool:
        return self._bytes + self._weight(content) <= MAX_MESSAGE_BYTES

    def add(self, player_id: str, content: Content) -> None:
        self._bytes += self._weight(content)
        if not self._is_last(content):
            self._groups.append((content, []))
        self._groups[-1][1].append(player_id)
        self.recipients += 1

    def message(self, notice_id: str, expires_at: datetime) -> Message:
        return Message(notice_id, expires_at, tuple(Edition(content, tuple(ids)) for content, ids in self._groups))

    def _weight(self, content: Content) -> int:
        own = 0 if self._is_last(content) else _EDITION_BYTES + len(msgspec.json.encode(content))
        return own + _RECIPIENT_BYTES

    def _is_last(self, content: Content) -> bool:
        return bool(self._groups) and self._groups[-1][0] == content


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
