"""The audit: the rank index of a board and period compared with the records, counter by counter, under live traffic.

It walks the listing in rank order and counts. What differs from a counter is a doubt, not yet drift: records move while
they are counted. A doubt is looked at again, at once, and once more some time after the walk; then with proofs that
traffic cannot blur. A node is compared with its children as both stood at one instant, and a bin with the marks of
the records seen in it: a counter is right exactly when it equals the number of marks that name its bin.

A player whose record moved on, and who is not settled yet, is still counted where nobody sees the record any more. So
what is still in doubt is drift only if it is in doubt again after a second pass, which settles every such record; and
if none of those was counted there, else only after a third.
"""

import logging
from collections.abc import Collection, Mapping
from enum import StrEnum

from msgspec import Struct, field

from chalicelib import logs
from chalicelib.ranking import order, tallies
from chalicelib.ranking.bins import Path, place
from chalicelib.ranking.tallies import Tally
from chalicelib.services.inspection import Inspector, Looks
from chalicelib.services.rollcall import DEFAULT_PAGES, Build, Pages, RollCall
from chalicelib.store.ranks import UNMARKED, Mark
from chalicelib.store.records import Row

_MAX_DOUBTS = 100
"""An index that is wrong in so many places needs a rebuild, not a longer list."""
_MAX_PASSES = 3
_LOOKED_AT_TOGETHER = 10
_log = logging.getLogger(logs.LOGGER_NAME)


class AuditPhase(StrEnum):
    WALK = "walk"
    LOOK_AGAIN = "look_again"
    DONE = "done"


class AuditState(Struct):
    """How far an audit is, and what it found."""

    generation: int
    """Of the build that is audited."""
    thorough: bool
    """Whether the mark of each record is read too: that finds marks that are lost or wrong before they do any harm."""
    phase: AuditPhase = AuditPhase.WALK
    order_key: str = ""
    """Of the last record that was counted."""
    tally: list[tuple[Path, dict[int, int]]] = field(default_factory=list)
    """Of the nodes below which records may still come."""
    doubts: list[Path] = field(default_factory=list)
    confirmed: list[tuple[Path, int]] = field(default_factory=list)
    """Doubts of this pass that a later look confirmed, and by how much the counter is too high."""
    suspects: list[Path] = field(default_factory=list)
    """Those of the pass before that no record explains."""
    passes: int = 1
    records: int = 0
    settled: int = 0
    """Records that were settled late, by the audit."""
    wrong_marks: int = 0
    wrong_counters: int = 0
    complete: bool = True
    """False when there were more doubts than are looked at."""

    @property
    def drift(self) -> int:
        return self.wrong_marks + self.wrong_counters


