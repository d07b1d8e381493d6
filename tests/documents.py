"""The documents of the repository, for tests of what they say and of what refers to them."""

import re
from pathlib import Path
from urllib.parse import unquote

HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def leads_somewhere(document: Path, link: str) -> bool:
    """Tell whether what a document links to is there: an address, a file, a heading."""
    if re.match(r"[a-z]+:", link):
        return True
    file, _, anchor = unquote(link).partition("#")
    target = document.parent / file if file else document
    return target.exists() and (not anchor or anchor in _anchors(target))


def _anchors(document: Path) -> set[str]:
    """Return the anchors that a forge gives to the headings of a document."""
    headings = HEADING.findall(CODE.sub("", document.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}
