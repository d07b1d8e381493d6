"""The backlog: players who may not be counted as their records say, counted with as few calls as it takes.

What cannot be done now is put off. What fails for any other reason is halved until it is pinned on one player, so that
a record that can never be counted costs its company nothing.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Protocol, TypeVar

from msgspec import Struct

from chalicelib import logs
from chalicelib.domain.boards import Board
from chalicelib.domain.records import Record
from chalicelib.errors import StoreUnavailableError
from chalicelib.ranking.pages import lane_of
from chalicelib.services.clock import Clock
from chalicelib.services.settle import Settlement, Settler, deletion_of, settlement_of
from chalicelib.store.boards import BoardStore
from chalicelib.store.dynamo import Dynamo, key_text, refuses_us
from chalicelib.store.ranks import UNMARKED, Mark, RankStore

HasTime = Callable[[], bool]
_PLAYERS_TOGETHER = 100
"""As many as one BatchGetItem tells the marks of; the Settler makes two to four transactions of them."""
_log = logging.getLogger(logs.LOGGER_NAME)


class Due(Struct, frozen=True):
    """A player is to be counted as ``record`` says; nowhere any more, when the record is ``gone``."""

    name: str
    """What the caller knows it by, unique in a call."""
    record: Record
    gone: bool = False

    @property
    def generation(self) -> int:
        return self.record.generation + self.gone

    def is_over(self, now: datetime) -> bool:
        return self.record.expires_at is not None and self.record.expires_at <= now

    def settlement(self, board: Board, now: datetime) -> Settlement:
        return deletion_of(board, self.record, now) if self.gone else settlement_of(board, self.record)


class Refusal(Struct, frozen=True):
    """Why something can never be counted, however often it is tried."""

    name: str
    reason: str
    cause: Exception | None = None


@dataclass(slots=True)
class Outcome:
    """What became of each, by name: it is in one of the lists."""

    settled: list[str] = field(default_factory=list)
    settled_before: list[str] = field(default_factory=list)
    put_off: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        self.settled += other.settled
        self.settled_before += other.settled_before
        self.put_off += other.put_off
        self.refused += other.refused


class _Pending(Struct, frozen=True):
    name: str
    settlement: Settlement

    @property
    def tree(self) -> tuple[str, str]:
        return self.settlement.board.board_id, self.settlement.period_id

    @property
    def place(self) -> tuple[object, ...]:
        """Return what brings those together who share nodes: board and period, lane, and then rank."""
        lane = lane_of(self.settlement.player_id, self.settlement.board.layout(self.settlement.period_id).lanes)
        return self.tree, lane, self.settlement.value is None, self.settlement.value


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Named = TypeVar("Named", bound=_Named)


class Backlog:
    def __init__(self, *, dynamo: Dynamo, boards: BoardStore, ranks: RankStore, settler: Settler, clock: Clock) -> None:
        self._dynamo = dynamo
        self._boards = boards
        self._ranks = ranks
        self._settler = settler
        self._clock = clock

    def settle(self, dues: Sequence[Due], has_time: HasTime) -> Outcome:
        """Count everybody who is not counted yet.

        What belongs to a period past its expiry is left alone: its marks and nodes expire as its records do.

        Cost: one consistent BatchGetItem per 100 players and boards; for those not yet counted, what ``Settler`` takes
        for 100 of a board and period at a time.

        Args:
            dues: Each player of a board and period at most once.
            has_time: Asked before each group; once it says no, the rest is put off.
        """
        now = self._clock()
        over = [due.name for due in dues if due.is_over(now)]
        outcome = Outcome(settled_before=over)
        pending: list[_Pending] = []
        outcome.add(_pinned(partial(self._looked_up, pending, now), [due for due in dues if not due.is_over(now)]))
        for group in _groups(pending):
            outcome.add(_pinned(partial(self._settled, has_time), group))
        return outcome

    def _looked_up(self, pending: list[_Pending], now: datetime, dues: Sequence[Due]) -> Outcome:
        """Find out who is counted already and whose board does not exist; add the others to ``pending``."""
        boards, marks = self._read(dues)
        outcome, found = Outcome(), []
        for due in dues:
            board = boards.get(due.record.board_id)
            if board is None:
                outcome.refused.append(Refusal(due.name, f"there is no board {due.record.board_id!r}"))
                continue
            settlement = due.settlement(board, now)
            if settlement.is_due(marks.get(due.name, UNMARKED)):
                found.append(_Pending(due.name, settlement))
            else:
                outcome.settled_before.append(due.name)
        pending += found
        return outcome

    def _read(self, dues: Sequence[Due]) -> tuple[Mapping[str, Board], Mapping[str, Mark]]:
        """Return the boards that exist, by id, and the marks, by the dues' names."""
        board_keys = {due.record.board_id: self._boards.key(due.record.board_id) for due in dues}
        mark_keys = {due.name: self._mark_key(due.record) for due in dues}
        items = self._dynamo.get_all(
            [
                *((self._boards.table, key) for key in board_keys.values()),
                *((self._ranks.table, key) for key in mark_keys.values()),
            ]
        )
        boards = {name: items.get((self._boards.table, key_text(key))) for name, key in board_keys.items()}
        marks = {name: items.get((self._ranks.table, key_text(key))) for name, key in mark_keys.items()}
        return (
            {board_id: self._boards.parsed(item) for board_id, item in boards.items() if item},
            {name: self._ranks.parsed_mark(item) for name, item in marks.items() if item},
        )

    def _mark_key(self, record: Record) -> dict[str, object]:
        return self._ranks.mark_key(record.board_id, record.period_id, record.player_id)

    def _settled(self, has_time: HasTime, group: Sequence[_Pending]) -> Outcome:
        names = [each.name for each in group]
        if has_time() and self._settler.settle([each.settlement for each in group]):
            return Outcome(settled=names)
        return Outcome(put_off=names)


def _pinned(act: Callable[[Sequence[Named]], Outcome], group: Sequence[Named], *, again: bool = True) -> Outcome:
    """Return what became of a group; what fails for no reason that time mends is pinned on single members."""
    if not group:
        return Outcome()
    try:
        return act(group)
    except StoreUnavailableError:
        return Outcome(put_off=[each.name for each in group])
    except Exception as error:  # noqa: BLE001  # an edge: whatever one record brings about must not hold up the others
        if refuses_us(error):
            _log.exception("store_refuses_us")
            return Outcome(put_off=[each.name for each in group])
        return _halved(act, group, error, again=again)


def _halved(
    act: Callable[[Sequence[Named]], Outcome], group: Sequence[Named], error: Exception, *, again: bool
) -> Outcome:
    if len(group) > 1:
        half = len(group) // 2
        outcome = _pinned(act, group[:half])
        outcome.add(_pinned(act, group[half:]))
        return outcome
    if again:  # a reply that was garbled on its way is nobody's fault
        return _pinned(act, group, again=False)
    return Outcome(refused=[Refusal(group[0].name, f"{type(error).__name__}: {error}", error)])


def _groups(pending: Sequence[_Pending]) -> Iterator[list[_Pending]]:
    for _, same in groupby(sorted(pending, key=lambda each: each.place), key=lambda each: each.tree):
        tree = list(same)
        for start in range(0, len(tree), _PLAYERS_TOGETHER):
            yield tree[start : start + _PLAYERS_TOGETHER]
