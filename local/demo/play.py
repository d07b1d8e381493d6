"""Plays the games: registers everybody, lets them play round by round, and keeps what the server accepted."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from local.demo.boards import Board
from local.demo.client import Client, Json, RefusedError
from local.demo.crew import Crew
from local.demo.crowd import Drive, Player
from local.demo.oracle import Submission

GAME_END = "gameEnd"
MODE = "demo"
IDENTITY_TAKEN = "identity_taken"


@dataclass(slots=True)
class Account:
    """A registered player, and what this player's games must have come to so far."""

    player: Player
    player_id: str
    authorization: Mapping[str, str]
    best_by_board: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Played:
    submissions: list[Submission]
    oddities: list[str]
    """What gameEnd should have answered differently, whatever the others did meanwhile."""


def register(client: Client, crew: Crew, players: Sequence[Player], done: Callable[[], object]) -> list[Account]:
    return crew.each(partial(_registered, client), players, done)


def play(
    client: Client, crew: Crew, boards: tuple[Board, Board], accounts: Sequence[Account], done: Callable[[], object]
) -> Played:
    """Play everybody's first game, then the second of those who play two, and so on."""
    played = Played([], [])
    for number in range(max(len(account.player.drives) for account in accounts)):
        eager = [account for account in accounts if len(account.player.drives) > number]
        for game in crew.each(partial(_game, client, boards, number), eager, done):
            played.submissions.extend(game.submissions)
            played.oddities.extend(game.oddities)
    return played


def _registered(client: Client, player: Player) -> Account:
    credentials: Json = {"device_id": secrets.token_hex(16)}
    try:
        answer = client.post("register", "players", {**credentials, "display_name": player.name})
    except RefusedError as error:
        if error.code != IDENTITY_TAKEN:
            raise
        # The answer to an earlier attempt was lost.
        answer = client.post("sign in", "players/signIn", credentials)
    token = answer["tokens"]["access_token"]
    return Account(player, answer["player"]["player_id"], {"Authorization": f"Bearer {token}"})


def _game(client: Client, boards: tuple[Board, Board], number: int, account: Account) -> Played:
    game = client.post("gameStart", "gameStart", {"mode": MODE}, account.authorization)
    scores = _scores(boards, account.player.drives[number])
    body = {
        "game_id": game["game_id"],
        "scores": [
            {"board_id": board.board_id, "score": score, "subscore": subscore}
            for board, (score, subscore) in scores.items()
        ],
    }
    result = client.post(GAME_END, GAME_END, body, account.authorization)
    at = datetime.fromisoformat(result["ended_at"])
    placement_by_board = {placement["board_id"]: placement for placement in result["placements"]}
    played = Played([], [])
    for board, (score, subscore) in scores.items():
        placement = placement_by_board[board.board_id]
        played.submissions.append(Submission(account.player_id, board.board_id, score, subscore, at))
        played.oddities.extend(oddities(board, account, (score, subscore), placement))
        _remember(board, account, (score, subscore))
    return played


def _scores(boards: tuple[Board, Board], drive: Drive) -> dict[Board, tuple[int, int]]:
    points, fastest_lap = boards
    return {points: (drive.points, 0), fastest_lap: (drive.lap, drive.crashes)}


def oddities(board: Board, account: Account, submitted: tuple[int, int], placement: Json) -> list[str]:
    """Return what is wrong with a placement, as far as the player's own games tell."""
    before = account.best_by_board.get(board.board_id)
    improved = before is None or board.value(*submitted) < board.value(*before)
    expected = {
        "outcome": "improved" if improved else "kept",
        "before": before,
        "after": submitted if improved else before,
        "ranked before": before is not None,
        "ranked after": True,
    }
    found = {
        "outcome": placement["outcome"],
        "before": _score(placement["before"]),
        "after": _score(placement["after"]),
        "ranked before": placement["rank_before"] is not None,
        "ranked after": placement["rank_after"] is not None and placement["rank_after"] >= 1,
    }
    return [
        f"{board.title}: {account.player.name} got {name} {found[name]} from gameEnd, not {value}"
        for name, value in expected.items()
        if found[name] != value
    ]


def _score(shown: Json | None) -> tuple[int, int] | None:
    return (shown["score"], shown["subscore"]) if shown else None


def _remember(board: Board, account: Account, submitted: tuple[int, int]) -> None:
    before = account.best_by_board.get(board.board_id, submitted)
    account.best_by_board[board.board_id] = min(before, submitted, key=lambda pair: board.value(*pair))
