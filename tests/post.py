"""The post: notices published in a world, and their messages delivered when, and as often as, a test says."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from chalicelib.bootstrap.delivering import build_delivering
from chalicelib.config import Config, SigningKey
from chalicelib.domain.messages import addressed, encoded
from chalicelib.domain.notices import Announcement, Content, PersonalNotice, notice_id
from chalicelib.domain.players import Player
from chalicelib.services.delivery import Delivered, Delivery
from chalicelib.services.notices import Outbox, Publisher
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.publications import PublicationStore
from chalicelib.store.topics import Topic
from tests.expressions import Item
from tests.fake_sns import TOPIC
from tests.permissions.listeners import tell
from tests.tables import PREFIX
from tests.world import SECRET, Inline, World

QUEUE = f"{PREFIX}notice-dead-letters"
_CONFIG = Config("test", PREFIX, (SigningKey("a", SECRET),), (), {})


@dataclass(slots=True)
class FakeQueue:
    """An SQS client with the queue of notices' dead letters."""

    bodies: list[str] = field(default_factory=list)
    failure: Exception | None = None
    """What every call raises."""

    def get_queue_url(self, **request: Any) -> Item:
        assert request == {"QueueName": QUEUE}
        self._called("GetQueueUrl")
        return {"QueueUrl": f"https://sqs.test/{QUEUE}"}

    def send_message(self, **request: Any) -> Item:
        self._called("SendMessage")
        assert len(request["MessageBody"].encode()) <= 256 * 1024
        self.bodies.append(request["MessageBody"])
        return {}

    @property
    def letters(self) -> list[Any]:
        return [json.loads(body) for body in self.bodies]

    def _called(self, operation: str) -> None:
        tell("sqs", operation, {"QueueName": QUEUE})
        if self.failure:
            raise self.failure


@dataclass(slots=True)
class Post:
    world: World = field(default_factory=World)
    queue: FakeQueue = field(default_factory=FakeQueue)

    def delivery(self) -> Delivery:
        """Return what another process delivers with."""
        dynamo = Dynamo(self.world.client, Inline(), self.world.pauses.append)
        clients = Clients(connect={"sqs": self.queue, "sns": self.world.sns}.__getitem__)
        config = replace(_CONFIG, push_applications=self.world.push_applications)
        return build_delivering(config, dynamo, clients, self.world.clock).delivery

    def deliver(self, text: str) -> Delivered:
        return self.delivery().deliver(text, lambda: 60_000)

    def deliver_all(self) -> None:
        """Deliver what was published and not delivered yet."""
        texts, self.world.sns.texts = self.world.sns.texts, []
        for text in texts:
            self.deliver(text)

    def outbox(self) -> Outbox:
        """Return what another process sends with what is due."""
        dynamo = Dynamo(self.world.client, Inline(), self.world.pauses.append)
        topic = Topic(TOPIC, Clients(connect={"sns": self.world.sns}.__getitem__))
        return Outbox(PublicationStore(f"{PREFIX}notices", dynamo), Publisher(topic), self.world.clock)

    def announce(self, title: str = "Hello", **options: Any) -> str:
        """Publish an announcement, and return its id."""
        return self._published(Announcement(title), (), options)

    def tell(self, *player_ids: str, title: str = "Hello", **options: Any) -> str:
        """Publish a personal notice, and return its id."""
        return self._published(PersonalNotice(title), player_ids, options)

    def _published(self, content: Content, recipients: tuple[str, ...], options: dict[str, Any]) -> str:
        notices = self.world.services.notices
        return notices.publish(notices.draft(content, recipients, **options)).publication.notice_id

    def player(self, player_id: str) -> Player:
        return self.world.services.players.own(player_id)

    def titles(self, player_id: str) -> list[str]:
        """Return the titles in an inbox, newest first, as another process reads them in one page."""
        services = self.world.another_process()
        page = services.inbox.page(services.players.own(player_id), 100)
        assert page.next_cursor is None
        return [shown.notice.content.title for shown in page.notices]  # type: ignore[union-attr]  # those with titles

    def unread(self, player_id: str) -> int:
        services = self.world.another_process()
        return services.inbox.unread(services.players.own(player_id))

    def inbox_items(self) -> list[Item]:
        return [item for item in self.world.items("notices") if item["pk"]["S"].startswith("inbox#")]


def letter(world: World, *player_ids: str, title: str = "Hello", key: str = "letter", days: float = 30) -> list[str]:
    """Return the texts of messages with a personal notice of the world's present."""
    at = world.clock()
    contents = [(player_id, PersonalNotice(title)) for player_id in player_ids]
    return [encoded(each) for each in addressed(notice_id(at, key), at + timedelta(days=days), contents)]
