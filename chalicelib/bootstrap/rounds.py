"""What rounds of seasons are played with: for the API, and for what the schedule does."""

from msgspec import Struct

from chalicelib.bootstrap.stores import Stores
from chalicelib.config import Config
from chalicelib.services.boards import Boards
from chalicelib.services.buckets import Buckets, Results
from chalicelib.services.clock import Clock
from chalicelib.services.placement import Placement, Skill
from chalicelib.services.ranks import RankReader
from chalicelib.services.seasons import Seasons
from chalicelib.services.tokens import Tokens
from chalicelib.store.buckets import BucketStore
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.seasons import SeasonStore


class Rounds(Struct, frozen=True):
    seasons: Seasons
    placement: Placement
    buckets: Buckets
    results: Results


def build_rounds(settings: Config, dynamo: Dynamo, stores: Stores, boards: Boards, now: Clock) -> Rounds:
    grace = settings.layout_grace
    seasons = Seasons(
        store=SeasonStore(settings.table("seasons"), dynamo),
        boards=boards,
        tokens=Tokens(settings.signing_keys, now),
        clock=now,
        grace=grace,
    )
    store = BucketStore(settings.table("seasons"), stores.players, dynamo)
    results = Results(store, boards, stores.records, dynamo)
    placement = Placement(
        dynamo=dynamo,
        seasons=seasons,
        boards=boards,
        store=store,
        results=results,
        skill=Skill(stores.records, RankReader(dynamo, stores.records, stores.ranks)),
        clock=now,
        grace=grace,
    )
    buckets = Buckets(store=store, results=results, players=stores.players, clock=now, grace=grace)
    return Rounds(seasons, placement, buckets, results)
