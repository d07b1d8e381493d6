"""What is refused before anything happens, and how it is said: the field, the rule, the kind of value that came."""

import json
from typing import Any

import pytest

from chalicelib.api import resources
from chalicelib.api.routing import Operation
from chalicelib.services import clock
from chalicelib.services.tokens import Tokens
from tests.api.client import Answer, Api
from tests.api.world import NEW_KEY, NOBODY, YEARLY, Signed, World, token

GAME = "a" * 32
BATCH = "/admin/boards/b/submissions/batch"
SUBMISSIONS = "/admin/boards/b/submissions"


def ended(**changes: Any) -> dict[str, Any]:
    """Return the body of a gameEnd, a little changed."""
    return {"game_id": GAME, "scores": [{"board_id": "b", "score": 1}], **changes}


def scored(score: Any) -> dict[str, Any]:
    return ended(scores=[{"board_id": "b", "score": score}])


def has_pages(operation: Operation) -> bool:
    return "cursor" in getattr(operation.types.get("query"), "__struct_fields__", ())


def notice(**changes: Any) -> dict[str, Any]:
    return {"content": {"kind": "announcement", "title": "Hello", **changes}}


INT = "expected `int`, got `{}`".format
TEXT = "expected `str`, got `{}`".format
BODIES = [
    ("/gameEnd", scored("1"), "body.scores[0].score", INT("str")),
    ("/gameEnd", scored(1.0), "body.scores[0].score", INT("float")),
    ("/gameEnd", scored(1.5), "body.scores[0].score", INT("float")),
    ("/gameEnd", scored(True), "body.scores[0].score", INT("bool")),
    ("/gameEnd", scored(None), "body.scores[0].score", INT("null")),
    ("/gameEnd", scored([1]), "body.scores[0].score", INT("array")),
    ("/gameEnd", scored(2**63), "body.scores[0].score", "expected `int` <= 9223372036854775807"),
    ("/gameEnd", scored(-(2**63) - 1), "body.scores[0].score", "expected `int` >= -9223372036854775808"),
    ("/gameEnd", scored(10**400), "body.scores[0].score", "expected `int` <= 9223372036854775807"),
    ("/gameEnd", ended(scores=[]), "body.scores", "expected `array` of length >= 1"),
    ("/gameEnd", ended(scores=[{"board_id": f"b{i}", "score": 1} for i in range(8)]), "body.scores", "length <= 7"),
    ("/gameEnd", ended(scores=[{"board_id": "b", "score": i} for i in range(2)]), "body.scores", "each board at most"),
    ("/gameEnd", ended(scores=[{"board_id": "b"}]), "body.scores[0]", "missing required field `score`"),
    ("/gameEnd", ended(scores={"b": 1}), "body.scores", "expected `array`, got `object`"),
    ("/gameEnd", ended(game_id=GAME.upper()), "body.game_id", "expected `str` matching regex '^[0-9a-f]{32}$'"),
    ("/gameEnd", ended(game_id=GAME + "\n"), "body.game_id", "expected `str` matching regex"),
    ("/gameEnd", ended(game_id=7), "body.game_id", TEXT("int")),
    ("/gameEnd", ended(bonus=1), "body", "unknown field `bonus`"),
    ("/gameEnd", {}, "body", "missing required field `game_id`"),
    ("/gameEnd", [], "body", "expected `object`, got `array`"),
    ("/gameEnd", None, "body", "expected `object`, got `null`"),
    ("/gameEnd", "text", "body", "expected `object`, got `str`"),
    ("/gameStart", {"mode": "Ranked!"}, "body.mode", "matching regex"),
    ("/gameStart", {"mode": "ranked\n"}, "body.mode", "matching regex"),
    ("/players", {}, "body", "exactly one of device_id and custom_id"),
    ("/players", {"device_id": "d" * 8, "custom_id": "c" * 8}, "body", "exactly one of device_id and custom_id"),
    ("/players", {"device_id": "short"}, "body.device_id", "matching regex"),
    ("/players", {"device_id": "12345678\n"}, "body.device_id", "matching regex"),
    ("/players", {"device_id": "d" * 129}, "body.device_id", "matching regex"),
    ("/players", {"device_id": "gerät-nr-1"}, "body.device_id", "matching regex"),
    ("/players", {"device_id": "d" * 8, "locale": "en_US"}, "body.locale", "matching regex"),
    ("/players", {"device_id": "d" * 8, "locale": "en\n"}, "body.locale", "matching regex"),
    ("/players", {"device_id": "d" * 8, "metadata": {}}, "body", "unknown field `metadata`"),
    ("/players/signIn", {"device_id": "d" * 8, "display_name": "A"}, "body", "unknown field `display_name`"),
    ("/players/refresh", {"refresh_token": ""}, "body.refresh_token", "length >= 1"),
    ("/players/refresh", {"refresh_token": "r" * 257}, "body.refresh_token", "length <= 256"),
    ("/admin/boards", {"board_id": "B", "title": "T"}, "body.board_id", "matching regex"),
    ("/admin/boards", {"board_id": "b\n", "title": "T"}, "body.board_id", "matching regex"),
    ("/admin/boards", {"board_id": "b", "title": ""}, "body.title", "length >= 1"),
    ("/admin/boards", {"board_id": "b", "title": "T", "unit": "ms\n"}, "body.unit", "matching regex"),
    (
        "/admin/boards",
        {"board_id": "b", "title": "T", "sort_order": "up"},
        "body.sort_order",
        "invalid enum value 'up', expected one of desc, asc",
    ),
    (
        "/admin/boards",
        {"board_id": "b", "title": "T", "subscore_order": "x" * 300},
        "body.subscore_order",
        ", expected one of desc, asc",
    ),
    ("/admin/boards", {"board_id": "b", "title": "T", "operator": None}, "body.operator", TEXT("null")),
    ("/admin/boards", {"board_id": "b", "title": "T", "authoritative": 1}, "body.authoritative", "got `int`"),
    ("/admin/boards", {"board_id": "b", "title": "T", "reset": "*/5 * * *"}, "reset", "five fields"),
    ("/admin/boards", {"board_id": "b", "title": "T", "reset": "61 * * * *"}, "reset", "minute"),
    ("/admin/boards", {"board_id": "b", "title": "T", "reset": "0 0 30 2 *"}, "reset", "day-of-month"),
    ("/admin/boards", {"board_id": "b", "title": "T", "retention_days": 0}, "body.retention_days", "`int` >= 1"),
    ("/admin/boards", {"board_id": "b", "title": "T", "limits": None}, "body.limits", "expected `object`, got `null`"),
    (
        "/admin/boards",
        {"board_id": "b", "title": "T", "limits": {"min_score": 2, "max_score": 1}},
        "limits.min_score",
        "must not be greater than",
    ),
    (BATCH, {"submissions": []}, "body.submissions", "length >= 1"),
    (BATCH, {"submissions": [{"player_id": NOBODY, "score": 1}] * 101}, "body.submissions", "length <= 100"),
    (SUBMISSIONS, {"player_id": NOBODY, "score": 1, "submission_id": "a b"}, "body.submission_id", "matching regex"),
    (SUBMISSIONS, {"player_id": NOBODY, "score": 1, "submission_id": "a\n"}, "body.submission_id", "matching regex"),
    (SUBMISSIONS, {"player_id": "me", "score": 1}, "body.player_id", "matching regex"),
    (
        "/admin/notices",
        notice(kind="x"),
        "body.content.kind",
        "invalid value 'x', expected one of announcement, person",
    ),
    (
        "/admin/notices",
        notice(text="x"),
        "body.content",
        "unknown field `text`, expected one of title, body, link, boa",
    ),
    ("/admin/notices", notice(link="x"), "body.content.link", r":[\x21-\x7e]{1,500}$'"),
    ("/admin/notices", {**notice(), "at": "noon"}, "body.at", "datetime, for example 2026-11-22T12:00:00Z"),
    ("/admin/notices", {**notice(), "at": 1}, "body.at", "got `int`, for example 2026-11-22T12:00:00Z"),
]


