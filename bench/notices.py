"""How fast notices are delivered, and that each is shown once: ``python -m bench.notices``.

Every message is published twice, in any order, as SNS may deliver it. In memory, the processor time of a delivery is
measured, with a database of no latency; deployed, how many a second go through the topic, the function and the tables
of the embedded AWS, which serves one request at a time. At the end every inbox is read, page by page: whatever is
missing or shown twice fails the run.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chalicelib.bootstrap.serving import Services, build
from chalicelib.config import Config, SigningKey
from chalicelib.domain.messages import Message, addressed, encoded
from chalicelib.domain.notices import PersonalNotice, notice_id
from chalicelib.domain.players import Player
from chalicelib.services.notices import Publisher
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.players import PlayerStore
from chalicelib.store.topics import Topic
from local.layout import TABLE_PREFIX
from local.stack import LocalStack
from tests.post import Post

PLAYERS, NOTICES = 1_000, 10
PAGE = 7
"""So that a walk through an inbox takes several pages, and the last is not full."""
LOOK_SECONDS, PATIENCE_SECONDS, QUIET_SECONDS = 0.2, 900.0, 5.0
_CHANCE = random.Random(7)  # noqa: S311  # the same order every time, no secrets


class WrongInboxError(Exception):
    """A notice is missing, is shown twice, or is counted wrongly."""


@dataclass(frozen=True, slots=True)
class Measure:
    where: str
    letters: int
    messages: int
    """Published, each of them twice."""
    seconds: float

    @property
    def row(self) -> str:
        rate = self.letters / self.seconds
        return f"| {self.where} | {self.letters:,} | {self.messages} | {self.seconds:.1f} | {rate:,.0f} |"


def in_memory(players: int, notices: int) -> Measure:
    """Deliver from memory to memory, and return the processor time it took."""
    post = Post()
    store = PlayerStore(post.world.services.players._store.table, Dynamo(post.world.client))  # noqa: SLF001  # the same table
    ids = registered(store, players, post.world.clock())
    post.world.clock.advance(seconds=1)
    sent = list(wanted(ids, notices, post.world.clock()))
    texts = [encoded(message) for message in sent] * 2
    _CHANCE.shuffle(texts)
    started = time.process_time()
    for text in texts:
        post.deliver(text)
    measure = Measure("in memory, processor time", players * notices, len(sent), time.process_time() - started)
    require_all(post.world.services, ids, sent)
    return measure


def deployed(players: int, notices: int) -> Measure:
    """Publish to the topic of a local run, and return how long it took until everything was in its inbox."""
    with LocalStack() as laurel:
        complaint = laurel.first_answer()
        if complaint:
            raise WrongInboxError(complaint)
        connect: Callable[[str], object] = laurel.target.client
        dynamo, clients = Dynamo(connect("dynamodb")), Clients(connect=connect)
        [topic] = [
            each["TopicArn"] for each in clients.of("sns").list_topics()["Topics"] if "notices" in each["TopicArn"]
        ]
        ids = registered(PlayerStore(f"{TABLE_PREFIX}players", dynamo), players, _now())
        sent = list(wanted(ids, notices, _now()))
        twice = sent * 2
        _CHANCE.shuffle(twice)
        started = time.monotonic()
        Publisher(Topic(topic, clients)).publish(twice)
        _await_items(dynamo, players * notices)
        measure = Measure("embedded AWS, by the clock", players * notices, len(sent), time.monotonic() - started)
        time.sleep(QUIET_SECONDS)
        config = Config("local", TABLE_PREFIX, (SigningKey("a", "s" * 32),), (), {})
        require_all(build(config, dynamo, clients=clients), ids, sent)
        return measure


def registered(store: PlayerStore, count: int, now: datetime) -> list[str]:
    ids = [f"{_CHANCE.getrandbits(128):032x}" for _ in range(count)]
    for player_id in ids:
        player = Player(player_id=player_id, display_name="Ada", metadata={}, created_at=now, identities=())
        store.register(player)
    return ids


def wanted(ids: Sequence[str], notices: int, now: datetime) -> Iterator[Message]:
    """Yield the messages of so many notices for everybody, each at a moment of its own."""
    for number in range(notices):
        at = now + timedelta(milliseconds=number)
        contents = ((player_id, PersonalNotice(f"Notice {number}", "Well done! " * 10)) for player_id in ids)
        yield from addressed(notice_id(at, f"bench#{number}"), now + timedelta(days=1), contents)


def require_all(services: Services, ids: Sequence[str], sent: Sequence[Message]) -> None:
    """Read every inbox, page by page, and raise WrongInboxError unless each notice is shown once, newest first."""
    expected = sorted({message.notice_id for message in sent}, reverse=True)
    for player_id in ids:
        player = services.players.own(player_id)
        found, cursor, more = [], None, True
        while more:
            page = services.inbox.page(player, PAGE, cursor)
            found += [shown.notice.notice_id for shown in page.notices]
            cursor, more = page.next_cursor, page.next_cursor is not None
        if found != expected or services.inbox.unread(player) != len(expected):
            raise WrongInboxError(f"{player_id} sees {len(found)} notices, not each of {len(expected)} once")


def _await_items(dynamo: Dynamo, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (stored := _items(dynamo)) < count:
        if time.monotonic() > deadline:
            raise WrongInboxError(f"{stored} of {count} notices came within {PATIENCE_SECONDS:.0f} s")
        time.sleep(LOOK_SECONDS)


def _items(dynamo: Dynamo) -> int:
    return int(dynamo.client.describe_table(TableName=f"{TABLE_PREFIX}notices")["Table"]["ItemCount"])


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how fast notices are delivered.")
    parser.add_argument("--players", type=int, default=PLAYERS)
    parser.add_argument("--notices", type=int, default=NOTICES)
    parser.add_argument("--memory", action="store_true", help="leave the embedded AWS out")
    given = parser.parse_args()
    print("| where | notices delivered | messages, each twice | seconds | a second |\n|---|---|---|---|---|")
    for measure in [in_memory] if given.memory else [in_memory, deployed]:
        try:
            print(measure(given.players, given.notices).row, flush=True)
        except WrongInboxError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
