"""Messages: how notices travel to those whom they are for, each as JSON of one kind and one version."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from chalicelib.domain.notices import CONTENT_BY_KIND, Content, Notice, NoticeKind, first_of

VERSION = 1
MAX_RECIPIENTS = 500
MAX_MESSAGE_BYTES = 200_000
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)
"""Python knows no instant after that year, in whatever time zone."""
_ENVELOPE_BYTES = 300
_RECIPIENT_BYTES = 35
_EDITION_BYTES = 32

NoticeId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z", description="32 hex digits that sort by time.")]
PlayerId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]


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


def addressed(
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
    """Return a message as it travels: JSON, in at most ``MAX_MESSAGE_BYTES`` where ``addressed`` made it."""
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
    content = CONTENT_BY_KIND[wire.kind]
    editions = tuple(Edition(_read(each.content, content), each.recipients) for each in wire.editions)
    message = Message(wire.notice_id, wire.expires_at, editions)
    _require_times(message)
    _require_audience(message)
    return message


def _require_times(message: Message) -> None:
    """Refuse an id that says no instant, or none before the notice's end: nobody could be shown when it was sent."""
    if message.expires_at >= _LATEST:
        rule = f"must lie before {_LATEST:%Y-%m-%d}"
        raise UndeliverableError(Fault.MALFORMED, f"expires_at {message.expires_at}: {rule}")
    if message.notice_id >= first_of(message.expires_at):
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