@pytest.mark.parametrize(("path", "body", "field", "rule"), BODIES)
def test_a_body_that_breaks_a_rule_is_told_which(api: Api, path: str, body: Any, field: str, rule: str) -> None:
    answer = post(api, path, json.dumps(body).encode())

    assert answer.refusal == (400, "malformed")
    assert answer.error["message"].startswith((f"{field}: ", f"{field} must "))
    assert rule in answer.error["message"]
    assert answer.error["detail"]["field"] == field.removeprefix("body.")


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"k": 1}, "body.metadata[...]: expected `str`, got `int`"),
        ({"k": "v" * 257}, "body.metadata[...]: expected `str` of length <= 256"),
        ({"a key": "v"}, "a key of body.metadata: expected `str` matching regex '^[A-Za-z0-9_.-]{1,32}$'"),
        ({"key\n": "v"}, "a key of body.metadata: expected `str` matching regex '^[A-Za-z0-9_.-]{1,32}$'"),
        ({f"k{i}": "v" for i in range(17)}, "body.metadata: expected `object` of length <= 16"),
        (["v"], "body.metadata: expected `object`, got `array`"),
    ],
)
def test_metadata_is_a_few_short_texts(api: Api, metadata: Any, message: str) -> None:
    answer = api.patch("/players/me", {"metadata": metadata}, token=token())

    assert answer.refusal == (400, "malformed")
    assert answer.error["message"] == message


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b"{}x",
        b"{'mode': 'x'}",
        b'{"mode": NaN}',
        b'{"mode": -Infinity}',
        b'{"mode": 1e400}',
        b'{"mode": "\xff"}',
        b'{"mode": "\\ud800"}',
        b'{"mode": "\\udc00\\ud800"}',
        b'{"mode": "a\x00"}',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"[" * 100_000,
        b'{"mode":' * 20_000,
        b'{"mode":' + b"[" * 100_000,
    ],
)
def test_what_is_no_json_is_refused(api: Api, raw: bytes) -> None:
    assert post(api, "/gameStart", raw).refusal == (400, "malformed")


