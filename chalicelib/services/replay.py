"""Replaying dead letters: players are counted as their records say now, whatever the letters say they said."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from chalicelib.domain.records import Record
from chalicelib.errors import StoreUnavailableError
from chalicelib.services.backlog import Backlog, Due, HasTime
from chalicelib.services.clock import Clock
from chalicelib.services.followup import RESERVE_MILLISECONDS, RemainingTime
from chalicelib.store import stream
from chalicelib.store.dead_letters import DeadLetter, DeadLetterQueue, LostBatch, Message
from chalicelib.store.dynamo import Dynamo, Item, key_text
from chalicelib.store.ranks import Mark, RankStore
from chalicelib.store.records import RecordStore
from chalicelib.store.stream import Delivery, ForgottenError, RecordStream, UnreadableError
from chalicelib.store.typed import from_seconds

_FORGOTTEN = (
    "the stream keeps records for 24 hours, and these are older: audit the boards, rebuild those that drifted, "
    "then purge the queue"
)
_BUSY = "the index or the database is busy: replay again in a while"


class Fate(Struct, frozen=True):
    """What became of one letter. One that was not replayed stays in the queue, and ``why`` says for what reason."""

    message_id: str
    subject: str
    replayed: bool
    why: str = ""


class Replayed(Struct, frozen=True):
    fates: list[Fate]
    more: bool
    """The time was up before the queue was empty."""


class Replay:
    def __init__(
        self, *, dead_letters: DeadLetterQueue, deliveries: RecordStream, truth: "Truth", backlog: Backlog
    ) -> None:
        self._dead_letters = dead_letters
        self._deliveries = deliveries
        self._truth = truth
        self._backlog = backlog

    def replay(self, remaining: RemainingTime) -> Replayed:
        """Replay what the queue holds. What stays in it is hidden from further calls for some minutes.

        Cost per letter: one consistent BatchGetItem of the records and marks it names, then as ``Backlog.settle``.

        Raises:
            ClientFailedError: The queue cannot be read.
        """
        fates: list[Fate] = []

        def has_time() -> bool:
            return remaining() > RESERVE_MILLISECONDS

        while has_time():
            messages = self._dead_letters.receive()
            if not messages:
                return Replayed(fates, more=False)
            fates += [self._fate(message, has_time) for message in messages]
        return Replayed(fates, more=True)

    def _fate(self, message: Message, has_time: HasTime) -> Fate:
        subject = "a message"
        try:
            letter = message.letter()
            subject = _subject(letter)
            problems = self._settled(self._told_by(letter), has_time)
            if not problems:
                self._dead_letters.delete(message)
        except UnreadableError as error:
            problems = [str(error)]
        except ForgottenError:
            problems = [_FORGOTTEN]
        except StoreUnavailableError as error:
            problems = [error.message]
        return Fate(message.message_id, subject, not problems, "; ".join(problems))

    def _told_by(self, letter: DeadLetter | LostBatch) -> Iterable[Delivery]:
        if isinstance(letter, DeadLetter):
            return [letter.change]
        batch = letter.batch
        return self._deliveries.between(
            batch.stream_arn, batch.shard_id, batch.start_sequence_number, batch.end_sequence_number
        )

    def _settled(self, deliveries: Iterable[Delivery], has_time: HasTime) -> list[str]:
        """Count everybody who is named; return why some could not be, each reason once."""
        told_by_key: dict[str, list[Delivery]] = {}
        for delivery in deliveries:
            told_by_key.setdefault(key_text(stream.key_of(delivery)), []).append(delivery)
        dues, problems = self._truth.dues(told_by_key)
        outcome = self._backlog.settle(dues, has_time)
        problems += [refusal.reason for refusal in outcome.refused]
        problems += [_BUSY for _ in outcome.put_off]
        return list(dict.fromkeys(problems))


class Truth:
    """What records say now of players that the stream spoke of once."""

    def __init__(
        self, *, dynamo: Dynamo, records: RecordStore, ranks: RankStore, deliveries: RecordStream, clock: Clock
    ) -> None:
        self._dynamo = dynamo
        self._records = records
        self._ranks = ranks
        self._deliveries = deliveries
        self._clock = clock

    def dues(self, told_by_key: Mapping[str, Sequence[Delivery]]) -> tuple[list[Due], list[str]]:
        """Return how everybody is to be counted, under the given names, and what of it cannot be told.

        Args:
            told_by_key: What the stream told of each record, under the record's ``key_text``.
        """
        stored = self._stored(told_by_key)
        dues, problems = [], []
        for name, told in told_by_key.items():
            key = stream.key_of(told[0])
            item = stored.get((self._records.table, name))
            mark = stored.get((self._ranks.table, key_text(self._mark_key(key))))
            try:
                due = Due(name, self._deliveries.record(item)) if item else self._gone(name, told, mark)
            except UnreadableError as error:
                problems.append(f"{' '.join(stream.address(key))}: {error}")
                continue
            if due:
                dues.append(due)
        return dues, problems

    def _stored(self, told_by_key: Mapping[str, Sequence[Delivery]]) -> dict[tuple[str, str], Item]:
        keys = [stream.key_of(told[0]) for told in told_by_key.values()]
        wanted = [(self._records.table, key) for key in keys]
        wanted += [(self._ranks.table, self._mark_key(key)) for key in keys]
        return self._dynamo.get_all(wanted)

    def _mark_key(self, key: Item) -> Item:
        player_id, board_id, period_id = stream.address(key)
        return self._ranks.mark_key(board_id, period_id, player_id)

    def _gone(self, name: str, told: Sequence[Delivery], mark_item: Item | None) -> Due | None:
        """Return that a record which exists no more is to be counted nowhere; None when it never was."""
        mark: Mark | None = self._ranks.parsed_mark(mark_item) if mark_item else None
        generations = [stream.whole_number(delivery, "generation") or 0 for delivery in told]
        if mark and mark.value is not None:
            generations.append(mark.generation)
        if not any(generations):
            return None
        expires_at = stream.whole_number(told[-1], "expires_at")
        player_id, board_id, period_id = stream.address(stream.key_of(told[0]))
        record = Record(
            player_id,
            board_id,
            period_id,
            score=0,
            subscore=0,
            achieved_at=self._clock(),
            generation=max(generations),
            display_name="",
            expires_at=from_seconds(expires_at) if expires_at else None,
        )
        return Due(name, record, gone=True)


def _subject(letter: DeadLetter | LostBatch) -> str:
    if isinstance(letter, LostBatch):
        batch = letter.batch
        return f"records {batch.start_sequence_number} to {batch.end_sequence_number} of {batch.shard_id}"
    player_id, board_id, period_id = stream.address(stream.key_of(letter.change))
    return f"player {player_id} on board {board_id}, period {period_id}"
