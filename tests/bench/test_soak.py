"""A short soak: bad weather of every kind, and no error; and an error, where there is one, is found."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.ranking.season import Season
from bench.ranking.turmoil import CHANCES
from tests.expressions import Item
from tests.fake_dynamodb import Call, FakeDynamoDB
from tests.repository import ROOT
from tests.tables import PREFIX

pytestmark = pytest.mark.slow


def test_weather_of_every_kind_leaves_no_error(tmp_path: Path) -> None:
    file = tmp_path / "soak.json"
    command = [sys.executable, "-m", "bench.ranking.soak", "--submissions", "6000", "--players", "60"]
    printed = subprocess.run(
        [*command, "--processes", "1", "--results", str(file)], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    found = json.loads(file.read_text())
    tally = found["soak"]["tally"]
    assert all(claim["holds"] for claim in found["claims"])
    assert printed.count("PASS") == len(found["claims"])
    assert set(tally["troubles"]) == {kind.value for kind in CHANCES}
    done = ("requests_repeated", "moderated", "settled_by_follower", "put_off", "rebuilds", "expired", "ranks_checked")
    assert all(tally[name] > 0 for name in done)


@pytest.fixture
def season() -> Season:
    season = Season(7, players=20, chances={})
    season.play(60)
    season.check()
    assert season.tally.errors == 0
    return season


def test_a_lost_record_is_found(season: Season) -> None:
    item = _items(season, "records")[0]
    key = {name: item[name] for name in ("player_id", "board_period")}

    _client(season).perform(Call("DeleteItem", {"TableName": f"{PREFIX}records", "Key": key}))
    season.check()

    assert season.tally.record_errors > 0


def test_a_record_counted_twice_is_found(season: Season) -> None:
    item = next(each for each in _items(season, "records") if each["board_period"]["S"] == "coins#all")
    _put(season, "records", {**item, "score": {"N": str(2 * int(item["score"]["N"]))}})

    season.check()

    assert season.tally.record_errors > 0


def test_a_wrong_count_is_found(season: Season) -> None:
    root = next(each for each in _items(season, "ranks") if each["pk"]["S"] == "node#points#all#1#0#")
    child = next(name for name in root if name.startswith("c"))
    _put(season, "ranks", {**root, child: {"N": str(int(root[child]["N"]) + 1)}})

    season.check()

    assert season.tally.index_errors > 0
    assert season.tally.rank_errors > 0


def _client(season: Season) -> FakeDynamoDB:
    return season.world.client


def _items(season: Season, noun: str) -> list[Item]:
    return season.world.items(noun)


def _put(season: Season, noun: str, item: dict[str, Any]) -> None:
    _client(season).perform(Call("PutItem", {"TableName": f"{PREFIX}{noun}", "Item": item}))