def test_what_nests_too_deeply_to_be_passed_over_is_refused(api: Api) -> None:
    raw = b'{"content": {"later": ' + b"[" * 100_000

    assert api.post("/admin/notices", raw=raw, admin=True).refusal == (400, "malformed")


def test_what_is_no_json_is_told_as_such(api: Api) -> None:
    assert "body: JSON is malformed: " in post(api, "/gameStart", b"{'mode': 'x'}").error["message"]


def test_json_may_be_written_in_any_way_that_is_json(world: World) -> None:
    player = world.player()
    raw = b' \r\n\t{"m\\u006fde"\n:"\\u0061"}\n'

    answer = world.api.post("/gameStart", raw=raw, token=player.token)

    assert (answer.status, answer.body["mode"]) == (201, "a")


def test_the_last_of_two_equal_names_counts(world: World) -> None:
    answer = world.api.post("/gameStart", raw=b'{"mode": "first", "mode": "last"}', token=world.player().token)

    assert answer.body["mode"] == "last"


def test_a_message_repeats_little_of_what_was_sent(api: Api) -> None:
    answer = post(api, "/gameStart", json.dumps({"x" * 100_000: 1, "y - at `$.z": 1}).encode())

    assert answer.refusal == (400, "malformed")
    assert len(answer.text) < 1000


def test_a_field_of_a_treacherous_name_breaks_nothing(api: Api) -> None:
    assert post(api, "/gameStart", json.dumps({"y - at `$." + "z" * 9999: 1}).encode()).refusal == (400, "malformed")


@pytest.mark.parametrize("size", [256 * 1024 + 1, 1024 * 1024])
def test_a_body_too_large_is_refused_unread(api: Api, size: int) -> None:
    answer = post(api, "/gameStart", b"[" * size)

    assert answer.refusal == (413, "too_large")
    assert str(size) in answer.error["message"]


def test_a_body_at_the_limit_is_read(world: World) -> None:
    raw = b"{}" + b" " * (256 * 1024 - 2)

    assert world.api.post("/gameStart", raw=raw, token=world.player().token).status == 201


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/jsonp", "application/x-www-form-urlencoded", "", ";", "application/json, x", "ü"],
)
def test_a_body_must_be_declared_as_json(api: Api, kind: str) -> None:
    answer = api.post("/gameStart", raw=b"{}", token=token(), headers={"Content-Type": kind})

    assert answer.refusal == (415, "media_type")


def test_a_body_must_be_declared_at_all(api: Api) -> None:
    answer = api.post("/players", headers={"Accept": "application/json"})

    assert answer.refusal == (415, "media_type")
    assert "undeclared" in answer.error["message"]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", " application/json ;q=1"])
def test_a_media_type_is_read_as_http_says(world: World, kind: str) -> None:
    answer = world.api.post("/gameStart", raw=b"{}", token=world.player().token, headers={"Content-Type": kind})

    assert answer.status == 201


