"""Money: list prices, and what an operation, a play and a month cost at them. Pure.

Prices are assumptions, noted from public price lists: check them before you rely on a figure. Left out, because all
peers pay alike or nearly so: Lambda, API Gateway, transfer. Left out although only servers pay it: the network that
lets Lambda reach them, and whoever keeps them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.ranking.figures import Capacity
from bench.ranking.peer import Operation

REGION, NOTED = "us-east-1, on demand, US dollars", "2026-11"
WRITE_UNIT, READ_UNIT = 0.625e-6, 0.125e-6
STORED_GB_MONTH = 0.25
HOURS_A_MONTH = 730
SECONDS_A_MONTH = HOURS_A_MONTH * 3600
MILLION = 1_000_000
GIB, GB = 2**30, 10**9
COPIES = 2
"""Nodes of a server: one to answer, one to take over. DynamoDB keeps three copies at its price."""
RECOUNT_EVERY_SECONDS = 60
"""The shortest schedule there is for a job."""
PLAY: Mapping[Operation, int] = {
    Operation.SUBMIT: 1,
    Operation.OWN_RANK: 1,
    Operation.TOP: 1,
    Operation.AROUND: 1,
}
"""What a player is assumed to do once: submit, look at their rank, at the top and at their neighbours."""


@dataclass(frozen=True, slots=True)
class Instance:
    name: str
    hourly: float
    memory: float
    """GiB."""


CACHES = (
    Instance("cache.t4g.micro", 0.016, 0.5),
    Instance("cache.t4g.small", 0.032, 1.37),
    Instance("cache.t4g.medium", 0.065, 3.09),
    Instance("cache.m7g.large", 0.158, 6.38),
    Instance("cache.r7g.large", 0.219, 13.07),
)
DATABASES = (
    Instance("db.t4g.micro", 0.016, 1),
    Instance("db.t4g.small", 0.032, 2),
    Instance("db.t4g.medium", 0.065, 4),
    Instance("db.m7g.large", 0.168, 8),
    Instance("db.r7g.large", 0.239, 16),
)
CACHE_SHARE, DATABASE_SHARE = 0.5, 0.5
"""How much of an instance's memory records, or the index that is counted, may fill; the rest is for work and copies."""
DATABASE_STORAGE_GB_MONTH, MIN_DATABASE_STORAGE_GB = 0.115, 20


def of_units(capacity: Capacity) -> float:
    """Return what one operation's units cost.

    >>> round(of_units(Capacity(read_units=4, write_units=2)) * MILLION, 2)
    1.75
    """
    return capacity.read_units * READ_UNIT + capacity.write_units * WRITE_UNIT


def of_play(capacity_by_operation: Mapping[Operation, Capacity]) -> float:
    return sum(of_units(capacity_by_operation[operation]) * times for operation, times in PLAY.items())


def stored_monthly(record_bytes: float, size: int) -> float:
    """Return what DynamoDB takes for keeping a board."""
    return record_bytes * size / GB * STORED_GB_MONTH


def smallest(instances: tuple[Instance, ...], held_bytes: float, share: float) -> Instance | None:
    """Return the smallest instance of which so many bytes fill no more than a share; None when none is large enough."""
    return next((each for each in instances if held_bytes <= each.memory * GIB * share), None)


def server_monthly(instance: Instance, stored_bytes: float = 0.0) -> float:
    """Return what a server and its copies cost; ``stored_bytes`` where storage is paid beside it."""
    storage = max(MIN_DATABASE_STORAGE_GB, stored_bytes / GB) * DATABASE_STORAGE_GB_MONTH if stored_bytes else 0.0
    return COPIES * (instance.hourly * HOURS_A_MONTH + storage)


def million_at(monthly: float, a_second: float) -> float:
    """Return what a million operations cost on a server that does so many a second, day and night.

    >>> round(million_at(monthly=26.28, a_second=1), 2)
    10.0
    """
    return monthly / (a_second * SECONDS_A_MONTH) * MILLION
