"""The contest: all peers at once, taking turns, asked the same of the same players, every answer checked.

Peers take turns operation by operation and round by round, so that whatever else the machine does meets all alike.
"""

import gc
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from statistics import fmean, median, quantiles
from typing import TypeVar

from bench.client import Trace
from bench.ranking.figures import (
    Capacity,
    Exchange,
    Misses,
    OperationFigures,
    PeerFigures,
    Recount,
    SizeFigures,
    Timing,
)
from bench.ranking.peer import AROUND, TOP, Line, Metered, Operation, Peer
from bench.ranking.population import Population, raised
from bench.ranking.tiers import SHARES, Tiers
from bench.ranking.truth import Truth, WrongAnswerError
from bench.ranking.wire import Turn, rounds

ROUNDS = 5
SAMPLES = {Operation.SUBMIT: 30, Operation.OWN_RANK: 60, Operation.TOP: 40, Operation.AROUND: 40}
"""In a round, on each line, at most."""
BUDGET_SECONDS = 3.0
"""For the reads of one block; at least one is made, however long it takes."""
PATIENCE_SECONDS = 30.0
"""For all rounds of one operation on one line; at least one round is made."""
_WARM_UP = 10
_METERED = 5
"""Operations whose requests, bytes and units are looked at, at most; the first is of the middle of the board."""
_METERED_TURN = 50
"""Whose writers submit meanwhile."""
_CENT = 100
Each = TypeVar("Each")


@dataclass(slots=True)
class _Standings:
    """One peer's figures in the making."""

    peer: Peer
    truth: Truth
    figures: PeerFigures
    seconds: dict[tuple[Operation, Line], list[list[float]]] = field(default_factory=dict)
    """A list per round."""


def writers(population: Population) -> set[str]:
    """Return all players who submit in a contest."""
    in_rounds = [population.writers(turn, SAMPLES[Operation.SUBMIT]) for turn in range((ROUNDS + 1) * len(Line))]
    looked_at = population.writers(_METERED_TURN, _METERED)
    return {player_id for players in [*in_rounds, looked_at] for player_id in players}


@dataclass(slots=True)
class Contest:
    """Peers on boards of one size."""

    population: Population
    peers: Sequence[Peer]
    wrong: list[str] = field(default_factory=list)
    _entered: list[_Standings] = field(default_factory=list)
    _chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311  # the same each time

    @property
    def entered(self) -> Iterator[tuple[Peer, Truth, PeerFigures]]:
        """Yield those whose answers were right so far."""
        return ((each.peer, each.truth, each.figures) for each in self._entered)

    def load(self) -> None:
        """Let every peer store the board. Those of one store share what is true of it."""
        truths: dict[str, Truth] = {}
        for peer in self.peers:
            peer.load(self.population)
            peer.take(Line.LOOPBACK)
            truth = truths.setdefault(peer.store, Truth.of(self.population.score_by_player))
            operations = {operation: OperationFigures() for operation in Operation}
            figures = PeerFigures(peer.name, peer.version, operations, peer.footprint())
            self._entered.append(_Standings(peer, truth, figures))
        gc.collect()
        gc.freeze()

    def run(self) -> None:
        """Make all rounds and fill in what they took."""
        self._each(self._recounted)
        self._each(self._warmed_up)
        for turn in range(ROUNDS):
            for operation in Operation:
                for line in list(Line)[:: -1 if turn % 2 else 1]:
                    self._each(self._block, operation, line, turn)
        self._each(self._timed)
        self._each(self._metered)

    def look(self) -> None:
        """Look at what operations send, receive and consume, and at nothing else."""
        self._each(self._recounted)
        self._each(self._metered)

    def finished(self) -> SizeFigures:
        for each in self._entered:
            each.peer.drop()
        gc.unfreeze()
        in_order = sorted(self._entered, key=lambda each: self.peers.index(each.peer))
        return SizeFigures(self.population.size, [each.figures for each in in_order])

    def _each(self, step: Callable[..., None], *arguments: object) -> None:
        """Let every peer take a step, a different one first each time; who answers wrongly is out."""
        self._entered.append(self._entered.pop(0))
        for each in list(self._entered):
            try:
                step(each, *arguments)
            except WrongAnswerError as error:
                self.wrong.append(f"{each.peer.name} at {self.population.size:,}: {error}")
                self._entered.remove(each)

    def _warmed_up(self, each: _Standings) -> None:
        """Let connections be open and code be compiled, by what is quick on boards of any size."""
        for line in Line:
            for operation in (Operation.SUBMIT, Operation.TOP):
                self._block(each, operation, line, turn=ROUNDS, samples=_WARM_UP)
        each.seconds.clear()

    def _block(self, each: _Standings, operation: Operation, line: Line, turn: int, samples: int | None = None) -> None:
        count = samples or SAMPLES[operation]
        if sum(map(sum, each.seconds.get((operation, line), []))) > PATIENCE_SECONDS:
            return
        each.peer.take(line)
        if each.peer.wire:
            each.peer.wire.take()
        if operation is Operation.SUBMIT:
            players = self.population.writers(turn * len(Line) + list(Line).index(line), SAMPLES[operation])[:count]
            taken = [self._submitted(each, player_id) for player_id in players]
        else:
            taken = list(_within_budget(self._read(each, operation, turn), count))
        if each.peer.wire and line is Line.INJECTED:
            each.figures.operations[operation].exchange = _exchange_on(each.peer.wire.take(), len(taken))
        each.peer.catch_up()
        each.seconds.setdefault((operation, line), []).append(taken)

    def _read(self, each: _Standings, operation: Operation, turn: int) -> Iterator[float]:
        """Yield for ever how long the operation takes; answers are checked outside of that time."""
        for player_id in self.population.readers(turn):
            started = time.perf_counter()
            check = _asked(each, operation, player_id)
            taken = time.perf_counter() - started
            check()
            yield taken

    def _submitted(self, each: _Standings, player_id: str) -> float:
        score = raised(each.truth.score_by_player[player_id], self._chance)
        started = time.perf_counter()
        each.peer.submit(player_id, score)
        taken = time.perf_counter() - started
        each.truth.submit(player_id, score)
        return taken

    def _timed(self, each: _Standings) -> None:
        if each.peer.wire is None:
            return
        for (operation, line), taken in each.seconds.items():
            found = each.figures.operations[operation]
            setattr(found, line.value, timing(taken))

    def _metered(self, each: _Standings) -> None:
        """Look at what a few operations consume, and in memory at what they send."""
        for operation in Operation:
            found = each.figures.operations[operation]
            traces = self._traced(each, operation)
            if traces and each.peer.wire:
                found.reported = _capacity(traces)
            elif traces:
                found.counted = _capacity(traces)
                found.exchange = found.exchange or _exchange_of(traces)
        each.peer.take(Line.LOOPBACK)

    def _traced(self, each: _Standings, operation: Operation) -> list[Trace]:
        if not isinstance(each.peer, Metered):
            return []
        traces = list(_within_budget(self._consumed(each.peer, self._steps(each, operation)), _METERED))
        each.peer.take(Line.LOOPBACK)
        each.peer.catch_up()
        return traces

    @staticmethod
    def _consumed(peer: Metered, steps: Iterable[Callable[[], object]]) -> Iterator[Trace]:
        for step in steps:
            with peer.metered() as calls:
                step()
            yield Trace(calls)

    def _steps(self, each: _Standings, operation: Operation) -> list[Callable[[], object]]:
        if operation is Operation.SUBMIT:
            writers = self.population.writers(_METERED_TURN, _METERED)
            return [partial(self._submitted, each, player_id) for player_id in writers]
        readers = islice(self.population.readers(0), _METERED)
        return [partial(_asked, each, operation, player_id) for player_id in readers]

    def _recounted(self, each: _Standings) -> None:
        if not isinstance(each.peer, Tiers):
            return
        with each.peer.metered() as calls:
            started = time.perf_counter()
            each.peer.recount()
            seconds = time.perf_counter() - started
        each.peer.take(Line.LOOPBACK)
        each.figures.recount = Recount(
            tiers=len(SHARES) + 1,
            seconds=seconds if each.peer.wire else None,
            capacity=_capacity([Trace(calls)]),
            misses=misses(each.peer, each.truth, self.population.readers(0), SAMPLES[Operation.OWN_RANK]),
        )


