"""Who may call what: access tokens, the authorizer's policy, admin keys."""

from datetime import timedelta
from typing import Any

import pytest
from chalice.app import AuthRequest
from chalice.local import LambdaContext

import app as manifest
from chalicelib.api.authorizer import authorize
from chalicelib.config import SigningKey
from chalicelib.services.tokens import ACCESS_LIFETIME
from tests.api.client import ADMIN_KEY, Api
from tests.api.conftest import OTHER_ADMIN_KEY
from tests.api.world import NOBODY, OLD_KEY, World, token

EXPIRED = token(age=ACCESS_LIFETIME + timedelta(seconds=1))
FOREIGN = token(key=SigningKey("new", "f" * 32))
UNKNOWN_KEY = token(key=SigningKey("unknown", "u" * 32))
HEADER, CLAIMS, SIGNATURE = token().split(".")
# Another player's claims under this signature.
TAMPERED = ".".join([HEADER, token("1" * 32).split(".")[1], SIGNATURE])
UNSIGNED = f"eyJhbGciOiJub25lIiwia2lkIjoibmV3In0.{CLAIMS}."
DEEP = "W1tb" * 2000 + "." + CLAIMS + "." + SIGNATURE
PLAYER_ROUTES = [
    (method, path)
    for path, entries in manifest.app.routes.items()
    for method, entry in entries.items()
    if entry.authorizer
]
ADMIN_ROUTES = [
    (method, path) for path, entries in manifest.app.routes.items() for method in entries if path.startswith("/admin")
]
BAD_TOKENS = {
    "expired": (EXPIRED, "token_expired"),
    "signed with another secret": (FOREIGN, "token_invalid"),
    "of an unknown key": (UNKNOWN_KEY, "token_invalid"),
    "with changed claims": (TAMPERED, "token_invalid"),
    "unsigned": (UNSIGNED, "token_invalid"),
    "deeply nested": (DEEP, "token_invalid"),
    "cut short": (token()[:-2], "token_invalid"),
    "no token": ("x", "token_invalid"),
    "not ASCII": ("ü.ü.ü", "token_invalid"),
    "empty": ("", "token_invalid"),
}


@pytest.mark.parametrize(("text", "code"), BAD_TOKENS.values(), ids=BAD_TOKENS)
@pytest.mark.parametrize(("method", "path"), [("GET", "/players/me"), ("GET", "/")])
def test_a_bad_token_is_refused(api: Api, method: str, path: str, text: str, code: str) -> None:
    assert api.call(method, path, token=text).refusal == (401, code)


@pytest.mark.parametrize(("method", "path"), PLAYER_ROUTES)
def test_a_player_route_asks_for_a_token(api: Api, method: str, path: str) -> None:
    assert api.call(method, path).refusal == (401, "token_missing")


def test_there_are_player_routes() -> None:
    assert ("POST", "/gameEnd") in PLAYER_ROUTES


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "{token}", "Token {token}", "Bearer  {token}"])
def test_another_scheme_is_refused(api: Api, header: str) -> None:
    header = header.format(token=token())

    assert api.get("/players/me", headers={"Authorization": header}).refusal == (401, "token_invalid")


def test_a_refresh_token_is_no_access_token(world: World) -> None:
    assert world.api.get("/players/me", token=world.player().refresh_token).refusal == (401, "token_invalid")


def test_an_access_token_is_no_refresh_token(world: World) -> None:
    refused = world.api.post("/players/refresh", {"refresh_token": world.player().token[:256]})

    assert refused.refusal == (401, "token_invalid")


def test_a_cursor_is_no_access_token(world: World) -> None:
    world.board("speedrun")
    for _ in range(2):
        world.play(world.player(), speedrun=1)
    cursor = world.api.get("/boards/speedrun/entries?limit=1").body["next_cursor"]

    assert world.api.get("/players/me", token=cursor).refusal == (401, "token_invalid")


def test_a_token_of_the_key_before_the_last_rotation_is_accepted(world: World) -> None:
    player = world.player()

    profile = world.api.get("/players/me", token=token(player.player_id, key=OLD_KEY)).body

    assert profile["player_id"] == player.player_id


def test_a_token_of_a_player_who_is_gone_is_refused(world: World) -> None:
    assert world.api.get("/players/me", token=token(NOBODY)).refusal == (401, "token_invalid")
    assert world.api.get("/", token=token(NOBODY)).refusal == (401, "token_invalid")


@pytest.mark.parametrize(
    "text",
    ["a.b.c", ".".join(["a" * 32, "b" * 32, "c" * 43]), "#.#.#", "x", "..", "ü" * 256, "\U0001f600.\U0001f600" * 80],
)
def test_a_forged_refresh_token_is_refused(world: World, text: str) -> None:
    refused = world.api.post("/players/refresh", {"refresh_token": text})

    assert refused.refusal == (401, "token_invalid")


