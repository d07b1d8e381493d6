"""Tournaments: when scores count, who may submit them, and how players join."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.boards import Limits
from chalicelib.domain.records import Outcome, Reason, Submission
from chalicelib.domain.tournaments import Price
from chalicelib.errors import (
    BalanceTooLowError,
    BoardSealedError,
    ContendedError,
    MalformedError,
    StoreUnavailableError,
    TokenError,
    TournamentBegunError,
    TournamentFullError,
    TournamentNotFoundError,
    TournamentOverError,
)
from tests.fake_dynamodb import Call, Once, conflict_on, time_out
from tests.services.cups import CUP, HOUR, PRICE, Books, cup, give, score, world_of
from tests.services.turning import GRACE
from tests.world import EPOCH, World

MILLISECOND = timedelta(milliseconds=1)


def rejected(reason: Reason) -> tuple[Outcome, Reason]:
    return Outcome.REJECTED, reason


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (EPOCH, rejected(Reason.NOT_STARTED)),
        (EPOCH + HOUR - MILLISECOND, rejected(Reason.NOT_STARTED)),
        (EPOCH + HOUR, (Outcome.IMPROVED, None)),
        (EPOCH + 2 * HOUR - MILLISECOND, (Outcome.IMPROVED, None)),
        (EPOCH + 2 * HOUR, rejected(Reason.OVER)),
    ],
)
def test_scores_count_from_the_start_until_just_before_the_end(at: Any, expected: Any) -> None:
    world = world_of(cup())
    ada = world.player()
    world.clock.instant = at

    assert score(world, ada, 5) == expected


def test_a_game_that_ends_late_counts_on_the_other_boards() -> None:
    world = world_of(cup())
    ada = world.player()
    game = world.services.games.start(ada, "classic")
    world.clock.instant = cup().ends_at

    result = world.services.games.end(ada, game.game_id, [Submission(CUP, 5), Submission("race", 5)])

    assert [(each.outcome, each.reason) for each in result.placements] == [
        rejected(Reason.OVER),
        (Outcome.IMPROVED, None),
    ]
    assert result.placements[0].total is None


def test_who_has_not_joined_is_rejected_and_may_join_for_the_next_game() -> None:
    world = world_of(cup(join_required=True))
    ada = world.player()
    refused = world.play(ada, Submission(CUP, 5)).placements[0]

    world.services.tournaments.join(CUP, ada)

    assert (refused.outcome, refused.reason) == rejected(Reason.NOT_JOINED)
    assert world.play(ada, Submission(CUP, 5)).placements[0].outcome is Outcome.IMPROVED


def test_attempts_count_whatever_the_score_and_for_servers_too() -> None:
    world = world_of(cup(attempts=3))
    ada, bob = world.player(), world.player("Bob")

    outcomes = [score(world, ada, points) for points in (5, 4, 5, 9)]

    assert outcomes == [(Outcome.IMPROVED, None), *[(Outcome.KEPT, None)] * 2, rejected(Reason.NO_ATTEMPTS_LEFT)]
    assert world.services.tournaments.own(CUP, ada).attempts_left == 0
    assert score(world, bob, 1) == (Outcome.IMPROVED, None)


def test_a_rejected_score_is_no_attempt() -> None:
    world = world_of(cup(attempts=1), limits=Limits(max_score=10))
    ada = world.player()

    assert score(world, ada, 11) == rejected(Reason.ABOVE_MAX)
    assert score(world, ada, 10) == (Outcome.IMPROVED, None)
    assert world.services.tournaments.own(CUP, ada).attempts_left == 0


def test_the_same_end_of_a_game_again_is_one_attempt() -> None:
    world = world_of(cup(attempts=2))
    ada = world.player()
    game = world.services.games.start(ada, "classic")
    world.clock.advance(seconds=1)

    answers = [world.services.games.end(ada, game.game_id, [Submission(CUP, 5)]) for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert world.services.tournaments.own(CUP, ada).attempts_left == 1


def test_a_batch_counts_each_players_attempts() -> None:
    world = world_of(cup(attempts=1))
    ids = [world.player(f"p{number}") for number in range(25)]

    verdicts = world.services.games.submit_many([(each, Submission(CUP, 5), None) for each in [*ids, ids[0]]])

    reasons = [verdict.placements[0].reason for verdict in verdicts]  # type: ignore[union-attr]  # none is an error
    assert reasons == [None] * 25 + [Reason.NO_ATTEMPTS_LEFT]


def test_a_board_that_is_no_tournament_asks_for_nothing_more() -> None:
    world = world_of(cup())
    ada = world.player()
    seen: list[Any] = []
    world.before(seen.append)

    score(world, ada, 5)
    world.play(ada, Submission("race", 5))

    assert not any("participation#" in repr(call.request) for call in seen)


@pytest.mark.parametrize(
    ("rules", "read", "written"),
    [
        ({}, 0, 0),
        ({"join_required": True}, 1, 0),
        ({"attempts": 9}, 1, 1),
        ({"join_required": True, "attempts": 9}, 1, 1),
    ],
)
def test_a_tournament_takes_no_call_more_than_a_board(rules: Any, read: int, written: int) -> None:
    world = world_of(cup(**rules))
    world.services.tournaments.join(CUP, ada := world.player())
    sizes = [_sizes_of_calls(world, ada, board_id) for board_id in ("race", CUP)]

    (reads, ranks, writes), (more_reads, more_ranks, more_writes) = sizes
    assert (more_reads - reads, more_ranks - ranks, more_writes - writes) == (read, 0, written)


def _sizes_of_calls(world: World, player_id: str, board_id: str) -> list[int]:
    """Return how many items each call has that ends a game, on a board that has a record already."""
    world.play(player_id, Submission(board_id, 5))
    game = world.services.games.start(player_id, "classic")
    world.clock.advance(seconds=1)
    seen: list[Call] = []
    world.before(seen.append)
    world.services.games.end(player_id, game.game_id, [Submission(board_id, 9)])
    world.undisturbed()
    return [
        len(call.writes) or sum(len(each["Keys"]) for each in call.request["RequestItems"].values()) for call in seen
    ]


def test_joining_again_gets_the_same_answer_and_costs_nothing_more() -> None:
    world = world_of(cup(join_required=True, capacity=2, cost=PRICE))
    ada = world.player()
    give(world, ada, gold=25)

    first = world.services.tournaments.join(CUP, ada)
    world.clock.instant = cup().ends_at
    again = world.another_process().tournaments.join(CUP, ada)

    assert first.own is not None
    assert (first.own.paid, first.places_left) == (PRICE, 1)
    assert (again.own, again.places_left) == (first.own, 1)
    assert Books.of(world).gold[ada] == 15


def test_players_join_before_the_start_and_not_after_the_end() -> None:
    world = world_of(cup(join_required=True))
    ada, bob = world.player(), world.player("Bob")

    world.clock.instant = EPOCH
    assert world.services.tournaments.join(CUP, ada).own is not None
    world.clock.instant = cup().ends_at
    with pytest.raises(TournamentOverError):
        world.services.tournaments.join(CUP, bob)


@pytest.mark.parametrize("capacity", [1, 3, 8, 11])
def test_as_many_join_as_there_are_places(capacity: int) -> None:
    world = world_of(cup(join_required=True, capacity=capacity))
    ids = [world.player(f"p{number}") for number in range(capacity + 2)]

    for player_id in ids[:capacity]:
        world.services.tournaments.join(CUP, player_id)

    for player_id in ids[capacity:]:
        with pytest.raises(TournamentFullError):
            world.another_process().tournaments.join(CUP, player_id)
    Books.of(world).check(cup(join_required=True, capacity=capacity), {})


def test_who_cannot_pay_takes_no_place() -> None:
    world = world_of(cup(join_required=True, capacity=1, cost=(*PRICE, Price("gem", 1))))
    ada, bob = world.player(), world.player("Bob")
    give(world, ada, gold=100)
    give(world, bob, gold=10, gem=1)

    with pytest.raises(BalanceTooLowError) as refused:
        world.services.tournaments.join(CUP, ada)
    world.services.tournaments.join(CUP, bob)

    assert refused.value.detail == {"item": "gem", "amount": 1}
    assert Books.of(world).gold == {ada: 100, bob: 0}


def test_who_paid_all_there_was_and_lost_the_answer_has_joined() -> None:
    world = world_of(cup(join_required=True, capacity=1, cost=PRICE))
    ada = world.player()
    give(world, ada, gold=10)

    def join_meanwhile(call: Call) -> None:
        del call
        world.another_process().tournaments.join(CUP, ada)

    world.before(Once(lambda call: call.operation == "TransactWriteItems", join_meanwhile))

    assert world.services.tournaments.join(CUP, ada).own is not None
    assert Books.of(world).gold[ada] == 0


def test_who_plays_an_open_tournament_may_still_join_it() -> None:
    world = world_of(cup(attempts=3))
    ada = world.player()
    score(world, ada, 5)

    joined = world.services.tournaments.join(CUP, ada)

    assert joined.own is not None
    assert (joined.own.attempts, joined.attempts_left) == (1, 2)


def test_only_players_join_tournaments() -> None:
    world = world_of(cup())

    with pytest.raises(TournamentNotFoundError):
        world.services.tournaments.join("race", world.player())
    with pytest.raises(TokenError):
        world.services.tournaments.join(CUP, "0" * 32)


def test_joins_that_others_are_always_before_may_be_tried_again() -> None:
    world = world_of(cup(join_required=True, capacity=1))
    ada = world.player()
    world.before(Once(lambda call: call.operation == "TransactWriteItems", conflict_on("places#"), times=10))

    with pytest.raises(ContendedError):
        world.services.tournaments.join(CUP, ada)
    assert world.services.tournaments.join(CUP, ada).own is not None


def test_who_leaves_gives_the_place_back_once() -> None:
    world = world_of(tournament := cup(join_required=True, capacity=1, attempts=2))
    ada, bob = world.player(), world.player("Bob")
    world.services.tournaments.join(CUP, ada)
    score(world, ada, 5)
    world.after(Once(lambda call: call.touches("places#"), time_out))

    with pytest.raises(StoreUnavailableError):
        world.services.players.delete(ada)
    world.services.players.delete(ada)

    assert Books.of(world).participations == {}
    assert world.services.tournaments.join(CUP, bob).places_left == 0
    Books.of(world).check(tournament, {bob: 0})


@pytest.mark.parametrize("seconds", [71, 3600])
def test_who_withdraws_before_the_start_has_place_and_price_back(seconds: int) -> None:
    world = world_of(tournament := cup(join_required=True, capacity=1, cost=PRICE))
    world.clock.instant = EPOCH
    ada, bob = world.player(), world.player("Bob")
    for player_id in (ada, bob):
        give(world, player_id, gold=10)
    world.services.tournaments.join(CUP, ada)
    world.clock.instant = tournament.starts_at - timedelta(seconds=seconds)

    assert world.services.tournaments.withdraw(CUP, ada).places_left == 1
    assert world.services.tournaments.join(CUP, bob).places_left == 0
    assert Books.of(world).gold == {ada: 10, bob: 0}


def test_joining_is_final_from_a_moment_before_the_start() -> None:
    world = world_of(tournament := cup(join_required=True))
    world.clock.instant = tournament.starts_at - GRACE
    ada = world.player()
    world.services.tournaments.join(CUP, ada)

    with pytest.raises(TournamentBegunError, match="final from 2026-11-22T12:58:50"):
        world.services.tournaments.withdraw(CUP, ada)
    world.clock.instant = tournament.ends_at
    with pytest.raises(TournamentBegunError):
        world.services.tournaments.withdraw(CUP, ada)


@pytest.mark.parametrize(("stopped_at", "gold"), [(EPOCH, 10), (EPOCH + HOUR, 0)], ids=["called off", "held"])
def test_the_price_of_what_was_called_off_is_given_back_once(stopped_at: datetime, gold: int) -> None:
    world = world_of(cup(join_required=True, cost=PRICE))
    world.clock.instant = stopped_at
    ada = world.player()
    give(world, ada, gold=10)
    world.services.tournaments.join(CUP, ada)
    world.services.boards.stop(CUP)
    world.clock.advance(hours=9)

    for _ in range(2):
        with suppress(TournamentBegunError):
            world.services.tournaments.withdraw(CUP, ada)

    assert Books.of(world).gold == {ada: gold}


def test_who_has_not_joined_has_nothing_to_withdraw() -> None:
    world = world_of(cup(attempts=3))
    ada = world.player()
    score(world, ada, 5)

    assert world.services.tournaments.withdraw(CUP, ada).attempts_left == 2
    with pytest.raises(TournamentNotFoundError):
        world.services.tournaments.withdraw("race", ada)


def test_who_has_left_withdraws_from_nothing() -> None:
    world = world_of(cup(join_required=True))
    world.clock.instant = EPOCH
    ada = world.player()
    world.services.tournaments.join(CUP, ada)

    def leave(call: Call) -> None:
        del call
        world.another_process().players.delete(ada)

    world.before(Once(lambda call: call.operation == "TransactWriteItems", leave))

    with pytest.raises(TokenError):
        world.services.tournaments.withdraw(CUP, ada)


def test_withdrawals_that_others_are_always_before_may_be_tried_again() -> None:
    world = world_of(cup(join_required=True, capacity=1))
    world.clock.instant = EPOCH
    ada = world.player()
    world.services.tournaments.join(CUP, ada)
    world.before(Once(lambda call: call.operation == "TransactWriteItems", conflict_on("places#"), times=10))

    with pytest.raises(ContendedError):
        world.services.tournaments.withdraw(CUP, ada)
    assert world.services.tournaments.withdraw(CUP, ada).own is None


def test_who_exports_sees_the_tournaments() -> None:
    world = world_of(cup(attempts=3))
    ada = world.player()
    score(world, ada, 5)

    assert [(each.board_id, each.attempts) for each in world.services.players.export(ada).participations] == [(CUP, 1)]


def test_a_stopped_tournament_takes_no_score_and_stays_stopped() -> None:
    world = world_of(cup())
    ada = world.player()
    score(world, ada, 5)

    stopped = world.another_process().boards.stop(CUP)
    world.clock.advance(seconds=1)

    assert world.services.boards.stop(CUP) == stopped
    assert score(world, ada, 9) == rejected(Reason.OVER)
    assert world.services.boards.period(stopped, "current").end == cup().starts_at
    assert world.services.boards.stop(CUP).tournament == stopped.tournament


def test_who_stopped_it_by_a_faster_clock_stopped_it_for_good() -> None:
    world = world_of(cup())
    stopped = world.services.boards.stop(CUP)
    world.clock.advance(seconds=-2)
    other = world.another_process()

    with pytest.raises(BoardSealedError):
        other.boards.change(CUP, {"tournament": cup(ends_at=EPOCH + 3 * HOUR)})
    assert other.boards.stop(CUP).tournament == stopped.tournament


def test_a_tournament_stopped_before_its_start_never_begins() -> None:
    world = world_of(cup())
    world.clock.instant = EPOCH
    world.services.boards.stop(CUP)
    world.clock.instant = cup().starts_at

    assert score(world, world.player(), 5) == rejected(Reason.OVER)
    assert world.names(CUP) == []


def test_only_a_tournament_is_stopped() -> None:
    with pytest.raises(TournamentNotFoundError):
        world_of(cup()).services.boards.stop("race")


def test_standings_can_be_looked_at_before_the_start() -> None:
    world = world_of(cup())
    world.clock.instant = EPOCH
    board = world.services.boards.get(CUP)

    assert world.names(CUP) == []
    assert world.services.boards.periods(board, 5) == [cup().period]
    assert world.services.boards.period(board, "all") == cup().period


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"ends_at": EPOCH + HOUR}, "ends_at"),
        ({"starts_at": EPOCH - 2 * HOUR, "ends_at": EPOCH}, "ends_at"),
        ({"capacity": 5}, "join_required"),
        ({"cost": PRICE}, "join_required"),
        ({"join_required": True, "cost": PRICE * 2}, "cost"),
    ],
)
def test_tournaments_that_cannot_be_held_are_not_made(rules: Any, field: str) -> None:
    with pytest.raises(MalformedError) as error:
        World().board(CUP, tournament=cup(**rules))
    assert error.value.detail == {"field": f"tournament.{field}"}


def test_a_tournament_never_resets() -> None:
    with pytest.raises(MalformedError, match="no resets"):
        World().board(CUP, tournament=cup(), reset="0 0 * * *")


def change(world: World, **rules: Any) -> None:
    world.services.boards.change(CUP, {"tournament": cup(**rules)})


def test_what_players_rely_on_is_final_from_the_start() -> None:
    start = {"join_required": True, "capacity": 5, "attempts": 3, "cost": PRICE}
    world = world_of(cup(**start))

    for final in (
        {"starts_at": EPOCH},
        {"join_required": False, "capacity": 5, "cost": ()},
        {"cost": ()},
        {"capacity": 4},
        {"capacity": None},
        {"attempts": 2},
        {"attempts": None},
    ):
        with pytest.raises(BoardSealedError):
            change(world, **(start | final))
    change(world, **(start | {"capacity": 6, "attempts": 4, "ends_at": EPOCH + 3 * HOUR}))
    with pytest.raises(BoardSealedError):
        world.services.boards.change(CUP, {"tournament": None})
    with pytest.raises(BoardSealedError):
        world.services.boards.change("race", {"tournament": cup()})


def test_before_the_start_the_price_may_change_for_those_to_come() -> None:
    world = world_of(cup(join_required=True, cost=PRICE))
    world.clock.instant = EPOCH
    ada, bob = world.player(), world.player("Bob")
    for player_id in (ada, bob):
        give(world, player_id, gold=30)
    world.services.tournaments.join(CUP, ada)

    change(world, join_required=True, cost=(Price("gold", 30),), starts_at=EPOCH + HOUR / 2)
    world.services.tournaments.join(CUP, bob)

    assert Books.of(world).gold == {ada: 20, bob: 0}


def test_what_is_over_is_final_and_an_end_never_lies_in_the_past() -> None:
    world = world_of(cup())
    with pytest.raises(MalformedError):
        change(world, ends_at=cup().starts_at - MILLISECOND, starts_at=cup().starts_at)
    world.clock.instant = cup().ends_at

    with pytest.raises(BoardSealedError):
        change(world, ends_at=EPOCH + 3 * HOUR)
    assert world.services.boards.change(CUP, {"title": "The cup"}).title == "The cup"


def test_an_end_that_records_expire_by_is_final() -> None:
    world = world_of(cup(), retention_days=7)
    change(world, ends_at=EPOCH + 3 * HOUR)
    score(world, world.player(), 5)

    with pytest.raises(BoardSealedError):
        change(world, ends_at=EPOCH + 4 * HOUR)
    world.services.boards.stop(CUP)
    assert world.items("records")[0]["expires_at"]["N"] == str(int((EPOCH + 3 * HOUR + timedelta(7)).timestamp()))
