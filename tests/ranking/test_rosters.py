"""Rosters: each player once, in rank order, with competition ranks."""

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.ranking import rosters
from chalicelib.ranking.rosters import Sighting, Tie

PLAYERS = "abcdef"


def seen(value: int, player: str, moment: int = 0) -> Sighting:
    return Sighting(f"{value:016x}{0:016x}{moment:012x}{player}", f"{player} at {value}")


players = st.sampled_from(PLAYERS)
moves = st.lists(st.builds(seen, st.integers(0, 4), players, st.integers(0, 2)), max_size=12)
stills = st.dictionaries(players, st.integers(0, 4)).map(
    lambda value_by_player: sorted((seen(value, player) for player, value in value_by_player.items()), key=_key)
)


def _key(sighting: Sighting) -> str:
    return sighting.order_key


@given(stills, moves)
def test_who_moved_is_where_he_was_seen_last_and_everybody_is_there_once(
    still: list[Sighting], newest_first: list[Sighting]
) -> None:
    moved = rosters.in_rank_order(rosters.newest(newest_first, 99))

    roster = list(rosters.merged(still, moved))

    last = {each.player_id: each for each in [*still, *reversed(newest_first)]}
    assert roster == sorted(last.values(), key=_key)


@given(stills, moves, st.integers(0, 6))
def test_a_roster_goes_on_after_any_of_its_sightings(
    still: list[Sighting], newest_first: list[Sighting], place: int
) -> None:
    moved = rosters.in_rank_order(rosters.newest(newest_first, 99))
    roster = list(rosters.merged(still, moved))
    written = roster[:place]

    rest = rosters.merged(still, moved, written[-1].order_key if written else "")

    assert written + list(rest) == roster


@given(st.lists(st.integers(0, 4), max_size=9).map(sorted), st.integers(0, 9))
def test_ties_share_a_rank_also_where_a_page_parts_them(values: list[int], cut: int) -> None:
    roster = [seen(value, f"p{number}") for number, value in enumerate(values)]

    pages = list(rosters.ranked(roster[:cut], 0, Tie()))
    pages += rosters.ranked(roster[cut:], len(pages), pages[-1][0] if pages else Tie())

    assert [tie.rank for tie, _ in pages] == [1 + sum(other < value for other in values) for value in values]


def test_no_more_players_are_kept_than_wanted() -> None:
    assert len(rosters.newest((seen(1, player) for player in PLAYERS), 3)) == 3
