from collections.abc import Sequence
from datetime import timedelta

import pytest

from chalicelib.domain.boards import INT64_MAX, INT64_MIN, Limits, Operator, SortOrder
from chalicelib.domain.game_rules import GameRules
from chalicelib.domain.games import Game
from chalicelib.domain.records import Outcome, Placement, Reason, Score, Submission
from chalicelib.errors import (
    BoardNotFoundError,
    ContendedError,
    GameEndedError,
    GameExpiredError,
    GameNotFoundError,
    GameTooLongError,
    GameTooShortError,
    PlayerNotFoundError,
    StoreUnavailableError,
    TokenError,
)
from tests import invariants
from tests.fake_dynamodb import Call, Once, conflict_on, throttle, time_out
from tests.world import EPOCH, World

BLITZ = GameRules(min_seconds=5, max_seconds=60, expires_seconds=90)


@pytest.fixture
def world() -> World:
    world = World(rules_by_mode={"blitz": BLITZ})
    world.board()
    return world


def started(world: World, player_id: str, mode: str = "classic", *, seconds: float = 1) -> Game:
    """Return a game that has lasted so long by now."""
    game = world.services.games.start(player_id, mode)
    world.clock.advance(seconds=seconds)
    return game


def end(world: World, player_id: str, game: Game, *scores: int) -> Sequence[Placement]:
    submissions = [Submission("race", score) for score in scores]
    return world.services.games.end(player_id, game.game_id, submissions).placements


def is_commit(call: Call) -> bool:
    return call.operation == "TransactWriteItems" and call.touches("#result")


def is_settling(call: Call) -> bool:
    return call.operation == "TransactWriteItems" and call.touches("mark#") and not is_commit(call)


def test_a_game_starts_with_the_servers_time_a_seed_and_an_expiry(world: World) -> None:
    player_id = world.player()

    game = world.services.games.start(player_id, "blitz")

    assert (game.started_at, game.expires_at) == (EPOCH, EPOCH + timedelta(seconds=90))
    assert 0 <= game.seed < 2**53
    assert world.services.games.newest_open(player_id) == game


def test_game_ids_sort_by_time(world: World) -> None:
    player_id = world.player()
    games = [started(world, player_id, seconds=0.001) for _ in range(5)]

    assert sorted(game.game_id for game in games) == [game.game_id for game in games]


def test_nobody_but_a_player_starts_a_game(world: World) -> None:
    with pytest.raises(TokenError):
        world.services.games.start("0" * 32, "classic")


def test_a_start_beside_a_change_of_the_account_may_be_tried_again(world: World) -> None:
    player_id = world.player()
    world.before(Once(lambda call: call.operation == "TransactWriteItems", conflict_on("profile")))

    with pytest.raises(ContendedError):
        world.services.games.start(player_id, "classic")


def test_the_answer_says_what_became_of_the_score(world: World) -> None:
    ada, bob = world.player("Ada"), world.player("Bob")
    world.play(bob, Submission("race", 10))

    first = world.play(ada, Submission("race", 5)).placements[0]
    at = world.clock()
    second = world.play(ada, Submission("race", 20)).placements[0]

    assert first == Placement("race", "all", Outcome.IMPROVED, None, None, Score(5, 0, at), None, 2, 2, 50.0)
    after = Score(20, 0, world.clock())
    assert second == Placement("race", "all", Outcome.IMPROVED, None, Score(5, 0, at), after, 2, 1, 2, 100.0)


def test_equal_score_keeps_the_earlier_record(world: World) -> None:
    player_id = world.player()
    first = world.play(player_id, Submission("race", 5)).placements[0]

    second = world.play(player_id, Submission("race", 5)).placements[0]

    assert (second.outcome, second.before, second.after) == (Outcome.KEPT, first.after, first.after)


