"""What keeps seasons going by the clock, built once, on first use."""

from functools import lru_cache

from msgspec import Struct

from chalicelib import config
from chalicelib.bootstrap.rounds import Rounds, build_rounds
from chalicelib.bootstrap.stores import Stores, stores_of
from chalicelib.config import Config
from chalicelib.services import clock
from chalicelib.services.archives import Archives
from chalicelib.services.archiving import Archiving
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.services.closing import AT_ONCE, Closing
from chalicelib.services.crediting import Crediting
from chalicelib.services.inspection import Inspector
from chalicelib.services.jobs import Jobs
from chalicelib.services.notices import Outbox, Publisher
from chalicelib.services.rewarding import Rewarding
from chalicelib.services.rollcall import DEFAULT_PAGES, Pages, RollCall
from chalicelib.services.rollover import Rollover
from chalicelib.services.settle import Settler
from chalicelib.store import dynamo as dynamo_store
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.exports import ExportStore
from chalicelib.store.jobs import JobStore
from chalicelib.store.publications import PublicationStore
from chalicelib.store.reward_rules import RuleStore
from chalicelib.store.rewards import RewardStore
from chalicelib.store.topics import Topic
from chalicelib.store.turns import TurnStore


class Seasons(Struct, frozen=True):
    boards: Boards
    rollover: Rollover
    outbox: Outbox
    rounds: Rounds
    closing: Closing


@lru_cache(maxsize=1)
def seasons() -> Seasons:
    """Return what keeps seasons going: all that its function needs."""
    settings = config.load()
    return build_seasons(settings, dynamo_store.connect(lean=settings.lean_calls), Clients())


def build_seasons(  # noqa: PLR0913  # the last three are what tests choose
    settings: Config,
    dynamo: Dynamo,
    clients: Clients,
    now: Clock = clock.now,
    pages: Pages = DEFAULT_PAGES,
    *,
    closed_at_once: int = AT_ONCE,
) -> Seasons:
    """Return what keeps seasons going, on given clients, with a given clock and pages of given sizes."""
    stores = stores_of(settings.table, dynamo)
    boards = Boards(stores.boards, now)
    jobs = Jobs(JobStore(settings.table("ranks"), dynamo), now)
    giver = Crediting(dynamo, RewardStore(stores.players, dynamo))
    publisher = Publisher(Topic(settings.notices_topic, clients))
    archives = Archives(ExportStore(settings.exports_bucket, clients))
    heard = publisher if settings.notices_topic else None
    rollover = Rollover(
        jobs=jobs,
        boards=boards,
        turns=TurnStore(settings.table("seasons"), dynamo),
        rules=RuleStore(settings.table("seasons"), dynamo),
        archiving=_archiving(dynamo, stores, boards, archives, now, pages),
        rewarding=Rewarding(archives=archives, giver=giver, publisher=heard, clock=now, pages=pages),
        clock=now,
        grace=settings.layout_grace,
    )
    outbox = Outbox(PublicationStore(settings.table("notices"), dynamo), publisher, now)
    rounds = build_rounds(settings, dynamo, stores, boards, now)
    closing = Closing(
        dynamo=dynamo,
        jobs=jobs,
        seasons=rounds.seasons,
        store=stores.buckets,
        results=rounds.results,
        giver=giver,
        publisher=heard,
        clock=now,
        grace=settings.layout_grace,
        at_once=closed_at_once,
    )
    return Seasons(boards, rollover, outbox, rounds, closing)


def _archiving(  # noqa: PLR0913, PLR0917  # as many as it stands on
    dynamo: Dynamo, stores: Stores, boards: Boards, archives: Archives, now: Clock, pages: Pages
) -> Archiving:
    inspector = Inspector(dynamo, stores.records, stores.ranks, Settler(dynamo, boards, stores.ranks))
    roll_call = RollCall(dynamo, stores.records)
    return Archiving(inspector=inspector, roll_call=roll_call, archives=archives, clock=now, pages=pages)
