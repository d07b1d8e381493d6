"""Short ways to bring about what a test of the API needs."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.config import SigningKey
from chalicelib.services import clock
from chalicelib.services.tokens import Tokens
from tests.api.client import Answer, Api

NEW_KEY, OLD_KEY = SigningKey("new", "n" * 32), SigningKey("old", "o" * 32)
SIGNING_KEYS = f"{NEW_KEY.key_id}:{NEW_KEY.secret},{OLD_KEY.key_id}:{OLD_KEY.secret}"
NOBODY = "0" * 32
MONTH = (datetime.now(UTC).month + 5) % 12 + 1
YEARLY = f"0 0 1 {MONTH} *"
"""Resets once a year, in half a year: no period ends while a test runs."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A registered player."""

    player_id: str
    token: str
    refresh_token: str
    device_id: str


@dataclass(frozen=True, slots=True)
class World:
    api: Api

    def player(self, **fields: Any) -> Signed:
        device_id = secrets.token_hex(16)
        body = self.api.post("/players", {"device_id": device_id, **fields}).body
        tokens = body["tokens"]
        return Signed(body["player"]["player_id"], tokens["access_token"], tokens["refresh_token"], device_id)

    def board(self, board_id: str = "speedrun", **fields: Any) -> str:
        answer = self.api.post("/admin/boards", {"board_id": board_id, "title": "A board", **fields}, admin=True)
        assert answer.status == 201, answer.text
        return board_id

    def game(self, player: Signed, mode: str = "default") -> str:
        game_id: str = self.api.post("/gameStart", {"mode": mode}, token=player.token).body["game_id"]
        return game_id

    def end(self, player: Signed, game_id: str, **score_by_board: int) -> Answer:
        scores = [{"board_id": board_id, "score": score} for board_id, score in score_by_board.items()]
        return self.api.post("/gameEnd", {"game_id": game_id, "scores": scores}, token=player.token)

    def play(self, player: Signed, **score_by_board: int) -> Answer:
        return self.end(player, self.game(player), **score_by_board)

    def ask_for_upload(self, player: Signed, content_type: str = "image/png", **fields: Any) -> Answer:
        return self.api.post("/players/me/avatar", {"content_type": content_type, **fields}, token=player.token)

    def submit(self, board_id: str, player_id: str, score: int, **fields: Any) -> Answer:
        body = {"player_id": player_id, "score": score, **fields}
        return self.api.post(f"/admin/boards/{board_id}/submissions", body, admin=True)


def token(player_id: str = NOBODY, *, age: timedelta = timedelta(0), key: SigningKey = NEW_KEY) -> str:
    """Return an access token made some time ago."""
    return Tokens((key,), lambda: clock.now() - age).access(player_id, "1" * 32)[0]