def test_the_same_end_again_gets_the_same_answer_whatever_happened_since(world: World) -> None:
    player_id = world.player()
    game = started(world, player_id)
    first = world.services.games.end(player_id, game.game_id, [Submission("race", 5)])
    world.play(player_id, Submission("race", 50))
    world.play(world.player("Bob"), Submission("race", 70))
    world.clock.advance(days=2)

    assert world.another_process().games.end(player_id, game.game_id, [Submission("race", 5)]) == first
    assert world.ranks() == [(1, "Bob", 70), (2, "Ada", 50)]


def test_an_ended_game_takes_no_other_scores(world: World) -> None:
    world.board("duel")
    player_id = world.player()
    game = started(world, player_id)
    end(world, player_id, game, 5)

    for others in (
        [Submission("race", 6)],
        [],
        [Submission("duel", 5)],
        [Submission("race", 5), Submission("duel", 5)],
    ):
        with pytest.raises(GameEndedError):
            world.services.games.end(player_id, game.game_id, others)


def test_a_game_belongs_to_its_player(world: World) -> None:
    ada, bob = world.player("Ada"), world.player("Bob")
    game = started(world, ada)

    with pytest.raises(GameNotFoundError):
        end(world, bob, game, 5)
    with pytest.raises(GameNotFoundError):
        world.services.games.end(ada, "0" * 32, [Submission("race", 5)])


@pytest.mark.parametrize(
    ("seconds", "error"),
    [(4.999, GameTooShortError), (60.001, GameTooLongError), (90, GameExpiredError), (900, GameExpiredError)],
)
def test_a_game_of_an_impossible_length_is_refused_and_stays_open(
    world: World, seconds: float, error: type[Exception]
) -> None:
    player_id = world.player()
    game = started(world, player_id, "blitz", seconds=seconds)

    with pytest.raises(error):
        end(world, player_id, game, 5)

    assert world.items("records") == []
    assert not any("result" in item for item in world.items("games"))


@pytest.mark.parametrize("seconds", [5, 60])
def test_the_bounds_of_a_length_are_allowed(world: World, seconds: int) -> None:
    player_id = world.player()

    assert end(world, player_id, started(world, player_id, "blitz", seconds=seconds), 5)


def test_a_game_too_short_can_be_ended_later(world: World) -> None:
    player_id = world.player()
    game = started(world, player_id, "blitz", seconds=1)
    with pytest.raises(GameTooShortError):
        end(world, player_id, game, 5)

    world.clock.advance(seconds=10)

    assert end(world, player_id, game, 5)[0].outcome is Outcome.IMPROVED


def test_a_rejected_score_loses_nothing_else(world: World) -> None:
    world.board("capped", limits=Limits(max_score=4))
    player_id = world.player()

    result = world.play(player_id, Submission("capped", 5), Submission("race", 5))

    assert [(each.board_id, each.outcome, each.reason) for each in result.placements] == [
        ("capped", Outcome.REJECTED, Reason.ABOVE_MAX),
        ("race", Outcome.IMPROVED, None),
    ]
    assert (result.placements[0].after, result.placements[0].rank_after, result.placements[0].total) == (None,) * 3


def test_a_rejected_score_shows_the_record_that_stands(world: World) -> None:
    world.board("capped", limits=Limits(max_score=4))
    player_id = world.player()
    world.play(player_id, Submission("capped", 3))

    placement = world.play(player_id, Submission("capped", 5)).placements[0]

    assert placement.before == placement.after
    assert (placement.rank_before, placement.rank_after, placement.total) == (1, 1, 1)


def test_plausibility_goes_by_the_servers_clock(world: World) -> None:
    world.board("rated", limits=Limits(max_per_second=10))
    player_id = world.player()

    placements = [world.play(player_id, Submission("rated", score)).placements[0] for score in (10, 11)]

    assert [placement.reason for placement in placements] == [None, Reason.IMPLAUSIBLE_RATE]


