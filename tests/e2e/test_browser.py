"""A game's page in a real browser, which decides by itself what pages may send and read."""

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.e2e import browser
from tests.e2e.client import SECONDS, Client

pytestmark = pytest.mark.e2e

PAGE = Path(__file__).with_name("pages") / "avatar.html"
QUARTERS = [(220, 40, 40), (40, 160, 60), (40, 70, 200), (240, 200, 60)]
TOLERANCE = 12


def alike(pixels: list[list[int]]) -> bool:
    return all(
        abs(is_ - should) <= TOLERANCE
        for pixel, colour in zip(pixels, QUARTERS, strict=True)
        for is_, should in zip(pixel, colour, strict=True)
    )


def test_a_page_uploads_a_picture_shows_it_and_may_do_nothing_else(client: Client, tmp_path: Path) -> None:
    chromium = browser.chromium() or pytest.skip("there is no chromium on this machine")
    where = urlencode({"api": client.stack.url, "aws": client.stack.aws_endpoint})

    with browser.serving(PAGE) as pages, browser.browsing(chromium, f"{pages.url}?{where}", tmp_path):
        report = json.loads(pages.reports.get(timeout=SECONDS))

    assert report.get("error") is None
    assert (report["status"], report["state"]) == (204, "published")
    assert (report["asked_status"], report["progress"] > 0) == (204, True)
    assert alike(report["pixels"])
    assert alike(report["jpeg"])
    assert report["placeholder"]
    assert report["refused"] == [True] * 5
