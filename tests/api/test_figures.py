"""What a board tells beyond its entries: answers when all is well, refusals that say what would be right."""

import pytest

from tests.api.client import Api
from tests.api.world import NOBODY, YEARLY, Signed, World

INT = "expected `int`, got `{}`".format
QUERIES = [
    ("thresholds", "ranks=", "query.ranks[0]", INT("str")),
    ("thresholds", "ranks=0", "query.ranks[0]", "`int` >= 1"),
    ("thresholds", "ranks=1,x", "query.ranks[1]", INT("str")),
    ("thresholds", "ranks=1,", "query.ranks[1]", INT("str")),
    ("thresholds", "ranks=1,2.0", "query.ranks", INT("float")),
    ("thresholds", "ranks=1,1e3", "query.ranks", INT("float")),
    ("thresholds", f"ranks={2**53 + 1}", "query.ranks[0]", "`int` <="),
    ("thresholds", "ranks=" + ",".join(["1"] * 21), "query.ranks", "length <= 20"),
    ("thresholds", "ranks=1&ranks=2", "query.ranks", "given 2 times"),
    ("thresholds", "percents=0", "query.percents[0]", "> 0"),
    ("thresholds", "percents=1e-999", "query.percents[0]", "> 0"),
    ("thresholds", "percents=100.01", "query.percents[0]", "<= 100"),
    ("thresholds", "percents=nan", "query.percents[0]", "expected `float`"),
    ("thresholds", "percents=inf", "query.percents[0]", "expected `float`"),
    ("thresholds", "percents=5%25", "query.percents[0]", "expected `float`, got `str`"),
    ("thresholds", "percents=" + ",".join(["1"] * 21), "query.percents", "length <= 20"),
    ("rank", "", "query", "missing required field `score`"),
    ("rank", "score=1.5", "query.score", INT("str")),
    ("rank", f"score={2**63}", "query.score", "`int` <="),
    ("rank", f"score=1&subscore={-(2**63) - 1}", "query.subscore", "`int` >="),
    ("rank", "score=1&player_id=me", "query.player_id", "matching regex"),
    ("distribution", f"low={2**63}", "query.low", "`int` <="),
    ("distribution", "bars=0", "query.bars", "`int` >= 1"),
    ("distribution", "bars=101", "query.bars", "`int` <= 100"),
    ("distribution", "edges=", "query.edges[0]", INT("str")),
    ("distribution", f"edges=0,{2**63}", "query.edges[1]", "`int` <="),
    ("distribution", "edges=" + ",".join(["1"] * 51), "query.edges", "length <= 50"),
    ("periods", "limit=0", "query.limit", "`int` >= 1"),
    ("periods", "before=yesterday", "query.before", "matching regex"),
    ("entries/" + NOBODY + "/history", "periods=51", "query.periods", "`int` <= 50"),
    ("entries/" + NOBODY + "/history", "period=current", "query", "unknown field `period`"),
]


@pytest.mark.parametrize(("route", "query", "field", "rule"), QUERIES)
def test_a_query_that_breaks_a_rule_is_told_which(api: Api, route: str, query: str, field: str, rule: str) -> None:
    answer = api.get(f"/boards/b/{route}?{query}")

    assert answer.refusal == (400, "malformed")
    assert answer.error["message"].startswith(f"{field}: ")
    assert rule in answer.error["message"]


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("thresholds", "expected ranks, percents or both"),
        ("distribution?edges=0&bars=5", "expected edges, or any of low, high and bars"),
    ],
)
def test_parameters_that_do_not_go_together_are_told(world: World, query: str, rule: str) -> None:
    answer = world.api.get(f"/boards/b/{query}")

    assert answer.refusal == (400, "malformed")
    assert answer.error["message"].startswith(f"query: {rule}")


@pytest.mark.parametrize(
    ("query", "field"), [("rank?score=1&subscore=1", "subscore"), ("distribution?low=2&high=1", "low")]
)
def test_what_only_the_board_can_refuse_is_told_too(world: World, query: str, field: str) -> None:
    world.board("speedrun")

    answer = world.api.get(f"/boards/speedrun/{query}")

    assert answer.refusal == (400, "malformed")
    assert answer.error["detail"] == {"field": field}


