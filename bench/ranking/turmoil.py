"""Bad weather between the app and its database: calls fail, answers get lost, processes die, others come between."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from random import Random
from typing import NoReturn

from tests.fake_dynamodb import Call, conflict_on, throttle, time_out


class Trouble(StrEnum):
    """What can become of a call."""

    THROTTLED = "throttled"
    NOT_DONE = "timed out before it was done"
    INDEX_BUSY = "cancelled: a node or mark was busy"
    RECORD_BUSY = "cancelled: a record, game or player was busy"
    KILLED_BEFORE = "process killed before it"
    JOINED = "joined by another process"
    ANSWER_LOST = "done, but the answer was lost"
    KILLED_AFTER = "process killed after it"


AFTERWARDS = (Trouble.ANSWER_LOST, Trouble.KILLED_AFTER)
CHANCES: Mapping[Trouble, float] = {
    Trouble.THROTTLED: 0.01,
    Trouble.NOT_DONE: 0.005,
    Trouble.INDEX_BUSY: 0.1,
    Trouble.RECORD_BUSY: 0.03,
    Trouble.KILLED_BEFORE: 0.005,
    Trouble.JOINED: 0.15,
    Trouble.ANSWER_LOST: 0.015,
    Trouble.KILLED_AFTER: 0.005,
}
"""Per call. What is busy strikes transactions with such items alone."""
_IN_A_STORM = 0.9
_KEYS = {Trouble.INDEX_BUSY: ("node#", "mark#"), Trouble.RECORD_BUSY: ("player_id", "profile")}


class KilledError(BaseException):
    """The process ended. Like KeyboardInterrupt: nobody but who started it may notice."""


class Turmoil:
    """Hooks around the calls of a database in memory.

    Args:
        company: Does what another process does, in the middle of a call. Nobody comes between its own calls, but they
            fail like others.
    """

    def __init__(self, random: Random, company: Callable[[], object], chances: Mapping[Trouble, float]) -> None:
        self.struck: Counter[Trouble] = Counter()
        self._random = random
        self._company = company
        self._before = _scale({kind: chance for kind, chance in chances.items() if kind not in AFTERWARDS})
        self._after = _scale({kind: chance for kind, chance in chances.items() if kind in AFTERWARDS})
        self._calm = False
        self._joined = False
        self._storm = 0

    def before(self, call: Call) -> None:
        self._weather(self._before, call)
        if self._storm and not self._calm and _touches(call, _KEYS[Trouble.INDEX_BUSY]):
            self._storm -= 1
            if self._random.random() < _IN_A_STORM:
                self.struck[Trouble.INDEX_BUSY] += 1
                _strike(Trouble.INDEX_BUSY, call)

    def after(self, call: Call) -> None:
        self._weather(self._after, call)

    def begin_storm(self, calls: int) -> None:
        """Have most transactions with nodes or marks cancelled, as many as meet on a hot board."""
        self._storm = calls

    @contextmanager
    def calm(self) -> Iterator[None]:
        was, self._calm = self._calm, True
        try:
            yield
        finally:
            self._calm = was

    def _weather(self, scale: list[tuple[float, Trouble]], call: Call) -> None:
        drawn = self._random.random()
        if self._calm or not scale or drawn >= scale[-1][0]:
            return
        trouble = next(kind for end, kind in scale if drawn < end)
        if trouble is Trouble.JOINED:
            self._join()
        elif trouble not in _KEYS or _touches(call, _KEYS[trouble]):
            self.struck[trouble] += 1
            _strike(trouble, call)

    def _join(self) -> None:
        if self._joined:
            return
        self._joined = True
        self.struck[Trouble.JOINED] += 1
        try:
            self._company()
        finally:
            self._joined = False


def _scale(chances: Mapping[Trouble, float]) -> list[tuple[float, Trouble]]:
    """Return where each kind's part of [0, 1) ends."""
    end, scale = 0.0, []
    for kind, chance in chances.items():
        end += chance
        scale.append((end, kind))
    return scale


def _touches(call: Call, texts: tuple[str, ...]) -> bool:
    if call.operation != "TransactWriteItems":
        return False
    return any(text in repr(write.get("Key") or write.get("Item")) for write in call.writes for text in texts)


def _strike(trouble: Trouble, call: Call) -> NoReturn:
    match trouble:
        case Trouble.KILLED_BEFORE | Trouble.KILLED_AFTER:
            raise KilledError
        case Trouble.THROTTLED:
            throttle(call)
        case Trouble.INDEX_BUSY | Trouble.RECORD_BUSY:
            conflict_on(*_KEYS[trouble])(call)
        case _:
            time_out(call)
    raise AssertionError(trouble)
