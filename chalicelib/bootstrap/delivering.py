"""What delivers notices, built once, on first use."""

from functools import lru_cache

from msgspec import Struct

from chalicelib import config
from chalicelib.config import Config
from chalicelib.services import clock
from chalicelib.services.clock import Clock
from chalicelib.services.delivery import Delivery
from chalicelib.services.push import Push
from chalicelib.store import dynamo as dynamo_store
from chalicelib.store.clients import Clients
from chalicelib.store.devices import DeviceStore
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.endpoints import Endpoints
from chalicelib.store.notices import NoticeStore
from chalicelib.store.players import PlayerStore
from chalicelib.store.undeliverable import UndeliverableQueue


class Delivering(Struct, frozen=True):
    delivery: Delivery


@lru_cache(maxsize=1)
def delivering() -> Delivering:
    """Return what delivers notices: all that its function needs."""
    settings = config.load()
    return build_delivering(settings, dynamo_store.connect(lean=settings.lean_calls), Clients())


def build_delivering(settings: Config, dynamo: Dynamo, clients: Clients, now: Clock = clock.now) -> Delivering:
    """Return what delivers notices, on given clients, with a given clock."""
    delivery = Delivery(
        dynamo=dynamo,
        store=NoticeStore(settings.table("notices"), dynamo),
        players=PlayerStore(settings.table("players"), dynamo),
        dead_letters=UndeliverableQueue(settings.queue("notice-dead-letters"), clients),
        push=Push(
            dynamo, DeviceStore(settings.table("players"), dynamo), Endpoints(settings.push_applications, clients)
        ),
        clock=now,
    )
    return Delivering(delivery)
