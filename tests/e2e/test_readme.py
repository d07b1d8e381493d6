"""The README's tutorial does what it says, command by command."""

import json
import re
import subprocess
from typing import Any

import pytest

from local.stack import LocalStack
from tests.repository import ROOT

pytestmark = pytest.mark.e2e

BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
SECONDS = 60


@pytest.fixture(scope="module")
def answers(stack: LocalStack) -> list[Any]:
    """What the tutorial's commands print, each a JSON document."""
    script = "".join(BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    for setting, value in (("URL", stack.url.rstrip("/")), ("ADMIN_KEY", stack.admin_key)):
        script, found = re.subn(rf"^{setting}=.*$", f"{setting}={value}", script, flags=re.MULTILINE)
        assert found == 1, f"the tutorial sets {setting} {found} times"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(_documents(done.stdout))


def test_the_tutorial_ends_with_a_board_of_your_own(answers: list[Any]) -> None:
    board, ada, ben, listing, own, around = answers

    assert board["board_id"] == "weekly"
    assert [ada["placements"][0]["rank_after"], ben["placements"][0]["rank_after"]] == [1, 1]
    assert [(entry["rank"], entry["display_name"]) for entry in listing["entries"]] == [(1, "Ben"), (2, "Ada")]
    assert (own["entry"]["rank"], own["total"]) == (2, 2)
    assert around["entries"] == listing["entries"]


def _documents(text: str) -> Any:
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        yield document
        text = text[end:]
