"""What became of the functions' permissions in a run of tests: which were used, and what was asked for in vain."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.permissions.evaluation import Permission, Policy, Request

Json = dict[str, Any]


@dataclass(slots=True)
class Ledger:
    """Permissions used and requests refused, by function."""

    used: dict[str, set[Permission]] = field(default_factory=dict)
    refused: dict[str, set[str]] = field(default_factory=dict)

    def enter(self, function: str, policy: Policy, request: Request) -> bool:
        """Enter a request, and tell whether the function's policy allows it."""
        used = policy.used(request)
        self.used.setdefault(function, set()).update(used)
        if not used:
            self.refused.setdefault(function, set()).add(described(request))
        return bool(used)

    def merge(self, other: "Ledger") -> None:
        for function, permissions in other.used.items():
            self.used.setdefault(function, set()).update(permissions)
        for function, requests in other.refused.items():
            self.refused.setdefault(function, set()).update(requests)

    def to_json(self) -> Json:
        return {
            "used": {function: sorted(map(list, permissions)) for function, permissions in self.used.items()},
            "refused": {function: sorted(requests) for function, requests in self.refused.items()},
        }

    @classmethod
    def of_json(cls, written: Json) -> "Ledger":
        used = {function: {Permission(*each) for each in triples} for function, triples in written["used"].items()}
        return cls(used, {function: set(requests) for function, requests in written["refused"].items()})

    def faults(self, policies: Mapping[str, Policy], *, whole: bool, spared: Collection[str] = ()) -> list[str]:
        """Return what is wrong, a line each.

        Args:
            whole: Whether all tests were run: only then does what nothing used count.
            spared: The Sids of statements that no test can use.
        """
        lines = [
            f"{function} is not allowed {request}"
            for function, requests in sorted(self.refused.items())
            for request in sorted(requests)
        ]
        for function, policy in policies.items() if whole else ():
            idle = policy.permissions() - self.used.get(function, set())
            lines += sorted(f"{function} never uses {each}" for each in idle if each.sid not in spared)
        return lines


def described(request: Request) -> str:
    keys = "".join(f", {key} {', '.join(values)}" for key, values in request.keys)
    return f"{request.action} on {request.resource}{keys}"