def test_an_unknown_board_refuses_the_end_and_changes_nothing(world: World) -> None:
    player_id = world.player()
    game = started(world, player_id)

    with pytest.raises(BoardNotFoundError):
        world.services.games.end(player_id, game.game_id, [Submission("race", 5), Submission("nowhere", 5)])

    assert end(world, player_id, game, 5)[0].outcome is Outcome.IMPROVED


def test_a_game_without_scores_ends(world: World) -> None:
    player_id = world.player()
    game = started(world, player_id)

    assert world.services.games.end(player_id, game.game_id, []).placements == ()
    assert world.services.games.newest_open(player_id) is None


def test_a_game_that_ends_after_a_reset_counts_in_the_new_period(world: World) -> None:
    world.board("daily", reset="0 0 * * *")
    player_id = world.player()
    world.clock.instant = EPOCH.replace(hour=23, minute=59, second=59)

    before = world.play(player_id, Submission("daily", 5)).placements[0]
    world.clock.instant = EPOCH.replace(hour=23, minute=59, second=59, microsecond=999000)
    last = world.play(player_id, Submission("daily", 4)).placements[0]

    assert (before.period_id, last.period_id) == ("20261123T0000Z", "20261123T0000Z")
    assert (last.outcome, last.before) == (Outcome.KEPT, before.after)


def test_the_ends_of_64_bits_are_scores_like_others(world: World) -> None:
    world.board("wide", subscore_order=SortOrder.DESC)
    names = {
        "low": (INT64_MIN, INT64_MIN),
        "high": (INT64_MAX, INT64_MAX),
        "mid": (INT64_MAX, INT64_MIN),
        "zero": (0, 0),
    }
    for name, (score, subscore) in names.items():
        world.play(world.player(name), Submission("wide", score, subscore))

    assert world.names("wide") == ["high", "mid", "zero", "low"]
    invariants.check(world)


def test_a_game_for_many_boards_ends_though_its_index_is_too_much_for_one_transaction(world: World) -> None:
    board_ids = [f"b{number}" for number in range(20)]
    for board_id in board_ids:
        world.board(board_id, subscore_order=SortOrder.ASC)
    player_id = world.player()
    world.play(player_id, *[Submission(board_id, 5, 5) for board_id in board_ids])

    result = world.play(player_id, *[Submission(board_id, 900, 900) for board_id in board_ids])

    assert {(each.rank_before, each.rank_after, each.total) for each in result.placements} == {(1, 1, 1)}
    invariants.check(world)


def test_a_lost_reply_doubles_nothing(world: World) -> None:
    world.board("sum", operator=Operator.INCR)
    player_id = world.player()
    game = started(world, player_id)
    world.after(Once(is_commit, time_out))

    with pytest.raises(StoreUnavailableError):
        world.services.games.end(player_id, game.game_id, [Submission("sum", 5)])
    again = world.services.games.end(player_id, game.game_id, [Submission("sum", 5)])

    assert (again.placements[0].rank_after, again.placements[0].total) == (1, 1)
    assert world.ranks("sum") == [(1, "Ada", 5)]
    invariants.check(world)


def test_a_throttled_database_is_reported_and_nothing_is_written(world: World) -> None:
    player_id = world.player()
    game = started(world, player_id)
    world.before(Once(is_commit, throttle))

    with pytest.raises(StoreUnavailableError):
        end(world, player_id, game, 5)

    assert world.items("records") == world.items("ranks") == []
    assert end(world, player_id, game, 5)[0].rank_after == 1


def test_reads_that_stay_throttled_are_reported(world: World) -> None:
    player_id = world.player()
    game = started(world, player_id)
    world.client.keys_served = 0

    with pytest.raises(StoreUnavailableError):
        end(world, player_id, game, 5)
    assert len(world.pauses) == 6

    world.client.keys_served = 2
    assert end(world, player_id, game, 5)[0].rank_after == 1


