"""A game client of the running system, over HTTP."""

import secrets
from dataclasses import dataclass, field
from typing import Any

import requests

from chalicelib.api.routing import ADMIN_HEADER
from local.stack import LocalStack

SECONDS = 120


@dataclass(frozen=True, slots=True)
class Player:
    player_id: str
    device_id: str
    token: str
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Client:
    stack: LocalStack
    connection: requests.Session = field(default_factory=requests.Session)

    def call(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, admin: bool = False
    ) -> requests.Response:
        headers = {
            **({"Authorization": f"Bearer {token}"} if token else {}),
            **({ADMIN_HEADER: self.stack.admin_key} if admin else {}),
        }
        url = self.stack.url + path.removeprefix("/")
        return self.connection.request(method, url, json=body, headers=headers, timeout=SECONDS)

    def made(self, method: str, path: str, body: Any = None, **caller: Any) -> Any:
        """Make a request that must succeed, and return what it answers."""
        response = self.call(method, path, body, **caller)
        assert response.ok, f"{method} {path} -> {response.status_code} {response.text}"
        return response.json() if response.text else None

    def player(self, **fields: Any) -> Player:
        device_id = secrets.token_hex(16)
        made = self.made("POST", "/players", {"device_id": device_id, **fields})
        tokens = made["tokens"]
        return Player(made["player"]["player_id"], device_id, tokens["access_token"], tokens["refresh_token"])

    def board(self, board_id: str, **rules: Any) -> str:
        """Make a board; one that exists stays as it is."""
        response = self.call("POST", "/admin/boards", {"board_id": board_id, "title": board_id, **rules}, admin=True)
        assert response.status_code in {201, 409}, response.text
        return board_id

    def game(self, player: Player) -> str:
        game_id: str = self.made("POST", "/gameStart", {}, token=player.token)["game_id"]
        return game_id

    def end(self, player: Player, game_id: str, **score_by_board: int) -> requests.Response:
        scores = [{"board_id": board_id, "score": score} for board_id, score in score_by_board.items()]
        return self.call("POST", "/gameEnd", {"game_id": game_id, "scores": scores}, token=player.token)

    def submit(self, board_id: str, player: Player, score: int) -> None:
        body = {"player_id": player.player_id, "score": score}
        self.made("POST", f"/admin/boards/{board_id}/submissions", body, admin=True)
