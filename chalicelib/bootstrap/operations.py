"""What operators and the schedule use, built once, on first use."""

from dataclasses import dataclass
from functools import lru_cache

from chalicelib import config
from chalicelib.bootstrap.stores import stores_of
from chalicelib.config import Config
from chalicelib.services import clock
from chalicelib.services.advice import Advisor
from chalicelib.services.audit import Audit
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.services.export import Export
from chalicelib.services.inspection import Inspector
from chalicelib.services.jobs import Jobs
from chalicelib.services.rebuild import Rebuild
from chalicelib.services.relisting import Relisting
from chalicelib.services.rollcall import DEFAULT_PAGES, Pages, RollCall
from chalicelib.services.settle import Settler
from chalicelib.services.upkeep import Upkeep
from chalicelib.store import dynamo as dynamo_store
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.exports import ExportStore
from chalicelib.store.jobs import JobStore


@dataclass(frozen=True, slots=True)
class Operations:
    """What operators and the schedule use."""

    boards: Boards
    inspector: Inspector
    upkeep: Upkeep
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
    stores = stores_of(settings.table, dynamo)
    boards = Boards(stores.boards, now)
    roll_call = RollCall(dynamo, stores.records)
    inspector = Inspector(dynamo, stores.records, stores.ranks, Settler(dynamo, boards, stores.ranks))
    audit = Audit(inspector, roll_call, pages)
    jobs = Jobs(JobStore(settings.table("ranks"), dynamo), now)
    rebuild = Rebuild(
        jobs=jobs,
        boards=boards,
        ranks=stores.ranks,
        inspector=inspector,
        roll_call=roll_call,
        relisting=Relisting(dynamo, stores.records),
        audit=audit,
        clock=now,
        grace=settings.layout_grace,
        pages=pages,
    )
    export = Export(
        jobs=jobs,
        boards=boards,
        inspector=inspector,
        roll_call=roll_call,
        store=ExportStore(settings.exports_bucket, clients or Clients()),
        clock=now,
        pages=pages,
    )
    upkeep = Upkeep(
        jobs=jobs, boards=boards, inspector=inspector, audit=audit, rebuild=rebuild, export=export, clock=now
    )
    advisor = Advisor(dynamo, boards, stores.records, stores.ranks, now, settings.layout_grace)
    return Operations(boards, inspector, upkeep, rebuild, advisor, export, now)
