"""Following up: every change of a record that the stream delivers ends in the rank index, or in the dead letters.

``gameEnd`` has counted most players before the stream speaks of them; what it left, for contention or because it died,
is counted here. Batches may come twice, late, or in part: a settlement that is done is not done again.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from chalicelib import logs
from chalicelib.services.backlog import Backlog, Due, Refusal
from chalicelib.services.clock import Clock
from chalicelib.store import stream
from chalicelib.store.clients import ClientFailedError
from chalicelib.store.dead_letters import DeadLetter, DeadLetterQueue
from chalicelib.store.stream import Change, Delivery, RecordStream, UnreadableError

RESERVE_MILLISECONDS = 20_000
"""What one group may still take at its worst, with calls that time out and are tried again."""
RemainingTime = Callable[[], int]
"""Milliseconds until the function is ended."""
_MILLISECONDS = 1000
_log = logging.getLogger(logs.LOGGER_NAME)


class Report(Struct, frozen=True):
    """What became of a batch, in numbers."""

    records: int
    players: int
    """Of a board and period each, whose place may have changed."""
    settled: int
    settled_before: int
    deferred: int
    dead_lettered: int
    lag_ms: int
    """How old the oldest change of the batch is, up to a second too much: the stream tells whole seconds."""
    again: tuple[str, ...]
    """The sequence numbers that must be delivered again, ascending."""


class FollowUp:
    def __init__(self, *, records: RecordStream, backlog: Backlog, dead_letters: DeadLetterQueue, clock: Clock) -> None:
        self._records = records
        self._backlog = backlog
        self._dead_letters = dead_letters
        self._clock = clock

    def follow(self, deliveries: Sequence[Delivery], remaining: RemainingTime) -> Report:
        """Count what the deliveries tell of: of each player, board and period the newest generation.

        Throttling, contention and a lack of time put changes off: they are to be delivered again. A change that can
        never be counted becomes a dead letter, and holds up nobody; unless the queue does not take it, for then it is
        put off too.
        """
        changes, unreadable = self._read(deliveries)
        newest = _newest(change for change in changes if change.moved)
        dues = [Due(change.sequence_number, change.record, gone=change.gone) for change in newest]
        outcome = self._backlog.settle(dues, lambda: remaining() > RESERVE_MILLISECONDS)
        hopeless = [*unreadable, *outcome.refused]
        unburied = self._bury(hopeless, {stream.sequence_number(each): each for each in deliveries})
        return Report(
            records=len(deliveries),
            players=len(dues),
            settled=len(outcome.settled),
            settled_before=len(outcome.settled_before),
            deferred=len(outcome.put_off) + len(unburied),
            dead_lettered=len(hopeless) - len(unburied),
            lag_ms=self._lag(deliveries),
            again=tuple(sorted([*outcome.put_off, *unburied], key=int)),
        )

    def _read(self, deliveries: Sequence[Delivery]) -> tuple[list[Change], list[Refusal]]:
        changes, unreadable = [], []
        for delivery in deliveries:
            try:
                changes.append(self._records.change(delivery))
            except UnreadableError as error:
                unreadable.append(Refusal(stream.sequence_number(delivery), str(error), error))
        return changes, unreadable

    def _bury(self, refusals: Sequence[Refusal], delivery_by_number: Mapping[str, Delivery]) -> list[str]:
        """Put what can never be counted into the queue; return the sequence numbers of what it did not take."""
        for position, refusal in enumerate(refusals):
            delivery = delivery_by_number[refusal.name]
            try:
                self._dead_letters.put(DeadLetter(refusal.reason, self._clock(), dict(delivery)))
            except ClientFailedError:
                _log.exception("dead_letter_refused")
                return [each.name for each in refusals[position:]]
            player_id, board_id, period_id = stream.address(stream.key_of(delivery))
            facts = {"player_id": player_id, "board_id": board_id, "period_id": period_id, "reason": refusal.reason}
            _log.error("dead_letter", exc_info=refusal.cause, extra=facts)
        return []

    def _lag(self, deliveries: Sequence[Delivery]) -> int:
        instants = [instant for instant in map(stream.created_at, deliveries) if instant]
        oldest = min(instants, default=self._clock())
        return max(0, int((self._clock() - oldest).total_seconds() * _MILLISECONDS))


def _newest(changes: Iterable[Change]) -> list[Change]:
    """Return the change with the highest generation of each player, board and period; of equals the last, a removal."""
    newest: dict[tuple[str, str, str], Change] = {}
    for change in sorted(changes, key=lambda change: change.record.generation):
        record = change.record
        newest[record.player_id, record.board_id, record.period_id] = change
    return list(newest.values())
