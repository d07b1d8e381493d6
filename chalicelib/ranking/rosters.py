"""Rosters: everybody on a board once, in rank order, made of what was seen of records that moved meanwhile."""

from collections.abc import Iterable, Iterator, Mapping
from heapq import merge
from operator import attrgetter

from msgspec import Struct

from chalicelib.ranking import order


class Sighting(Struct, frozen=True, array_like=True):
    """A record as the listing showed it at some moment."""

    order_key: str
    display_name: str

    @property
    def player_id(self) -> str:
        return order.player_id(self.order_key)


class Tie(Struct, frozen=True, array_like=True):
    """Records that share a rank: the last ones that were ranked."""

    value: str = ""
    rank: int = 0


def newest(sightings: Iterable[Sighting], limit: int) -> dict[str, Sighting]:
    """Return the first sighting of each of at most ``limit`` players, where the newest come first."""
    sighting_by_player: dict[str, Sighting] = {}
    for sighting in sightings:
        sighting_by_player.setdefault(sighting.player_id, sighting)
        if len(sighting_by_player) >= limit:
            break
    return sighting_by_player


def merged(still: Iterable[Sighting], moved: Mapping[str, Sighting], after: str = "") -> Iterator[Sighting]:
    """Yield each player once, in rank order: where the record moved, as it was seen last.

    Args:
        still: Sightings of records before they moved, if they did: in rank order, each player once.
        moved: The last sighting of every player whose record moved, by player, in rank order.
        after: An ordering key: only what follows it.

    >>> rows = [Sighting("1".zfill(44) + "ada", "Ada"), Sighting("2".zfill(44) + "ben", "Ben")]
    >>> [each.display_name for each in merged(rows, {"ada": Sighting("3".zfill(44) + "ada", "Ada")})]
    ['Ben', 'Ada']
    """
    stayed = (each for each in still if each.player_id not in moved)
    everybody = merge(stayed, moved.values(), key=attrgetter("order_key"))
    return (each for each in everybody if each.order_key > after)


def in_rank_order(moved: Mapping[str, Sighting]) -> dict[str, Sighting]:
    """Return the same sightings, best first."""
    return {each.player_id: each for each in sorted(moved.values(), key=attrgetter("order_key"))}


def ranked(sightings: Iterable[Sighting], before: int, tie: Tie) -> Iterator[tuple[Tie, Sighting]]:
    """Yield sightings with their competition ranks.

    Args:
        sightings: In rank order, each player once.
        before: How many come before the first of them.
        tie: The last that was ranked of these.
    """
    for place, sighting in enumerate(sightings, start=before + 1):
        value = order.value_text(sighting.order_key)
        tie = tie if value == tie.value else Tie(value, place)
        yield tie, sighting
