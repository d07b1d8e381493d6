"""Seasons over HTTP: an operator makes one, players look, and see only each other."""

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.periods import period_at, previous
from chalicelib.domain.seasons import Cut, Season, rounds_of
from chalicelib.store import dynamo
from chalicelib.store.seasons import SeasonStore
from tests.api.client import Answer
from tests.api.world import MONTH, YEARLY, Signed, World
from tests.tables import PREFIX

CUT = {"rank": 1}


def period(years: int) -> str:
    """Return the id of the period that begins so many years after the current one."""
    start = period_at(YEARLY, datetime.now(UTC)).start
    assert start is not None
    return beginning_in(start.year + years)


def beginning_in(year: int) -> str:
    return f"{year}{MONTH:02}01T0000Z"


def season(**fields: Any) -> dict[str, Any]:
    """Return the body that makes a season; what is None is left out."""
    body = {
        "season_id": "winter",
        "board_id": "speedrun",
        "title": "Winter",
        "rounds": 2,
        "tiers": ["bronze", "silver"],
        "promote": CUT,
        "relegate": CUT,
        "bucket_size": 2,
        "first_period": period(0),
        **fields,
    }
    return {name: value for name, value in body.items() if value is not None}


def make(world: World, **fields: Any) -> Answer:
    return world.api.post("/admin/seasons", season(**fields), admin=True)


@pytest.fixture
def winter(world: World) -> World:
    world.board(reset=YEARLY)
    assert make(world).status == 201
    return world


def settling(world: World) -> Answer:
    """Look where the round before ended less than a minute ago: at a season as no operator may make it."""
    reset = "* * * * *"
    world.board(reset=reset)
    before = previous(reset, period_at(reset, datetime.now(UTC)))
    assert before is not None
    now = datetime.now(UTC)
    minutely = Season(
        season_id="winter",
        board_id="speedrun",
        title="Winter",
        tiers=("bronze",),
        rounds=rounds_of(reset, before, 5),
        bucket_size=2,
        promote=Cut(rank=1),
        relegate=Cut(rank=1),
        created_at=now,
    )
    SeasonStore(f"{PREFIX}seasons", dynamo.connect()).create(minutely)
    return look(world, world.player())


def look(world: World, player: Signed, what: str = "", season_id: str = "winter") -> Answer:
    return world.api.get(f"/seasons/{season_id}/me{what}", token=player.token)


def test_a_season_is_made_and_everybody_may_know_of_it(winter: World) -> None:
    found = winter.api.get("/seasons/winter").body

    assert [each["number"] for each in found["rounds"]] == [1, 2]
    assert (found["current_round"], found["closed_rounds"]) == (1, 0)
    assert (found["promote"], found["fill"], found["bands"]) == ({"rank": 1}, "first_come", 1)
    assert winter.api.get("/seasons").body == {"seasons": [found], "next_cursor": None}


def test_seasons_are_listed_page_by_page(winter: World) -> None:
    winter.board("other", reset=YEARLY)
    make(winter, season_id="autumn", board_id="other")

    first = winter.api.get("/seasons?limit=1").body
    second = winter.api.get(f"/seasons?limit=1&cursor={first['next_cursor']}").body

    assert [each["season_id"] for each in first["seasons"] + second["seasons"]] == ["autumn", "winter"]
    assert second["next_cursor"] is None


def test_a_cursor_of_another_listing_lists_no_seasons(winter: World) -> None:
    for number in range(3):
        winter.api.post("/admin/notices", {"content": {"kind": "announcement", "title": f"{number}"}}, admin=True)
    foreign = winter.api.get("/notices?limit=1").body["next_cursor"]

    assert winter.api.get(f"/seasons?cursor={foreign}").refusal == (400, "cursor_invalid")


def test_a_season_begins_with_the_next_period_unless_told_otherwise(world: World) -> None:
    world.board(reset=YEARLY)

    found = make(world, first_period=None).body

    assert found["current_round"] is None
    assert found["rounds"][0]["period_id"] == period(1)


def test_prizes_are_told_as_they_were_set(world: World) -> None:
    world.board(reset=YEARLY)
    prizes = [
        {"from": 1, "to": 2, "grants": [{"item": "gold", "amount": 5}], "tier": None, "in_last_round": True},
        {"from": 1, "to": 1, "grants": [{"item": "crown", "amount": 1}], "tier": "silver", "in_last_round": False},
    ]

    assert make(world, prizes=prizes, claim="on_demand").body["prizes"] == prizes


def test_a_season_makes_its_board_s_schedule_final(winter: World) -> None:
    refused = winter.api.patch("/admin/boards/speedrun", {"reset": "0 0 * * *"}, admin=True)

    assert refused.refusal == (409, "board_sealed")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"tiers": ["bronze", "bronze"]}, "tiers"),
        ({"promote": {}}, "promote"),
        ({"promote": {"rank": 1, "percent": 5}}, "promote"),
        ({"fill": "skill"}, "bands"),
        ({"bands": 2}, "bands"),
        ({"prizes": [{"from": 3, "to": 3, "grants": [{"item": "gold", "amount": 1}]}]}, "prizes[0]"),
        ({"first_period": beginning_in(2020)}, "first_period"),
        ({"first_period": beginning_in(9998)}, "first_period"),
        ({"first_period": "20260102T0000Z"}, "first_period"),
        ({"bucket_size": 51}, "bucket_size"),
        ({"rounds": 0}, "rounds"),
    ],
)
def test_what_is_no_season_is_refused(world: World, fields: dict[str, Any], field: str) -> None:
    world.board(reset=YEARLY)

    refused = make(world, **fields)

    assert refused.refusal == (400, "malformed")
    assert refused.error["detail"]["field"] == field


