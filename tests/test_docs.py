"""What the documents promise exists: links lead somewhere, commands can be typed."""

import re
from pathlib import Path

import pytest

from tests.documents import CODE, leads_somewhere
from tests.repository import ROOT, named, text_files

DOCUMENTS = list(text_files(".md"))
LINK = re.compile(r"\]\(([^)\s]+)[^)]*\)")
COMMAND = re.compile(r"(?:`|^\$? *)make ([a-z][a-z-]*)", re.MULTILINE)
TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_links_lead_somewhere(document: Path) -> None:
    text = CODE.sub("", document.read_text(encoding="utf-8"))

    assert not [link for link in LINK.findall(text) if not leads_somewhere(document, link)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_commands_can_be_typed(document: Path) -> None:
    targets = TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8"))

    assert set(COMMAND.findall(document.read_text(encoding="utf-8"))) <= set(targets)
