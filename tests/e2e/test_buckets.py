"""A round of a season while it is played: everybody has a place, with neighbours of the same tier."""

import pytest

from tests.e2e.client import Client
from tests.e2e.league import LEAGUE, PLAYERS, SIZE, TIERS, League, Played

pytestmark = pytest.mark.e2e


def test_everybody_begins_in_the_lowest_tier_in_one_bucket_each(league: League, first_round: Played) -> None:
    assert first_round.number == 1
    assert set(first_round.tiers.values()) == {TIERS[0]}
    assert sorted(map(len, first_round.buckets)) == [SIZE, PLAYERS - SIZE]
    assert sorted(player_id for members in first_round.buckets for player_id in members) == sorted(league.players)


def test_a_bucket_ranks_its_members_among_themselves(league: League, first_round: Played) -> None:
    shown = league.bucket(next(iter(league.players.values())), first_round.number)

    scores = [first_round.scores[each["player_id"]] for each in shown["members"]]
    assert [each["score"] for each in shown["members"]] == sorted(scores, reverse=True)
    assert [each["rank"] for each in shown["members"]] == list(range(1, SIZE + 1))


def test_a_board_has_one_season_at_a_time(client: Client, league: League) -> None:
    other = {**league.definition, "season_id": "another"}

    refused = client.call("POST", "/admin/seasons", other, admin=True)

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "season_exists")
    assert refused.json()["error"]["detail"]["board_id"] == LEAGUE
