"""docs/reference/operations.md lists what operators' functions take and answer: all of it, and nothing else."""

import dataclasses
import importlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from chalicelib.api.wire import EntryView
from chalicelib.domain.layouts import Layout
from chalicelib.events import payloads
from chalicelib.events.occasions import Occasion
from chalicelib.ranking.advice import Change, Cost, Figures
from chalicelib.services.advice import Advice
from chalicelib.services.export import ExportPhase, Manifest
from chalicelib.services.forms import File, Form, Line
from chalicelib.services.replay import Fate, Replayed
from chalicelib.services.rollover import RolloverPhase
from tests.repository import ROOT

PAGE = (ROOT / "docs" / "reference" / "operations.md").read_text(encoding="utf-8")
REQUESTS: Mapping[str, type[payloads.Request]] = {
    "audit_ranks": payloads.AuditRequest,
    "rebuild_ranks": payloads.RebuildRequest,
    "export_records": payloads.ExportRequest,
    "advise_ranks": payloads.AdviceRequest,
    "keep_ranks": payloads.UpkeepRequest,
    "keep_seasons": payloads.SeasonsRequest,
}
ANSWERS: Mapping[str, type[Any]] = {
    "audit_ranks": payloads.AuditAnswer,
    "rebuild_ranks": payloads.RebuildAnswer,
    "export_records": payloads.ExportAnswer,
    "advise_ranks": Advice,
    "replay_dead_letters": Replayed,
    "keep_ranks": payloads.UpkeepAnswer,
    "keep_seasons": payloads.SeasonsAnswer,
}
TYPES: Mapping[str, type[Any]] = {
    "job": payloads.JobView,
    "tree": payloads.TreeView,
    "found": payloads.FoundView,
    "kept": payloads.KeptView,
    "turn": payloads.TurnView,
    "games": payloads.GamesView,
    "layout": Layout,
    "export": payloads.ExportView,
    "file": File,
    "line": Line,
    "manifest": Manifest,
    "figures": Figures,
    "change": Change,
    "cost": Cost,
    "fate": Fate,
}


def rows(heading: str) -> Iterator[list[str]]:
    """Yield the cells of the table that stands under a heading, its own heading aside."""
    [section] = re.findall(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    table = [line for line in section.splitlines() if line.startswith("| `")]
    assert table, f"no table under {heading!r}"
    yield from ([cell.strip() for cell in line.strip("|").split(" | ")] for line in table)


def names(heading: str) -> list[str]:
    return [cells[0].strip("`") for cells in rows(heading)]


def encoded_names(kind: type[Any]) -> list[str]:
    if dataclasses.is_dataclass(kind):
        return [each.name for each in dataclasses.fields(kind)]
    return [each.encode_name for each in msgspec.structs.fields(kind)]


def default(field: msgspec.structs.FieldInfo) -> str:
    """Return how the page says what a field is when it is left out."""
    if field.required:
        return "required"
    if field.default is None:
        return "none"
    plain = msgspec.to_builtins(field.default)
    return f"`{plain}`" if isinstance(plain, str) else f"`{json.dumps(plain)}`"


@pytest.mark.parametrize("function", REQUESTS)
def test_what_a_function_takes_is_listed_with_its_defaults(function: str) -> None:
    fields = msgspec.structs.fields(REQUESTS[function])
    told = {cells[0].strip("`"): cells[2].partition(":")[0] for cells in rows(f"What {function} takes")}

    assert told == {field.encode_name: default(field) for field in fields}


@pytest.mark.parametrize("function", ANSWERS)
def test_what_a_function_answers_is_listed(function: str) -> None:
    assert names(f"What {function} answers") == encoded_names(ANSWERS[function])


@pytest.mark.parametrize("name", TYPES)
def test_every_type_is_listed(name: str) -> None:
    assert names(name) == encoded_names(TYPES[name])


def test_no_type_that_a_function_answers_is_left_out() -> None:
    reached = {kind for answer in ANSWERS.values() for kind in _inside(answer)}

    assert reached <= {*TYPES.values(), *ANSWERS.values()}


def _inside(kind: Any) -> Iterator[type[Any]]:
    if isinstance(kind, type) and (dataclasses.is_dataclass(kind) or issubclass(kind, msgspec.Struct)):
        yield kind
        hints = list(get_type_hints(kind).values())
    else:
        hints = list(get_args(kind))
    for hint in hints:
        yield from _inside(hint)


def test_every_function_that_operators_invoke_is_documented() -> None:
    app = importlib.import_module("app")
    declared = {function.name for function in app.app.pure_lambda_functions}
    by_hand_too = {name for name, handler in vars(app).items() if getattr(handler, "event_class", None) is Occasion}

    assert declared | by_hand_too == set(ANSWERS)
    assert set(ANSWERS) - set(REQUESTS) == {"replay_dead_letters"}


def test_a_line_of_an_export_is_an_entry() -> None:
    # But for the pictures: a file is read long after they may have moved.
    assert encoded_names(Line) == [name for name in encoded_names(EntryView) if name != "avatar"]


def test_forms_and_phases_are_named() -> None:
    assert f"`{'` or `'.join(Form)}`" in next(
        cells[1] for cells in rows("What export_records takes") if "form" in cells[0]
    )
    phases = next(cells[1] for cells in rows("job") if cells[0] == "`phase`")
    assert f"Of a rollover: `{'`, `'.join(RolloverPhase)}`." in phases
    assert phases.endswith(f"Of an export: `{'`, `'.join(ExportPhase)}`.")
