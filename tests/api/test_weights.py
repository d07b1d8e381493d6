"""What a page of entries weighs, with pictures and without, is what the guide says."""

import gzip
import json
import re
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
import pytest

from chalicelib.api.links import Links
from chalicelib.api.wire import EntryView, entry_view
from chalicelib.domain.identicons import svg
from chalicelib.services.standings import Entry
from tests.repository import ROOT

GUIDE = ROOT / "docs" / "how-to" / "show-avatars.md"
ROW = re.compile(r"^\| (?P<who>[\w, ]+) \| (?P<whole>[\d.]+) KB \| (?P<sent>[\d.]+) KB \|$", re.MULTILINE)
LINKS = Links(
    "https://k3x9abcdef.execute-api.eu-central-1.amazonaws.com/api/", "https://d111111abcdef8.cloudfront.net/"
)
PAGE = 100
CLOSE = 0.02


@pytest.mark.parametrize("who", ["without pictures, for comparison", "nobody", "everybody"])
def test_a_page_weighs_what_the_guide_says(who: str) -> None:
    said = {row["who"]: row for row in ROW.finditer(GUIDE.read_text(encoding="utf-8"))}
    content = page(who)

    assert float(said[who]["whole"]) == pytest.approx(len(content) / 1000, rel=CLOSE)
    assert float(said[who]["sent"]) == pytest.approx(len(gzip.compress(content)) / 1000, rel=CLOSE)


def test_a_placeholder_weighs_what_the_guide_says() -> None:
    whole = sum(len(svg(chance(rank)[:32], 64)) for rank in range(PAGE))

    assert "it has 0.6 KB" in GUIDE.read_text(encoding="utf-8")
    assert round(whole / PAGE / 1000, 1) == 0.6


def page(who: str) -> bytes:
    views = [shown(rank, with_avatar=who == "everybody") for rank in range(1, PAGE + 1)]
    if who != "without pictures, for comparison":
        return msgspec.json.encode(views)
    bare = [{name: value for name, value in msgspec.to_builtins(view).items() if name != "avatar"} for view in views]
    return json.dumps(bare, separators=(",", ":")).encode()


def shown(rank: int, *, with_avatar: bool) -> EntryView:
    digits = chance(rank)
    entry = Entry(
        rank=rank,
        player_id=digits[:32],
        display_name=f"Player {digits[:6].upper()}",
        avatar=f"{digits[32:]}-{chance(-rank)[:16]}" if with_avatar else None,
        score=int(digits[:4], 16),
        subscore=0,
        achieved_at=datetime(2026, 11, 22, 10, 30, 12, int(digits[:3], 16) * 1000 % 1_000_000, UTC),
    )
    return entry_view(entry, LINKS)


def chance(number: int) -> str:
    """Return 64 hex digits that compress no better than random ones, the same every time."""
    return sha256(str(number).encode()).hexdigest()
