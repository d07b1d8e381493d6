"""Delivery: a message of the topic into the inboxes of its recipients, or among the announcements.

A message may come twice, late, out of order, and its delivery may end anywhere: it is delivered again then, and what an
inbox has had it does not take again. What can never be delivered becomes a dead letter, at once.
"""

import logging
from collections.abc import Sequence
from functools import partial
from itertools import chain

from msgspec import Struct

from chalicelib import logs
from chalicelib.domain import messages
from chalicelib.domain.messages import Fault, Message, UndeliverableError
from chalicelib.domain.notices import NoticeKind
from chalicelib.domain.players import PlayerState
from chalicelib.services.clock import Clock
from chalicelib.services.push import Letter, Push, Pushed, RemainingTime
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.notices import NoticeStore
from chalicelib.store.players import PlayerStore
from chalicelib.store.undeliverable import Undeliverable, UndeliverableQueue

_AT_ONCE = 8
_log = logging.getLogger(logs.LOGGER_NAME)


class Delivered(Struct, frozen=True):
    """What became of a message, in numbers."""

    kind: str
    """"" of what nobody can read."""
    notice_id: str = ""
    fault: Fault | None = None
    """Why it is among the dead letters; None where it is not."""
    recipients: int = 0
    delivered: int = 0
    """Of an announcement, 1 when it came first."""
    repeated: int = 0
    """Recipients who had had it before."""
    gone: int = 0
    """Recipients who are no players, or no longer."""
    pushed: Pushed = Pushed()


class Delivery:
    def __init__(  # noqa: PLR0913  # the composition root names them
        self,
        *,
        dynamo: Dynamo,
        store: NoticeStore,
        players: PlayerStore,
        dead_letters: UndeliverableQueue,
        push: Push,
        clock: Clock,
    ) -> None:
        self._dynamo = dynamo
        self._store = store
        self._players = players
        self._dead_letters = dead_letters
        self._push = push
        self._clock = clock

    def deliver(self, text: str, remaining: RemainingTime) -> Delivered:
        """Deliver a message, and push it to the devices of those who had not had it.

        Cost: for each recipient a write unit and a consistent read of the profile; eight writes are made at a time.
        What it costs to push says ``Push``.

        Raises:
            StoreUnavailableError: Not everybody has got it; it must be delivered again.
        """
        try:
            message = messages.decoded(text)
        except UndeliverableError as error:
            return self._buried(text, error)
        if self._clock() >= message.expires_at:
            return Delivered(message.kind.value, message.notice_id, recipients=message.recipients)
        if message.kind is NoticeKind.ANNOUNCEMENT:
            return self._announced(message)
        return self._delivered(message, remaining)

    def _announced(self, message: Message) -> Delivered:
        [(notice, _)] = message.notices()
        is_new = self._store.announce(notice)
        return Delivered(message.kind.value, message.notice_id, delivered=int(is_new), repeated=int(not is_new))

    def _delivered(self, message: Message, remaining: RemainingTime) -> Delivered:
        letters = [(player_id, notice) for notice, player_ids in message.notices() for player_id in player_ids]
        new = self._put_all(letters)
        gone = self._taken_back([player_id for player_id, _ in letters], message.notice_id)
        reached = [letter for letter in new if letter[0] not in gone]
        return Delivered(
            message.kind.value,
            message.notice_id,
            recipients=len(letters),
            delivered=len(reached),
            repeated=len(letters) - len(new),
            gone=len(gone),
            pushed=self._push.push(reached, remaining),
        )

    def _put_all(self, letters: Sequence[Letter]) -> list[Letter]:
        """Put every letter into its inbox, and return those that had not been there."""
        shares = [partial(self._put, letters[start::_AT_ONCE]) for start in range(min(_AT_ONCE, len(letters)))]
        first, others = self._dynamo.alongside(shares[0], shares[1:])
        return list(chain(first, *others))

    def _put(self, letters: Sequence[Letter]) -> list[Letter]:
        return [letter for letter in letters if self._store.deliver(*letter)]

    def _taken_back(self, player_ids: Sequence[str], notice_id: str) -> frozenset[str]:
        """Take the notice away from those who are no players, or are leaving, and return who they are.

        Looked at after everything was put: who begins to leave later empties an inbox that has it.
        """
        known = self._players.get_many(list(player_ids))
        active = {player_id for player_id, player in known.items() if player.state is PlayerState.ACTIVE}
        gone = frozenset(player_ids) - active
        if gone:
            self._store.discard(sorted(gone), notice_id)
        return gone

    def _buried(self, text: str, error: UndeliverableError) -> Delivered:
        self._dead_letters.put(Undeliverable(error.fault.value, str(error), self._clock(), text))
        _log.error("notice_undeliverable", extra={"reason": error.fault.value, "detail": str(error)})
        return Delivered("", fault=error.fault)
