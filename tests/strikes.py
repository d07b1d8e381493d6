"""What strikes at a call: the process ends there, or whatever else a test lets happen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn


class Killed(BaseException):  # like KeyboardInterrupt: no handler stands in its way
    """The process ended."""


def kill(_: object) -> NoReturn:
    raise Killed


@dataclass
class AtCall:
    """Acts once, at the nth call from now on."""

    number: int
    act: Callable[[Any], None] = kill
    done: bool = False

    def __call__(self, call: Any) -> None:
        if not self.done and self.number == 0:
            self.done = True
            self.act(call)
        self.number -= 1
