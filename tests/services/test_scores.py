import pytest

from chalicelib.domain.boards import Limits, Operator
from chalicelib.domain.games import GameResult
from chalicelib.domain.records import Outcome, Reason, Submission
from chalicelib.errors import (
    BoardNotFoundError,
    ContendedError,
    GameError,
    PlayerNotFoundError,
    RecordNotFoundError,
    StoreUnavailableError,
    SubmissionReusedError,
)
from chalicelib.services.scores import MAX_GROUP
from chalicelib.services.settle import TOMBSTONE_KEPT
from tests import invariants
from tests.fake_dynamodb import Call, Once, conflict_on, throttle, time_out
from tests.world import World

Wanted = tuple[str, Submission, str | None]


@pytest.fixture
def world() -> World:
    world = World()
    world.board(operator=Operator.INCR)
    return world


def is_commit(call: Call) -> bool:
    return call.operation == "TransactWriteItems" and call.touches("board_period")


def codes(verdicts: list[GameResult | GameError]) -> list[str]:
    """Return the outcome of each line, or the code of its error."""
    return [each.placements[0].outcome.value if isinstance(each, GameResult) else each.code for each in verdicts]


def for_each(players: list[str], score: int = 5, board_id: str = "race") -> list[Wanted]:
    return [(player_id, Submission(board_id, score), f"id-{number}") for number, player_id in enumerate(players)]


def test_a_submission_without_an_id_counts_every_time(world: World) -> None:
    player_id = world.player()

    for _ in range(3):
        world.services.games.submit(player_id, Submission("race", 5), None)

    assert world.ranks() == [(1, "Ada", 15)]


def test_a_submission_with_an_id_counts_once(world: World) -> None:
    player_id = world.player()

    results = [world.another_process().games.submit(player_id, Submission("race", 5), "id") for _ in range(3)]

    assert results[0] == results[1] == results[2]
    assert world.ranks() == [(1, "Ada", 5)]


def test_an_id_belongs_to_one_submission(world: World) -> None:
    player_id = world.player()
    world.services.games.submit(player_id, Submission("race", 5), "id")

    with pytest.raises(SubmissionReusedError):
        world.services.games.submit(player_id, Submission("race", 6), "id")


def test_of_two_submissions_at_once_under_one_id_one_is_the_answer(world: World) -> None:
    world.board("best")
    player_id = world.player()
    world.services.games.submit(player_id, Submission("best", 9), None)
    first = []

    def submit_another(call: Call) -> None:
        del call
        first.append(world.another_process().games.submit(player_id, Submission("best", 1), "id"))

    world.before(Once(lambda call: call.touches("submission#id") and bool(call.writes), submit_another))

    with pytest.raises(SubmissionReusedError):
        world.services.games.submit(player_id, Submission("best", 2), "id")
    assert world.services.games.submit(player_id, Submission("best", 1), "id") == first[0]


def test_an_id_belongs_to_one_player(world: World) -> None:
    for name in ("Ada", "Bob"):
        world.services.games.submit(world.player(name), Submission("race", 5), "id")

    assert [score for _, _, score in world.ranks()] == [5, 5]


def test_a_submission_that_changes_nothing_has_an_answer_too(world: World) -> None:
    player_id = world.player()
    world.services.games.submit(player_id, Submission("race", 5), None)

    for submission_id in (None, "id", "id"):
        result = world.services.games.submit(player_id, Submission("race", 0), submission_id)
        assert (result.placements[0].outcome, result.placements[0].rank_after) == (Outcome.KEPT, 1)


def test_authoritative_submissions_are_free_of_game_rules_but_not_of_limits(world: World) -> None:
    world.board("court", authoritative=True, limits=Limits(max_score=9, max_per_second=1))
    player_id = world.player()

    assert world.play(player_id, Submission("court", 5)).placements[0].reason is Reason.AUTHORITATIVE
    assert world.services.games.submit(player_id, Submission("court", 9), None).placements[0].reason is None
    assert (
        world.services.games.submit(player_id, Submission("court", 10), None).placements[0].reason is Reason.ABOVE_MAX
    )


def test_nobody_but_a_player_has_records(world: World) -> None:
    with pytest.raises(PlayerNotFoundError):
        world.services.games.submit("0" * 32, Submission("race", 5), "id")
    assert world.items("games") == []


