"""What the contest of the peers finds, as it is kept in bench/results/peers.json."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import msgspec

from bench.ranking.peer import Footprint, Operation


@dataclass(frozen=True, slots=True)
class Timing:
    """p50: the median of the rounds' medians; p99: of all samples, the longest where they are fewer than a hundred."""

    p50_ms: float
    p99_ms: float
    samples: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one operation sends and gets, on average. Rounds: requests in sequence. Bytes: None in memory."""

    requests: float
    rounds: float
    bytes_out: float | None
    bytes_in: float | None


@dataclass(frozen=True, slots=True)
class Capacity:
    """Units of one operation, on average."""

    read_units: float
    write_units: float


@dataclass(slots=True)
class OperationFigures:
    loopback: Timing | None = None
    injected: Timing | None = None
    exchange: Exchange | None = None
    reported: Capacity | None = None
    """As the endpoint says."""
    counted: Capacity | None = None
    """By the published rules, from the sizes of items."""

    @property
    def capacity(self) -> Capacity | None:
        return self.reported or self.counted


@dataclass(frozen=True, slots=True)
class Misses:
    """By how many places ranks were wrong, over so many readers."""

    readers: int
    mean: float
    most: int


@dataclass(frozen=True, slots=True)
class Burst:
    """Writes as fast as they go, and the ranks read then."""

    writes: int
    threads: int
    seconds: float
    at_once: Misses
    after_a_second: Misses


@dataclass(frozen=True, slots=True)
class Recount:
    """One run of the job that counts the tiers, and how wrong ranks are right after it."""

    tiers: int
    seconds: float | None
    capacity: Capacity
    misses: Misses


@dataclass(slots=True)
class PeerFigures:
    peer: str
    version: str
    operations: dict[Operation, OperationFigures]
    footprint: Footprint | None = None
    burst: Burst | None = None
    recount: Recount | None = None
    aside: dict[str, Timing] = field(default_factory=dict)
    """What only this peer was asked."""


@dataclass(slots=True)
class SizeFigures:
    size: int
    peers: list[PeerFigures]

    def of(self, name: str) -> PeerFigures | None:
        return next((peer for peer in self.peers if peer.peer == name), None)


@dataclass(slots=True)
class Findings:
    sizes: list[SizeFigures] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    """Why peers were not measured."""
    load: float = 0.0
    """Processes that wanted a processor in the last minute of the run."""
    wrong: list[str] = field(default_factory=list)
    """Answers that were no ranks: the figures of whoever gave them are void."""

    @property
    def largest(self) -> SizeFigures:
        return max(self.sizes, key=lambda each: each.size)

    def names(self) -> Sequence[str]:
        """Return the peers that were measured, in order."""
        return list(dict.fromkeys(peer.peer for each in self.sizes for peer in each.peers))


def plain(findings: Findings) -> Mapping[str, Any]:
    """Return what ``parsed`` reads, as JSON holds it."""
    return dict(json.loads(msgspec.json.encode(findings)))


def parsed(file: Path) -> tuple[Findings, Mapping[str, Any]]:
    """Return the findings in a file, and what it says of the machine."""
    content = json.loads(file.read_text(encoding="utf-8"))
    known = {each.name: content[each.name] for each in fields(Findings) if each.name in content}
    return msgspec.convert(known, Findings), content["machine"]
