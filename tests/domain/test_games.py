from datetime import timedelta

from msgspec.structs import replace

from chalicelib.domain.game_rules import GameRules
from chalicelib.domain.games import GameResult, canonical, start
from chalicelib.domain.records import Submission
from tests.world import EPOCH

RULES = GameRules(expires_seconds=60)
GAME = start(player_id="p", game_id="g", mode="classic", seed=1, rules=RULES, now=EPOCH)


def test_a_game_is_open_until_just_before_it_expires() -> None:
    assert GAME.is_open(EPOCH + timedelta(seconds=59.999))
    assert not GAME.is_open(EPOCH + timedelta(seconds=60))


def test_an_ended_game_is_not_open() -> None:
    assert not replace(GAME, result=GameResult(EPOCH, ())).is_open(EPOCH)


def test_the_order_of_submissions_does_not_matter() -> None:
    one, other = Submission("a", 1), Submission("b", 2)

    assert canonical([other, one]) == canonical([one, other]) == (one, other)