@pytest.mark.parametrize("count", [1, MAX_GROUP, MAX_GROUP + 1, 60])
def test_a_batch_counts_every_line_once(world: World, count: int) -> None:
    players = [world.player(str(number)) for number in range(count)]
    wanted = for_each(players)

    first = world.services.games.submit_many(wanted)
    again = world.services.games.submit_many(wanted)

    assert codes(first) == ["improved"] * count
    assert again == first
    assert {score for _, _, score in world.ranks()} == {5}
    invariants.check(world)


def test_a_batch_carries_no_ranks(world: World) -> None:
    results = world.services.games.submit_many(for_each([world.player(str(number)) for number in range(3)]))

    placements = [result.placements[0] for result in results if isinstance(result, GameResult)]
    assert [(each.rank_before, each.rank_after, each.total, each.percentile) for each in placements] == [
        (None,) * 4
    ] * 3


def test_lines_of_one_player_count_in_order(world: World) -> None:
    world.board("set", operator=Operator.SET)
    ada, bob = world.player("Ada"), world.player("Bob")
    lines: list[Wanted] = [
        (ada, Submission("set", 1), None),
        (ada, Submission("race", 1), None),
        (bob, Submission("set", 9), None),
        (ada, Submission("set", 2), None),
        (ada, Submission("race", 2), None),
    ]

    results = world.services.games.submit_many(lines)

    assert codes(results) == ["improved"] * 5
    assert world.ranks("set") == [(1, "Bob", 9), (2, "Ada", 2)]
    assert world.ranks() == [(1, "Ada", 3)]


def test_scores_far_apart_need_several_transactions_and_count_all_the_same(world: World) -> None:
    players = [world.player(str(number)) for number in range(MAX_GROUP)]
    wanted: list[Wanted] = [
        (player_id, Submission("race", 3 * 4**number), f"id-{number}") for number, player_id in enumerate(players)
    ]

    assert codes(world.services.games.submit_many(wanted)) == ["improved"] * MAX_GROUP
    invariants.check(world)


def test_a_bad_line_fails_alone(world: World) -> None:
    players = [world.player(str(number)) for number in range(5)]
    world.services.games.submit(players[4], Submission("race", 1), "used")
    lines: list[Wanted] = [
        *for_each(players[:2]),
        ("0" * 32, Submission("race", 5), None),
        (players[2], Submission("nowhere", 5), None),
        (players[3], Submission("race", 5, 1), None),
        (players[4], Submission("race", 5), "used"),
    ]

    results = world.services.games.submit_many(lines)

    assert codes(results) == [
        "improved",
        "improved",
        PlayerNotFoundError.code,
        BoardNotFoundError.code,
        "rejected",
        SubmissionReusedError.code,
    ]
    assert [score for _, _, score in world.ranks()] == [5, 5, 1]
    invariants.check(world)


def test_when_the_database_stops_answering_the_lines_before_stand(world: World) -> None:
    players = [world.player(str(number)) for number in range(MAX_GROUP + 3)]
    world.services.games.submit(world.player("seals"), Submission("race", 1), None)
    skip = Once(is_commit, lambda _: None)
    world.after(Once(lambda call: is_commit(call) and skip.done, time_out, times=99))
    world.after(skip)

    results = world.services.games.submit_many(for_each(players))
    world.undisturbed()
    again = world.services.games.submit_many(for_each(players))

    assert "improved" in codes(results)
    assert StoreUnavailableError.code in codes(results)
    assert codes(again) == ["improved"] * len(players)
    assert {score for _, _, score in world.ranks()} == {5, 1}
    invariants.check(world)


def test_a_batch_whose_reply_is_lost_sends_nothing_again_by_itself(world: World) -> None:
    players = [world.player(str(number)) for number in range(3)]
    world.services.games.submit(world.player("seals"), Submission("race", 1), None)
    world.after(Once(is_commit, time_out))

    results = world.services.games.submit_many([(player_id, Submission("race", 5), None) for player_id in players])

    assert codes(results) == [StoreUnavailableError.code] * 3
    assert [score for _, _, score in world.ranks()] == [5, 5, 5, 1]


def test_a_busy_line_does_not_hold_up_the_others(world: World) -> None:
    players = [world.player(str(number)) for number in range(8)]
    world.services.games.submit(world.player("seals"), Submission("race", 1), None)
    busy = Once(
        lambda call: is_commit(call) and call.touches(players[3]),
        conflict_on(f"'{players[3]}'}}, 'board_period'"),
        times=99,
    )
    world.before(busy)

    results = world.services.games.submit_many(for_each(players))

    assert codes(results) == ["improved"] * 3 + [ContendedError.code] + ["improved"] * 4
    world.undisturbed()
    invariants.check(world)


