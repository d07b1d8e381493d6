"""DynamoDB's expressions as this app writes them: parsed once, then applied to typed items. All others are refused."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

Item = dict[str, Any]
"""Attribute name to {type: value}."""
Operand = str
"""An attribute's name, or a placeholder that begins with a colon."""

_TOKEN = re.compile(r"\s*(#\w+|:\w+|\w+|<>|<=|>=|[=<>(),])")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_CLAUSES = frozenset({"SET", "ADD", "REMOVE", "DELETE"})


class ExpressionError(ValueError):
    """DynamoDB, or at least this stand-in, does not take the expression."""


@dataclass(frozen=True, slots=True)
class Test:
    """A comparison, BETWEEN, or a function, applied to operands."""

    name: str
    operands: tuple[Operand, ...]

    __test__ = False


@dataclass(frozen=True, slots=True)
class Junction:
    """AND, OR or NOT over other conditions."""

    name: str
    parts: tuple["Condition", ...]


Condition = Test | Junction


@dataclass(frozen=True, slots=True)
class Action:
    """One change of one attribute: SET, ADD or DELETE with a placeholder, REMOVE without."""

    name: str
    attribute: str
    placeholder: str = ""


def check_used(request: Mapping[str, Any], *expressions: str) -> None:
    """Refuse placeholders that no expression uses and those that nothing defines, as DynamoDB does."""
    used = {token for text in expressions for token in _TOKEN.findall(text) if token[0] in "#:"}
    defined = {*request.get("ExpressionAttributeNames", {}), *request.get("ExpressionAttributeValues", {})}
    if used != defined:
        raise ExpressionError(f"placeholders unused or undefined: {sorted(used ^ defined)}")


def condition(text: str, names: Mapping[str, str]) -> Condition:
    return _condition(text, tuple(sorted(names.items())))


def actions(text: str, names: Mapping[str, str]) -> tuple[Action, ...]:
    return _actions(text, tuple(sorted(names.items())))


def projection(text: str, names: Mapping[str, str]) -> list[str]:
    return [_attribute(part.strip(), names) for part in text.split(",")]


def holds(wanted: Condition, item: Item, values: Mapping[str, Item]) -> bool:
    """Tell whether an item, empty if there is none, meets a condition."""
    if isinstance(wanted, Junction):
        parts = (holds(part, item, values) for part in wanted.parts)
        if wanted.name == "AND":
            return all(parts)
        return any(parts) if wanted.name == "OR" else not next(parts)
    if wanted.name == "attribute_exists":
        return wanted.operands[0] in item
    if wanted.name == "attribute_not_exists":
        return wanted.operands[0] not in item
    return _compared(wanted.name, [_resolved(operand, item, values) for operand in wanted.operands])


def changed(wanted: tuple[Action, ...], item: Item, values: Mapping[str, Item]) -> Item:
    """Return the item after an update; ADD counts on from 0, and a set that loses all it has is gone."""
    after = dict(item)
    for action in wanted:
        value = _updated(action, item.get(action.attribute), values)
        if value is None:
            after.pop(action.attribute, None)
        else:
            after[action.attribute] = value
    return after


def _updated(action: Action, before: Item | None, values: Mapping[str, Item]) -> Item | None:
    if action.name == "REMOVE":
        return None
    value = values[action.placeholder]
    if action.name == "SET":
        return value
    if "SS" in value:
        had, named = set((before or {"SS": []})["SS"]), set(value["SS"])
        left = had | named if action.name == "ADD" else had - named
        return {"SS": sorted(left)} if left else None
    if action.name == "DELETE":
        raise ExpressionError("DELETE takes a set of strings here")
    return {"N": str(_number(before or {"N": "0"}) + _number(value))}


def _compared(name: str, operands: list[Item | None]) -> bool:
    if any(operand is None for operand in operands):
        return name == "<>"
    types = {next(iter(operand)) for operand in operands if operand}
    if len(types) > 1:
        return name == "<>"
    first, *others = (_comparable(operand) for operand in operands if operand)
    if name == "BETWEEN":
        return bool(others[0] <= first <= others[1])
    if name == "begins_with":
        return bool(first.startswith(others[0]))
    return _COMPARISONS[name](first, others[0])


def _resolved(operand: Operand, item: Item, values: Mapping[str, Item]) -> Item | None:
    return values[operand] if operand[0] == ":" else item.get(operand)


