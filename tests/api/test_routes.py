"""Every route, when all is well. That answers are as described is checked by the client, in every test."""

from typing import Any

from tests.api.world import NOBODY, YEARLY, Signed, World


def test_the_front_page_says_who_we_are(world: World) -> None:
    world.board("speedrun", reset="0 0 * * *")

    front = world.api.get("/").body

    assert (front["name"], front["status"], front["stage"]) == ("laurel", "ok", "test")
    assert [board["board_id"] for board in front["boards"]] == ["speedrun"]
    assert front["boards"][0]["period"]["end"] is not None
    assert front["lobby"] is None


def test_the_front_page_shows_a_player_the_lobby(world: World) -> None:
    player = world.player(display_name="Ada")
    world.board("speedrun")
    world.play(player, speedrun=10)
    game_id = world.game(player)

    lobby = world.api.get("/", token=player.token).body["lobby"]

    assert lobby["player"]["display_name"] == "Ada"
    assert [each["entry"]["rank"] for each in lobby["standings"]] == [1]
    assert lobby["open_game"]["game_id"] == game_id
    assert lobby["unread_notices"] == 0


def test_the_description_is_served_as_it_is_made(world: World, document: dict[str, Any]) -> None:
    assert world.api.get("/openapi.json").body == document


def test_a_new_player_gets_a_profile_and_tokens(world: World) -> None:
    answer = world.api.post("/players", {"custom_id": "ada@example.test", "display_name": " Ada  L ", "locale": "de"})

    assert answer.status == 201
    assert answer.body["player"] | {"player_id": "", "avatar": "", "created_at": ""} == {
        "player_id": "",
        "display_name": "Ada L",
        "avatar": "",
        "locale": "de",
        "metadata": {},
        "created_at": "",
    }
    assert answer.body["tokens"]["access_expires_at"] < answer.body["tokens"]["refresh_expires_at"]


def test_a_player_without_a_name_is_given_one(world: World) -> None:
    player = world.player()

    profile = world.api.get("/players/me", token=player.token).body

    assert profile["display_name"] == f"Player {player.player_id[:6].upper()}"


def test_signing_in_opens_another_session_of_the_same_player(world: World) -> None:
    player = world.player()

    again = world.api.post("/players/signIn", {"device_id": player.device_id}).body

    assert again["player"]["player_id"] == player.player_id
    assert again["tokens"]["refresh_token"] != player.refresh_token


def test_a_refresh_token_buys_new_tokens(world: World) -> None:
    player = world.player()

    tokens = world.api.post("/players/refresh", {"refresh_token": player.refresh_token}).body

    assert tokens["refresh_token"] != player.refresh_token
    assert world.api.get("/players/me", token=tokens["access_token"]).body["player_id"] == player.player_id


def test_signing_out_closes_the_session(world: World) -> None:
    player = world.player()

    assert world.api.post("/players/signOut", {"refresh_token": player.refresh_token}).status == 204

    refused = world.api.post("/players/refresh", {"refresh_token": player.refresh_token})
    assert refused.refusal == (401, "token_invalid")
    assert world.api.post("/players/signOut", {"refresh_token": player.refresh_token}).status == 204


def test_a_profile_changes_only_where_it_is_told(world: World) -> None:
    player = world.player(display_name="Ada", locale="de")

    world.api.patch("/players/me", {"metadata": {"team": "blue"}}, token=player.token)
    changed = world.api.patch("/players/me", {"display_name": "Zoë"}, token=player.token).body

    assert (changed["display_name"], changed["locale"], changed["metadata"]) == ("Zoë", "de", {"team": "blue"})


def test_a_profile_is_public(world: World) -> None:
    player = world.player(display_name="Ada")

    assert world.api.get(f"/players/{player.player_id}").body["display_name"] == "Ada"


def test_an_export_holds_everything(world: World) -> None:
    player = world.player()
    world.board("speedrun")
    world.play(player, speedrun=10)

    export = world.api.get("/players/me/export", token=player.token).body

    assert export["player"]["player_id"] == player.player_id
    assert export["identities"] == ["device"]
    assert len(export["sessions"]) == 1
    assert [each["result"]["placements"][0]["board_id"] for each in export["games"]] == ["speedrun"]
    assert [each["record"]["score"] for each in export["records"]] == [10]


