"""The end of rounds and of a season: what everybody gets and is told, once, and what is kept of it."""

import gzip
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tests.e2e.client import Client
from tests.e2e.league import (
    LAST_PRIZE,
    LEAGUE,
    PATIENCE_SECONDS,
    PRIZE,
    TROPHY,
    League,
    Played,
    eventually,
    wait_until,
)

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def closed(league: League, first_round: Played, last_round: Played) -> tuple[Played, Played]:
    """Both rounds, the last of which is closed by three who keep seasons at the same time, and one more."""
    wait_until(last_round.frozen_at + timedelta(milliseconds=100))
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: league.keep(board_id=LEAGUE), range(3)))
    eventually(lambda: league.state(last_round), "done", PATIENCE_SECONDS)
    eventually(lambda: league.shown()["closed_rounds"], last_round.number, PATIENCE_SECONDS)
    league.keep()
    return first_round, last_round


def test_a_round_ends_by_itself(league: League, first_round: Played) -> None:
    """Called by nobody but the schedule, and by nobody's look."""
    eventually(lambda: league.state(first_round), "done", PATIENCE_SECONDS + 60)
    eventually(lambda: league.shown()["closed_rounds"] >= first_round.number, True, PATIENCE_SECONDS)


def test_everybody_is_told_how_each_round_ended(league: League, closed: tuple[Played, Played]) -> None:
    for player_id, player in league.players.items():
        told = {each["period_id"]: (each["tier"], each["outcome"]) for each in league.inbox(player, "season_result")}
        assert told == {each.period_id: (each.tiers[player_id], each.outcomes()[player_id]) for each in closed}
    moves = {move for each in closed for move in each.outcomes().values()}
    assert moves == {"promoted", "relegated", "stayed"}


def test_rewards_are_given_once_whoever_keeps_seasons_how_often(league: League, closed: tuple[Played, Played]) -> None:
    league.keep(board_id=LEAGUE)

    assert league.balances() == {player_id: due(player_id, closed) for player_id in league.players}


def test_what_is_unread_is_what_everybody_was_told(
    client: Client, league: League, closed: tuple[Played, Played]
) -> None:
    for player_id, player in league.players.items():
        grants = [each["grants"] for each in league.inbox(player, "reward")]
        given: dict[str, int] = {}
        for grant in (grant for each in grants for grant in each):
            given[grant["item"]] = given.get(grant["item"], 0) + grant["amount"]
        assert given == due(player_id, closed)
        since = client.made("GET", "/players/me/notices?limit=100&unread=true", token=player.token)["notices"]
        assert league.unread(player) == len(since) >= len(closed) + len(grants)


def test_the_archive_is_what_stood_there(league: League, closed: tuple[Played, Played]) -> None:
    for played in closed:
        [kept] = league.keep(board_id=LEAGUE, period=played.period_id)["rollovers"]
        manifest = json.loads(league.file(kept["turn"]["manifest"]))

        stored = [(form, league.file(form["name"])) for pair in manifest["files"] for form in pair.values()]
        assert all(form["sha256"] == hashlib.sha256(content).hexdigest() for form, content in stored)
        lines = [json.loads(line) for pair in manifest["files"] for line in jsonl(league, pair)]
        assert manifest["records"] == len(lines) == len(league.players)
        ordered = sorted(played.scores.items(), key=lambda each: -each[1])
        assert [(each["rank"], each["player_id"], each["score"]) for each in lines] == [
            (rank, *each) for rank, each in enumerate(ordered, start=1)
        ]


def test_nobody_is_placed_in_a_season_that_has_ended(client: Client, league: League, closed: Any) -> None:
    player = next(iter(league.players.values()))

    refused = client.call("GET", f"/seasons/{LEAGUE}/me", token=player.token)

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "season_closed")
    assert league.shown()["current_round"] is None


def due(player_id: str, closed: tuple[Played, Played]) -> dict[str, int]:
    """Return what somebody must have in the end."""
    found: dict[str, int] = {}
    for played in closed:
        grants = [PRIZE] if player_id in played.winners() else []
        grants += [LAST_PRIZE] if grants and played is closed[-1] and played.tiers[player_id] == "silver" else []
        grants += [TROPHY] if played.scores[player_id] == max(played.scores.values()) else []
        for item, amount in grants:
            found[item] = found.get(item, 0) + amount
    return found


def jsonl(league: League, pair: Any) -> list[bytes]:
    return gzip.decompress(league.file(pair["jsonl"]["name"])).splitlines()
