"""What a client shows first: the boards, and the lobby of whoever is signed in."""

import pytest

from chalicelib.domain.game_rules import GameRules
from chalicelib.domain.records import Submission
from chalicelib.errors import StoreUnavailableError
from tests.fake_dynamodb import throttle
from tests.tables import PREFIX
from tests.world import World


def test_the_front_shows_every_board_with_its_current_period() -> None:
    world = World()
    world.board()
    world.board("daily", reset="0 0 * * *")

    front = world.services.lobbies.front()

    assert front.now == world.clock()
    assert [(board.board_id, period.period_id) for board, period in front.boards] == [
        ("daily", "20261122T0000Z"),
        ("race", "all"),
    ]


def test_the_lobby_shows_the_player_their_standings_and_their_open_game() -> None:
    world = World()
    world.board()
    player_id = world.player()
    world.play(player_id, Submission("race", 5))
    game = world.services.games.start(player_id, "classic")

    lobby = world.services.lobbies.lobby(player_id)

    assert lobby.player.display_name == "Ada"
    assert [(board.board_id, own.entry.rank) for board, _, own in lobby.standings or []] == [("race", 1)]
    assert (lobby.open_game, lobby.unread_notices) == (game, 0)


@pytest.mark.parametrize("nouns", [("records",), ("ranks",), ("boards", "records"), ("notices",)], ids=" ".join)
def test_what_does_not_answer_is_left_out_and_everything_else_shown(nouns: tuple[str, ...]) -> None:
    world = World()
    world.board()
    player_id = world.player()
    world.play(player_id, Submission("race", 5))
    lobbies = world.another_process().lobbies
    lobbies.front()
    world.clock.advance(seconds=5)
    world.before(lambda call: throttle(call) if any(call.touches(f"{PREFIX}{noun}") for noun in nouns) else None)

    front, lobby = lobbies.front(), lobbies.lobby(player_id)

    assert [board.board_id for board, _ in front.boards] == ["race"]
    assert lobby.player.display_name == "Ada"
    assert (lobby.standings is None, lobby.unread_notices is None) == ("notices" not in nouns, "notices" in nouns)


def test_boards_that_were_never_seen_are_not_shown_as_none() -> None:
    world = World()
    world.board()
    world.before(throttle)

    with pytest.raises(StoreUnavailableError):
        world.another_process().lobbies.front()


def test_ended_and_expired_games_are_not_open() -> None:
    world = World(rules_by_mode={"blitz": GameRules(expires_seconds=60)})
    world.board()
    player_id = world.player()
    world.play(player_id, Submission("race", 5))
    world.services.games.start(player_id, "blitz")
    world.clock.advance(seconds=60)

    assert world.services.lobbies.lobby(player_id).open_game is None


def test_hidden_records_are_no_standings() -> None:
    world = World()
    board = world.board()
    player_id = world.player()
    world.play(player_id, Submission("race", 5))
    world.services.moderation.hide(player_id, board, "all", hidden=True)

    assert world.services.lobbies.lobby(player_id).standings == []
