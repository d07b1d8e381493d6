"""Every kind of error: its code, its status, the shape of its answer, and a way to get it."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import botocore.session
import pytest
from chalice.app import Authorizer, Chalice
from chalice.test import Client

from chalicelib import errors
from chalicelib.api import routing
from chalicelib.api.wire import Answer as AnswerView
from chalicelib.bootstrap import serving
from chalicelib.errors import GameError
from chalicelib.services import clock
from chalicelib.services.tokens import ACCESS_LIFETIME
from chalicelib.store import dynamo
from chalicelib.store.dynamo import CancelledError, Dynamo, Part
from tests.api import test_seasons as seasons
from tests.api.client import GATEWAY_RESPONSES, STAGE_WITHOUT_SETTINGS, Answer, Api
from tests.api.world import NOBODY, YEARLY, World, token


def kinds(family: type[GameError] = GameError) -> Iterator[type[GameError]]:
    yield family
    for kind in family.__subclasses__():
        yield from kinds(kind)


# Others are details of a floor, and answered as the kind they are made from.
KINDS = [kind for kind in kinds() if kind.__module__ == errors.__name__]
STATUSES = {
    "malformed": 400,
    "cursor_invalid": 400,
    "unauthenticated": 401,
    "token_missing": 401,
    "token_invalid": 401,
    "token_expired": 401,
    "token_reused": 401,
    "identity_unknown": 401,
    "forbidden": 403,
    "avatars_off": 403,
    "push_off": 403,
    "not_found": 404,
    "route_not_found": 404,
    "board_not_found": 404,
    "period_not_found": 404,
    "player_not_found": 404,
    "game_not_found": 404,
    "record_not_found": 404,
    "incident_not_found": 404,
    "reward_not_found": 404,
    "tournament_not_found": 404,
    "notice_not_found": 404,
    "season_not_found": 404,
    "conflict": 409,
    "board_exists": 409,
    "board_sealed": 409,
    "tournament_over": 409,
    "tournament_full": 409,
    "tournament_begun": 409,
    "balance_too_low": 409,
    "identity_taken": 409,
    "season_exists": 409,
    "season_closed": 409,
    "round_settling": 409,
    "game_ended": 409,
    "game_expired": 409,
    "submission_reused": 409,
    "publication_reused": 409,
    "notice_due": 409,
    "contended": 409,
    "too_large": 413,
    "media_type": 415,
    "rejected": 422,
    "game_too_short": 422,
    "game_too_long": 422,
    "too_many": 429,
    "internal": 500,
    "degraded": 503,
    "store_unavailable": 503,
}
"""Programs rely on these: a code may be added, but never change."""


class Contended(Dynamo):
    """A database in which other writers always come first."""

    def transact(self, parts: Sequence[Part]) -> None:
        raise CancelledError(frozenset(), frozenset(part.name for part in parts))


def contended(world: World) -> Answer:
    player = world.player()
    database = Contended(dynamo.connect().client)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dynamo, "connect", lambda **_: database)
        serving.services.cache_clear()
        return world.api.post("/gameStart", {}, token=player.token)


def twice(world: World, path: str, body: dict[str, Any]) -> Answer:
    world.api.post(path, body, admin=path.startswith("/admin"))
    return world.api.post(path, body, admin=path.startswith("/admin"))


def played(world: World, mode: str) -> Answer:
    player = world.player()
    world.board("speedrun")
    return world.end(player, world.game(player, mode), speedrun=1)


def ended_twice(world: World) -> Answer:
    player = world.player()
    world.board("speedrun")
    game_id = world.game(player)
    world.end(player, game_id, speedrun=1)
    return world.end(player, game_id, speedrun=2)


def submitted_twice(world: World) -> Answer:
    player = world.player()
    world.board("speedrun")
    world.submit("speedrun", player.player_id, 1, submission_id="match")
    return world.submit("speedrun", player.player_id, 2, submission_id="match")


def reward_of_nobody(world: World) -> Answer:
    path = "/players/me/rewards/20261123T0000Z.speedrun.rank/claim"
    return world.api.post(path, token=world.player().token)


def published(world: World, title: str) -> Answer:
    content = {"kind": "announcement", "title": title}
    return world.api.post("/admin/notices", {"content": content, "publication_id": "spring"}, admin=True)


def due_notice_taken_back(world: World) -> Answer:
    # Without a topic, what is published stays in the schedule.
    notice_id = published(world, "Hello").body["notice_id"]
    return world.api.delete(f"/admin/notices/scheduled/{notice_id}", admin=True)


def figures_without(world: World) -> Answer:
    world.api.put("/admin/mode", {"mode": "degraded"}, admin=True)
    return world.api.get(f"/boards/{world.board()}/distribution")


def season_made(world: World, **fields: Any) -> Answer:
    world.api.post("/admin/boards", {"board_id": "speedrun", "title": "T", "reset": YEARLY}, admin=True)
    return seasons.make(world, **fields)


def joined(world: World, *, stopped: bool = False, **rules: Any) -> Answer:
    """Return the answer to who joins a tournament after another one did, or after it was stopped."""
    ends_at = (clock.now() + timedelta(hours=1)).isoformat()
    tournament = {"starts_at": clock.now().isoformat(), "ends_at": ends_at, "join_required": True, **rules}
    world.board("cup", tournament=tournament)
    world.api.post("/boards/cup/join", token=world.player().token)
    if stopped:
        world.api.post("/admin/boards/cup/stop", admin=True)
    return world.api.post("/boards/cup/join", token=world.player().token)


def withdrawn_late(world: World) -> Answer:
    joined(world)
    ada = world.player()
    world.api.post("/boards/cup/join", token=ada.token)
    return world.api.post("/boards/cup/withdraw", token=ada.token)


def sealed_board_changed(world: World) -> Answer:
    world.board("speedrun")
    world.play(world.player(), speedrun=1)
    return world.api.patch("/admin/boards/speedrun", {"sort_order": "asc"}, admin=True)


REACHED: dict[str, Callable[[World], Answer]] = {
    "malformed": lambda world: world.api.post("/players", {}),
    "too_large": lambda world: world.api.post("/players", raw=b" " * 300_000),
    "media_type": lambda world: world.api.post("/players"),
    "cursor_invalid": lambda world: world.api.get(f"/boards/{world.board()}/entries?cursor=forged"),
    "unauthenticated": lambda world: world.api.post("/admin/boards", {}),
    "token_missing": lambda world: world.api.get("/players/me"),
    "token_invalid": lambda world: world.api.get("/players/me", token="forged"),
    "token_expired": lambda world: world.api.get("/players/me", token=token(age=ACCESS_LIFETIME + timedelta(1))),
    "token_reused": lambda world: twice(world, "/players/refresh", {"refresh_token": world.player().refresh_token}),
    "identity_unknown": lambda world: world.api.post("/players/signIn", {"custom_id": "nobody-at-all"}),
    "route_not_found": lambda world: world.api.get("/nowhere"),
    "board_not_found": lambda world: world.api.get("/boards/none"),
    "period_not_found": lambda world: world.api.get(f"/boards/{world.board()}?period=previous"),
    "player_not_found": lambda world: world.api.get(f"/players/{NOBODY}"),
    "game_not_found": lambda world: world.end(world.player(), NOBODY, **{world.board(): 1}),
    "record_not_found": lambda world: world.api.get(f"/boards/{world.board()}/entries/{NOBODY}"),
    "incident_not_found": lambda world: world.api.delete("/admin/incidents/rank-drift", admin=True),
    "degraded": figures_without,
    "reward_not_found": reward_of_nobody,
    "notice_not_found": lambda world: world.api.delete(f"/players/me/notices/{NOBODY}", token=world.player().token),
    "season_not_found": lambda world: world.api.get("/seasons/none"),
    "season_exists": lambda world: [season_made(world) for _ in range(2)][-1],
    "season_closed": lambda world: [season_made(world, first_period=None), seasons.look(world, world.player())][-1],
    "round_settling": seasons.settling,
    "tournament_not_found": lambda world: world.api.post(f"/boards/{world.board()}/join", token=world.player().token),
    "tournament_over": lambda world: joined(world, stopped=True),
    "tournament_full": lambda world: joined(world, capacity=1),
    "tournament_begun": withdrawn_late,
    "balance_too_low": lambda world: joined(world, cost=[{"item": "gold", "amount": 1}]),
    "board_exists": lambda world: twice(world, "/admin/boards", {"board_id": "b", "title": "T"}),
    "board_sealed": sealed_board_changed,
    "identity_taken": lambda world: twice(world, "/players", {"device_id": "the-same-one"}),
    "game_ended": ended_twice,
    "game_expired": lambda world: played(world, "expired"),
    "submission_reused": submitted_twice,
    "publication_reused": lambda world: [published(world, title) for title in ("Hello", "Bye")][-1],
    "notice_due": due_notice_taken_back,
    "push_off": lambda world: world.api.post(
        "/players/me/devices", {"platform": "fcm", "token": "a-token"}, token=world.player().token
    ),
    "contended": contended,
    "avatars_off": lambda world: world.ask_for_upload(world.player()),
    "game_too_short": lambda world: played(world, "slow"),
    "game_too_long": lambda world: played(world, "overlong"),
}
ELSEWHERE = {"internal", "store_unavailable"}
"""Reached by the tests below, with a database that fails."""
NEVER_ALONE = {"forbidden", "not_found", "conflict", "rejected"}
"""Families, whose members are raised."""
FOR_LATER = {"too_many"}
"""Raised by nothing yet."""


def test_every_code_is_listed_with_its_status() -> None:
    assert {kind.code: kind.status for kind in KINDS} == STATUSES


def test_no_two_kinds_share_a_code() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS)


def test_every_kind_says_what_it_means() -> None:
    assert not [kind.__name__ for kind in KINDS if not kind.__doc__]


def test_every_kind_is_reached() -> None:
    assert {kind.code for kind in KINDS} == {*REACHED, *ELSEWHERE, *NEVER_ALONE, *FOR_LATER}


@pytest.mark.parametrize("code", REACHED)
def test_an_error_is_answered_with_its_code_and_status(world: World, code: str) -> None:
    answer = REACHED[code](world)

    assert answer.refusal == (STATUSES[code], code)
    assert set(answer.error) == {"code", "message", "detail", "request_id"}
    assert answer.error["message"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_any_kind_is_answered_alike(kind: type[GameError]) -> None:
    error = kind("so it is", 7, limit=3) if kind is errors.TooManyError else kind("so it is", limit=3)

    answer = Client(app_raising(error), stage_name=STAGE_WITHOUT_SETTINGS).http.get("/probe")

    body = answer.json_body["error"]
    assert (answer.status_code, body["code"], body["message"]) == (kind.status, kind.code, "so it is")
    assert body["detail"]["limit"] == 3
    assert ("Retry-After" in answer.headers) == (kind is errors.TooManyError)


@pytest.mark.parametrize("kind", [errors.TooManyError, errors.DegradedError, errors.RoundSettlingError])
def test_what_is_put_off_says_when_to_come_back(kind: Callable[..., GameError]) -> None:
    error = kind("slow down", retry_after=7)

    answer = Client(app_raising(error), stage_name=STAGE_WITHOUT_SETTINGS).http.get("/probe")

    assert answer.headers["Retry-After"] in ("7", ["7"])
    assert answer.json_body["error"]["detail"] == {"retry_after": 7}


def test_an_answer_that_cannot_be_written_is_a_bug_like_any_other() -> None:
    answer = Client(app_raising(None), stage_name=STAGE_WITHOUT_SETTINGS).http.get("/probe")

    assert (answer.status_code, answer.json_body["error"]["code"]) == (500, "internal")


def test_a_bug_tells_the_caller_nothing(api: Api, aws: None) -> None:
    answer = api.get("/boards")  # and there are no tables

    assert answer.refusal == (500, "internal")
    assert answer.error["message"] == "something is broken on our side; it has been logged"
    assert answer.error["detail"] == {}


def test_a_database_that_does_not_answer_is_unavailable(
    settings: pytest.MonkeyPatch, session: botocore.session.Session, api: Api
) -> None:
    settings.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")
    connected = dynamo.connect()
    settings.setattr(dynamo, "connect", lambda **_: connected)

    assert api.get("/boards").refusal == (503, "store_unavailable")


def test_what_the_gateway_answers_is_of_the_same_kinds() -> None:
    responses = json.loads(GATEWAY_RESPONSES.read_text())
    templates = {name: response["responseTemplates"]["application/json"] for name, response in responses.items()}

    assert '"code":"token_missing"' in templates["UNAUTHORIZED"]
    assert '"code":"route_not_found"' in templates["MISSING_AUTHENTICATION_TOKEN"]
    assert {name: int(responses[name]["statusCode"]) for name in ("UNAUTHORIZED", "ACCESS_DENIED")} == {
        "UNAUTHORIZED": 401,
        "ACCESS_DENIED": 401,
    }


class Probe(routing.Api):
    """Routes of a test alone, which no document describes."""

    def __init__(self) -> None:  # without registering itself among the resources
        self.tag = "probe"
        self.operations = []


class ProbeView(AnswerView):
    text: str


def app_raising(error: GameError | None) -> Chalice:
    """Return an app whose one route raises the error, or without one answers what JSON cannot hold."""
    app, probe = Chalice("probe", configure_logs=False), Probe()

    @probe.route("GET", "/probe")
    def view() -> ProbeView:
        if error:
            raise error
        return ProbeView(text="\ud800")

    probe.register(app, Authorizer())
    return app
