"""What a deployment changes, as the lines of a plan and of a report."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

SEVERAL = 3


class Kind(StrEnum):
    ADD = "+"
    CHANGE = "~"
    REPLACE = "!"
    REMOVE = "-"


@dataclass(frozen=True, slots=True)
class Change:
    """One line.

    >>> print(Change(Kind.CHANGE, "function laurel-dev-settle_records", "code"))
    ~ function laurel-dev-settle_records (code)
    """

    kind: Kind
    subject: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}" + (f" ({self.detail})" if self.detail else "")


def lines(changes: list[Change]) -> Iterator[str]:
    """Yield the lines of a plan: what happens to several of a kind is one.

    >>> changes = [Change(Kind.CHANGE, f"function {name}", "code") for name in ("a", "b", "c")]
    >>> list(lines([*changes, Change(Kind.ADD, "API")]))
    ['~ 3 functions (code): a, b, c', '+ API']
    """
    groups: dict[tuple[Kind, str, str], list[Change]] = {}
    for change in changes:
        groups.setdefault((change.kind, change.subject.split(" ")[0], change.detail), []).append(change)
    for (kind, noun, detail), alike in groups.items():
        if len(alike) < SEVERAL:
            yield from map(str, alike)
        else:
            names = ", ".join(change.subject.split(" ")[-1] for change in alike)
            yield f"{Change(kind, f'{len(alike)} {noun}s', detail)}: {names}"


def merged(changes: list[Change]) -> list[Change]:
    """Return one line for each subject: the first kind of change, and every detail once.

    >>> [str(change) for change in merged([Change(Kind.ADD, "role r"), Change(Kind.CHANGE, "role r", "policy")])]
    ['+ role r']
    """
    by_subject: dict[str, Change] = {}
    for change in changes:
        first = by_subject.setdefault(change.subject, change)
        if first.kind is Kind.CHANGE and change.detail not in first.detail:
            detail = f"{first.detail}, {change.detail}" if first.detail else change.detail
            by_subject[change.subject] = Change(first.kind, first.subject, detail)
    return list(by_subject.values())
