"""Absolute URLs of the API itself, made of what API Gateway says of a request."""

from typing import Any

import pytest
from chalice.app import CaseInsensitiveMapping

from chalicelib.api.links import api_url

GATEWAY = "k3x9.execute-api.eu-central-1.amazonaws.com"
OWN = "api.example.com"
ENTRIES = "/boards/{board_id}/entries"
HTTPS = {"X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(
    ("domain", "path", "route", "url"),
    [
        (GATEWAY, "/api/boards/speedrun/entries", ENTRIES, f"https://{GATEWAY}/api/"),
        (GATEWAY, "/api/boards/speedrun/entries/", ENTRIES, f"https://{GATEWAY}/api/"),
        (GATEWAY, "/api/", "/", f"https://{GATEWAY}/api/"),
        (GATEWAY, "/api", "/", f"https://{GATEWAY}/api/"),
        (OWN, "/boards/speedrun/entries", ENTRIES, f"https://{OWN}/"),
        (OWN, "/", "/", f"https://{OWN}/"),
        (OWN, "/games/laurel/boards/speedrun/entries", ENTRIES, f"https://{OWN}/games/laurel/"),
        (OWN, "/boards/boards/speedrun/entries", ENTRIES, f"https://{OWN}/boards/"),
    ],
    ids=[
        "the gateway's own name has the stage before the route",
        "as routes may end with a slash",
        "the root of a stage",
        "the root of a stage without its slash",
        "a domain of one's own",
        "its root",
        "mapped below a path of the domain",
        "mapped below a path that looks like the route",
    ],
)
def test_the_url_of_the_api_is_the_callers(domain: str, path: str, route: str, url: str) -> None:
    assert api_url(context(domain, path, route), CaseInsensitiveMapping(HTTPS)) == url


def test_only_a_gateway_that_says_so_was_called_without_encryption() -> None:
    here = context("127.0.0.1:4670", "/_aws/execute-api/laurel/api/players/me", "/players/me")
    base = "://127.0.0.1:4670/_aws/execute-api/laurel/api/"

    assert api_url(here, CaseInsensitiveMapping({"X-Forwarded-Proto": "http"})) == f"http{base}"
    assert api_url(here, CaseInsensitiveMapping({"X-Forwarded-Proto": "javascript"})) == f"https{base}"
    assert api_url(here, CaseInsensitiveMapping({})) == f"https{base}"


def test_the_gateways_word_counts_before_the_callers() -> None:
    headers = CaseInsensitiveMapping({"Host": "evil.example", **HTTPS})

    assert api_url(context(OWN, "/players/me", "/players/me"), headers) == f"https://{OWN}/"


def test_without_a_gateway_links_stay_on_the_host_that_was_asked() -> None:
    bare = {"path": "/players/me", "resourcePath": "/players/me"}

    assert api_url(bare, CaseInsensitiveMapping({"Host": "127.0.0.1:8000"})) == "https://127.0.0.1:8000/"
    assert api_url(bare, CaseInsensitiveMapping({})) == "/"


def context(domain: str, path: str, route: str) -> dict[str, Any]:
    return {"domainName": domain, "path": path, "resourcePath": route}
