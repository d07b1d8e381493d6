"""``make replay``: what it says, and how it ends."""

from typing import Any

import pytest

from ops.functions import CommandError, Functions
from ops.replay import replay
from tests.ops.answering import Answering


def fate(subject: str, why: str = "") -> dict[str, Any]:
    return {"message_id": "1", "subject": subject, "replayed": not why, "why": why}


def test_an_empty_queue_is_told_and_fine(capsys: pytest.CaptureFixture[str]) -> None:
    functions = Answering({"fates": [], "more": False})

    assert replay(functions) == 0

    assert functions.asked == [("replay_dead_letters", None)]
    told = capsys.readouterr().out
    assert "stage prod" in told
    assert "no letters" in told


def test_it_asks_until_there_is_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    functions = Answering({"fates": [fate("player 1")], "more": True}, {"fates": [fate("player 2")], "more": False})

    assert replay(functions) == 0

    assert capsys.readouterr().out.splitlines()[1:] == [
        "  counted  player 1",
        "  counted  player 2",
        "Replayed 2, all there were.",
    ]


def test_what_stays_is_named_with_its_reason_and_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    functions = Answering({"fates": [fate("player 1"), fate("player 2", "there is no board 'race'")], "more": False})

    assert replay(functions) == 1

    told = capsys.readouterr().out
    assert "  stays    player 2: there is no board 'race'" in told
    assert "Replayed 1; 1 stay" in told


def test_where_no_laurel_runs_it_says_how_to_start_one() -> None:
    with pytest.raises(CommandError, match=r"No Laurel runs on port 9: start one with `make run`"):
        Functions({"PORT": "9"}).call("replay_dead_letters")