def test_a_refresh_token_used_twice_closes_its_session(world: World) -> None:
    player = world.player()
    successor = world.api.post("/players/refresh", {"refresh_token": player.refresh_token}).body["refresh_token"]

    reused = world.api.post("/players/refresh", {"refresh_token": player.refresh_token})

    assert reused.refusal == (401, "token_reused")
    assert world.api.post("/players/refresh", {"refresh_token": successor}).refusal == (401, "token_invalid")


def test_the_policy_is_for_all_routes_since_the_gateway_keeps_it(settings: pytest.MonkeyPatch) -> None:
    policy = _policy(f"Bearer {token()}")

    assert _statement(policy) == {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": [_EVERYTHING]}


def test_a_stranger_is_denied_everything(settings: pytest.MonkeyPatch) -> None:
    policy = _policy(f"Bearer {EXPIRED}")

    assert not _statement(policy)["Resource"] or _statement(policy)["Effect"] == "Deny"
    assert policy["context"]["code"] == "token_expired"


def test_the_policy_says_who_calls_until_when(settings: pytest.MonkeyPatch) -> None:
    context = authorize(AuthRequest("TOKEN", f"Bearer {token()}", "")).context

    assert context["player_id"] == NOBODY
    assert int(context["expires_at"]) > 0
    assert all(isinstance(value, str) for value in context.values()), "the gateway turns everything into texts"


def test_the_gateways_memory_does_not_outlive_the_token(settings: pytest.MonkeyPatch) -> None:
    remembered = authorize(AuthRequest("TOKEN", f"Bearer {token()}", "")).context | {"expires_at": "1000000000"}

    answer = manifest.app(_event("/players/me", remembered), _context())

    assert answer["statusCode"] == 401
    assert '"token_expired"' in answer["body"]


def test_a_request_past_the_authorizer_is_refused(settings: pytest.MonkeyPatch) -> None:
    answer = manifest.app(_event("/players/me", None), _context())

    assert answer["statusCode"] == 401
    assert '"token_invalid"' in answer["body"]


@pytest.mark.parametrize(("method", "path"), ADMIN_ROUTES)
@pytest.mark.parametrize("key", [None, "", "wrong", ADMIN_KEY + " ", ADMIN_KEY.upper(), "ключ"])
def test_an_admin_route_asks_for_an_admin_key(api: Api, method: str, path: str, key: str | None) -> None:
    headers = {} if key is None else {"X-Laurel-Admin-Key": key}

    assert api.call(method, path, headers=headers).refusal == (401, "unauthenticated")


def test_a_players_token_is_no_admin_key(api: Api) -> None:
    assert api.post("/admin/boards", {}, token=token()).refusal == (401, "unauthenticated")


@pytest.mark.parametrize("key", [ADMIN_KEY, OTHER_ADMIN_KEY])
@pytest.mark.parametrize("header", ["X-Laurel-Admin-Key", "x-laurel-admin-key"])
def test_every_configured_admin_key_is_accepted(api: Api, header: str, key: str) -> None:
    assert api.post("/admin/boards", {}, headers={header: key}).refusal == (400, "malformed")


def test_without_admin_keys_nobody_is_an_admin(settings: pytest.MonkeyPatch, api: Api) -> None:
    settings.setenv("LAUREL_ADMIN_KEY_HASHES", "")

    assert api.post("/admin/boards", {}, admin=True).refusal == (401, "unauthenticated")


def test_strangers_learn_nothing_about_values(api: Api) -> None:
    refused = api.post("/admin/boards/NOT%20A%20BOARD/submissions", raw=b"{", headers={"Content-Type": "text/plain"})

    assert refused.refusal == (401, "unauthenticated")


_ARN = "arn:aws:execute-api:eu-central-1:123456789012:laurel/api"
_EVERYTHING = f"{_ARN}/*/*"


def _policy(header: str) -> dict[str, Any]:
    event = {"type": "TOKEN", "authorizationToken": header, "methodArn": f"{_ARN}/GET/players/me"}
    policy: dict[str, Any] = manifest.player_authorizer(event, _context())
    return policy


def _statement(policy: dict[str, Any]) -> dict[str, Any]:
    (statement,) = policy["policyDocument"]["Statement"]
    return dict(statement)


def _event(path: str, authorizer: dict[str, str] | None) -> dict[str, Any]:
    return {
        "requestContext": {"httpMethod": "GET", "resourcePath": path, "authorizer": authorizer, "requestId": "r"},
        "headers": {},
        "pathParameters": {},
        "multiValueQueryStringParameters": None,
        "stageVariables": {},
        "body": None,
        "isBase64Encoded": False,
    }


def _context() -> LambdaContext:
    return LambdaContext("api_handler", 128)
