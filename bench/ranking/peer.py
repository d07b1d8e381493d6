"""What every peer does: the same four operations, on the same records, asked for in the same order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol, runtime_checkable

from bench.client import Call
from bench.ranking.population import Population
from bench.ranking.wire import Wire

TOP, AROUND = 100, 21
WITHOUT_TOTAL = "own rank, without the total"


class Operation(StrEnum):
    SUBMIT = "submit"
    OWN_RANK = "own rank"
    TOP = f"top {TOP}"
    AROUND = f"around me, {AROUND}"


class Line(StrEnum):
    """How a peer is reached: straight over loopback, or over a wire that takes as long as a network in AWS."""

    LOOPBACK = "loopback"
    INJECTED = "injected"


class Entry(NamedTuple):
    rank: int
    player_id: str
    score: int


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a record takes, in bytes: in the memory of a server, or where it is stored. None: does not apply."""

    memory: float | None
    stored: float | None


class Unavailable(Exception):  # noqa: N818  # an answer of this machine, not a failure
    """Something a peer needs is not on this machine; the message says what."""


class Peer(Protocol):
    """Operations are safe to make from several threads; all else is not."""

    name: str
    store: str
    """Peers of one store see each other's submissions; the first of them loads for all."""
    version: str
    exact: bool
    """False: its ranks are estimates, and how far off is a result."""
    wire: Wire | None
    """What carries the injected line; None: the peer answers in this process, and times say nothing."""

    def load(self, population: Population) -> None:
        """Store all players' first scores, in tables of its own."""

    def take(self, line: Line) -> None:
        """Go this way from now on."""

    def submit(self, player_id: str, score: int) -> None:
        """Store a score that is better than the player's."""

    def own_rank(self, player_id: str) -> int:
        """Return how many players have a strictly better score, plus one, for a player of unknown score."""

    def top(self, limit: int) -> Sequence[Entry]:
        """Return the best entries, with names read although not returned."""

    def around(self, player_id: str, size: int) -> Sequence[Entry]:
        """Return consecutive entries with the player in their middle, or near an end."""

    def catch_up(self) -> None:
        """Do what a job does later on, unmeasured: whatever a submission leaves undone."""

    def footprint(self) -> Footprint: ...

    def drop(self) -> None:
        """Forget what was loaded."""


@runtime_checkable
class Questioned(Protocol):
    """A peer that is asked more than the others."""

    @property
    def aside(self) -> Mapping[str, Callable[[str], object]]:
        """Return what else is asked about a player, by name."""


@runtime_checkable
class Metered(Protocol):
    """A peer that is paid by capacity units."""

    def metered(self) -> AbstractContextManager[Sequence[Call]]:
        """Collect the calls made inside, with what each consumed."""


def ranked(rows: Iterable[tuple[str, int]], first_rank: int, position: int) -> list[Entry]:
    """Return consecutive rows, best first, with competition ranks.

    Args:
        first_rank: Of the first row, which may share its score with rows before it.
        position: 0-based, of the first row.

    >>> [entry.rank for entry in ranked([("a", 9), ("b", 7), ("c", 7), ("d", 5)], first_rank=4, position=5)]
    [4, 7, 7, 9]
    """
    entries: list[Entry] = []
    for offset, (player_id, score) in enumerate(rows):
        rank = first_rank if offset == 0 else position + offset + 1
        if entries and entries[-1].score == score:
            rank = entries[-1].rank
        entries.append(Entry(rank, player_id, score))
    return entries


def windowed(above: int, below: int, size: int) -> slice:
    """Return which of ``above + 1 + below`` rows are the window around the one between them.

    >>> windowed(10, 10, 5), windowed(1, 10, 5), windowed(10, 0, 5)
    (slice(8, 13, None), slice(0, 5, None), slice(6, 11, None))
    """
    start = max(0, min(above - size // 2, above + 1 + below - size))
    return slice(start, start + size)
