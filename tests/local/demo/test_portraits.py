from typing import Any

import pytest

from local.demo.client import Client, DemoError, Json
from local.demo.portraits import entries_with_faces, thumbnail

PLACEHOLDER = {"placeholder": True, "images": []}
FACE = {
    "placeholder": False,
    "images": [
        {"width": 64, "height": 64, "type": "image/webp", "url": "http://127.0.0.1/64.webp"},
        {"width": 64, "height": 64, "type": "image/jpeg", "url": "http://127.0.0.1/64.jpg"},
    ],
}


class Board(Client):
    """Answers with the next of these pages."""

    def __init__(self, *pages: list[Json]) -> None:
        super().__init__("http://127.0.0.1/")
        self.pages = list(pages)

    def call(self, *_request: Any, **_named: Any) -> Json:
        return {"entries": self.pages.pop(0)}


def entry(player_id: str, avatar: Json) -> Json:
    return {"player_id": player_id, "display_name": player_id, "avatar": avatar}


def test_the_board_is_looked_at_until_it_shows_every_face() -> None:
    ada, ben = entry("ada", FACE), entry("ben", FACE)
    board = Board([ada, entry("ben", PLACEHOLDER)], [ada, ben])

    assert entries_with_faces(board, "boards/b/entries", {"ada", "ben"}) == [ada, ben]
    assert board.pages == []


def test_strangers_need_no_face() -> None:
    ada = entry("ada", FACE)

    assert entries_with_faces(Board([ada, entry("eve", PLACEHOLDER)]), "boards/b/entries", {"ada"}) == [ada]


def test_a_face_that_the_board_never_shows_is_named() -> None:
    board = Board(*[[entry("ada", PLACEHOLDER)]] * 9)

    with pytest.raises(DemoError, match="does not show the faces"):
        entries_with_faces(board, "boards/b/entries", {"ada"}, patience=0.01)


def test_a_thumbnail_is_the_smallest_webp() -> None:
    assert thumbnail(entry("ada", FACE)) == "http://127.0.0.1/64.webp"
