"""A tournament that is over is archived and rewarded as any period; everybody is told of its start and end, once."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from chalicelib.bootstrap.seasons import Seasons
from chalicelib.domain import messages, notices
from chalicelib.domain.records import Submission
from chalicelib.domain.rewards import By, Grant, Rule, RuleSet
from chalicelib.domain.tellings import WORTH_TELLING
from chalicelib.domain.turns import TurnState
from chalicelib.errors import ConflictError
from tests.fake_dynamodb import Call, Once, throttle
from tests.services.cups import CUP, HOUR, cup, score, world_of
from tests.services.turning import GRACE, Turning
from tests.world import EPOCH

START, END = EPOCH + HOUR, EPOCH + 2 * HOUR
SECOND = timedelta(seconds=1)


def held(**rules: object) -> Turning:
    """Return a tournament that is under way, and whoever turns it."""
    return Turning(world_of(cup(**rules)), CUP, "all")


def told(turning: Turning) -> list[tuple[str, str, datetime]]:
    """Return what everybody was told, in order: each title, its board, and when it is dated."""
    found = [messages.decoded(text) for text in turning.sns.texts]
    contents = [(message, message.editions[0].content) for message in found if message.kind == "announcement"]
    return [(each.title, each.board_id or "", notices.instant_of(by.notice_id)) for by, each in contents]  # type: ignore[union-attr]  # of this kind


def run_at(turning: Turning, instant: datetime, use: Seasons | None = None) -> int:
    """Let the schedule run at an instant, and return how much it told."""
    turning.world.clock.instant = instant
    use = use or turning.another_process()
    number = use.tellings.keep(use.boards.all())
    use.rollover.keep(use.boards.all(), lambda: False)
    return number


def test_a_tournament_that_is_over_is_archived_and_rewarded_once() -> None:
    turning = held()
    ids = [turning.world.player(f"p{number}") for number in range(5)]
    turning.set_rules(RuleSet((Rule(By.RANK, 1, 1, (Grant("gold", 100),)),)))
    for number, player_id in enumerate(ids):
        score(turning.world, player_id, number)
    turning.world.clock.instant = END + GRACE
    expected = turning.oracle()

    jobs = turning.kept()

    assert len({(job.board_id, job.period_id) for job in jobs}) == 1
    assert (turning.turn.state, turning.turn.ended_at) == (TurnState.DONE, END)
    assert [line["player_id"] for line in turning.archived()] == [each for _, each in expected.listing()]
    assert turning.balances() == {(ids[-1], "gold"): 100}
    assert turning.kept() == []


def test_nothing_is_turned_while_the_end_may_still_be_put_off() -> None:
    turning = held()
    turning.world.clock.instant = END - SECOND
    old = turning.another_process()
    old.boards.all()
    turning.world.services.boards.change(CUP, {"tournament": cup(ends_at=END + HOUR)})

    for seconds in (0, 1, 3):
        run_at(turning, END + seconds * SECOND, old)
    turning.world.clock.instant = END + GRACE / 2
    score(turning.world, turning.world.player(), 5)

    with pytest.raises(ConflictError):
        old.rollover.ended(turning.board, "all")
    run_at(turning, END + GRACE)
    assert not any(item["sk"]["S"].startswith("period#") for item in turning.world.items("seasons"))


def test_a_stopped_tournament_is_archived_with_what_was_written_until_then() -> None:
    turning = held()
    ada, bob = turning.world.player(), turning.world.player("Bob")
    score(turning.world, ada, 5)
    game = turning.world.services.games.start(bob, "classic")
    turning.world.clock.advance(seconds=1)

    def stop(call: Call) -> None:
        del call
        turning.world.another_process().boards.stop(CUP)

    turning.world.before(Once(lambda call: call.operation == "TransactWriteItems" and call.touches("#result"), stop))
    turning.world.services.games.end(bob, game.game_id, [Submission(CUP, 7)])
    stopped_at = turning.world.clock()

    run_at(turning, stopped_at + GRACE - SECOND)
    turning.world.clock.instant = stopped_at + GRACE
    turning.kept()

    assert turning.turn.ended_at == stopped_at
    assert [line["player_id"] for line in turning.archived()] == [bob, ada]


def test_everybody_is_told_of_the_start_and_of_the_end_once() -> None:
    turning = held()
    numbers = [
        run_at(turning, instant)
        for instant in (START - SECOND, START, START + SECOND, END, END + GRACE - SECOND, END + GRACE, END + HOUR)
    ]

    assert numbers == [0, 1, 0, 0, 0, 1, 0]
    assert told(turning) == [("Race has begun", CUP, START), ("Race is over", CUP, END)]


def test_runs_that_were_missed_are_made_up_for_within_a_day() -> None:
    turning = held(ends_at=START + 5 * WORTH_TELLING)

    assert run_at(turning, START + WORTH_TELLING - SECOND) == 1
    assert run_at(turning, START + 5 * WORTH_TELLING + GRACE + WORTH_TELLING) == 0


def test_a_tournament_that_is_called_off_or_over_did_not_begin() -> None:
    turning = held()
    turning.world.clock.instant = EPOCH
    turning.world.services.boards.stop(CUP)

    assert run_at(turning, START) == 1
    assert told(turning) == [("Race is called off", CUP, EPOCH)]


def test_who_dies_after_telling_tells_the_same_again() -> None:
    turning = held()
    turning.world.before(Once(lambda call: call.operation == "PutItem" and call.touches("told#"), throttle))
    with pytest.raises(Exception, match="did not answer"):
        run_at(turning, START)

    assert run_at(turning, START + SECOND) == 1
    assert run_at(turning, START + 2 * SECOND) == 0
    assert len({messages.decoded(text).notice_id for text in turning.sns.texts}) == 1


def test_boards_that_are_no_tournament_and_those_of_long_ago_cost_no_request() -> None:
    turning = held()
    turning.world.clock.instant = END + GRACE + WORTH_TELLING
    use = turning.another_process()
    boards = use.boards.all()
    seen: list[Call] = []
    turning.world.before(seen.append)

    assert use.tellings.keep(boards) == 0
    assert seen == []


def test_long_titles_are_cut_to_what_a_notice_holds() -> None:
    turning = held()
    turning.world.services.boards.change(CUP, {"title": "A" * 100})

    run_at(turning, START)

    ((title, _, _),) = told(turning)
    assert (len(title), title[-12:]) == (100, "A… has begun")


def test_without_a_topic_nobody_is_told() -> None:
    turning = held()
    turning.config = replace(turning.config, notices_topic="")

    assert run_at(turning, START) == 0
