"""The reference says what the code does: all of it, and nothing else."""

import re
from pathlib import Path

import pytest

from chalicelib.api import resources
from docs.generate import REFERENCE, WHAT_TO_DO, error_kinds, pages
from tests.repository import ROOT, named, text_files

READ = re.compile(r'(?:environ(?:\.get\(|\[)|_required\(environ, |_number\(|^VARIABLE = )"([A-Z_]+)"', re.MULTILINE)
READ_BY_MAKE = re.compile(r"^(\w+) \?=|\$\(if \$\((\w+)\)", re.MULTILINE)
DOCUMENTED = re.compile(r"^\| `([A-Z_]+)` \|", re.MULTILINE)
OF_THE_SYSTEM = {"AWS_ENDPOINT_URL", "PATH", "TMPDIR", "_HANDLER"}
"""Set by every shell, by Lambda, or by one of our programs for another."""


@pytest.mark.parametrize("page", pages(), ids=named)
def test_the_reference_is_what_the_code_makes_it(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == pages()[page], "stale: run make docs"


def test_every_route_has_its_place_among_the_others() -> None:
    text = (REFERENCE / "routes.md").read_text(encoding="utf-8")

    assert not [each for each in resources.operations() if f"\n### {each.method} {each.path}\n" not in text]


def test_every_error_comes_with_something_to_do() -> None:
    assert WHAT_TO_DO.keys() == {kind.code for kind in error_kinds()}


def test_every_setting_is_documented_and_no_other() -> None:
    text = (REFERENCE / "configuration.md").read_text(encoding="utf-8")

    assert set(DOCUMENTED.findall(text)) == read_by_programs() | read_by_make()


def read_by_programs() -> set[str]:
    files = [ROOT / "chalicelib" / "config.py", ROOT / "bench" / "endpoint.py", ROOT / "tests" / "conftest.py"]
    folders = ROOT / "local", ROOT / "ops", ROOT / "deploy"
    files += [path for path in text_files(".py") if any(map(path.is_relative_to, folders))]
    return {name for path in files for name in READ.findall(path.read_text(encoding="utf-8"))} - OF_THE_SYSTEM


def read_by_make() -> set[str]:
    pairs = READ_BY_MAKE.findall((ROOT / "Makefile").read_text(encoding="utf-8"))
    return {assigned or tested for assigned, tested in pairs}
