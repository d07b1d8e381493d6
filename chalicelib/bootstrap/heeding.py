"""What heeds alarms, built once, on first use."""

from functools import lru_cache

from chalicelib import config
from chalicelib.config import Config
from chalicelib.services import clock
from chalicelib.services.clock import Clock
from chalicelib.services.incidents import Incidents
from chalicelib.store import dynamo as dynamo_store
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.incidents import IncidentStore


@lru_cache(maxsize=1)
def heeding() -> Incidents:
    """Return what heeds alarms: all that its function needs."""
    settings = config.load()
    return build_incidents(settings, dynamo_store.connect(lean=settings.lean_calls))


def build_incidents(settings: Config, dynamo: Dynamo, now: Clock = clock.now) -> Incidents:
    """Return what heeds alarms, and knows the mode, on a given client, with a given clock."""
    store = IncidentStore(settings.table("notices"), dynamo)
    return Incidents(dynamo=dynamo, store=store, degrade_on=settings.degrade_on, clock=now)
