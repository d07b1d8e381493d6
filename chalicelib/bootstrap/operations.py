"""What operators and the schedule use, built once, on first use."""

from functools import lru_cache

from msgspec import Struct

from chalicelib import config
from chalicelib.bootstrap.stores import Stores, stores_of
from chalicelib.config import Config
from chalicelib.services import clock
from chalicelib.services.abandonment import Abandonment
from chalicelib.services.advice import Advisor
from chalicelib.services.audit import Audit
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.services.copies import Copyist
from chalicelib.services.export import Export
from chalicelib.services.housekeeping import Housekeeping
from chalicelib.services.inspection import Inspector
from chalicelib.services.jobs import Jobs
from chalicelib.services.listing import Listing
from chalicelib.services.rebuild import Rebuild
from chalicelib.services.relisting import Relisting
from chalicelib.services.retention import Retention
from chalicelib.services.rollcall import DEFAULT_PAGES, Pages, RollCall
from chalicelib.services.settle import Settler
from chalicelib.services.upkeep import Upkeep
from chalicelib.store import dynamo as dynamo_store
from chalicelib.store.clients import Clients
from chalicelib.store.copies import CopyStore
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.exports import ExportStore
from chalicelib.store.jobs import JobStore


class Operations(Struct, frozen=True):
    """What operators and the schedule use."""

    boards: Boards
    inspector: Inspector
    upkeep: Upkeep
    housekeeping: Housekeeping
    rebuild: Rebuild
    advisor: Advisor
    export: Export
    clock: Clock


@lru_cache(maxsize=1)
def operations() -> Operations:
    """Return what operators' functions and the schedule need."""
    settings = config.load()
    return build_operations(settings, dynamo_store.connect(lean=settings.lean_calls))


def build_operations(
    settings: Config,
    dynamo: Dynamo,
    now: Clock = clock.now,
    pages: Pages = DEFAULT_PAGES,
    clients: Clients | None = None,
) -> Operations:
    """Return what operators use, on given clients, with a given clock and pages of given sizes."""
    base = _base(settings, dynamo, now, pages)
    audit = Audit(base.inspector, base.roll_call, pages)
    rebuild = _rebuild(base, audit)
    export = _export(base, ExportStore(settings.exports_bucket, clients or Clients()))
    return Operations(
        boards=base.boards,
        inspector=base.inspector,
        upkeep=Upkeep(
            jobs=base.jobs,
            boards=base.boards,
            inspector=base.inspector,
            audit=audit,
            rebuild=rebuild,
            export=export,
            clock=now,
        ),
        housekeeping=_housekeeping(base),
        rebuild=rebuild,
        advisor=Advisor(dynamo, base.boards, base.stores.records, base.stores.ranks, now, settings.layout_grace),
        export=export,
        clock=now,
    )


class _Base(Struct, frozen=True):
    """What jobs on boards stand on."""

    settings: Config
    dynamo: Dynamo
    stores: Stores
    boards: Boards
    inspector: Inspector
    roll_call: RollCall
    jobs: Jobs
    clock: Clock
    pages: Pages


def _base(settings: Config, dynamo: Dynamo, now: Clock, pages: Pages) -> _Base:
    stores = stores_of(settings.table, dynamo)
    boards = Boards(stores.boards, now)
    return _Base(
        settings=settings,
        dynamo=dynamo,
        stores=stores,
        boards=boards,
        inspector=Inspector(dynamo, stores.records, stores.ranks, Settler(dynamo, boards, stores.ranks)),
        roll_call=RollCall(dynamo, stores.records),
        jobs=Jobs(JobStore(settings.table("ranks"), dynamo), now),
        clock=now,
        pages=pages,
    )


def _rebuild(base: _Base, audit: Audit) -> Rebuild:
    return Rebuild(
        jobs=base.jobs,
        boards=base.boards,
        ranks=base.stores.ranks,
        inspector=base.inspector,
        roll_call=base.roll_call,
        relisting=Relisting(base.dynamo, base.stores.records),
        audit=audit,
        clock=base.clock,
        grace=base.settings.layout_grace,
        pages=base.pages,
    )


def _export(base: _Base, store: ExportStore) -> Export:
    return Export(
        jobs=base.jobs,
        boards=base.boards,
        inspector=base.inspector,
        roll_call=base.roll_call,
        store=store,
        clock=base.clock,
        pages=base.pages,
    )


def _housekeeping(base: _Base) -> Housekeeping:
    records = base.stores.records
    copies = CopyStore(base.settings.table("notices"), base.dynamo)
    return Housekeeping(
        copyist=Copyist(copies, Listing(base.dynamo, records, base.stores.ranks), base.clock),
        retention=Retention(
            jobs=base.jobs,
            boards=base.boards,
            roll_call=base.roll_call,
            records=records,
            clock=base.clock,
            pages=base.pages,
        ),
        abandonment=Abandonment(jobs=base.jobs, games=base.stores.games, clock=base.clock),
        clock=base.clock,
    )
