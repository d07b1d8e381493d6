"""The README's tutorial, and the guides that go on from it, do what they say, command by command."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from local.stack import LocalStack
from tests.repository import ROOT

pytestmark = pytest.mark.e2e

BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
SECONDS = 60


TUTORIAL_ANSWERS, FIGURES, TOURNAMENT = 6, 8, 6
GUIDES = [ROOT / "docs" / "how-to" / name for name in ("board-figures.md", "run-a-tournament.md", "show-avatars.md")]


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("guide") / "me.jpg"
    Image.new("RGB", (256, 256), "teal").save(path)
    return path


@pytest.fixture(scope="module")
def answers(stack: LocalStack, picture: Path) -> list[Any]:
    """What the commands of the tutorial and then of the guides print, each a JSON document."""
    documents = [ROOT / "README.md", *GUIDES]
    script = "".join(block for path in documents for block in BLOCK.findall(path.read_text(encoding="utf-8")))
    for setting, value in (("URL", stack.url.rstrip("/")), ("ADMIN_KEY", stack.admin_key), ("PICTURE", picture)):
        script, found = re.subn(rf"^{setting}=.*$", f"{setting}={value}", script, flags=re.MULTILINE)
        assert found == 1, f"the tutorial sets {setting} {found} times"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(_documents(done.stdout))


def test_the_tutorial_ends_with_a_board_of_your_own(answers: list[Any]) -> None:
    board, ada, ben, listing, own, around = answers[:TUTORIAL_ANSWERS]

    assert board["board_id"] == "weekly"
    assert [ada["placements"][0]["rank_after"], ben["placements"][0]["rank_after"]] == [1, 1]
    assert [(entry["rank"], entry["display_name"]) for entry in listing["entries"]] == [(1, "Ben"), (2, "Ada")]
    assert (own["entry"]["rank"], own["total"]) == (2, 2)
    assert around["entries"] == listing["entries"]


def test_the_guide_asks_the_board_for_figures(answers: list[Any]) -> None:
    thresholds, first, again, overview, zoomed, bands, periods, history = answers[TUTORIAL_ANSWERS:][:FIGURES]

    assert [(each["score"], each["subscore"], each["shared_rank"]) for each in thresholds["thresholds"]] == [
        (4200, 59900, 1),
        (4200, 61500, 2),
        (None, None, None),
        (4200, 59900, 1),
        (4200, 59900, 1),
    ]
    assert [(each["rank"], each["total"]) for each in (first, again)] == [(1, 3), (2, 2)]
    assert [bar["count"] for bar in overview["bars"]] == [2]
    assert [bar["count"] for bar in zoomed["bars"]] == [0, 0, 2, 0, 0, 0, 0, 0, 0, 0]
    assert (bands["below"], [bar["count"] for bar in bands["bars"]], bands["above"]) == (0, [0, 0], 2)
    assert [each["period"]["period_id"] for each in history["entries"]] == [periods["periods"][0]["period_id"]]


def test_the_guide_runs_a_tournament(answers: list[Any]) -> None:
    made, joined, played, own, changed, stopped = answers[TUTORIAL_ANSWERS + FIGURES :][:TOURNAMENT]

    assert made["tournament"]["capacity"] == 1000
    assert (joined["places_left"], joined["attempts_left"]) == (999, 1)
    assert played["placements"][0]["outcome"] == "improved"
    assert (own["participation"]["attempts"], own["attempts_left"]) == (1, 0)
    assert changed["tournament"]["attempts"] == 2
    assert stopped["tournament"]["stopped_at"] == stopped["period"]["end"]


def test_the_guide_uploads_an_avatar_and_takes_it_away(answers: list[Any]) -> None:
    uploaded, removed = answers[TUTORIAL_ANSWERS + FIGURES + TOURNAMENT :]

    assert (uploaded["upload"]["state"], uploaded["avatar"]["placeholder"]) == ("published", False)
    assert removed["avatar"]["placeholder"]


def _documents(text: str) -> Any:
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        yield document
        text = text[end:]
