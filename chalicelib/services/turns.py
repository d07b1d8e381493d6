"""How far periods are: open, over, or turned."""

from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct

from chalicelib.domain import turns
from chalicelib.domain.boards import Board
from chalicelib.domain.periods import Period
from chalicelib.domain.turns import Stage
from chalicelib.services.clock import Clock
from chalicelib.store.turns import TurnStore


class Progress(Struct, frozen=True):
    """How far a period is; ``archived`` is how many records its archive has, once it has one."""

    stage: Stage
    archived: int | None


class Turns:
    def __init__(self, store: TurnStore, clock: Clock, grace: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._grace = grace

    def progress(self, board: Board, periods: Sequence[Period]) -> list[Progress]:
        """Return how far some periods of a board are, in order. One BatchGetItem, of those that are over."""
        now = self._clock()
        over = [(board.board_id, period.period_id) for period in periods if turns.ended(period, now)]
        turn_by_tree = self._store.get_many(over)
        found = [(period, turn_by_tree.get((board.board_id, period.period_id))) for period in periods]
        return [
            Progress(
                turns.stage_of(period.end, turn, now, self._grace), turn.records if turn and turn.manifest else None
            )
            for period, turn in found
        ]
