"""``make demo``, from the start to every kind of end."""

import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from local.demo.match import FACES
from local.layout import CHECKOUT
from local.stack import LocalStack
from tests.local.program import Program, family_of, free_port, running

pytestmark = pytest.mark.e2e

MODULE = "local.demo"
PLAYERS = "60"
PATIENCE_SECONDS = 600.0
FALSE_SCORE = 10**9


@pytest.fixture(scope="module", autouse=True)
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A demo that nobody disturbs. It waits for the end of a minute, so the other tests run meanwhile."""
    checkout = copied_to(tmp_path_factory.mktemp("whole"))
    with running(MODULE, checkout, patience=PATIENCE_SECONDS, PORT=free_port(), PLAYERS=PLAYERS) as demo:
        yield demo


@pytest.fixture(scope="module", autouse=True)
def whole_family(whole: Program) -> set[int]:
    whole.wait_for("playing")
    return family_of(whole.process.pid)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return copied_to(tmp_path)


def copied_to(tmp_path: Path) -> Path:
    for name in ("local", "deploy", "chalicelib", "infra", ".chalice"):
        shutil.copytree(
            CHECKOUT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "deployed", "deployments")
        )
    shutil.copyfile(CHECKOUT / "app.py", tmp_path / "app.py")
    return tmp_path


@pytest.fixture
def laurel(checkout: Path) -> Iterator[LocalStack]:
    """As ``make run`` has it in this checkout."""
    with LocalStack(checkout, state_dir=checkout / ".local" / "state") as stack:
        assert stack.first_answer() is None
        yield stack


def port_of(stack: LocalStack) -> str:
    return stack.aws_endpoint.rpartition(":")[2]


def first_entry(stack: LocalStack, board: str) -> tuple[str, dict[str, Any]]:
    """Return the id of the demo's board, and its best entry, as soon as there is one."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        ids = [each["board_id"] for each in answered(stack, "boards")["boards"]]
        for board_id in (each for each in ids if each.startswith(board)):
            if entries := answered(stack, f"boards/{board_id}/entries")["entries"]:
                return board_id, entries[0]
        time.sleep(0.1)
    raise AssertionError(f"nobody has played on {board}")


def answered(stack: LocalStack, path: str) -> Any:
    return requests.get(f"{stack.url}{path}", timeout=PATIENCE_SECONDS).json()


def test_a_submission_it_has_not_made_is_found_in_the_laurel_that_runs(checkout: Path, laurel: LocalStack) -> None:
    with running(MODULE, checkout, patience=PATIENCE_SECONDS, PORT=port_of(laurel), PLAYERS=PLAYERS) as demo:
        board_id, entry = first_entry(laurel, "demo-points")
        answer = requests.post(
            f"{laurel.url}admin/boards/{board_id}/submissions",
            json={"player_id": entry["player_id"], "score": FALSE_SCORE},
            headers={"X-Laurel-Admin-Key": laurel.admin_key},
            timeout=PATIENCE_SECONDS,
        )
        answer.raise_for_status()

        assert demo.process.wait(PATIENCE_SECONDS) == 1, demo.output
        assert f"Points: {entry['display_name']} has 1,000,000,000, but the best submitted is" in demo.output
        assert "Fastest lap: 60 of 60 ranks exact" in demo.output
        assert laurel.running


def test_ctrl_c_stops_everything(checkout: Path, port: str) -> None:
    with running(MODULE, checkout, patience=PATIENCE_SECONDS, PORT=port, PLAYERS="500") as demo:
        demo.wait_for("500 players")

        assert demo.end(signal.SIGINT) == 0, demo.output
        assert demo.output.endswith("\nStopped.\n")
        assert "Traceback" not in demo.output

    assert not list(checkout.glob("laurel-*"))


def test_a_laurel_that_dies_is_named(checkout: Path, port: str) -> None:
    with running(MODULE, checkout, patience=PATIENCE_SECONDS, PORT=port, PLAYERS="500") as demo:
        demo.wait_for("500 players")
        family = family_of(demo.process.pid)
        os.kill(emulator_in(demo), signal.SIGKILL)

        assert demo.outlived_by_none(family) == 1
        assert re.search(r"Laurel at http://\S+ no longer answers", demo.output)
        assert "Traceback" not in demo.output


def emulator_in(demo: Program) -> int:
    """Return the one child of the demo that has children of its own."""
    return next(pid for pid in family_of(demo.process.pid) - {demo.process.pid} if len(family_of(pid)) > 1)


@pytest.mark.parametrize("players", ["0", "20001", "many", "-1"])
def test_a_number_of_players_that_is_none_is_refused(checkout: Path, players: str) -> None:
    with running(MODULE, checkout, PLAYERS=players) as demo:
        assert demo.process.wait(PATIENCE_SECONDS) == 1
        assert "PLAYERS must be a number from 1 to 20,000" in demo.output


def test_it_starts_a_laurel_of_its_own_and_verifies_every_rank(whole: Program, whole_family: set[int]) -> None:
    status = whole.outlived_by_none(whole_family)

    assert status == 0, whole.output
    assert "Points: 60 of 60 ranks exact" in whole.output
    assert "Fastest lap: 60 of 60 ranks exact" in whole.output
    assert re.search(r"\n>? +1  \S+ \S+ \d+ +[\d,]+\n", whole.output)
    faces = re.findall(
        r"\n +\d+  \S+ \S+ \d+ +[\d,]+  (http://127\.0\.0\.1:\d+/\S+/avatars/\S+/64\.webp)", whole.output
    )
    assert len(set(faces)) == FACES
    assert re.search(r" had sent an SVG as a PNG before, and was told:\n  \S+", whole.output)
    assert "\033" not in whole.output
    assert "\r" not in whole.output
    assert not list(whole.checkout.glob("laurel-*"))
    assert not (whole.checkout / ".local").exists()


def test_a_round_of_its_league_ends_with_moves_rewards_and_an_archive(whole: Program) -> None:
    assert whole.process.wait(PATIENCE_SECONDS) == 0, whole.output

    assert re.search(r"\n  promoted from \w+: \S+ \S+ \d+, ", whole.output)
    assert re.search(r"\n  relegated(: nobody| from \w+: \S+ \S+ \d+, )", whole.output)
    assert re.search(r"\nThe champion, .*, now has \d+ coins, \d crown, and in the inbox:\n", whole.output)
    assert re.search(r"\n  \S+Z  season result: rank \d+ in \w+, \w+\n", whole.output)
    assert re.search(r"\n  \S+Z  reward: 1 crown, 500 coins for rank 1\n", whole.output)
    assert "2 of 2 files have the SHA-256 that it names" in whole.output
    assert re.search(r"\n60 players before, .*; 60 after, ", whole.output)
