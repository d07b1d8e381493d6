"""How a round of the demo's league must end, and that whatever is otherwise is said."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from local.demo.ending import Archive, Ending, mistakes, outcomes
from local.demo.finale import shown
from local.demo.league import Round, minutes_from

POINTS = {f"p{number}": 100 - number for number in range(8)}
SILVER = Round(2, "20261122T1200Z", datetime(2026, 11, 22, 12, 1, tzinfo=UTC), dict.fromkeys(POINTS, "silver"), POINTS)


def in_tier(tier: str) -> Round:
    return replace(SILVER, tiers=dict.fromkeys(POINTS, tier))


def moved(played: Round) -> dict[str, str]:
    return {player: how for player, how in outcomes(played, list(played.points)).items() if how != "stayed"}


def ending(played: Round = SILVER, **changes: Any) -> Ending:
    """Return the end of a round of a single bucket, as it must be."""
    told: dict[str, Any] = {
        player: {"tier": played.tiers[player], "outcome": how}
        for player, how in outcomes(played, list(played.points)).items()
    }
    lines = [
        {"player_id": player, "rank": rank, "score": points}
        for rank, (player, points) in enumerate(played.points.items(), start=1)
    ]
    return replace(Ending([list(played.points)], told, Archive("manifest", 2, lines, [])), **changes)


def found(wrong: Ending) -> list[str]:
    return list(mistakes(SILVER, wrong, {player: player.upper() for player in POINTS}))


def test_three_rise_and_three_fall() -> None:
    assert moved(SILVER) == {
        **dict.fromkeys(("p0", "p1", "p2"), "promoted"),
        **dict.fromkeys(("p5", "p6", "p7"), "relegated"),
    }


def test_nobody_rises_above_the_highest_tier_or_falls_below_the_lowest() -> None:
    assert set(moved(in_tier("gold")).values()) == {"relegated"}
    assert set(moved(in_tier("bronze")).values()) == {"promoted"}


def test_all_of_a_tie_moves() -> None:
    tied = replace(SILVER, points={**POINTS, "p3": POINTS["p2"]})

    assert moved(tied)["p3"] == "promoted"


def test_whoever_would_do_both_stays() -> None:
    assert outcomes(SILVER, ["p0", "p1"]) == {"p0": "stayed", "p1": "stayed"}


def test_a_round_that_ended_as_it_must_is_without_mistakes() -> None:
    assert found(ending()) == []
    assert ending().tiers_after() == {"gold": 3, "silver": 2, "bronze": 3}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"buckets": [list(POINTS)[1:]]}, "P0 is not in one bucket"),
        ({"buckets": [list(POINTS), ["p0"]]}, "P0 is not in one bucket"),
        ({"buckets": [[*POINTS, "eve"]]}, "player eve, who has not played, is in a bucket"),
        ({"told": {**ending().told, "p0": {"tier": "silver", "outcome": "stayed"}}}, "P0 was stayed, but should have"),
        ({"told": {**ending().told, "p0": {"tier": "gold", "outcome": "promoted"}}}, "P0 was told of tier gold"),
        ({"archive": replace(ending().archive, damaged=["a.csv.gz"])}, "a.csv.gz is not what the manifest says"),
        ({"archive": replace(ending().archive, lines=[])}, "the archive is not what the games come to"),
    ],
)
def test_a_round_that_ended_otherwise_is_told_of(changes: dict[str, Any], words: str) -> None:
    assert words in "\n".join(found(ending(**changes)))


def test_a_notice_is_shown_in_words() -> None:
    result = {"kind": "season_result", "tier": "silver", "rank": 2, "outcome": "promoted"}
    reward = {"kind": "reward", "grants": [{"item": "coins", "amount": 1500}], "rank": 1}

    assert shown(result) == "season result: rank 2 in silver, promoted"
    assert shown(reward) == "reward: 1,500 coins for rank 1"
    assert shown({"kind": "announcement", "title": "Hello"}) == "announcement: Hello"


def test_the_board_of_a_league_goes_quiet_within_two_hours() -> None:
    assert minutes_from(datetime(2026, 12, 31, 23, 5, tzinfo=UTC)) == "* 23,0 31,1 12,1 *"
    assert minutes_from(datetime(2026, 11, 22, 12, 0, tzinfo=UTC)) == "* 12,13 22 11 *"
