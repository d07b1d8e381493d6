"""Tournaments over the API: made, joined, played and stopped."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.services import clock
from tests.api.world import World

HOUR = timedelta(hours=1)


def definition(**rules: Any) -> dict[str, Any]:
    """Return a tournament that began just now, and lasts an hour."""
    now = clock.now().replace(microsecond=0)
    return {"starts_at": (now - HOUR).isoformat(), "ends_at": (now + HOUR).isoformat(), **rules}


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_a_tournament_is_shown_as_it_was_made(world: World) -> None:
    tournament = definition(join_required=True, capacity=2, attempts=3, cost=[{"item": "gold", "amount": 5}])

    world.board("cup", tournament=tournament)

    board = world.api.get("/boards/cup").body["board"]
    shown = board["tournament"]
    assert {name: shown[name] for name in ("join_required", "capacity", "attempts", "cost")} == {
        name: tournament[name] for name in ("join_required", "capacity", "attempts", "cost")
    }
    assert [instant(shown[name]) for name in ("starts_at", "ends_at")] == [
        instant(board["period"][name]) for name in ("start", "end")
    ]
    assert (shown["stopped_at"], board["period"]["period_id"]) == (None, "all")


def test_times_are_answered_in_utc_whatever_offset_they_came_with(world: World) -> None:
    world.board(
        "cup", tournament=definition(starts_at="2026-01-01T00:00:00+05:30", ends_at="2199-12-31T23:00:00-09:00")
    )

    (board,) = world.api.get("/boards").body["boards"]

    assert [board["tournament"][name] for name in ("starts_at", "ends_at")] == [
        board["period"]["start"],
        board["period"]["end"],
    ]
    assert (board["period"]["start"], board["period"]["end"]) == ("2025-12-31T18:30:00Z", "2200-01-01T08:00:00Z")


def test_other_boards_are_no_tournaments(world: World) -> None:
    assert world.api.get(f"/boards/{world.board()}").body["board"]["tournament"] is None


def test_a_player_joins_plays_and_sees_what_is_left(world: World) -> None:
    world.board("cup", tournament=definition(join_required=True, capacity=2, attempts=2))
    ada = world.player()
    before = world.api.get("/boards/cup/participation/me", token=ada.token).body

    joined = world.api.post("/boards/cup/join", token=ada.token)
    again = world.api.post("/boards/cup/join", token=ada.token)
    played = world.play(ada, cup=5)
    after = world.api.get("/boards/cup/participation/me", token=ada.token).body

    assert (before["participation"], before["attempts_left"], before["places_left"]) == (None, 2, 2)
    assert joined.status == 200
    assert joined.body == again.body
    assert played.body["placements"][0]["outcome"] == "improved"
    assert (after["attempts_left"], after["places_left"], after["participation"]["attempts"]) == (1, 1, 1)
    assert after["participation"]["joined_at"] == joined.body["participation"]["joined_at"]


def test_who_has_not_joined_is_told_so(world: World) -> None:
    world.board("cup", tournament=definition(join_required=True))

    placement = world.play(world.player(), cup=5).body["placements"][0]

    assert (placement["outcome"], placement["reason"]) == ("rejected", "not_joined")


def test_who_withdraws_in_time_is_out_and_may_join_again(world: World) -> None:
    later = (clock.now() + HOUR / 2).isoformat()
    world.board("cup", tournament=definition(starts_at=later, join_required=True, capacity=2))
    ada = world.player()
    joined = world.api.post("/boards/cup/join", token=ada.token).body

    withdrawn, again = (world.api.post("/boards/cup/withdraw", token=ada.token) for _ in range(2))

    assert withdrawn.status == 200
    assert withdrawn.body == again.body
    assert (withdrawn.body["participation"], withdrawn.body["places_left"]) == (None, 2)
    assert world.api.post("/boards/cup/join", token=ada.token).body["places_left"] == joined["places_left"]


def test_a_tournament_is_stopped_once(world: World) -> None:
    world.board("cup", tournament=definition())

    stopped = world.api.post("/admin/boards/cup/stop", admin=True)

    assert stopped.status == 200
    assert stopped.body["tournament"]["stopped_at"] == stopped.body["period"]["end"]
    assert world.api.post("/admin/boards/cup/stop", admin=True).body == stopped.body
    assert world.play(world.player(), cup=5).body["placements"][0]["reason"] == "over"


def test_its_period_is_told_as_others_are(world: World) -> None:
    world.board("cup", tournament=definition())
    stages = []
    for _ in range(2):
        (period,) = world.api.get("/boards/cup/periods").body["periods"]
        stages.append((period["period_id"], period["state"]))
        world.api.post("/admin/boards/cup/stop", admin=True)

    assert stages == [("all", "open"), ("all", "ended")]


def test_only_admins_stop_tournaments(world: World) -> None:
    world.board("cup", tournament=definition())

    assert world.api.post("/admin/boards/cup/stop").status == 401


def test_the_end_of_a_tournament_may_be_put_off_while_it_runs(world: World) -> None:
    world.board("cup", tournament=definition(attempts=1))
    later = definition(attempts=2, ends_at=(clock.now() + 5 * HOUR).isoformat())
    later["starts_at"] = world.api.get("/boards/cup").body["board"]["tournament"]["starts_at"]

    answer = world.api.patch("/admin/boards/cup", {"tournament": later}, admin=True)

    assert answer.status == 200
    assert instant(answer.body["period"]["end"]) == instant(later["ends_at"])
    assert world.api.patch("/admin/boards/cup", {"tournament": None}, admin=True).status == 409


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"ends_at": "2020-01-01T00:00:00Z"}, "tournament.ends_at: must come after starts_at"),
        ({"capacity": 3}, "tournament.join_required: must be true where there is a capacity or a cost"),
        ({"attempts": 0}, "body.tournament.attempts: expected"),
        ({"starts_at": "2020-01-01T00:00:00"}, "body.tournament.starts_at: expected"),
        ({"stopped_at": None}, "body.tournament"),
        ({"ends_at": "9999-12-31T23:59:59Z"}, "body.tournament.ends_at: expected a time from the years 1970 to 2199"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "body.tournament.starts_at: expected a time from the years"),
    ],
)
def test_tournaments_without_a_meaning_are_refused(world: World, change: dict[str, Any], problem: str) -> None:
    body = {"board_id": "cup", "title": "Cup", "tournament": definition(**change)}

    answer = world.api.post("/admin/boards", body, admin=True)

    assert answer.status == 400
    assert problem in answer.body["error"]["message"]


def test_who_exports_sees_the_tournaments(world: World) -> None:
    world.board("cup", tournament=definition(join_required=True))
    ada = world.player()
    world.api.post("/boards/cup/join", token=ada.token)

    kept = world.api.get("/players/me/export", token=ada.token).body["participations"]

    assert [(each["board_id"], each["paid"], each["attempts"]) for each in kept] == [("cup", [], 0)]