def test_a_player_who_leaves_is_gone_everywhere(world: World) -> None:
    player = world.player()
    world.board("speedrun")
    world.play(player, speedrun=10)

    assert world.api.delete("/players/me", token=player.token).status == 204

    assert world.api.get(f"/players/{player.player_id}").refusal == (404, "player_not_found")
    assert world.api.get("/boards/speedrun/entries").body["entries"] == []
    assert world.api.get("/players/me", token=player.token).refusal == (401, "token_invalid")
    assert world.api.delete("/players/me", token=player.token).status == 204
    assert world.api.post("/players", {"device_id": player.device_id}).status == 201


def test_a_game_is_started_by_the_servers_clock(world: World) -> None:
    player = world.player()

    answer = world.api.post("/gameStart", {}, token=player.token)

    assert answer.status == 201
    assert answer.body["mode"] == "default"
    assert answer.body["started_at"] < answer.body["expires_at"]
    assert 0 <= answer.body["seed"] < 2**53


def test_a_game_ends_with_a_placement_per_board(world: World) -> None:
    rival, player = world.player(), world.player()
    world.board("speedrun", sort_order="asc")
    world.board("points", limits={"max_score": 5})
    world.play(rival, speedrun=20)

    placements = world.play(player, speedrun=10, points=6).body["placements"]

    by_board = {placement["board_id"]: placement for placement in placements}
    assert by_board["speedrun"]["outcome"] == "improved"
    assert (by_board["speedrun"]["rank_before"], by_board["speedrun"]["rank_after"]) == (None, 1)
    assert (by_board["speedrun"]["total"], by_board["speedrun"]["percentile"]) == (2, 100.0)
    assert (by_board["points"]["outcome"], by_board["points"]["reason"]) == ("rejected", "above_max")
    assert by_board["points"]["after"] is None


def test_the_same_end_again_gets_the_same_answer(world: World) -> None:
    player = world.player()
    world.board("points", operator="incr")
    game_id = world.game(player)

    first, second = (world.end(player, game_id, points=5) for _ in range(2))

    assert first.status == 200
    assert first.text == second.text
    assert world.api.get("/boards/points/entries").body["entries"][0]["score"] == 5


def test_boards_are_listed_by_id(world: World) -> None:
    for board_id in ("b", "a", "c"):
        world.board(board_id)

    assert [board["board_id"] for board in world.api.get("/boards").body["boards"]] == ["a", "b", "c"]


def test_a_board_tells_how_many_are_ranked(world: World) -> None:
    world.board("speedrun")
    world.play(world.player(), speedrun=10)

    assert world.api.get("/boards/speedrun").body["total"] == 1


def test_a_past_period_is_still_readable(world: World) -> None:
    world.board("yearly", reset=YEARLY)
    world.play(world.player(), yearly=10)

    previous = world.api.get("/boards/yearly?period=previous").body

    assert previous["total"] == 0
    assert previous["board"]["period"]["end"] == world.api.get("/boards/yearly").body["board"]["period"]["start"]


def test_the_pages_of_a_board_continue_one_another(world: World) -> None:
    ranked(world, "speedrun", scores=[50, 40, 40, 20, 10])

    first = world.api.get("/boards/speedrun/entries?limit=2").body
    second = world.api.get(f"/boards/speedrun/entries?limit=2&cursor={first['next_cursor']}").body
    third = world.api.get(f"/boards/speedrun/entries?limit=2&cursor={second['next_cursor']}").body
    back = world.api.get(f"/boards/speedrun/entries?limit=2&cursor={third['previous_cursor']}").body

    assert ranks(first, second, third) == [1, 2, 2, 4, 5]
    assert (first["previous_cursor"], third["next_cursor"]) == (None, None)
    assert back["entries"] == second["entries"]


def test_a_page_can_begin_at_a_rank(world: World) -> None:
    ranked(world, "speedrun", scores=[50, 40, 30, 20])

    assert ranks(world.api.get("/boards/speedrun/entries?from_rank=3").body) == [3, 4]


def test_players_find_themselves_on_a_board(world: World) -> None:
    players = ranked(world, "speedrun", scores=[50, 40, 30, 20])

    own = world.api.get("/boards/speedrun/entries/me", token=players[1].token).body

    assert own["entry"]["rank"] == 2
    assert (own["total"], own["percentile"]) == (4, 75.0)
    assert world.api.get(f"/boards/speedrun/entries/{players[1].player_id}").body == own


