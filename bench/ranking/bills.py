"""What each measured peer costs by the month and by the play, from its figures and the list prices."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.ranking import prices
from bench.ranking.figures import PeerFigures, SizeFigures

_INSTANCES_BY_KIND = {
    "Redis": (prices.CACHES, prices.CACHE_SHARE),
    "PostgreSQL": (prices.DATABASES, prices.DATABASE_SHARE),
}


@dataclass(frozen=True, slots=True)
class Bill:
    """Dollars: what has to be paid every month, and for each play on top."""

    peer: str
    monthly: float
    play: float
    says: str
    """What is paid every month."""
    carries: float | None = None
    """Plays a second that one server gets done, by its times on this machine; None: no such limit."""

    def at(self, plays_a_second: float) -> float:
        """Return the month's bill at so many plays a second, day and night."""
        return self.monthly + self.play * plays_a_second * prices.SECONDS_A_MONTH


def of(found: SizeFigures) -> list[Bill]:
    """Return the bills of the peers that were measured on boards of one size."""
    return [bill for peer in found.peers for bill in _bills(peer, found.size)]


def _bills(peer: PeerFigures, size: int) -> Iterator[Bill]:
    kind = peer.peer.partition(",")[0]
    if peer.footprint is None:
        return
    if kind in _INSTANCES_BY_KIND:
        yield from _of_server(peer, size, *_INSTANCES_BY_KIND[kind])
        return
    capacities = {operation: each.capacity for operation, each in peer.operations.items()}
    known = {operation: capacity for operation, capacity in capacities.items() if capacity}
    if len(known) == len(capacities):
        kept = prices.stored_monthly(peer.footprint.stored or 0, size)
        counted = _recounts(peer)
        says = "storage" + (", a recount every minute" if counted else "")
        yield Bill(peer.peer, kept + counted, prices.of_play(known), says)


def _of_server(peer: PeerFigures, size: int, instances: tuple[prices.Instance, ...], share: float) -> Iterator[Bill]:
    footprint = peer.footprint
    instance = footprint and prices.smallest(instances, (footprint.memory or 0) * size, share)
    if footprint and instance:
        monthly = prices.server_monthly(instance, (footprint.stored or 0) * size)
        yield Bill(peer.peer, monthly, 0.0, f"{prices.COPIES} of {instance.name}", _plays_a_second(peer))


def _plays_a_second(peer: PeerFigures) -> float:
    milliseconds = (each.loopback.p50_ms for each in peer.operations.values() if each.loopback)
    return 1000 / sum(milliseconds)


def _recounts(peer: PeerFigures) -> float:
    if peer.recount is None:
        return 0.0
    return prices.of_units(peer.recount.capacity) * prices.SECONDS_A_MONTH / prices.RECOUNT_EVERY_SECONDS
