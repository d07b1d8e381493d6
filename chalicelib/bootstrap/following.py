"""What follows the records' stream, built once, on first use."""

from functools import lru_cache

from msgspec import Struct

from chalicelib import config
from chalicelib.config import Config
from chalicelib.services import clock
from chalicelib.services.backlog import Backlog
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.services.followup import FollowUp
from chalicelib.services.replay import Replay, Truth
from chalicelib.services.settle import Settler
from chalicelib.store import dynamo as dynamo_store
from chalicelib.store.boards import BoardStore
from chalicelib.store.clients import Clients
from chalicelib.store.dead_letters import DeadLetterQueue
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.ranks import RankStore
from chalicelib.store.records import RecordStore
from chalicelib.store.stream import RecordStream


class Following(Struct, frozen=True):
    follow_up: FollowUp
    replay: Replay


@lru_cache(maxsize=1)
def following() -> Following:
    """Return what follows the records' stream: all that its functions need."""
    settings = config.load()
    return build_following(settings, dynamo_store.connect(lean=settings.lean_calls), Clients())


def build_following(settings: Config, dynamo: Dynamo, clients: Clients, now: Clock = clock.now) -> Following:
    """Return what follows the records' stream, on given clients, with a given clock."""
    boards = BoardStore(settings.table("boards"), dynamo)
    records = RecordStore(settings.table("records"), dynamo)
    ranks = RankStore(settings.table("ranks"), dynamo)
    settler = Settler(dynamo, Boards(boards, now), ranks)
    backlog = Backlog(dynamo=dynamo, boards=boards, ranks=ranks, settler=settler, clock=now)
    deliveries = RecordStream(records, clients)
    dead_letters = DeadLetterQueue(settings.queue("record-dead-letters"), clients)
    truth = Truth(dynamo=dynamo, records=records, ranks=ranks, deliveries=deliveries, clock=now)
    return Following(
        FollowUp(records=deliveries, backlog=backlog, dead_letters=dead_letters, clock=now),
        Replay(dead_letters=dead_letters, deliveries=deliveries, truth=truth, backlog=backlog),
    )
