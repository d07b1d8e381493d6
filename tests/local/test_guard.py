import asyncio
from typing import Any

import pytest
import requests

from local import guard
from local.layout import API_PATH, MEDIA_BUCKET
from local.stack import LocalStack
from tests.local.program import PATIENCE_SECONDS

CONTROL_PLANE = "/2015-03-31/functions"
UPLOADS = f"/{MEDIA_BUCKET}"
AVATAR = f"/{MEDIA_BUCKET}/avatars/ada/1-2/64.webp"
OWN = {"host": "127.0.0.1:4670"}
PAGE = OWN | {"origin": "https://game.example"}
FORM = {"content-type": "multipart/form-data; boundary=b"}


def admits(path: str, headers: dict[str, str], method: str = "GET", query: bytes = b"") -> bool:
    return guard.admits({"method": method, "path": path, "query_string": query}, headers)


@pytest.mark.parametrize("host", ["127.0.0.1:4670", "127.0.0.1", "localhost:4670", "localhost", "[::1]:4670", "[::1]"])
def test_tools_may_use_the_control_plane_by_any_name_of_loopback(host: str) -> None:
    assert admits(CONTROL_PLANE, {"host": host})


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:4670", "127.0.0.1.evil.example", "localhost.evil.example:4670", "127.0.0.1:x"],
)
def test_a_foreign_host_is_refused_everywhere(host: str) -> None:
    assert not admits(CONTROL_PLANE, {"host": host})
    assert not admits(API_PATH, {"host": host})
    assert not admits(AVATAR, {"host": host})
    assert not admits(UPLOADS, FORM | {"host": host}, "POST")


@pytest.mark.parametrize(
    "mark",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:4670"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "same-origin"},
    ],
)
def test_a_page_may_use_the_api_and_nothing_else_of_the_control_plane(mark: dict[str, str]) -> None:
    assert admits(f"{API_PATH}players", OWN | mark, "POST")
    assert not admits(CONTROL_PLANE, OWN | mark)
    assert not admits("/_aws/execute-api/other/api/", OWN | mark)
    assert not admits("/", OWN | FORM | mark, "POST")


def test_an_address_typed_into_a_browser_is_no_page() -> None:
    assert admits("/_ministack/health", OWN | {"sec-fetch-site": "none"})


def test_a_page_may_upload_by_form_and_show_avatars() -> None:
    for path in (UPLOADS, f"{UPLOADS}/"):
        assert admits(path, PAGE | FORM, "POST")
        assert admits(path, PAGE, "OPTIONS")
    assert admits(AVATAR, PAGE)
    assert admits(AVATAR, PAGE, "HEAD")
    assert admits(AVATAR, OWN | {"sec-fetch-site": "cross-site"})


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", UPLOADS, b""),
        ("GET", UPLOADS, b"list-type=2"),
        ("PUT", UPLOADS, b""),
        ("DELETE", UPLOADS, b""),
        ("POST", UPLOADS, b"delete"),
        ("POST", f"{UPLOADS}//", b""),
        ("POST", f"{UPLOADS}/uploads/ada/1/face.png", b""),
        ("POST", AVATAR, b""),
        ("PUT", AVATAR, b""),
        ("DELETE", AVATAR, b""),
        ("OPTIONS", AVATAR, b""),
        ("GET", AVATAR, b"acl"),
        ("GET", AVATAR, b"response-content-type=text/html"),
        ("GET", f"{UPLOADS}/uploads/ada/1/face.png", b""),
        ("GET", f"{UPLOADS}/quarantine/ada/1/face.png", b""),
        ("GET", f"{UPLOADS}/avatars", b""),
        ("GET", AVATAR.replace("media", "exports"), b""),
        ("POST", UPLOADS.replace("media", "exports"), b""),
    ],
)
def test_a_page_may_do_nothing_else_to_a_bucket(method: str, path: str, query: bytes) -> None:
    assert not admits(path, PAGE | FORM, method, query)
    assert admits(path, OWN | FORM, method, query)


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/x-amz-json-1.1"]
)
def test_what_a_page_posts_to_the_bucket_must_be_a_form_with_a_file(content_type: str) -> None:
    assert not admits(UPLOADS, PAGE | {"content-type": content_type}, "POST")


class App:
    """Remembers what it is asked."""

    async def __call__(self, scope: guard.Scope, *_channels: Any) -> None:
        self.headers = {name.decode() for name, _ in scope["headers"]}


async def unused(*_message: Any) -> Any:
    raise AssertionError("nothing is read or refused")


def headers_seen(path: str, method: str, headers: dict[str, str]) -> set[str]:
    app = App()
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": pairs}
    asyncio.run(guard.guarded(app)(scope, unused, unused))  # type: ignore[arg-type]  # a coroutine is what it awaits
    return app.headers


SMUGGLED = {"X-Amz-Target": "secretsmanager.GetSecretValue", "Authorization": "AWS4-HMAC-SHA256 Credential=local/iam/"}


def test_no_header_of_a_page_makes_another_command_of_an_upload() -> None:
    assert headers_seen(UPLOADS, "POST", PAGE | FORM | SMUGGLED) == {"host", "origin", "content-type"}
    assert headers_seen(f"{API_PATH}players/me", "GET", PAGE | SMUGGLED) == {"host", "origin", *SMUGGLED}
    assert headers_seen(UPLOADS, "POST", OWN | FORM | SMUGGLED) == {"host", "content-type", *SMUGGLED}


@pytest.mark.e2e
@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_the_embedded_aws_stands_behind_the_guard(laurel: LocalStack, headers: dict[str, str]) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = requests.request(
            method, f"{laurel.aws_endpoint}{CONTROL_PLANE}", headers=headers, timeout=PATIENCE_SECONDS
        )

        assert answer.status_code == 403
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.e2e
def test_a_page_may_play(laurel: LocalStack) -> None:
    answer = requests.get(laurel.url, headers={"Origin": "https://game.example"}, timeout=PATIENCE_SECONDS)

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
