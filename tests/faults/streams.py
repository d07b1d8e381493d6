"""The records' stream, and its follower as Lambda drives it."""

from collections.abc import Sequence

from chalicelib.bootstrap.following import build_following
from chalicelib.config import Config, SigningKey
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo
from tests.stream import PLENTY, RECORDS, Delivery, FakeQueue, delivery
from tests.tables import PREFIX
from tests.world import SECRET, Inline, World

_ATTEMPTS = 4


def told(world: World) -> list[Delivery]:
    """Return everything the stream has told so far."""
    changes = world.client.changes(RECORDS)
    return [delivery(number, each.before, each.after) for number, each in enumerate(changes, start=1)]


def follow(world: World, deliveries: Sequence[Delivery]) -> bool:
    """Deliver a batch, and from the first that must come again on once more; False while some are still put off."""
    queue = FakeQueue()
    config = Config("test", PREFIX, (SigningKey("a", SECRET),), (), {})
    dynamo = Dynamo(world.client, Inline(), world.pauses.append)
    clients = Clients({"sqs": queue}.__getitem__)
    follow_up = build_following(config, dynamo, clients, world.clock).follow_up
    for _ in range(_ATTEMPTS):
        again = follow_up.follow(deliveries, lambda: PLENTY).again
        assert not queue.bodies, "a change that could be counted was given up"
        if not again:
            return True
        first = min(map(int, again))
        deliveries = [each for each in deliveries if int(each["dynamodb"]["SequenceNumber"]) >= first]
    return False
