from dataclasses import replace

import pytest

from local.demo.boards import points
from local.demo.oracle import Row
from local.demo.verify import Entry, differences, exact

BOARD = points("points")
NAMES = {"a": "Ada", "b": "Ben", "c": "Cleo"}
EXPECTED = [Row(1, "a", 90, 0), Row(2, "b", 80, 0), Row(3, "c", 70, 0)]
ENTRIES = {row.player_id: Entry(row, 3) for row in EXPECTED}


def found(entries: dict[str, Entry] | None = None, listing: list[Row] | None = None) -> list[str]:
    return differences(BOARD, NAMES, EXPECTED, {**ENTRIES, **(entries or {})}, EXPECTED if listing is None else listing)


def test_what_is_exact_has_no_differences() -> None:
    assert found() == []
    assert exact(EXPECTED, ENTRIES) == 3


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (Entry(replace(EXPECTED[1], rank=1), 3), "Points: Ben (80) has rank 1, should have 2"),
        (Entry(EXPECTED[1], 4), "Points: Ben (80) is told a total of 4, should be 3"),
        (Entry(replace(EXPECTED[1], score=85), 3), "Points: Ben has 85, but the best submitted is 80"),
        (Entry(None, 0), "Points: Ben has no entry, but submitted 80"),
    ],
)
def test_a_wrong_entry_is_named_and_not_counted_as_exact(entry: Entry, words: str) -> None:
    assert found({"b": entry}) == [words]
    assert exact(EXPECTED, {**ENTRIES, "b": entry}) == 2


@pytest.mark.parametrize(
    ("listing", "words"),
    [
        (EXPECTED[:2], ["the listing has 2 rows, should have 3"]),
        (
            [EXPECTED[1], EXPECTED[0], EXPECTED[2]],
            ["the listing shows Ben with 80 as number 2 at position 1, should show Ada with 90 as number 1"],
        ),
        (
            [*EXPECTED, Row(4, "x", 60, 0)],
            ["player x, who has not played, has 60", "the listing has 4 rows, should have 3"],
        ),
    ],
)
def test_a_wrong_listing_is_named(listing: list[Row], words: list[str]) -> None:
    assert found(listing=listing) == [f"Points: {each}" for each in words]
