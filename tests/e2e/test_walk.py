"""One player's way through everything, over HTTP and through the real authorizer."""

import pytest

from tests.e2e.client import Client

pytestmark = pytest.mark.e2e


def test_a_player_plays_and_leaves(client: Client) -> None:
    board_id = client.board("walk", sort_order="asc", unit="ms")
    rivals = [client.player() for _ in range(4)]
    for score, rival in enumerate(rivals, start=1):
        client.submit(board_id, rival, 1000 * score)

    player = client.player(display_name="Zoë")
    game_id = client.game(player)
    ended = client.end(player, game_id, walk=2500)
    again = client.end(player, game_id, walk=2500)
    placement = ended.json()["placements"][0]
    assert (ended.status_code, placement["outcome"], placement["rank_after"]) == (200, "improved", 3)
    assert again.text == ended.text

    own = client.made("GET", f"/boards/{board_id}/entries/me", token=player.token)
    top = client.made("GET", f"/boards/{board_id}/entries?limit=5")
    around = client.made("GET", f"/boards/{board_id}/around/me?size=3", token=player.token)
    lobby = client.made("GET", "/", token=player.token)["lobby"]
    assert (own["entry"]["rank"], own["total"], own["percentile"]) == (3, 5, 60.0)
    assert [entry["rank"] for entry in top["entries"]] == [1, 2, 3, 4, 5]
    assert [entry["rank"] for entry in around["entries"]] == [2, 3, 4]
    assert around["entries"][1] == own["entry"] == top["entries"][2]
    assert [each["entry"]["rank"] for each in lobby["standings"]] == [3]

    thresholds = client.made("GET", f"/boards/{board_id}/thresholds?ranks=1,3&percents=100")
    prospect = client.made("GET", f"/boards/{board_id}/rank?score=500&player_id={player.player_id}")
    chart = client.made("GET", f"/boards/{board_id}/distribution?low=1000&high=3999&bars=3")
    past = client.made("GET", f"/boards/{board_id}/entries/me/history", token=player.token)
    assert [each["score"] for each in thresholds["thresholds"]] == [1000, 2500, 4000]
    assert (prospect["rank"], prospect["total"]) == (1, 5)
    assert [bar["count"] for bar in chart["bars"]] == [1, 2, 1]
    assert [each["entry"] for each in past["entries"]] == [own["entry"]]

    client.made("POST", "/players/signOut", {"refresh_token": player.refresh_token})
    refused = client.call("POST", "/players/refresh", {"refresh_token": player.refresh_token})
    assert refused.json()["error"]["code"] == "token_invalid"

    client.made("DELETE", "/players/me", token=player.token)
    assert client.call("GET", "/players/me", token=player.token).json()["error"]["code"] == "token_invalid"
    assert client.call("GET", f"/players/{player.player_id}").status_code == 404
    assert client.made("GET", f"/boards/{board_id}")["total"] == 4


@pytest.mark.parametrize(
    ("token", "code"), [(None, "token_missing"), ("forged", "token_invalid"), ("a.b.c", "token_invalid")]
)
def test_the_gateway_answers_as_the_app_does(client: Client, token: str | None, code: str) -> None:
    refused = client.call("GET", "/players/me", token=token)

    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == code
    assert set(refused.json()["error"]) == {"code", "message", "detail", "request_id"}
    assert refused.headers["Access-Control-Allow-Origin"] == "*"


def test_a_policy_the_gateway_remembers_opens_every_route(client: Client) -> None:
    player = client.player()

    statuses = [
        client.call("GET", "/players/me", token=player.token).status_code,
        client.call("GET", "/players/me/export", token=player.token).status_code,
        client.call("POST", "/gameStart", {}, token=player.token).status_code,
        client.call("DELETE", "/players/me", token=player.token).status_code,
    ]

    assert statuses == [200, 200, 201, 204]


def test_what_is_no_route_is_not_found(client: Client) -> None:
    refused = client.call("GET", "/nowhere")

    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "route_not_found")


def test_a_browser_may_ask_first(client: Client) -> None:
    answer = client.call("OPTIONS", "/gameEnd")

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


def test_end_to_end_tests_share_a_worker_and_so_one_system(request: pytest.FixtureRequest) -> None:
    grouped = request.config.getoption("loadgroup", default=False)

    assert request.node.nodeid.endswith("@e2e") is bool(grouped)