QUERIES = [
    ("limit=0", "query.limit", "`int` >= 1"),
    ("limit=101", "query.limit", "`int` <= 100"),
    ("limit=ten", "query.limit", INT("str")),
    ("limit=", "query.limit", INT("str")),
    ("limit=1.0", "query.limit", INT("float")),
    ("limit=1e1", "query.limit", INT("float")),
    ("limit=1e400", "query.limit", "out of range"),
    ("limit=NaN", "query.limit", INT("str")),
    ("limit=" + "9" * 5000, "query.limit", "out of range"),
    ("limit=%D9%A3", "query.limit", INT("str")),
    ("limit=1&limit=1", "query.limit", "given 2 times"),
    ("limit=1&limit=", "query.limit", "given 2 times"),
    ("from_rank=0", "query.from_rank", "`int` >= 1"),
    (f"from_rank={2**53 + 1}", "query.from_rank", "`int` <="),
    ("cursor=", "query.cursor", "length >= 1"),
    ("cursor=" + "c" * 1025, "query.cursor", "length <= 1024"),
    ("cursor=c&from_rank=1", "query", "at most one of cursor and from_rank"),
    ("period=yesterday", "query.period", "matching regex"),
    ("period=current%0A", "query.period", "matching regex"),
    ("period=", "query.period", "matching regex"),
    ("offset=1", "query", "unknown field `offset`, expected one of period, limit, cursor, from_rank"),
    ("Limit=1", "query", "unknown field `Limit`"),
    ("=1", "query", "unknown field ``"),
    ("limit[]=1", "query", "unknown field `limit[]`"),
]


@pytest.mark.parametrize(("query", "field", "rule"), QUERIES)
def test_a_query_that_breaks_a_rule_is_told_which(api: Api, query: str, field: str, rule: str) -> None:
    answer = api.get(f"/boards/b/entries?{query}")

    assert answer.refusal == (400, "malformed")
    assert answer.error["message"].startswith(f"{field}: ")
    assert rule in answer.error["message"]


@pytest.mark.parametrize("ids", ["", "x", f"{NOBODY},", f",{NOBODY}", ",".join([NOBODY] * 51), NOBODY + "%0A"])
def test_friends_are_one_to_fifty_ids(api: Api, ids: str) -> None:
    answer = api.get(f"/boards/b/players?ids={ids}")

    assert answer.refusal == (400, "malformed")
    assert answer.error["message"].startswith("query.ids: ")


def test_friends_must_be_named(api: Api) -> None:
    assert "missing required field `ids`" in api.get("/boards/b/players").error["message"]


def test_a_friend_named_twice_is_shown_once(world: World) -> None:
    player = world.player()
    world.board("speedrun")
    world.play(player, speedrun=1)

    page = world.api.get(f"/boards/speedrun/players?ids={player.player_id},{player.player_id}").body

    assert len(page["entries"]) == 1


@pytest.mark.parametrize("path", ["/", "/openapi.json", "/boards"])
def test_a_route_without_a_query_takes_none(api: Api, path: str) -> None:
    answer = api.get(f"{path}?debug=1")

    assert answer.refusal == (400, "malformed")
    assert answer.error["message"] == "query: this route takes no query parameters"


@pytest.mark.parametrize(
    "board_id",
    [
        "a%2Fb",
        "%00",
        "%ff",
        "%C0%AF",
        "a%0A",
        "%2e%2e",
        "a%252Fb",
        "SPEED",
        "%F0%9F%8E%AE",
        "b" * 65,
        "%20",
        "%",
        "a%zz",
    ],
)
def test_a_path_that_names_no_board_is_refused(api: Api, board_id: str) -> None:
    answer = api.get(f"/boards/{board_id}")

    assert answer.refusal == (400, "malformed")
    assert answer.error["message"].startswith("path.board_id: ")


def test_a_path_is_decoded_once(world: World) -> None:
    world.board("speedrun")

    assert world.api.get("/boards/%73peedrun").status == 200
    assert world.api.get("/boards/%2573peedrun").refusal == (400, "malformed")


@pytest.mark.parametrize("player_id", ["you", "ME", NOBODY.replace("0", "A"), NOBODY + "%0A", NOBODY + "0", "%ff"])
@pytest.mark.parametrize("route", ["/players", "/boards/b/entries", "/boards/b/around"])
def test_a_path_that_names_no_player_is_refused(api: Api, route: str, player_id: str) -> None:
    answer = api.get(f"{route}/{player_id}")

    assert answer.refusal == (400, "malformed")
    assert answer.error["message"].startswith("path.player_id: ")


@pytest.mark.parametrize("path", ["/nothing", "/boards/b/c", "//", "/admin", "/gamestart"])
def test_a_path_that_is_no_route_is_not_found(api: Api, path: str) -> None:
    assert api.get(path).refusal == (404, "route_not_found")


