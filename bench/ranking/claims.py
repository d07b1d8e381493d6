"""What Laurel promises against the usual advice, on the largest board of a run."""

from collections.abc import Iterator

from bench.ranking import counting, laurel, tiers
from bench.ranking.figures import Findings, OperationFigures
from bench.ranking.peer import Operation
from bench.ranking.results import Claim

PROMISED_SIZE = 1_000_000
MIN_TIMES_FEWER_UNITS = MIN_TIMES_FASTER = 1_000
_FEWER = f"{MIN_TIMES_FEWER_UNITS:,} times fewer read units than the COUNT query"
_FASTER = f"on DynamoDB Local {MIN_TIMES_FASTER:,} times less time than the COUNT query"


def of(findings: Findings) -> list[Claim]:
    """Return the claims that a run can decide; one of smaller boards decides none but that ranks are right."""
    exact = Claim("every rank that was read is exact", not findings.wrong, f"{len(findings.wrong)} wrong answers")
    return [exact, *_against_counting(findings)]


def _against_counting(findings: Findings) -> Iterator[Claim]:
    ours, theirs = (_own_rank(findings, name) for name in (laurel.NAME, counting.NAME))
    if findings.largest.size < PROMISED_SIZE or ours is None or theirs is None:
        return
    if ours.capacity and theirs.capacity:
        units = ours.capacity.read_units, theirs.capacity.read_units
        yield _claim(_FEWER, MIN_TIMES_FEWER_UNITS, *units, "RRU")
    if ours.loopback and theirs.loopback:
        yield _claim(_FASTER, MIN_TIMES_FASTER, ours.loopback.p50_ms, theirs.loopback.p50_ms, "ms, p50 at loopback")
    seconds = _seconds_in_pieces(findings)
    if ours.loopback and seconds:
        what = f"{_FASTER} made in pieces"
        yield _claim(what, MIN_TIMES_FASTER, ours.loopback.p50_ms, 1000 * seconds, "ms at loopback")


def _seconds_in_pieces(findings: Findings) -> float | None:
    """Return what counting half of the board takes in queries of a tier each: DynamoDB Local is slow at long ones."""
    peer = findings.largest.of(tiers.NAME)
    return peer.recount.seconds / 2 if peer and peer.recount and peer.recount.seconds else None


def _own_rank(findings: Findings, name: str) -> OperationFigures | None:
    peer = findings.largest.of(name)
    return peer.operations[Operation.OWN_RANK] if peer else None


def _claim(what: str, minimum: int, ours: float, theirs: float, unit: str) -> Claim:
    times = theirs / ours
    text = f"own rank among {PROMISED_SIZE:,}: {what}"
    return Claim(text, times >= minimum, f"{ours:,.1f} against {theirs:,.1f} {unit}: {times:,.0f} times")
