"""The rules of the house that no linter holds."""

import ast
import importlib
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.repository import ROOT, named, text_files

MANIFEST_LINES = 150
FUNCTION_LINES = 40
NOT_FOR_THE_MANIFEST = {"bench", "boto3", "botocore", "deploy", "infra", "local", "ops", "os", "pynamodb", "tests"}
VAGUE_NAMES = {"data", "helper", "helpers", "manager", "misc", "process", "util", "utils"}

# The classes in brackets keep each pattern from finding itself here.
PATH_OF_ONE_MACHINE = re.compile(r"/ro[o]t/|/hom[e]/\w|/User[s]/\w")
HOST_OF_A_REGISTRY = re.compile(
    r"py[p]i\.org|python[h]osted\.org|np[m]js\.(org|com)|deb[i]an\.org|proxy\.gol[a]ng\.org"
)

SILENCED = re.compile(r"#\s*(noqa|type:\s*ignore|mypy:|pragma:\s*no cover|fmt:|nosec|isort:)(?P<rest>.*)")
CODES = re.compile(r"^:?\s*(\[[\w, -]+\]|[A-Z]+\d+(\s*,\s*[A-Z]+\d+)*)?")
SWITCHED_OFF = re.compile(r'^\s*(.+ = \[)?"((?!ALL)[A-Z]+\d*|ignore:.*)"|^\[\[tool\.mypy\.overrides')
REASON = re.compile(r"[A-Za-z]{4,}")


def test_the_manifest_stays_a_manifest() -> None:
    assert len((ROOT / "app.py").read_text(encoding="utf-8").splitlines()) < MANIFEST_LINES


def test_the_manifest_keeps_to_its_floor() -> None:
    packages = {module.partition(".")[0] for module in _imports(ROOT / "app.py")}

    assert packages.isdisjoint(NOT_FOR_THE_MANIFEST)


@pytest.mark.parametrize("folder", ["chalicelib", "local", "deploy", "infra", "bench", "ops"])
def test_functions_end_at_forty_lines(folder: str) -> None:
    too_long = [
        f"{named(path)}:{function.lineno} {function.name}: {length} lines"
        for path in text_files(".py")
        if path.is_relative_to(ROOT / folder)
        for function in _functions(path)
        if (length := _lines_of_code(function)) > FUNCTION_LINES
    ]

    assert not too_long


def test_modules_and_functions_have_names_that_say_something() -> None:
    vague = [
        f"{named(path)}: {name}"
        for path in text_files(".py")
        for name in [path.stem, *(function.name for function in _functions(path))]
        if name.strip("_") in VAGUE_NAMES
    ]

    assert not vague


def test_every_lambda_function_is_loaded_through_the_manifest() -> None:
    handlers_by_function = dict(_handlers(importlib.import_module("app").app))

    strays = {name: handler for name, handler in handlers_by_function.items() if not handler.startswith("app.")}
    assert not strays, "declared on a blueprint: Lambda would never import app.py, and no middleware would run"


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    assert not list(_lines_matching(PATH_OF_ONE_MACHINE))


def test_no_file_names_the_host_of_a_package_registry() -> None:
    assert not list(_lines_matching(HOST_OF_A_REGISTRY))


def test_every_silenced_check_says_why() -> None:
    unexplained = [
        f"{named(path)}:{number} {comment}"
        for path in text_files(".py")
        for number, comment in _comments(path)
        if not _is_explained(comment)
    ]

    assert not unexplained


@pytest.mark.parametrize(
    "comment",
    ["# noqa: S105  # no secret", "# noqa: E402  (after the check)", "# type: ignore[x]  # added later", "# a remark"],
)
def test_a_reason_explains(comment: str) -> None:
    assert _is_explained(comment)


@pytest.mark.parametrize(
    "comment", ["# noqa", "# noqa: S105", "# noqa: S105, S106", "# type: ignore", "# type: ignore[attr-defined]"]
)
def test_a_code_alone_is_no_reason(comment: str) -> None:
    assert not _is_explained(comment)


def test_every_rule_switched_off_in_the_settings_says_why() -> None:
    lines = ["", *(ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines(), ""]

    assert not [
        line
        for above, line, below in zip(lines, lines[1:], lines[2:], strict=False)
        if SWITCHED_OFF.search(line) and not ("#" in line or above.startswith("#") or below.startswith("#"))
    ]


def test_pins_of_the_runtime_are_pins_of_development() -> None:
    runtime, development = (_pins(ROOT / name) for name in ("requirements.txt", "requirements-dev.txt"))

    assert runtime <= development


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _lines_of_code(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    docstring = function.body[0] if ast.get_docstring(function) else None
    described = 0 if docstring is None else (docstring.end_lineno or 0) - docstring.lineno + 1
    return (function.end_lineno or 0) - function.lineno + 1 - described


def _handlers(app: Any) -> Iterator[tuple[str, str]]:
    for function in [*app.pure_lambda_functions, *app.event_sources, *app.builtin_auth_handlers]:
        yield function.name, function.handler_string


def _lines_matching(pattern: re.Pattern[str], suffix: str = "") -> Iterator[str]:
    for path in text_files(suffix):
        for number, line in _numbered(path):
            if pattern.search(line):
                yield f"{named(path)}:{number} {line.strip()}"


def _comments(path: Path) -> Iterator[tuple[int, str]]:
    with path.open("rb") as source:
        for token in tokenize.tokenize(source.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def _is_explained(comment: str) -> bool:
    silenced = SILENCED.search(comment)
    return silenced is None or bool(REASON.search(CODES.sub("", silenced["rest"], count=1)))


def _numbered(path: Path) -> Iterator[tuple[int, str]]:
    yield from enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)


def _pins(path: Path) -> set[str]:
    """Return each dependency's release, with the Pythons that it is for where that is not all."""
    return {line for line in path.read_text(encoding="utf-8").splitlines() if "==" in line}
