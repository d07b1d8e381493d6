"""The benchmarks that race against a database run on the embedded AWS, small, and count what happened."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.endpoint import VARIABLE
from bench.ranking import throughput, visibility
from bench.ranking.endpoint_board import EndpointBoard, fresh_tables, player_of
from bench.ranking.throughput import BATCH, SETTLERS, Leg
from bench.ranking.visibility import Journal
from chalicelib.ranking.pages import lane_of
from chalicelib.store.dynamo import Part
from chalicelib.store.ranks import MARK_PART
from local.children import Emulator
from tests.repository import ROOT
from tests.tables import PREFIX

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Emulator(0, None) as emulator:
        yield emulator.endpoint


def _results(module: str, url: str | None, file: Path, *arguments: str) -> Any:
    command = [sys.executable, "-m", f"bench.ranking.{module}", "--results", str(file), *arguments]
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    environment |= {VARIABLE: url} if url else {}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert file.exists(), done.stderr
    return json.loads(file.read_text())


def test_what_is_delivered_twice_is_counted_once(url: str, tmp_path: Path) -> None:
    arguments = ("--records", "200", "--lanes", "2", "--settlers", "2", "--ranks-read", "20")

    found = _results("throughput", url, tmp_path / "found.json", *arguments)

    assert [(each["players"], each["records"]) for each in found["lanes"]] == [
        ("newcomers", 200),
        ("far improvements", 50),
    ]
    assert [each["wrong_counters"] + each["wrong_ranks"] for each in found["lanes"]] == [0, 0]
    assert found["claims"][0]["holds"]


def test_submissions_are_counted_at_once_or_by_their_stream(tmp_path: Path) -> None:
    arguments = ("--rates", "20", "--seconds", "1", "--players", "30")

    found = _results("visibility", None, tmp_path / "found.json", *arguments)["visibility"]

    assert [each["way"] for each in found] == [visibility.INLINE, visibility.STREAM]
    inline, by_stream = (each["counted_at_once"] for each in found)
    assert inline == 1 > by_stream
    assert [each["uncounted"] + each["wrong_counters"] for each in found] == [0, 0]


def test_a_wrong_counter_is_seen(url: str) -> None:
    fresh_tables(url, streams=False)
    board = EndpointBoard.created(url, "points", lanes=1)

    assert board.wrong_counters(np.array([5], np.int64)) == 3


def test_batches_are_of_one_lane_each_and_one_in_five_comes_twice(url: str) -> None:
    board = EndpointBoard.created(url, "batches", lanes=4)
    leg = Leg(board, 4, "newcomers", np.arange(2_000), np.arange(2_000), 1)

    tasks = list(leg.deliveries())

    lanes = [{lane_of(player_of(row), 4) for row in task.rows} for task in tasks]
    assert all(len(each) == 1 for each in lanes)
    assert sorted({row for task in tasks for row in task.rows}) == list(range(2_000))
    assert sum(len(task.rows) for task in tasks) > 2_000 + BATCH * SETTLERS


def test_a_record_overtaken_before_it_was_counted_waits_for_its_successor() -> None:
    journal = Journal()
    record = {"player_id": {"S": "ada"}, "generation": {"N": "2"}}
    journal.note([Part("record", "Put", {"TableName": f"{PREFIX}records", "Item": record})])
    mark = {"pk": {"S": "mark#points#all#ada"}, "generation": {"N": "3"}}
    journal.note([Part(MARK_PART, "Put", {"TableName": f"{PREFIX}ranks", "Item": mark})])

    assert len(journal.waits_ms()) == 1
    assert journal.waits_ms()[0] > 0


@pytest.mark.parametrize(("records_a_second", "holds"), [(1_176, False), (1_177, True)])
def test_one_lane_is_held_to_the_prototype_s_pace(records_a_second: int, holds: bool) -> None:
    figure = throughput.Figure(1, "newcomers", 100, 1, records_a_second, 4, 4, 0, 0, 0, 0, 1, 1, 0.1, 0.9, 0, 10, 0)

    assert all(claim.holds for claim in throughput.claims([figure])) is holds
