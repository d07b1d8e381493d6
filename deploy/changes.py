"""What a deployment changes, as the lines of a plan and of a report."""

from dataclasses import dataclass
from enum import StrEnum


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
