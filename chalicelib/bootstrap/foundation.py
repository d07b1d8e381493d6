"""What the services of players and admins stand on."""

from msgspec import Struct

from chalicelib.bootstrap.stores import Stores, stores_of
from chalicelib.config import Config
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.services.ranks import RankReader
from chalicelib.services.tokens import Tokens
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo


class Foundation(Struct, frozen=True):
    settings: Config
    dynamo: Dynamo
    clients: Clients
    stores: Stores
    boards: Boards
    reader: RankReader
    tokens: Tokens
    clock: Clock


def foundation_of(settings: Config, dynamo: Dynamo, clients: Clients, now: Clock) -> Foundation:
    stores = stores_of(settings.table, dynamo)
    return Foundation(
        settings=settings,
        dynamo=dynamo,
        clients=clients,
        stores=stores,
        boards=Boards(stores.boards, now),
        reader=RankReader(dynamo, stores.records, stores.ranks),
        tokens=Tokens(settings.signing_keys, now),
        clock=now,
    )
