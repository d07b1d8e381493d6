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
from chalicelib.services.rewarding import Giver, Rewarding
from chalicelib.services.rollcall import DEFAULT_PAGES, Pages, RollCall
from chalicelib.services.rollover import Rollover
from chalicelib.services.settle import Settler
from chalicelib.services.tellings import Tellings
from chalicelib.store import dynamo as dynamo_store
from chalicelib.store.buckets import BucketStore
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.exports import ExportStore
from chalicelib.store.jobs import JobStore
from chalicelib.store.publications import PublicationStore
from chalicelib.store.reward_rules import RuleStore
from chalicelib.store.rewards import RewardStore
from chalicelib.store.tellings import TellingStore
from chalicelib.store.topics import Topic
from chalicelib.store.turns import TurnStore


class Seasons(Struct, frozen=True):
    boards: Boards
    rollover: Rollover
    outbox: Outbox
    rounds: Rounds
    closing: Closing
    tellings: Tellings
    clock: Clock


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
    publisher = Publisher(Topic(settings.notices_topic, clients))
    base = _Base(
        settings=settings,
        dynamo=dynamo,
        stores=stores,
        boards=Boards(stores.boards, now),
        jobs=Jobs(JobStore(settings.table("ranks"), dynamo), now),
        giver=Crediting(dynamo, RewardStore(stores.players, dynamo)),
        publisher=publisher if settings.notices_topic else None,
        clock=now,
    )
    archives = Archives(ExportStore(settings.exports_bucket, clients))
    outbox = Outbox(PublicationStore(settings.table("notices"), dynamo), publisher, now)
    rounds = build_rounds(settings, dynamo, stores, base.boards, now)
    rollover = _rollover(base, archives, pages)
    closing = _closing(base, rounds, closed_at_once)
    tellings = Tellings(TellingStore(settings.table("seasons"), dynamo), base.publisher, now, settings.layout_grace)
    return Seasons(base.boards, rollover, outbox, rounds, closing, tellings, now)


class _Base(Struct, frozen=True, kw_only=True):
    """What jobs stand on."""

    settings: Config
    dynamo: Dynamo
    stores: Stores
    boards: Boards
    jobs: Jobs
    giver: Giver
    publisher: Publisher | None
    clock: Clock


def _rollover(base: _Base, archives: Archives, pages: Pages) -> Rollover:
    rewarding = Rewarding(archives=archives, giver=base.giver, publisher=base.publisher, clock=base.clock, pages=pages)
    return Rollover(
        jobs=base.jobs,
        boards=base.boards,
        turns=TurnStore(base.settings.table("seasons"), base.dynamo),
        rules=RuleStore(base.settings.table("seasons"), base.dynamo),
        archiving=_archiving(base, archives, pages),
        rewarding=rewarding,
        clock=base.clock,
        grace=base.settings.layout_grace,
    )


def _archiving(base: _Base, archives: Archives, pages: Pages) -> Archiving:
    records, ranks = base.stores.records, base.stores.ranks
    return Archiving(
        inspector=Inspector(base.dynamo, records, ranks, Settler(base.dynamo, base.boards, ranks)),
        roll_call=RollCall(base.dynamo, records),
        archives=archives,
        clock=base.clock,
        pages=pages,
    )


def _closing(base: _Base, rounds: Rounds, at_once: int) -> Closing:
    return Closing(
        dynamo=base.dynamo,
        jobs=base.jobs,
        seasons=rounds.seasons,
        store=BucketStore(base.settings.table("seasons"), base.stores.players, base.dynamo),
        results=rounds.results,
        giver=base.giver,
        publisher=base.publisher,
        clock=base.clock,
        grace=base.settings.layout_grace,
        at_once=at_once,
    )