def test_removing_a_record_removes_it_from_the_ranks(world: World) -> None:
    board = world.services.boards.get("race")
    ada, bob = world.player("Ada"), world.player("Bob")
    for player_id in (ada, bob):
        world.play(player_id, Submission("race", 5))

    world.services.moderation.remove(ada, board, "all")

    assert world.ranks() == [(1, "Bob", 5)]
    with pytest.raises(RecordNotFoundError):
        world.services.moderation.remove(ada, board, "all")
    with pytest.raises(RecordNotFoundError):
        world.services.moderation.hide(ada, board, "all", hidden=True)
    invariants.check(world)


def test_a_deleted_record_s_mark_is_forgotten_in_time_and_its_board_s_counters_are_not(world: World) -> None:
    board, player_id = world.services.boards.get("race"), world.player()
    world.play(player_id, Submission("race", 5))

    world.services.moderation.remove(player_id, board, "all")

    expires_at_by_key = {item["pk"]["S"]: item.get("expires_at") for item in world.items("ranks")}
    forgotten = str(int((world.clock() + TOMBSTONE_KEPT).timestamp()))
    assert expires_at_by_key.pop(f"mark#race#all#{player_id}") == {"N": forgotten}
    assert set(expires_at_by_key.values()) == {None}


def test_generations_go_on_through_a_deletion(world: World) -> None:
    board = world.services.boards.get("race")
    player_id = world.player()
    generations = []
    for _ in range(3):
        world.play(player_id, Submission("race", 5))
        generations.append(int(world.items("records")[0]["generation"]["N"]))
        world.services.moderation.remove(player_id, board, "all")

    assert generations == [1, 3, 5]


def test_a_hidden_record_counts_on_and_comes_back_as_it_then_is(world: World) -> None:
    board = world.services.boards.get("race")
    ada, bob = world.player("Ada"), world.player("Bob")
    for player_id in (ada, bob):
        world.play(player_id, Submission("race", 5))
    world.services.moderation.hide(ada, board, "all", hidden=True)

    placement = world.play(ada, Submission("race", 5)).placements[0]
    shown_while_hidden = world.ranks()
    world.services.moderation.hide(ada, board, "all", hidden=False)

    assert (placement.outcome, placement.rank_after, placement.total) == (Outcome.IMPROVED, None, None)
    assert shown_while_hidden == [(1, "Bob", 5)]
    assert world.ranks() == [(1, "Ada", 10), (2, "Bob", 5)]


def test_hiding_twice_changes_nothing(world: World) -> None:
    board = world.services.boards.get("race")
    player_id = world.player()
    world.play(player_id, Submission("race", 5))

    records = [world.services.moderation.hide(player_id, board, "all", hidden=True) for _ in range(2)]

    assert records[0] == records[1]
    assert records[0].hidden


def test_hiding_beside_a_rename_shows_the_new_name(world: World) -> None:
    board = world.services.boards.get("race")
    player_id = world.player()
    world.play(player_id, Submission("race", 5))

    def rename(call: Call) -> None:
        del call
        world.another_process().players.change(player_id, display_name="Eve", locale=None, metadata=None)

    for hidden in (True, False):
        world.before(Once(lambda call: call.operation == "TransactWriteItems", rename))
        world.services.moderation.hide(player_id, board, "all", hidden=hidden)

    assert world.names() == ["Eve"]
    invariants.check(world)


def test_moderating_a_record_that_stays_busy_is_reported(world: World) -> None:
    board = world.services.boards.get("race")
    player_id = world.player()
    world.play(player_id, Submission("race", 5))
    world.before(Once(is_commit, conflict_on("board_period"), times=99))

    with pytest.raises(ContendedError):
        world.services.moderation.remove(player_id, board, "all")
    with pytest.raises(ContendedError):
        world.services.moderation.hide(player_id, board, "all", hidden=True)


def test_a_throttled_moderation_changes_nothing(world: World) -> None:
    board = world.services.boards.get("race")
    player_id = world.player()
    world.play(player_id, Submission("race", 5))
    world.before(Once(is_commit, throttle))

    with pytest.raises(StoreUnavailableError):
        world.services.moderation.remove(player_id, board, "all")

    assert world.ranks() == [(1, "Ada", 5)]
