"""Publishing notices: at once or at an instant, to everybody or to some, each of them once.

What is published is written down first, as if it were for later, and struck off last. Whoever finds it in between sends
it again under the same id, and an inbox takes an id once.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from chalicelib import logs
from chalicelib.domain import messages, notices
from chalicelib.domain.messages import Edition, Message
from chalicelib.domain.notices import LIFETIME, MAX_LIFETIME, Content, Notice, NoticeKind
from chalicelib.domain.players import PlayerState
from chalicelib.errors import MalformedError, NoticeDueError, NoticeNotFoundError, PublicationReusedError
from chalicelib.services.clock import Clock, new_id
from chalicelib.services.tokens import Tokens
from chalicelib.store.clients import ClientFailedError
from chalicelib.store.players import PlayerStore
from chalicelib.store.publications import Publication, PublicationStore
from chalicelib.store.topics import Post, Topic

DUE_AT_ONCE = 100
"""How many publications one call of ``due`` looks at."""
_PATIENCE = 3
"""How often SNS may fail in one call: it takes up to 18 seconds each, and others wait for the caller's time."""
MAX_AHEAD = timedelta(days=3650)
"""How long before it is due a notice may be published."""
_SCHEDULE = {"of": "schedule"}
_log = logging.getLogger(logs.LOGGER_NAME)


class Publisher:
    """Sends messages to the topic, from which they are delivered within seconds, at least once."""

    def __init__(self, topic: Topic) -> None:
        self._topic = topic

    def publish(self, messages: Iterable[Message]) -> int:
        """Send messages, and return how many. Sent again, because a call failed or nobody knows, they do no harm.

        They are taken one by one, so that any number of them fits into memory. Cost: a request for ten, or 250 KB.

        Raises:
            ClientFailedError: SNS did not take all of them.
        """
        return self._topic.publish(map(_post, messages))


class Preview(Struct, frozen=True):
    """What would be sent."""

    publication: Publication
    messages: int
    recipients: int | None
    """How many players would get it; None for everybody."""
    unknown: tuple[str, ...]
    """Those named who are no players, or no longer."""


class Published(Struct, frozen=True):
    publication: Publication
    is_sent: bool
    """False while it is still to be sent: later, or within a minute where SNS did not take it at once."""


class SchedulePage(Struct, frozen=True):
    """What is to be published, the next first; ``next_cursor`` is None on the last page."""

    publications: list[Publication]
    next_cursor: str | None


class Outbox:
    """What is to be published, until it is."""

    def __init__(self, store: PublicationStore, publisher: Publisher, clock: Clock) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock

    def send(self, publication: Publication) -> bool:
        """Send what was written down, if it is due; False while it is still to be sent."""
        return publication.at <= self._clock() and self._is_sent(publication)

    def due(self) -> int:
        """Send what is due, the longest due first, and return how many. One Query where nothing is.

        What SNS does not take stays, to be sent by the next call, with all that is due after the third.
        """
        sent = failed = 0
        for publication in self._store.due(self._clock(), DUE_AT_ONCE):
            if self._store.begin(publication.notice_id):
                is_sent = self._is_sent(publication)
                sent, failed = sent + is_sent, failed + (not is_sent)
            if failed == _PATIENCE:
                break
        return sent

    def _is_sent(self, publication: Publication) -> bool:
        try:
            self._publisher.publish(messages_of(publication))
        except ClientFailedError as error:
            _log.warning("notice_put_off", extra={"notice_id": publication.notice_id, "reason": error.reason})
            return False
        self._store.delete(publication.notice_id)
        return True


