import pytest
import requests

from local.guard import admits
from local.layout import API_PATH
from local.stack import LocalStack

CONTROL_PLANE = "/2015-03-31/functions"
OWN = {"host": "127.0.0.1:4670"}


@pytest.mark.parametrize("host", ["127.0.0.1:4670", "127.0.0.1", "localhost:4670", "localhost", "[::1]:4670", "[::1]"])
def test_tools_may_use_the_control_plane_by_any_name_of_loopback(host: str) -> None:
    assert admits(CONTROL_PLANE, {"host": host})


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:4670", "127.0.0.1.evil.example", "localhost.evil.example:4670", "127.0.0.1:x"],
)
@pytest.mark.parametrize("path", [CONTROL_PLANE, API_PATH])
def test_a_foreign_host_is_refused_everywhere(host: str, path: str) -> None:
    assert not admits(path, {"host": host})


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
def test_a_page_may_use_the_api_and_nothing_else(mark: dict[str, str]) -> None:
    assert admits(f"{API_PATH}players", OWN | mark)
    assert not admits(CONTROL_PLANE, OWN | mark)
    assert not admits("/_aws/execute-api/other/api/", OWN | mark)


def test_an_address_typed_into_a_browser_is_no_page() -> None:
    assert admits("/_ministack/health", OWN | {"sec-fetch-site": "none"})


@pytest.mark.e2e
@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_the_embedded_aws_stands_behind_the_guard(laurel: LocalStack, headers: dict[str, str]) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = requests.request(method, f"{laurel.aws_endpoint}{CONTROL_PLANE}", headers=headers, timeout=5)

        assert answer.status_code == 403
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.e2e
def test_a_page_may_play(laurel: LocalStack) -> None:
    answer = requests.get(laurel.url, headers={"Origin": "https://game.example"}, timeout=5)

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
