"""gameStart and gameEnd: the game loop."""

from typing import Annotated

from msgspec import Meta

from chalicelib.api.routing import Access, Api
from chalicelib.api.wire import BoardId, GameId, GameView, Int64, ResultView, Strict, game_view, result_view
from chalicelib.bootstrap.serving import services
from chalicelib.domain.records import Submission
from chalicelib.errors import (
    BoardNotFoundError,
    ContendedError,
    GameEndedError,
    GameExpiredError,
    GameNotFoundError,
    GameTooLongError,
    GameTooShortError,
    MalformedError,
    PlayerNotFoundError,
)

MAX_BOARDS_PER_GAME = 7
"""One transaction holds 100 items: 2 for the game and the player, up to 13 a board."""

api = Api("games")

Mode = Annotated[
    str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}\Z", description="A label of yours; see LAUREL_GAME_RULES.")
]


class GameStart(Strict):
    mode: Mode = "default"


class ScoreOf(Strict):
    board_id: BoardId
    score: Int64
    subscore: Int64 = 0


class GameEnd(Strict):
    game_id: GameId
    scores: Annotated[list[ScoreOf], Meta(min_length=1, max_length=MAX_BOARDS_PER_GAME)]


@api.route("POST", "/gameStart", access=Access.PLAYER, status=201, errors=(ContendedError,))
def start(caller: str, body: GameStart) -> GameView:
    """Open a game; the server's clock runs from now on."""
    return game_view(services().games.start(caller, body.mode))


@api.route(
    "POST",
    "/gameEnd",
    access=Access.PLAYER,
    errors=(
        BoardNotFoundError,
        ContendedError,
        GameEndedError,
        GameExpiredError,
        GameNotFoundError,
        GameTooLongError,
        GameTooShortError,
        PlayerNotFoundError,
    ),
)
def end(caller: str, body: GameEnd) -> ResultView:
    """Close a game with its scores and return what they did to each board. The same call again answers the same."""
    board_ids = [score.board_id for score in body.scores]
    if len(set(board_ids)) != len(board_ids):
        raise MalformedError("body.scores: each board at most once", field="scores")
    submissions = [Submission(score.board_id, score.score, score.subscore) for score in body.scores]
    return result_view(services().games.end(caller, body.game_id, submissions))