def test_a_busy_index_does_not_keep_a_game_from_ending(world: World) -> None:
    player_id = world.player()
    world.play(world.player("Bob"), Submission("race", 9))
    conflict = Once(is_commit, conflict_on("node#"))
    world.before(conflict)
    world.pauses.clear()

    placement = world.play(player_id, Submission("race", 5)).placements[0]

    assert conflict.done
    assert (placement.rank_after, placement.total) == (2, 2)
    assert world.pauses == []
    world.follow()
    invariants.check(world)


def test_a_board_that_was_busy_is_left_to_the_stream_for_a_moment(world: World) -> None:
    ada, bob = world.player(), world.player("Bob")
    world.play(ada, Submission("race", 1))
    conflict = Once(is_commit, conflict_on("node#"))
    world.before(conflict)
    world.play(ada, Submission("race", 5))
    counters = world.items("ranks")
    world.client.calls.clear()

    game = world.services.games.start(bob, "classic")
    at_once = world.services.games.end(bob, game.game_id, [Submission("race", 9)]).placements[0]

    assert (at_once.rank_after, at_once.total) == (1, 2)
    assert world.items("ranks") == counters
    assert world.client.calls.count("TransactWriteItems") == 2, "the start of a game and its end, nothing in vain"
    world.follow()
    invariants.check(world)
    world.play(ada, Submission("race", 10))
    invariants.check(world)


def test_a_busy_record_is_tried_again(world: World) -> None:
    player_id = world.player()
    world.before(Once(is_commit, conflict_on("board_period"), times=3))

    assert world.play(player_id, Submission("race", 5)).placements[0].rank_after == 1
    assert len(world.pauses) >= 3


def test_a_record_that_stays_busy_is_reported_and_nothing_is_written(world: World) -> None:
    player_id = world.player()
    world.before(Once(is_commit, conflict_on("board_period"), times=99))

    with pytest.raises(ContendedError):
        world.play(player_id, Submission("race", 5))

    assert world.items("records") == []


def test_a_game_ended_while_its_player_leaves_is_refused(world: World) -> None:
    player_id = world.player()
    game = started(world, player_id)
    world.before(Once(is_commit, lambda _: world.another_process().players.delete(player_id)))

    with pytest.raises((GameNotFoundError, PlayerNotFoundError)):
        end(world, player_id, game, 5)

    assert world.items("records") == world.items("games") == []


def test_two_games_ended_at_once_both_count(world: World) -> None:
    world.board("sum", operator=Operator.INCR)
    player_id = world.player()
    one, other = started(world, player_id), started(world, player_id)
    results = []

    def end_other(call: Call) -> None:
        del call
        results.append(world.another_process().games.end(player_id, other.game_id, [Submission("sum", 5)]))

    world.before(Once(is_commit, end_other))
    results.append(world.services.games.end(player_id, one.game_id, [Submission("sum", 3)]))

    assert [result.placements[0].after.score for result in results if result.placements[0].after] == [5, 8]
    invariants.check(world)


def test_of_two_ends_at_once_that_keep_the_record_one_is_the_answer(world: World) -> None:
    player_id = world.player()
    world.play(player_id, Submission("race", 9))
    game = started(world, player_id)
    first = []

    def end_with_another_score(call: Call) -> None:
        del call
        first.append(world.another_process().games.end(player_id, game.game_id, [Submission("race", 1)]))

    world.before(Once(is_commit, end_with_another_score))

    with pytest.raises(GameEndedError):
        end(world, player_id, game, 2)
    assert world.services.games.end(player_id, game.game_id, [Submission("race", 1)]) == first[0]


def test_a_definite_answer_does_not_wait_for_the_index(world: World) -> None:
    """The record is stored and the game has ended: that the index could not follow is no failure of the game."""
    player_id = world.player()
    world.before(Once(is_commit, conflict_on("node#")))
    world.before(Once(is_settling, throttle))

    assert world.play(player_id, Submission("race", 5)).placements[0].rank_after == 1
    world.undisturbed()
    assert world.services.standings.own("race", "current", player_id).entry.rank == 1
    world.play(player_id, Submission("race", 6))
    invariants.check(world)