def _asked(each: _Standings, operation: Operation, player_id: str) -> Callable[[], None]:
    """Return the check of an answer that was got."""
    peer, truth = each.peer, each.truth
    match operation:
        case Operation.OWN_RANK:
            rank = peer.own_rank(player_id)
            return lambda: truth.check_rank(player_id, rank) if peer.exact else None
        case Operation.TOP:
            entries = peer.top(TOP)
            return lambda: truth.check_top(entries, TOP)
        case _:
            window = peer.around(player_id, AROUND)
            return lambda: truth.check_around(window, player_id, AROUND, ranked=peer.exact)


def misses(peer: Peer, truth: Truth, readers: Iterator[str], count: int) -> Misses:
    """Return by how much ranks are wrong, within the time a block of reads has."""

    def errors() -> Iterator[int]:
        for player_id in readers:
            yield abs(peer.own_rank(player_id) - truth.rank(player_id))

    found = list(_within_budget(errors(), count))
    return Misses(len(found), fmean(found), max(found))


def seconds_of(step: Callable[[], object]) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def timing(taken_by_round: Sequence[Sequence[float]]) -> Timing:
    """Return the figures of rounds of seconds.

    >>> timing([[0.001, 0.002, 0.009], [0.002, 0.003, 0.004]])
    Timing(p50_ms=2.5, p99_ms=9.0, samples=6)
    """
    pooled = [seconds for taken in taken_by_round for seconds in taken]
    p99 = quantiles(pooled, n=_CENT)[-1] if len(pooled) >= _CENT else max(pooled)
    return Timing(1000 * median(map(median, taken_by_round)), 1000 * p99, len(pooled))


def _within_budget(endless: Iterator[Each], count: int) -> Iterator[Each]:
    started = time.perf_counter()
    for each in islice(endless, count):
        yield each
        if time.perf_counter() - started > BUDGET_SECONDS:
            return


def _capacity(traces: Sequence[Trace]) -> Capacity:
    return Capacity(fmean(trace.read_units for trace in traces), fmean(trace.write_units for trace in traces))


def _exchange_on(turns: Sequence[Turn], operations: int) -> Exchange:
    """Return the mean of operations that were made one after the other."""
    return Exchange(
        requests=len(turns) / operations,
        rounds=rounds(turns) / operations,
        bytes_out=sum(turn.bytes_out for turn in turns) / operations,
        bytes_in=sum(turn.bytes_in for turn in turns) / operations,
    )


def _exchange_of(traces: Sequence[Trace]) -> Exchange:
    return Exchange(fmean(len(trace.calls) for trace in traces), fmean(trace.rounds for trace in traces), None, None)
