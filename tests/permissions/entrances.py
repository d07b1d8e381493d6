"""Where functions are entered: which code, found furthest out, says on whose behalf a call is made.

Handlers are entrances, and so is every use case that only one function has, as tests drive most of them without the
handler around them. What several functions share is none: only who called it decides.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import CodeType

from botocore.client import BaseClient

from chalicelib.api import authorizer, routing
from chalicelib.events import alarms, dead_letters, notices, operations, seasons, stream, uploads
from chalicelib.services.advice import Advisor
from chalicelib.services.announcements import Announcements
from chalicelib.services.avatars import Avatars
from chalicelib.services.boards import Boards
from chalicelib.services.buckets import Buckets
from chalicelib.services.closing import Closing
from chalicelib.services.delivery import Delivery
from chalicelib.services.devices import Devices
from chalicelib.services.distributions import Distributions
from chalicelib.services.export import Export
from chalicelib.services.followup import FollowUp
from chalicelib.services.games import Games
from chalicelib.services.history import History
from chalicelib.services.housekeeping import Housekeeping
from chalicelib.services.inbox import Inbox
from chalicelib.services.incidents import Incidents
from chalicelib.services.lobby import Lobbies
from chalicelib.services.moderation import Moderation
from chalicelib.services.notices import Notices, Outbox
from chalicelib.services.placement import Placement
from chalicelib.services.players import Players
from chalicelib.services.publication import Publication
from chalicelib.services.rebuild import Rebuild
from chalicelib.services.replay import Replay
from chalicelib.services.rewards import Rewards
from chalicelib.services.rollover import Rollover
from chalicelib.services.scores import Scores
from chalicelib.services.seasons import Seasons
from chalicelib.services.standings import Standings
from chalicelib.services.tellings import Tellings
from chalicelib.services.thresholds import Thresholds
from chalicelib.services.tournaments import Tournaments
from chalicelib.services.turns import Turns
from chalicelib.services.upkeep import Upkeep
from chalicelib.store.calls import LeanClient
from tests.fake_dynamodb import FakeDynamoDB
from tests.fake_s3 import FakeS3
from tests.fake_sns import FakeSns

API_HANDLER = "api_handler"
ENTRANCES: Mapping[str, tuple[object, ...]] = {
    API_HANDLER: (
        routing._answered,  # noqa: SLF001  # what all routes have in common
        *(
            Announcements,
            Devices,
            Inbox,
            Incidents.close,
            Incidents.set,
            Incidents.situation,
            Notices,
            Rewards,
            Tournaments,
            Turns,
        ),
        *(Avatars, Boards, Distributions, Games, History, Lobbies, Moderation, Players, Scores, Standings, Thresholds),
        *(Buckets, Placement, Seasons.create, Seasons.end),
    ),
    "player_authorizer": (authorizer.authorize,),
    "make_avatar": (uploads.take, Publication),
    "settle_records": (stream.follow, FollowUp),
    "deliver_notices": (notices.deliver, Delivery),
    "heed_alarms": (alarms.heed, Incidents.heed),
    "replay_dead_letters": (dead_letters.replay, Replay),
    "audit_ranks": (operations.audit, Upkeep.find_audit, Upkeep.begin_audit, Upkeep.advance_audit, Upkeep.trees),
    "rebuild_ranks": (operations.rebuild, Rebuild),
    "export_records": (operations.export, Export),
    "advise_ranks": (operations.advise, Advisor),
    "keep_ranks": (operations.keep, Upkeep.keep, Housekeeping),
    "keep_seasons": (seasons.keep, Closing, Rollover, Outbox.due, Tellings),
}
"""By function, its handler and the use cases that are its own; of a class, all it does."""
CLIENTS = (FakeDynamoDB, FakeS3, FakeSns, BaseClient, LeanClient)


def codes() -> dict[CodeType, str]:
    """Return the function that each entrance belongs to."""
    return {code: name for name, entrances in ENTRANCES.items() for each in entrances for code in _codes(each)}


def clients() -> frozenset[CodeType]:
    """Return where calls leave for AWS: what is further out than another call is another process."""
    return frozenset(vars(client)["_make_api_call"].__code__ for client in CLIENTS)


def _codes(entrance: object) -> Iterator[CodeType]:
    members = vars(entrance).values() if inspect.isclass(entrance) else (entrance,)
    for member in members:
        function: Callable[..., object] | None = inspect.unwrap(member) if callable(member) else None
        if inspect.isfunction(function):
            yield function.__code__