class Notices:
    """The notices that operators publish."""

    def __init__(
        self, *, store: PublicationStore, outbox: Outbox, players: PlayerStore, tokens: Tokens, clock: Clock
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._players = players
        self._tokens = tokens
        self._clock = clock

    def draft(
        self,
        content: Content,
        recipients: Sequence[str] = (),
        at: datetime | None = None,
        expires_at: datetime | None = None,
        publication_id: str | None = None,
    ) -> Publication:
        """Return a publication that nobody knows of yet, or the one of its name.

        Args:
            recipients: Nobody for an announcement, somebody for anything else.
            at: In the future, at most ten years; None for at once.
            expires_at: At most a year after it was sent; None for a month.
            publication_id: Names it: the same id with the same content is published once, and answered alike, whatever
                was said of its times.

        Raises:
            MalformedError: One of these rules is broken.
            PublicationReusedError: The id was given to another content, or other recipients.
        """
        if bool(recipients) == (content.kind is NoticeKind.ANNOUNCEMENT):
            raise MalformedError(
                "body.recipients: none for an announcement, at least one otherwise", field="recipients"
            )
        named = tuple(dict.fromkeys(recipients))
        earlier = self._store.named(publication_id) if publication_id is not None else None
        if earlier is not None:
            return _same(earlier, content, named)
        sent_at, expires_at = _times(self._clock(), at, expires_at)
        notice = Notice(notices.notice_id(sent_at, new_id()), content, expires_at)
        return Publication(notice, named, publication_id)

    def preview(self, publication: Publication) -> Preview:
        """Return what would be sent, and to how many; sends and stores nothing. A read for each hundred recipients."""
        known = self._players.get_many(list(publication.recipients))
        active = {player_id for player_id, player in known.items() if player.state is PlayerState.ACTIVE}
        unknown = tuple(each for each in publication.recipients if each not in active)
        messages = sum(1 for _ in messages_of(publication))
        return Preview(publication, messages, len(active) if publication.recipients else None, unknown)

    def publish(self, publication: Publication) -> Published:
        """Write a publication down, and send it if it is due. What cannot be sent now is sent within a minute.

        Raises:
            PublicationReusedError: Its id was given to another content, or other recipients, in the meantime.
        """
        earlier = self._store.put(publication)
        if earlier is None:
            return Published(publication, is_sent=self._outbox.send(publication))
        earlier = _same(earlier, publication.notice.content, publication.recipients)
        return Published(earlier, is_sent=self._store.get(earlier.notice_id) is None)

    def scheduled(self, limit: int, cursor: str | None = None) -> SchedulePage:
        """Return what is to be published. One Query.

        Raises:
            CursorError: Forged, or made for something else.
        """
        found = self._store.after(self._tokens.last_shown(_SCHEDULE, cursor), limit + 1)
        shown, more = found[:limit], len(found) > limit
        return SchedulePage(shown, self._tokens.next_page(_SCHEDULE, shown[-1].notice_id) if more else None)

    def cancel(self, notice_id: str) -> None:
        """Take a publication back: it will not be sent, and its ``publication_id`` is free again.

        Raises:
            NoticeNotFoundError: There is no such publication, or it has been sent.
            NoticeDueError: It is due, or being sent.
        """
        publication = self._store.get(notice_id)
        if publication is None:
            raise _not_waiting(notice_id)
        if publication.at <= self._clock():
            raise _due(notice_id)
        if not self._store.cancel(publication):
            raise _not_waiting(notice_id) if self._store.get(notice_id) is None else _due(notice_id)


def _not_waiting(notice_id: str) -> NoticeNotFoundError:
    return NoticeNotFoundError(f"no notice {notice_id!r} waits to be published", notice_id=notice_id)


def _due(notice_id: str) -> NoticeDueError:
    return NoticeDueError("it is due, and being sent", notice_id=notice_id)


def _times(now: datetime, at: datetime | None, expires_at: datetime | None) -> tuple[datetime, datetime]:
    """Return when a notice is sent, and until when it is shown, or raise MalformedError."""
    if at is not None and not now < at <= now + MAX_AHEAD:
        rule = f"must lie in the future, by at most {MAX_AHEAD.days} days; leave it out to publish at once"
        raise MalformedError(f"body.at: {rule}", field="at")
    sent_at = at or now
    expires_at = (expires_at or sent_at + LIFETIME).replace(microsecond=0)
    if not sent_at < expires_at <= sent_at + MAX_LIFETIME:
        rule = f"must come after it is sent, by at most {MAX_LIFETIME.days} days"
        raise MalformedError(f"body.expires_at: {rule}", field="expires_at")
    return sent_at, expires_at


def _same(earlier: Publication, content: Content, recipients: tuple[str, ...]) -> Publication:
    """Return what was published under a name, if it says the same to the same players."""
    if (earlier.notice.content, set(earlier.recipients)) != (content, set(recipients)):
        raise PublicationReusedError("another notice has this publication_id", notice_id=earlier.notice_id)
    return earlier


def messages_of(publication: Publication) -> Iterator[Message]:
    """Yield the messages that a publication becomes: the same ones whenever it is asked for."""
    notice = publication.notice
    if not publication.recipients:
        yield Message(notice.notice_id, notice.expires_at, (Edition(notice.content),))
    else:
        contents = ((player_id, notice.content) for player_id in publication.recipients)
        yield from messages.addressed(notice.notice_id, notice.expires_at, contents)


def _post(message: Message) -> Post:
    # Other subscribers may filter by these. SNS tells a function both, where the embedded AWS does so only if it can.
    attributes = {"kind": message.kind.value, "version": str(message.version)}
    return Post(messages.encoded(message), f"Laurel: {message.kind.value}", attributes)
