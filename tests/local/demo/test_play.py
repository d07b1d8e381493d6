from typing import Any

import pytest

from local.demo.boards import fastest_lap
from local.demo.crowd import Player
from local.demo.play import Account, oddities

BOARD = fastest_lap("lap")


def account(best: tuple[int, int] | None = None) -> Account:
    return Account(Player("Ada", ()), "a", {}, {BOARD.board_id: best} if best else {})


def shown(score: int, subscore: int) -> dict[str, Any]:
    return {"score": score, "subscore": subscore, "achieved_at": "2026-11-22T12:00:00Z"}


def placement(**changes: Any) -> dict[str, Any]:
    improved = {
        "outcome": "improved",
        "before": shown(2500, 0),
        "after": shown(2400, 2),
        "rank_before": 7,
        "rank_after": 5,
    }
    return {**improved, **changes}


def test_a_better_lap_improves_the_best() -> None:
    assert oddities(BOARD, account((2500, 0)), (2400, 2), placement()) == []


def test_a_first_game_had_no_rank_before() -> None:
    first = placement(before=None, rank_before=None)

    assert oddities(BOARD, account(), (2400, 2), first) == []


def test_an_equal_lap_with_more_crashes_is_not_kept_as_the_best() -> None:
    kept = placement(outcome="kept", before=shown(2400, 1), after=shown(2400, 1))

    assert oddities(BOARD, account((2400, 1)), (2400, 2), kept) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outcome": "kept"}, "got outcome kept from gameEnd, not improved"),
        ({"outcome": "rejected"}, "got outcome rejected from gameEnd, not improved"),
        ({"before": shown(2500, 1)}, "got before (2500, 1) from gameEnd, not (2500, 0)"),
        ({"after": shown(2500, 0)}, "got after (2500, 0) from gameEnd, not (2400, 2)"),
        ({"rank_before": None}, "got ranked before False from gameEnd, not True"),
        ({"rank_after": 0}, "got ranked after False from gameEnd, not True"),
    ],
)
def test_an_answer_the_players_own_games_contradict_is_odd(changes: dict[str, Any], words: str) -> None:
    odd = oddities(BOARD, account((2500, 0)), (2400, 2), placement(**changes))

    assert odd == [f"Fastest lap: Ada {words}"]
