"""What the documents promise exists: links lead somewhere, commands can be typed."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.repository import ROOT, named, text_files

DOCUMENTS = list(text_files(".md"))
LINK = re.compile(r"\]\(([^)\s]+)[^)]*\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:`|^\$? *)make ([a-z][a-z-]*)", re.MULTILINE)
TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_links_lead_somewhere(document: Path) -> None:
    text = CODE.sub("", document.read_text(encoding="utf-8"))

    assert not [link for link in LINK.findall(text) if not _leads_somewhere(document, link)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_commands_can_be_typed(document: Path) -> None:
    targets = TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8"))

    assert set(COMMAND.findall(document.read_text(encoding="utf-8"))) <= set(targets)


def _leads_somewhere(document: Path, link: str) -> bool:
    if re.match(r"[a-z]+:", link):
        return True
    file, _, anchor = unquote(link).partition("#")
    target = document.parent / file if file else document
    return target.exists() and (not anchor or anchor in _anchors(target))


def _anchors(document: Path) -> set[str]:
    """Return the anchors that a forge gives to the headings of a document."""
    headings = HEADING.findall(CODE.sub("", document.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}
