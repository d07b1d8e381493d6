"""What makes avatars of uploads, built once, on first use."""

from functools import lru_cache

from chalicelib import config
from chalicelib.bootstrap.stores import stores_of
from chalicelib.config import Config
from chalicelib.pictures.renderer import Renderer
from chalicelib.services.checks import Check, check_named
from chalicelib.services.leftovers import Leftovers
from chalicelib.services.profiles import Profiles
from chalicelib.services.publication import Publication, Renders
from chalicelib.store import dynamo as dynamo_store
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.media import MediaStore
from chalicelib.store.uploads import UploadStore


@lru_cache(maxsize=1)
def publishing() -> Publication:
    settings = config.load()
    dynamo = dynamo_store.connect(lean=settings.lean_calls)
    return build_publishing(settings, dynamo, Clients(), Renderer(), check_named(settings.avatar_check))


def build_publishing(
    settings: Config, dynamo: Dynamo, clients: Clients, renderer: Renders, check: Check
) -> Publication:
    """Return what makes avatars, on given clients."""
    stores = stores_of(settings.table, dynamo)
    uploads = UploadStore(settings.table("players"), dynamo)
    media = MediaStore(settings.media_bucket, clients)
    return Publication(
        dynamo=dynamo,
        players=stores.players,
        uploads=uploads,
        media=media,
        leftovers=Leftovers(media, uploads, stores.players, stores.records),
        profiles=Profiles(stores.players, stores.records),
        renderer=renderer,
        check=check,
    )
