"""What players are and have: accounts, avatars, devices and rewards."""

from chalicelib.bootstrap.foundation import Foundation
from chalicelib.bootstrap.playing import participations_of
from chalicelib.services.avatars import Avatars
from chalicelib.services.devices import Devices
from chalicelib.services.leftovers import Leftovers
from chalicelib.services.moderation import Moderation
from chalicelib.services.players import Players
from chalicelib.services.profiles import Profiles
from chalicelib.services.rewards import Rewards
from chalicelib.store.buckets import BucketStore
from chalicelib.store.devices import DeviceStore
from chalicelib.store.endpoints import Endpoints
from chalicelib.store.media import MediaStore
from chalicelib.store.notices import NoticeStore
from chalicelib.store.reward_rules import RuleStore
from chalicelib.store.rewards import RewardStore
from chalicelib.store.uploads import UploadStore


def build_players(base: Foundation, moderation: Moderation, avatars: Avatars, devices: Devices) -> Players:
    stores, table = base.stores, base.settings.table
    return Players(
        store=stores.players,
        games=stores.games,
        records=stores.records,
        notices=NoticeStore(table("notices"), base.dynamo),
        devices=devices,
        rewards=RewardStore(stores.players, base.dynamo),
        buckets=BucketStore(table("seasons"), stores.players, base.dynamo),
        participations=participations_of(base),
        moderation=moderation,
        profiles=Profiles(stores.players, stores.records),
        avatars=avatars,
        boards=base.boards,
        tokens=base.tokens,
        clock=base.clock,
    )


def build_avatars(base: Foundation) -> Avatars:
    stores = base.stores
    media = MediaStore(base.settings.media_bucket, base.clients)
    uploads = UploadStore(base.settings.table("players"), base.dynamo)
    return Avatars(
        dynamo=base.dynamo,
        players=stores.players,
        uploads=uploads,
        media=media,
        leftovers=Leftovers(media, uploads, stores.players, stores.records),
        profiles=Profiles(stores.players, stores.records),
        clock=base.clock,
    )


def build_devices(base: Foundation) -> Devices:
    return Devices(
        store=DeviceStore(base.settings.table("players"), base.dynamo),
        endpoints=Endpoints(base.settings.push_applications, base.clients),
        players=base.stores.players,
        clock=base.clock,
    )


def build_moderation(base: Foundation) -> Moderation:
    return Moderation(base.dynamo, base.boards, base.stores.records, base.stores.ranks, base.clock)


def build_rewards(base: Foundation) -> Rewards:
    return Rewards(
        dynamo=base.dynamo,
        boards=base.boards,
        rules=RuleStore(base.settings.table("seasons"), base.dynamo),
        store=RewardStore(base.stores.players, base.dynamo),
        tokens=base.tokens,
        clock=base.clock,
    )
