"""The README's tutorial, and the guides that go on from it, do what they say, command by command."""

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from local.stack import LocalStack
from tests.repository import ROOT

pytestmark = pytest.mark.e2e

BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
SECONDS = 600


ANSWERS = {
    "README.md": 6,
    "docs/how-to/board-figures.md": 8,
    "docs/how-to/run-a-tournament.md": 6,
    "docs/how-to/run-a-season.md": 6,
    "docs/how-to/reward-players.md": 3,
    "docs/how-to/publish-notices.md": 4,
    "docs/how-to/show-avatars.md": 2,
}
"""How many each document prints, in this order: the guides go on with what the tutorial made."""


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("guide") / "me.jpg"
    Image.new("RGB", (256, 256), "teal").save(path)
    return path


@pytest.fixture(scope="module")
def answers(stack: LocalStack, picture: Path) -> dict[str, list[Any]]:
    """What the commands of the tutorial and then of the guides print, by document: JSON documents."""
    script = "".join(block for name in ANSWERS for block in BLOCK.findall((ROOT / name).read_text(encoding="utf-8")))
    for setting, value in (("URL", stack.url.rstrip("/")), ("ADMIN_KEY", stack.admin_key), ("PICTURE", picture)):
        script, found = re.subn(rf"^{setting}=.*$", f"{setting}={value}", script, flags=re.MULTILINE)
        assert found == 1, f"the tutorial sets {setting} {found} times"
    script = script.replace("2030-01-01T", f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT}")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    printed = _documents(done.stdout)
    by_document = {name: list(islice(printed, count)) for name, count in ANSWERS.items()}
    assert not list(printed), "the documents print more than is looked at"
    return by_document


def test_the_tutorial_ends_with_a_board_of_your_own(answers: dict[str, list[Any]]) -> None:
    board, ada, ben, listing, own, around = answers["README.md"]

    assert board["board_id"] == "weekly"
    assert [ada["placements"][0]["rank_after"], ben["placements"][0]["rank_after"]] == [1, 1]
    assert [(entry["rank"], entry["display_name"]) for entry in listing["entries"]] == [(1, "Ben"), (2, "Ada")]
    assert (own["entry"]["rank"], own["total"]) == (2, 2)
    assert around["entries"] == listing["entries"]


def test_the_guide_asks_the_board_for_figures(answers: dict[str, list[Any]]) -> None:
    thresholds, first, again, overview, zoomed, bands, periods, history = answers["docs/how-to/board-figures.md"]

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


def test_the_guide_runs_a_tournament(answers: dict[str, list[Any]]) -> None:
    made, joined, played, own, changed, stopped = answers["docs/how-to/run-a-tournament.md"]

    assert made["tournament"]["capacity"] == 1000
    assert (joined["places_left"], joined["attempts_left"]) == (999, 1)
    assert played["placements"][0]["outcome"] == "improved"
    assert (own["participation"]["attempts"], own["attempts_left"]) == (1, 0)
    assert changed["tournament"]["attempts"] == 2
    assert stopped["tournament"]["stopped_at"] == stopped["period"]["end"]


def test_the_guide_uploads_an_avatar_and_takes_it_away(answers: dict[str, list[Any]]) -> None:
    uploaded, removed = answers["docs/how-to/show-avatars.md"]

    assert (uploaded["upload"]["state"], uploaded["avatar"]["placeholder"]) == ("published", False)
    assert removed["avatar"]["placeholder"]


def test_the_guide_makes_a_season_looks_at_it_and_ends_it(answers: dict[str, list[Any]]) -> None:
    made, season, ada, bucket, again, ended = answers["docs/how-to/run-a-season.md"]

    assert made == season
    assert (season["current_round"], len(season["rounds"])) == (1, 8)
    assert (ada["tier"], ada["came"]) == ("bronze", None)
    assert [(each["rank"], each["display_name"]) for each in bucket["members"]] == [(1, "Ben"), (2, "Ada")]
    assert again["members"] == bucket["members"]
    assert ended["rounds"] == season["rounds"][:1]


def test_the_guide_says_what_places_are_worth(answers: dict[str, list[Any]]) -> None:
    rules, ledger, balances = answers["docs/how-to/reward-players.md"]

    assert [rule["by"] for rule in rules["rules"]] == ["rank", "rank", "percentile", "tier"]
    assert (ledger["rewards"], balances["balances"]) == ([], {})


def test_the_guide_publishes_notices_and_a_player_reads_them(answers: dict[str, list[Any]]) -> None:
    announced, scheduled, inbox, read = answers["docs/how-to/publish-notices.md"]

    assert (announced["state"], announced["recipients"]) == ("sent", None)
    assert [each["content"]["title"] for each in scheduled["notices"]] == ["Maintenance at noon"]
    assert "Thank you for testing" in [each["content"]["title"] for each in inbox["notices"]]
    assert read["unread"] < len(inbox["notices"])


def _documents(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        yield document
        text = text[end:]