def test_players_see_who_is_around_them(world: World) -> None:
    players = ranked(world, "speedrun", scores=[50, 40, 30, 20])

    around = world.api.get("/boards/speedrun/around/me?size=3", token=players[1].token).body

    assert [entry["player_id"] for entry in around["entries"]] == [player.player_id for player in players[:3]]
    assert world.api.get(f"/boards/speedrun/around/{players[1].player_id}?size=3").body == around


def test_friends_are_ranked_on_the_whole_board(world: World) -> None:
    players = ranked(world, "speedrun", scores=[50, 40, 30, 20])
    ids = f"{players[3].player_id},{players[1].player_id},{NOBODY}"

    assert ranks(world.api.get(f"/boards/speedrun/players?ids={ids}").body) == [2, 4]


def test_the_bars_of_a_distribution_hold_everybody(world: World) -> None:
    ranked(world, "speedrun", scores=[50, 40, 40, 20])

    distribution = world.api.get("/boards/speedrun/distribution").body

    assert distribution["total"] == sum(bar["count"] for bar in distribution["bars"]) == 4
    assert all(bar["low"] <= bar["high"] for bar in distribution["bars"])


def test_a_board_is_made_with_its_rules(world: World) -> None:
    rules = {
        "board_id": "weekly",
        "title": "Best of the week",
        "unit": "ms",
        "sort_order": "asc",
        "subscore_order": "desc",
        "operator": "best",
        "reset": "0 0 * * 1",
        "limits": {"min_score": 1, "max_score": 2**63 - 1, "max_per_second": 100},
        "authoritative": False,
        "retention_days": 30,
    }

    answer = world.api.post("/admin/boards", rules, admin=True)

    assert answer.status == 201
    assert answer.body | rules == answer.body


def test_a_board_changes_only_where_it_is_told(world: World) -> None:
    world.board("speedrun", unit="ms", retention_days=5)

    changed = world.api.patch("/admin/boards/speedrun", {"title": "New", "retention_days": None}, admin=True).body

    assert (changed["title"], changed["unit"], changed["retention_days"]) == ("New", "ms", None)


def test_a_submission_with_an_id_counts_once(world: World) -> None:
    player = world.player()
    world.board("points", operator="incr", authoritative=True)

    first, second = (world.submit("points", player.player_id, 5, submission_id="match-1") for _ in range(2))

    assert first.body["placement"]["outcome"] == "improved"
    assert first.text == second.text


def test_the_lines_of_a_batch_stand_alone(world: World) -> None:
    player = world.player()
    world.board("points")
    batch = [{"player_id": NOBODY, "score": 1}, {"player_id": player.player_id, "score": 2}]

    lines = world.api.post("/admin/boards/points/submissions/batch", {"submissions": batch}, admin=True).body["results"]

    assert lines[0]["error"]["code"] == "player_not_found"
    assert lines[1]["placement"]["outcome"] == "improved"
    assert (lines[0]["placement"], lines[1]["error"]) == (None, None)


def test_a_hidden_record_is_seen_by_its_player_alone(world: World) -> None:
    player = ranked(world, "speedrun", scores=[10])[0]

    hidden = world.api.patch(f"/admin/boards/speedrun/records/{player.player_id}", {"hidden": True}, admin=True)

    assert hidden.body["hidden"] is True
    assert world.api.get("/boards/speedrun/entries").body["entries"] == []
    assert world.api.get("/boards/speedrun/entries/me", token=player.token).body["entry"]["rank"] is None


def test_a_deleted_record_is_gone(world: World) -> None:
    player = ranked(world, "speedrun", scores=[10])[0]

    assert world.api.delete(f"/admin/boards/speedrun/records/{player.player_id}", admin=True).status == 204

    assert world.api.get("/boards/speedrun").body["total"] == 0


def ranked(world: World, board_id: str, scores: list[int]) -> list[Signed]:
    """Return players who have these scores on a new board."""
    world.board(board_id)
    players = [world.player() for _ in scores]
    for player, score in zip(players, scores, strict=True):
        world.submit(board_id, player.player_id, score)
    return players


def ranks(*pages: dict[str, Any]) -> list[int]:
    return [entry["rank"] for page in pages for entry in page["entries"]]