@pytest.mark.parametrize(
    "route", ["thresholds?ranks=1", "rank?score=1", "distribution", "periods", f"entries/{NOBODY}/history"]
)
def test_figures_of_no_board_are_not_found(world: World, route: str) -> None:
    assert world.api.get(f"/boards/nowhere/{route}").refusal == (404, "board_not_found")


@pytest.mark.parametrize("route", ["thresholds?ranks=1&", "rank?score=1&", "distribution?"])
def test_figures_of_no_period_are_not_found(world: World, route: str) -> None:
    world.board("speedrun", reset="0 0 * * *")

    refused = world.api.get(f"/boards/speedrun/{route}period=20200101T0001Z")

    assert refused.refusal == (404, "period_not_found")


def test_thresholds_say_what_a_rank_takes(world: World) -> None:
    ranked(world, 50, 40, 40, 20)

    answer = world.api.get("/boards/speedrun/thresholds?ranks=1,3,5&percents=0.5,50").body

    assert answer["total"] == 4
    assert [each["rank"] for each in answer["thresholds"]] == [1, 3, 5, 1, 2]
    assert [each["percent"] for each in answer["thresholds"]] == [None, None, None, 0.5, 50.0]
    assert [each["score"] for each in answer["thresholds"]] == [50, 40, None, 50, 40]
    assert [each["shared_rank"] for each in answer["thresholds"]] == [1, 2, None, 1, 2]


def test_a_score_has_a_rank_before_it_is_submitted(world: World) -> None:
    players = ranked(world, 50, 40, 40, 20)

    answer = world.api.get("/boards/speedrun/rank?score=40").body
    own = world.api.get(f"/boards/speedrun/rank?score=30&player_id={players[0].player_id}").body

    assert (answer["better"], answer["rank"], answer["total"], answer["percentile"]) == (1, 2, 5, 80.0)
    assert (own["rank"], own["total"]) == (3, 4)


def test_a_distribution_can_be_zoomed(world: World) -> None:
    ranked(world, 50, 40, 40, 20)

    zoomed = world.api.get("/boards/speedrun/distribution?low=30&high=49&bars=2").body
    whole = world.api.get("/boards/speedrun/distribution?bars=1").body
    open_ended = world.api.get("/boards/speedrun/distribution?low=45").body

    assert zoomed["bars"] == [{"low": 30, "high": 39, "count": 0}, {"low": 40, "high": 49, "count": 2}]
    assert (zoomed["below"], zoomed["above"], zoomed["total"]) == (1, 1, 4)
    assert whole["bars"] == [{"low": 20, "high": 50, "count": 4}]
    assert len(open_ended["bars"]) == 6


def test_a_distribution_can_have_edges_of_its_own(world: World) -> None:
    ranked(world, 50, 40, 40, 20)

    answer = world.api.get("/boards/speedrun/distribution?edges=45,25").body

    assert (answer["below"], answer["bars"], answer["above"]) == (1, [{"low": 25, "high": 44, "count": 2}], 1)


def test_periods_can_be_found_and_looked_into(world: World) -> None:
    world.board("speedrun", reset=YEARLY, retention_days=3)
    player = world.player()
    world.play(player, speedrun=10)

    listed = world.api.get("/boards/speedrun/periods").body
    own = world.api.get("/boards/speedrun/entries/me/history", token=player.token).body

    period = listed["periods"][0]
    assert (len(listed["periods"]), listed["next_before"]) == (1, None)
    assert period["start"] < period["end"] < period["kept_until"]
    assert [each["period"]["period_id"] for each in own["entries"]] == [period["period_id"]]
    assert [(each["entry"]["rank"], each["total"], each["percentile"]) for each in own["entries"]] == [(1, 1, 100.0)]
    assert world.api.get(f"/boards/speedrun/entries/{player.player_id}/history").body == own


def test_a_history_of_me_takes_a_token(api: Api) -> None:
    assert api.get("/boards/b/entries/me/history").refusal == (401, "token_missing")


def ranked(world: World, *scores: int) -> list[Signed]:
    """Return new players with these scores on a new board "speedrun"."""
    world.board("speedrun")
    players = [world.player() for _ in scores]
    for player, score in zip(players, scores, strict=True):
        world.submit("speedrun", player.player_id, score)
    return players
