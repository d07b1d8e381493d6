"""What players are told with: the inbox, announcements, and what operators publish."""

from chalicelib.bootstrap.foundation import Foundation
from chalicelib.services.announcements import Announcements
from chalicelib.services.inbox import Inbox
from chalicelib.services.notices import Notices, Outbox, Publisher
from chalicelib.store.notices import NoticeStore
from chalicelib.store.publications import PublicationStore
from chalicelib.store.topics import Topic


def build_announcements(base: Foundation) -> Announcements:
    return Announcements(_notices_of(base), base.tokens, base.clock)


def build_inbox(base: Foundation, announcements: Announcements) -> Inbox:
    return Inbox(
        store=_notices_of(base),
        announcements=announcements,
        players=base.stores.players,
        tokens=base.tokens,
        clock=base.clock,
    )


def build_notices(base: Foundation) -> Notices:
    store = PublicationStore(base.settings.table("notices"), base.dynamo)
    publisher = Publisher(Topic(base.settings.notices_topic, base.clients))
    return Notices(
        store=store,
        outbox=Outbox(store, publisher, base.clock),
        players=base.stores.players,
        tokens=base.tokens,
        clock=base.clock,
    )


def _notices_of(base: Foundation) -> NoticeStore:
    return NoticeStore(base.settings.table("notices"), base.dynamo)
