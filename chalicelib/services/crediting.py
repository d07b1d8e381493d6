"""Crediting: players are given what is due to them, once, however often it is tried and wherever it is cut off.

What is due to a player for one event is given in one transaction, together with that of others: the check that the
player has not left, an entry of the ledger for each reward, refused where it stands there already, and the balances.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from chalicelib.domain.rewards import Due
from chalicelib.errors import StoreUnavailableError
from chalicelib.services.rewarding import Given
from chalicelib.store.dynamo import MAX_TRANSACTION_ITEMS, CancelledError, Dynamo, Part
from chalicelib.store.rewards import RewardStore, given_name, left_name

_ATTEMPTS = 10
_Group = dict[Due, list[Part]]
"""Players, and the writes that give them what is due."""


class Crediting:
    def __init__(self, dynamo: Dynamo, store: RewardStore) -> None:
        self._dynamo = dynamo
        self._store = store

    def give(self, dues: Sequence[Due]) -> Given:
        """Give each player what is due, unless it was given before; those who have left get nothing.

        Args:
            dues: No player twice.

        Cost: two write units for each player, each reward and each balance, in transactions of up to 100 items, eight
        at a time.

        Raises:
            StoreUnavailableError: Other writers kept being busy with a player. What was given stays given.
        """
        groups = list(self._grouped(dues))
        if not groups:
            return Given()
        first, others = self._dynamo.alongside(
            partial(self._give_together, groups[0]), [partial(self._give_together, group) for group in groups[1:]]
        )
        return _sum([first, *others])

    def _grouped(self, dues: Sequence[Due]) -> Iterator[_Group]:
        """Yield as many players, with the writes for each, as one transaction takes."""
        group: _Group = {}
        size = 0
        for due in dues:
            parts = self._store.parts(due)
            if size + len(parts) > MAX_TRANSACTION_ITEMS:
                yield group
                group, size = {}, 0
            group[due] = parts
            size += len(parts)
        if group:
            yield group

    def _give_together(self, group: _Group, attempt: int = 0) -> Given:
        """Give in one transaction, without those it is refused for; where others are busy, each half in its own."""
        try:
            self._dynamo.transact([part for parts in group.values() for part in parts])
        except CancelledError as error:
            cancelled = error
        else:
            return Given(len(group))
        settled = _settled(group, cancelled.refused)
        rest = {due: parts for due, parts in group.items() if not _is_refused(due, cancelled.refused)}
        if not cancelled.contended:
            return _sum([settled, self._give_together(rest, attempt)]) if rest else settled
        if rest and attempt == _ATTEMPTS:
            raise StoreUnavailableError("other writers kept being busy with a player; nothing was lost, try again")
        self._dynamo.pause(attempt)
        return _sum([settled, *(self._give_together(half, attempt + 1) for half in _halves(rest) if half)])


def _is_refused(due: Due, refused: frozenset[str]) -> bool:
    return not refused.isdisjoint({left_name(due.player_id), given_name(due.player_id)})


def _settled(group: Iterable[Due], refused: frozenset[str]) -> Given:
    """Return how many of a group have it already, and how many have left."""
    left = sum(left_name(due.player_id) in refused for due in group)
    return Given(sum(_is_refused(due, refused) for due in group) - left, left)


def _halves(group: _Group) -> list[_Group]:
    pairs, middle = list(group.items()), len(group) // 2
    return [dict(pairs[:middle]), dict(pairs[middle:])]


def _sum(counts: Iterable[Given]) -> Given:
    counts = list(counts)
    return Given(sum(each.players for each in counts), sum(each.left for each in counts))