NAMES = {
    "empty": "",
    "spaces": "   ",
    "too long": "x" * 33,
    "control character": "a\x07b",
    "null character": "a\x00b",
    "right-to-left override": "abc\u202edef",
    "zero-width space": "a\u200bb",
    "byte order mark": "\ufeffa",
    "soft hyphen": "a\u00adb",
    "private use": "\ue000",
    "not a character": "\uffff",
    "stacked marks": "a" + "\u0301" * 8,
    "nothing but marks": "\u0301\u0302",
    "a ligature that unfolds too long": "\ufdfa" * 3,
    "tag characters": "a\U000e0041",
    "nothing but joiners": "\u200d\u200c",
}
GOOD_NAMES = ["Zoë", "山田 太郎", "Ваня", "عمر", "👩‍👩‍👧", "नमस्ते", "x" * 32, "O'Neil-<b>", '"; DROP TABLE']


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_hostile_name_is_refused(api: Api, name: str) -> None:
    registered = api.post("/players", {"device_id": "d" * 8, "display_name": name})
    changed = api.patch("/players/me", {"display_name": name}, token=token())

    assert registered.refusal == changed.refusal == (400, "malformed")
    assert registered.error["message"].startswith("body.display_name: ")


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_name_of_any_script_is_kept(world: World, name: str) -> None:
    player = world.player(display_name=name)

    assert world.api.get(f"/players/{player.player_id}").body["display_name"] == name


CURSORS = ["x", "a.b.c", "null", "%00", "ü", "e30.e30.e30", "c" * 1024]


@pytest.mark.parametrize("cursor", CURSORS)
def test_a_forged_cursor_is_refused(world: World, cursor: str) -> None:
    world.board("b")

    assert page(world, "b", cursor).refusal == (400, "cursor_invalid")


def test_an_access_token_is_no_cursor(world: World) -> None:
    world.board("b")

    assert page(world, "b", token()).refusal == (400, "cursor_invalid")


def test_a_tampered_cursor_is_refused(world: World) -> None:
    cursor, other = cursor_of(world, "b"), cursor_of(world, "c")
    header, _, signature = cursor.split(".")

    assert page(world, "b", cursor).status == 200
    assert page(world, "b", cursor[:-2]).refusal == (400, "cursor_invalid")
    assert page(world, "b", ".".join([header, other.split(".")[1], signature])).refusal == (400, "cursor_invalid")


def test_a_cursor_of_another_board_is_refused(world: World) -> None:
    cursor_of(world, "b")

    assert page(world, "b", cursor_of(world, "c")).refusal == (400, "cursor_invalid")


@pytest.mark.parametrize("path", [each.path for each in resources.operations() if has_pages(each)])
def test_a_cursor_of_another_listing_is_refused(world: World, path: str) -> None:
    player = world.player()
    world.board("b")
    cursor = Tokens((NEW_KEY,), clock.now).cursor({"of": "another listing"})

    named = path.format(board_id="b", player_id=player.player_id)
    answer = world.api.get(f"{named}?cursor={cursor}", token=player.token, admin=True)

    assert answer.refusal == (400, "cursor_invalid")


def test_a_cursor_of_another_period_is_refused(world: World) -> None:
    cursor = cursor_of(world, "b", reset=YEARLY)

    assert page(world, "b", f"{cursor}&period=previous").refusal == (400, "cursor_invalid")


@pytest.mark.parametrize("period", ["20261122T0001Z", "99991231T2359Z", "00010101T0000Z", "20261340T9999Z", "all"])
def test_a_period_that_is_none_of_the_boards_is_not_found(world: World, period: str) -> None:
    world.board("daily", reset="0 0 * * *")

    assert world.api.get(f"/boards/daily?period={period}").refusal == (404, "period_not_found")


def post(api: Api, path: str, raw: bytes) -> Answer:
    """Post with every credential, so that only the body can be wrong."""
    return api.post(path, raw=raw, token=token(), admin=True)


def page(world: World, board_id: str, cursor: str) -> Answer:
    return world.api.get(f"/boards/{board_id}/entries?limit=1&cursor={cursor}")


def cursor_of(world: World, board_id: str, **rules: Any) -> str:
    world.board(board_id, **rules)
    players: list[Signed] = [world.player(), world.player()]
    for player in players:
        world.submit(board_id, player.player_id, 1)
    cursor: str = world.api.get(f"/boards/{board_id}/entries?limit=1").body["next_cursor"]
    return cursor
