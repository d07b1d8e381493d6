"""What boards are read with."""

from chalicelib.bootstrap.foundation import Foundation
from chalicelib.services.copies import Copies
from chalicelib.services.incidents import Incidents
from chalicelib.services.listing import Listing
from chalicelib.services.standings import Standings
from chalicelib.store.copies import CopyStore


def build_standings(base: Foundation, incidents: Incidents) -> Standings:
    return Standings(
        dynamo=base.dynamo,
        boards=base.boards,
        records=base.stores.records,
        listing=Listing(base.dynamo, base.stores.records, base.stores.ranks),
        ranks=base.stores.ranks,
        reader=base.reader,
        tokens=base.tokens,
        incidents=incidents,
        copies=Copies(CopyStore(base.settings.table("notices"), base.dynamo), base.clock),
    )