def _comparable(typed: Item) -> Any:
    return _number(typed) if "N" in typed else next(iter(typed.values()))


def _number(typed: Item) -> int | Decimal:
    text = typed["N"]
    return int(text) if text.lstrip("-").isdigit() else Decimal(text)


@lru_cache(maxsize=4096)
def _condition(text: str, names: tuple[tuple[str, str], ...]) -> Condition:
    tokens = _Tokens(text, dict(names))
    parsed = _disjunction(tokens)
    if tokens.peek():
        raise ExpressionError(f"left over from {tokens.peek()!r} on: {text}")
    return parsed


def _disjunction(tokens: "_Tokens") -> Condition:
    return _junction(tokens, "OR", lambda: _junction(tokens, "AND", lambda: _single(tokens)))


def _junction(tokens: "_Tokens", name: str, part: Callable[[], Condition]) -> Condition:
    parts = [part()]
    while tokens.took(name):
        parts.append(part())
    return parts[0] if len(parts) == 1 else Junction(name, tuple(parts))


def _single(tokens: "_Tokens") -> Condition:
    if tokens.took("NOT"):
        return Junction("NOT", (_single(tokens),))
    if tokens.took("("):
        inner = _disjunction(tokens)
        tokens.expect(")")
        return inner
    if tokens.peek() in {"attribute_exists", "attribute_not_exists", "begins_with"}:
        return _function(tokens)
    left, name = tokens.operand(), tokens.next()
    if name == "BETWEEN":
        low = tokens.operand()
        tokens.expect("AND")
        return Test(name, (left, low, tokens.operand()))
    if name not in _COMPARISONS:
        raise ExpressionError(f"no comparison: {name!r}")
    return Test(name, (left, tokens.operand()))


def _function(tokens: "_Tokens") -> Test:
    name = tokens.next()
    tokens.expect("(")
    operands = [tokens.operand()]
    while tokens.took(","):
        operands.append(tokens.operand())
    tokens.expect(")")
    return Test(name, tuple(operands))


@lru_cache(maxsize=4096)
def _actions(text: str, names: tuple[tuple[str, str], ...]) -> tuple[Action, ...]:
    found = tuple(_clauses(_Tokens(text, dict(names))))
    if len({action.attribute for action in found}) != len(found):
        raise ExpressionError(f"two changes of one attribute: {text}")
    return found


def _clauses(tokens: "_Tokens") -> Iterator[Action]:
    while tokens.peek():
        clause = tokens.next()
        if clause not in _CLAUSES:
            raise ExpressionError(f"no clause: {clause!r}")
        yield _action(tokens, clause)
        while tokens.took(","):
            yield _action(tokens, clause)


def _action(tokens: "_Tokens", clause: str) -> Action:
    attribute = tokens.operand()
    if clause == "REMOVE":
        return Action(clause, attribute)
    if clause == "SET":
        tokens.expect("=")
    placeholder = tokens.operand()
    if placeholder[0] != ":":
        raise ExpressionError(f"{clause} takes a placeholder here, not {placeholder!r}")
    return Action(clause, attribute, placeholder)


class _Tokens:
    def __init__(self, text: str, names: Mapping[str, str]) -> None:
        if _TOKEN.sub("", text).strip():
            raise ExpressionError(f"unreadable: {text}")
        self._tokens = _TOKEN.findall(text)
        self._names = names
        self._at = 0

    def peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def next(self) -> str:
        token = self.peek()
        self._at += 1
        return token

    def took(self, wanted: str) -> bool:
        if self.peek() != wanted:
            return False
        self._at += 1
        return True

    def expect(self, wanted: str) -> None:
        if not self.took(wanted):
            raise ExpressionError(f"{wanted!r} expected, not {self.peek()!r}")

    def operand(self) -> Operand:
        token = self.next()
        return token if token.startswith(":") else _attribute(token, self._names)


def _attribute(token: str, names: Mapping[str, str]) -> str:
    if token.startswith("#"):
        return names[token]
    if not token.isidentifier() or token.upper() in _reserved():
        raise ExpressionError(f"{token!r} is no attribute's name, or a reserved word")
    return token


@lru_cache(maxsize=1)
def _reserved() -> frozenset[str]:
    return frozenset(ReservedKeywords.get_reserved_keywords())