def test_who_names_no_period_of_the_board_is_told_the_current_one(world: World) -> None:
    world.board(reset=YEARLY)

    refused = make(world, first_period=beginning_in(2020))

    assert period(0) in refused.error["message"]


def test_a_board_without_resets_has_no_rounds(world: World) -> None:
    world.board()

    assert make(world).error["detail"] == {"field": "board_id"}


def test_periods_that_end_before_those_before_them_are_frozen_are_no_rounds(world: World) -> None:
    world.board(reset="* * * * *")

    refused = make(world, first_period=None)

    assert refused.error["detail"] == {"field": "board_id"}


def test_a_season_s_id_and_its_board_s_periods_are_taken_once(winter: World) -> None:
    winter.board("other", reset=YEARLY)

    assert make(winter, board_id="other").refusal == (409, "season_exists")
    assert make(winter, season_id="spring").refusal == (409, "season_exists")
    assert make(winter, season_id="spring", board_id="other").status == 201


def test_a_season_that_is_not_made_leaves_its_board_as_it_was(winter: World) -> None:
    winter.board("other", reset=YEARLY)
    make(winter, board_id="other")
    make(winter, season_id="spring", board_id="other", tiers=["bronze", "bronze"])

    assert winter.api.patch("/admin/boards/other", {"reset": "0 0 * * *"}, admin=True).status == 200


def test_periods_after_a_season_are_free_for_the_next(winter: World) -> None:
    assert make(winter, season_id="spring", first_period=period(1)).refusal == (409, "season_exists")
    assert make(winter, season_id="spring", first_period=period(2)).status == 201


def test_members_of_a_bucket_see_only_each_other(winter: World) -> None:
    players = [winter.player(display_name=name) for name in ("Ada", "Ben", "Cem")]
    placed = [look(winter, player).body for player in players]
    winter.play(players[0], speedrun=5)
    winter.play(players[1], speedrun=7)

    bucket = look(winter, players[0], "/bucket").body

    assert {each["tier"] for each in placed} == {"bronze"}
    assert bucket["membership"] == placed[0]
    assert (bucket["final"], bucket["promoted"], bucket["relegated"]) == (False, 1, 0)
    assert [(each["rank"], each["display_name"], each["score"]) for each in bucket["members"]] == [
        (1, "Ben", 7),
        (2, "Ada", 5),
    ]
    assert all(each["avatar"]["placeholder"] for each in bucket["members"])
    alone = look(winter, players[2], "/bucket?round=1").body
    assert [(each["rank"], each["display_name"], each["score"]) for each in alone["members"]] == [(None, "Cem", None)]


def test_to_look_at_the_bucket_takes_a_place(winter: World) -> None:
    ada = winter.player()

    assert look(winter, ada, "/bucket").body["membership"] == look(winter, ada).body


def test_a_round_that_was_not_played_has_no_bucket(winter: World) -> None:
    ada = winter.player()

    assert look(winter, ada, "/bucket?round=1").refusal == (404, "season_not_found")
    assert look(winter, ada, "/bucket?round=3").refusal == (404, "season_not_found")


def test_there_is_no_season_that_nobody_made(world: World) -> None:
    ada = world.player()

    assert world.api.get("/seasons/summer").refusal == (404, "season_not_found")
    assert look(world, ada, season_id="summer").refusal == (404, "season_not_found")
    assert world.api.post("/admin/seasons/summer/end", admin=True).refusal == (404, "season_not_found")


def test_a_season_that_is_ended_plays_the_round_under_way(winter: World) -> None:
    ended = winter.api.post("/admin/seasons/winter/end", admin=True).body

    assert [each["number"] for each in ended["rounds"]] == [1]
    assert winter.api.post("/admin/seasons/winter/end", admin=True).body == ended
    assert look(winter, winter.player()).body["round"]["number"] == 1
    assert make(winter, season_id="spring", first_period=period(1)).status == 201


def test_a_season_that_is_ended_before_it_begins_is_none(world: World) -> None:
    world.board(reset=YEARLY)
    later = period(1)
    make(world, first_period=later)

    ended = world.api.post("/admin/seasons/winter/end", admin=True).body

    assert ended["rounds"] == []
    assert look(world, world.player()).refusal == (409, "season_closed")
    assert make(world, season_id="spring").status == 201


def test_a_season_that_is_ended_before_it_begins_leaves_the_others_their_periods(winter: World) -> None:
    make(winter, season_id="mistyped", first_period=period(9))

    winter.api.post("/admin/seasons/mistyped/end", admin=True)

    assert make(winter, season_id="spring", first_period=period(1)).refusal == (409, "season_exists")
    assert make(winter, season_id="spring", first_period=period(2)).status == 201


def test_a_player_s_export_names_the_buckets_and_leaving_empties_them(winter: World) -> None:
    ada, ben = winter.player(), winter.player(display_name="Ben")
    look(winter, ada)
    look(winter, ben)

    exported = winter.api.get("/players/me/export", token=ada.token).body["memberships"]
    winter.api.delete("/players/me", token=ada.token)

    assert [(each["season_id"], each["round"], each["tier"], each["came"]) for each in exported] == [
        ("winter", 1, 0, None)
    ]
    members = look(winter, ben, "/bucket").body["members"]
    assert [each["display_name"] for each in members] == ["Ben"]


def test_nobody_is_placed_while_the_round_before_may_still_change(world: World) -> None:
    refused = settling(world)

    assert refused.refusal == (409, "round_settling")
    assert 1 <= refused.error["detail"]["retry_after"] <= 70
