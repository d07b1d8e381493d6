"""A board whose lanes, digits and slices all change while it is played: every rank stays what a sorted list says."""

import os
import random
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from local.layout import CHECKOUT
from ops.functions import Functions
from tests.e2e.client import Client, Player

pytestmark = pytest.mark.e2e

BOARD = "rebuilt"
PLAYERS = 24
FEW = 5
"""Moves: a slow machine makes not many more while it is rebuilt."""
SWITCHED = {"delete", "unlist", "done"}


@dataclass
class Rebuilding(threading.Thread):
    """Asks for the rebuild again and again, until the fresh build is read and the old one no longer written."""

    functions: Functions
    answer: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        request = {"board_id": BOARD, "lanes": 4, "digits": 4, "slices": 1, "seconds": 1}
        while self.answer.get("job", {}).get("phase") not in SWITCHED and "error" not in self.answer:
            threading.Event().wait(0.2)
            self.answer = self.functions.call("rebuild_ranks", request)


def port(client: Client) -> str:
    return client.stack.aws_endpoint.rpartition(":")[2]


def command(client: Client, name: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run an operator's command to its end."""
    environment = {**os.environ, "PORT": port(client), "BOARD": BOARD, **environ}
    return subprocess.run(
        [sys.executable, "-m", f"ops.{name}"],
        cwd=CHECKOUT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )


def listed(client: Client) -> list[tuple[int, str]]:
    page = client.made("GET", f"/boards/{BOARD}/entries?limit=100")
    return [(entry["rank"], entry["player_id"]) for entry in page["entries"]]


def sorted_out(scores: dict[str, int]) -> list[int]:
    """Return the competition ranks of all scores, best first."""
    return [1 + sum(other > score for other in scores.values()) for score in sorted(scores.values(), reverse=True)]


def test_lanes_digits_and_slices_change_under_traffic(client: Client) -> None:
    chance = random.Random(11)
    client.board(BOARD, operator="set")
    players: list[Player] = [client.player() for _ in range(PLAYERS)]
    scores: dict[str, int] = {}
    rebuilding = Rebuilding(Functions({"PORT": port(client)}))
    for player in players:
        submit(client, player, chance, scores)

    rebuilding.start()
    moves = 0
    while rebuilding.is_alive():
        player = chance.choice(players)
        submit(client, player, chance, scores)
        own = client.made("GET", f"/boards/{BOARD}/entries/me", token=player.token)
        assert own["entry"]["rank"] == 1 + sum(score > scores[player.player_id] for score in scores.values())
        assert own["total"] == len(scores)
        assert [rank for rank, _ in listed(client)] == sorted_out(scores)
        moves += 1

    assert (rebuilding.answer["fresh"]["lanes"], rebuilding.answer["fresh"]["slices"]) == (4, 1)
    assert rebuilding.answer["job"]["phase"] in SWITCHED
    assert moves > FEW
    audited = command(client, "audit")
    assert audited.returncode == 0, audited.stdout + audited.stderr
    assert f"exact, {PLAYERS} records" in audited.stdout


def submit(client: Client, player: Player, chance: random.Random, scores: dict[str, int]) -> None:
    score = chance.choice([7, 8, 4096, 100_000, 10**9]) + chance.randrange(40)
    client.submit(BOARD, player, score)
    scores[player.player_id] = score


def test_advice_can_be_asked_for(client: Client) -> None:
    advised = command(client, "advise", BOARD=client.board("advised"), WRITES="2000")

    assert advised.returncode == 0, advised.stderr
    assert "Change lanes from 1 to 4" in advised.stdout
    assert "make rebuild BOARD=advised LANES=4" in advised.stdout


def test_an_unknown_board_is_told_and_no_success(client: Client) -> None:
    refused = command(client, "rebuild", BOARD="nowhere")

    assert refused.returncode == 2
    assert "there is no board 'nowhere'" in refused.stderr
