"""What the schedule keeps in order, beside audits."""

from chalicelib.bootstrap.stores import Stores
from chalicelib.services.abandonment import Abandonment
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.services.copies import Copyist
from chalicelib.services.housekeeping import Housekeeping
from chalicelib.services.jobs import Jobs
from chalicelib.services.listing import Listing
from chalicelib.services.retention import Retention
from chalicelib.services.rollcall import Pages, RollCall
from chalicelib.store.copies import CopyStore
from chalicelib.store.dynamo import Dynamo


def build_housekeeping(  # noqa: PLR0913  # what operators have built already
    *, dynamo: Dynamo, stores: Stores, boards: Boards, jobs: Jobs, now: Clock, pages: Pages
) -> Housekeeping:
    listing = Listing(dynamo, stores.records, stores.ranks)
    return Housekeeping(
        copyist=Copyist(CopyStore(stores.notices.table, dynamo), listing, now),
        retention=Retention(
            jobs=jobs,
            boards=boards,
            roll_call=RollCall(dynamo, stores.records),
            records=stores.records,
            clock=now,
            pages=pages,
        ),
        abandonment=Abandonment(jobs=jobs, games=stores.games, clock=now),
        clock=now,
    )
