"""What AWS makes of a policy: that part of its rules which our policies use. What it does not know, it refuses to read.

Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

ConditionKeys = tuple[tuple[str, tuple[str, ...]], ...]
"""By name, the values of what the conditions of policies are about, sorted: hashable, as a request is."""


class PolicyError(Exception):
    """A policy says something whose meaning is not known here."""


class Request(NamedTuple):
    """One thing that AWS asks a caller's policies when a call is made; a call may come to several."""

    action: str
    resource: str
    """An ARN; "*" for an action that is done to no resource."""
    keys: ConditionKeys = ()


class Permission(NamedTuple):
    """The least that can be taken out of a policy: an action on a resource, or one value of a condition."""

    sid: str
    subject: str
    """The action, or the key of the condition."""
    object: str
    """The resource, or the value."""

    def __str__(self) -> str:
        return f"{self.sid}: {self.subject} on {self.object}"


@dataclass(frozen=True, slots=True)
class Condition:
    operator: str
    key: str
    values: tuple[str, ...]

    def matched(self, keys: Mapping[str, Sequence[str]]) -> frozenset[str] | None:
        """Return which of its values a request's keys match, or None where the condition does not hold."""
        combine, compare = _OPERATORS[self.operator]
        actual = keys.get(self.key, ())
        matches = [frozenset(value for value in self.values if compare(value, each)) for each in actual]
        return frozenset().union(*matches) if combine(matches) else None


@dataclass(frozen=True, slots=True)
class Statement:
    sid: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...]

    def permissions(self) -> Iterator[Permission]:
        yield from (Permission(self.sid, action, resource) for action in self.actions for resource in self.resources)
        for condition in self.conditions:
            yield from (Permission(self.sid, condition.key, value) for value in condition.values)

    def used(self, request: Request) -> frozenset[Permission]:
        """Return what of the statement applies to a request; nothing where it does not."""
        keys = dict(request.keys)
        actions = [each for each in self.actions if _matches(each.lower(), request.action.lower())]
        resources = [each for each in self.resources if _matches(each, request.resource)]
        found = [(condition, condition.matched(keys)) for condition in self.conditions]
        if not actions or not resources or any(values is None for _, values in found):
            return frozenset()
        used = {Permission(self.sid, action, resource) for action in actions for resource in resources}
        used |= {Permission(self.sid, condition.key, value) for condition, values in found for value in values or ()}
        return frozenset(used)


@dataclass(frozen=True, slots=True)
class Policy:
    statements: tuple[Statement, ...]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Policy":
        """Read a policy's JSON, or raise PolicyError."""
        if document.keys() != {"Version", "Statement"} or document["Version"] != "2012-10-17":
            raise PolicyError(f"no policy of 2012-10-17: {sorted(document)}")
        return cls(tuple(_statement(each) for each in document["Statement"]))

    def permissions(self) -> frozenset[Permission]:
        """Return everything that the policy allows, piece by piece."""
        return frozenset(each for statement in self._allowing() for each in statement.permissions())

    def used(self, request: Request) -> frozenset[Permission]:
        """Return what of the policy allows a request; nothing where it is refused."""
        if any(statement.used(request) for statement in self.statements if statement.effect == "Deny"):
            return frozenset()
        return frozenset(each for statement in self._allowing() for each in statement.used(request))

    def _allowing(self) -> Iterator[Statement]:
        return (statement for statement in self.statements if statement.effect == "Allow")


def _statement(written: Mapping[str, Any]) -> Statement:
    unknown = written.keys() - {"Sid", "Effect", "Action", "Resource", "Condition"}
    if unknown or written["Effect"] not in {"Allow", "Deny"}:
        raise PolicyError(f"statement {written.get('Sid')}: {sorted(unknown) or written['Effect']} is not known here")
    conditions = tuple(
        _condition(operator, key, values)
        for operator, values_by_key in written.get("Condition", {}).items()
        for key, values in values_by_key.items()
    )
    return Statement(
        written["Sid"], written["Effect"], tuple(written["Action"]), tuple(written["Resource"]), conditions
    )


def _condition(operator: str, key: str, values: Sequence[str]) -> Condition:
    if operator not in _OPERATORS or isinstance(values, str):
        raise PolicyError(f"condition {operator} on {key} is not known here, or no list")
    return Condition(operator, key, tuple(values))


@cache
def _pattern(written: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(each) or re.escape(each) for each in written), re.DOTALL)


def _matches(pattern: str, text: str) -> bool:
    return _pattern(pattern).fullmatch(text) is not None


def _equals(wanted: str, text: str) -> bool:
    return wanted == text


def _single(matches: Sequence[frozenset[str]]) -> bool:
    return len(matches) == 1 and bool(matches[0])


_OPERATORS: Mapping[str, tuple[Callable[[Sequence[frozenset[str]]], bool], Callable[[str, str], bool]]] = {
    "StringEquals": (_single, _equals),
    "StringLike": (_single, _matches),
    "ArnEquals": (_single, _matches),
    "ArnLike": (_single, _matches),
    # A key that a request does not have has no value that would contradict.
    "ForAllValues:StringEquals": (all, _equals),
    "ForAllValues:StringLike": (all, _matches),
    "ForAnyValue:StringEquals": (any, _equals),
    "ForAnyValue:StringLike": (any, _matches),
}
