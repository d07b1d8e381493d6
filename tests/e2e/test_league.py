"""The next round of a season: everybody goes on from where the last one ended, whoever asked nobody to end it."""

import pytest

from tests.e2e.league import League, Played

pytestmark = pytest.mark.e2e


def test_players_go_on_in_the_tier_that_their_last_round_led_to(first_round: Played, last_round: Played) -> None:
    assert last_round.tiers == first_round.next_tiers()
    assert sorted(set(last_round.tiers.values())) == ["bronze", "silver"]


def test_nobody_is_lost_or_doubled(league: League, last_round: Played) -> None:
    assert sorted(player_id for members in last_round.buckets for player_id in members) == sorted(league.players)
