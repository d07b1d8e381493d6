"""Differences between what is deployed and what is wanted: a plan is made of them, and so is a report."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    ADD = "+"
    CHANGE = "~"
    REPLACE = "!"
    REMOVE = "-"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference, as a line of a plan: ``~ function settle_records (memory 512 -> 1024)``."""

    kind: Kind
    subject: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """A difference that one call mends. Whoever only plans reads ``change``; whoever deploys calls ``mend`` too."""

    change: Change
    mend: Callable[[], object]