class Audit:
    """Steps of an audit, each of a few seconds at most; between them the state is all there is."""

    def __init__(self, inspector: Inspector, roll_call: RollCall, pages: Pages = DEFAULT_PAGES) -> None:
        self._inspector = inspector
        self._roll_call = roll_call
        self._pages = pages

    def step(self, build: Build, state: AuditState) -> AuditState:
        """Return the state after the next step; of another build than before, after the first step of all."""
        if state.generation != build.layout.generation:
            state = AuditState(build.layout.generation, state.thorough)
        if state.phase is AuditPhase.WALK:
            self._walk(build, state)
        elif state.phase is AuditPhase.LOOK_AGAIN:
            self._look_again(build, state)
        return state

    def _walk(self, build: Build, state: AuditState) -> None:
        rows = self._roll_call.after(build, state.order_key, self._pages.counted)
        if state.thorough:
            self._mend(build, state, rows)
        tally: Tally = dict(state.tally)
        paths = [place(build.shape, order.value_of(row.order_key)).path for row in rows]
        for path in paths:
            tallies.add(tally, path)
        finished = tallies.take_finished(tally, paths[-1] if paths else None)
        self._note_doubts(build, state, finished if paths else {(): {}, **finished})
        state.tally = list(tally.items())
        state.records += len(rows)
        if rows:
            state.order_key = rows[-1].order_key
        elif state.doubts:
            state.phase = AuditPhase.LOOK_AGAIN
        else:
            self._end_pass(build, state)

    def _mend(self, build: Build, state: AuditState, rows: list[Row]) -> None:
        marks = self._inspector.marks(build, [row.position.player_id for row in rows])
        astray = [row.position.player_id for row in rows if _is_astray(build, row, marks)]
        if not astray:
            return
        mended = self._inspector.mend(build, astray, marks)
        state.settled += mended.settled
        state.wrong_marks += mended.wrong
        _explain(state, mended.left)

    def _note_doubts(self, build: Build, state: AuditState, finished: Tally) -> None:
        for path in self._doubts(build, finished):
            if len(state.doubts) >= _MAX_DOUBTS:
                state.complete = False
                return
            looks = Looks()
            if self._inspector.difference(build, path, looks):
                state.doubts.append(path)
            state.settled += looks.settled
            _explain(state, looks.left)

    def _doubts(self, build: Build, finished: Tally) -> list[Path]:
        """Return what differs in nodes that were walked through, and in those below them where no record was found."""
        doubts: list[Path] = []
        while finished:
            counted = self._inspector.counts(build, list(finished))
            children = [
                child
                for node, found in finished.items()
                for child in tallies.child_nodes(build.shape, node, found, counted.get(node, {}))
            ]
            below = self._inspector.counts(build, children)
            for node, found in finished.items():
                doubts += tallies.doubts(build.shape, node, found, counted.get(node, {}), below)
            passed_over = [child for child in children if child[-1] not in finished[child[:-1]]]
            finished = {child: {} for child in passed_over if any(below.get(child, {}).values())}
        return doubts

    def _look_again(self, build: Build, state: AuditState) -> None:
        doubts, state.doubts = state.doubts[:_LOOKED_AT_TOGETHER], state.doubts[_LOOKED_AT_TOGETHER:]
        for path in doubts:
            looks = Looks()
            difference = self._inspector.persistent_difference(build, path, looks)
            state.settled += looks.settled
            _explain(state, looks.left)
            if difference:
                state.confirmed.append((path, difference))
        if not state.doubts:
            self._end_pass(build, state)

    def _end_pass(self, build: Build, state: AuditState) -> None:
        """End the audit where this pass and the one before agree, or nothing is in doubt; else begin another pass."""
        drift = [(path, difference) for path, difference in state.confirmed if path in state.suspects]
        for path, difference in drift:
            _log.error("rank_drift", extra=_facts(build, path, difference))
        state.wrong_counters = len(drift)
        nothing_left = state.complete and not state.confirmed
        if nothing_left or drift or state.passes == _MAX_PASSES:
            state.phase = AuditPhase.DONE
            return
        state.phase, state.thorough, state.passes = AuditPhase.WALK, True, state.passes + 1
        state.order_key, state.records, state.wrong_marks, state.complete = "", 0, 0, True
        state.suspects, state.confirmed = [path for path, _ in state.confirmed], []


def _explain(state: AuditState, left: Collection[Path]) -> None:
    """Doubt anew what was found in bins that still counted records which had moved on and are settled by now."""
    state.suspects = [path for path in state.suspects if path not in left]
    state.doubts += [path for path, _ in state.confirmed if path in left]
    state.confirmed = [(path, difference) for path, difference in state.confirmed if path not in left]


def _is_astray(build: Build, row: Row, marks: Mapping[str, Mark]) -> bool:
    mark = marks.get(row.position.player_id, UNMARKED)
    return mark.value != order.value_of(row.order_key) or build.layout.generation not in mark.builds


def _facts(build: Build, path: Path, difference: int) -> dict[str, object]:
    return {
        "board_id": build.board.board_id,
        "period_id": build.period_id,
        "generation": build.layout.generation,
        "path": ".".join(map(str, path)),
        "difference": difference,
    }
