"""The follower of the stream: what it counts, what it leaves alone, and what it does not let pass."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.records import Submission
from chalicelib.services.followup import RESERVE_MILLISECONDS
from chalicelib.services.settle import TOMBSTONE_KEPT
from tests.fake_dynamodb import Call, Hook, Once, conflict_on, throttle, time_out
from tests.stream import Followed, failed, record
from tests.world import EPOCH


@pytest.fixture
def followed() -> Followed:
    followed = Followed()
    followed.world.board()
    return followed


def test_a_record_nobody_counted_is_counted(followed: Followed) -> None:
    followed.write(record(1, 5))
    followed.write(record(2, 7))
    followed.world.clock.advance(seconds=2)

    report = followed.follow(followed.told())

    followed.check()
    assert (report.records, report.players, report.settled, report.again) == (2, 2, 2, ())


def test_the_lag_is_that_of_the_oldest_change(followed: Followed) -> None:
    followed.write(record(1, 5))
    batch = followed.told()
    followed.world.clock.advance(seconds=2)
    followed.write(record(2, 7))
    batch += followed.told()
    followed.world.clock.advance(seconds=1)

    assert followed.follow(batch).lag_ms == 3000


def test_what_is_counted_already_costs_one_read(followed: Followed) -> None:
    for number in range(3):
        followed.world.play(followed.world.player(str(number)), Submission("race", number))
    batch = followed.told()
    calls = len(followed.world.client.calls)

    report = followed.follow(batch)

    assert followed.world.client.calls[calls:] == ["BatchGetItem"]
    assert (report.settled, report.settled_before) == (0, 3)


def test_a_new_name_costs_nothing(followed: Followed) -> None:
    player_id = followed.world.player("Ada")
    followed.world.play(player_id, Submission("race", 5))
    followed.told()
    followed.world.services.players.change(player_id, display_name="Eve", locale=None, metadata=None)
    batch = followed.told()
    calls = len(followed.world.client.calls)

    report = followed.follow(batch)

    assert (report.records, report.players) == (1, 0)
    assert followed.world.client.calls[calls:] == []


def test_of_many_changes_of_a_player_the_newest_counts(followed: Followed) -> None:
    first = followed.write(record(1, 5))
    second = followed.write(record(1, 9, 2), first)
    followed.write(record(1, 7, 3), second)

    report = followed.follow(followed.told())

    followed.check()
    assert (report.records, report.players, report.settled) == (3, 1, 1)
    assert followed.index().generation_by_player == {record(1, 7).player_id: 3}


def test_an_older_change_that_comes_late_changes_nothing(followed: Followed) -> None:
    first = followed.write(record(1, 5))
    old = followed.told()
    followed.write(record(1, 9, 2), first)
    followed.follow(followed.told())

    assert followed.follow(old).settled_before == 1
    followed.check()


def test_a_hidden_record_and_a_deleted_one_are_counted_nowhere(followed: Followed) -> None:
    hidden, deleted = followed.write(record(1, 5)), followed.write(record(2, 5))
    followed.follow(followed.told())
    followed.write(replace(hidden, hidden=True, generation=2), hidden)
    followed.remove(deleted)

    assert followed.follow(followed.told()).settled == 2

    followed.check()
    assert followed.index().generation_by_player == {hidden.player_id: 2, deleted.player_id: 2}
    forgotten = EPOCH + TOMBSTONE_KEPT
    assert {item.get("expires_at", {}).get("N") for item in followed.world.items("ranks")} == {
        None,
        str(int(forgotten.timestamp())),
    }


def test_a_record_that_comes_back_after_its_deletion_counts(followed: Followed) -> None:
    first = followed.write(record(1, 5))
    followed.remove(first)
    followed.write(record(1, 8, 3))
    batch = followed.told()

    followed.follow(batch)
    followed.follow(batch[:2])

    followed.check()


def test_what_has_expired_is_left_to_expire(followed: Followed) -> None:
    followed.world.board("daily", reset="0 0 * * *", retention_days=1)
    expiring = record(1, 5, board_id="daily", period_id="20261122T0000Z", expires_at=EPOCH + timedelta(days=2))
    followed.write(expiring)
    followed.told()
    followed.world.clock.advance(days=2)
    followed.remove(expiring)
    batch = followed.told()
    batch[0]["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    calls = len(followed.world.client.calls)

    report = followed.follow(batch)

    assert (report.settled, report.settled_before, report.again) == (0, 1, ())
    assert followed.world.client.calls[calls:] == []


def test_a_batch_of_ninety_is_read_at_once_and_written_board_by_board(followed: Followed) -> None:
    followed.world.board("other")
    for player in range(90):
        followed.write(record(player, 1000 * player, board_id="race" if player % 2 else "other"))
    batch = followed.told()
    calls = len(followed.world.client.calls)
    marks: list[int] = []
    followed.world.before(lambda call: marks.append(str(call.request).count("'mark#")) if call.writes else None)

    assert followed.follow(batch).settled == 90

    assert followed.world.client.calls[calls:] == ["BatchGetItem", *["BatchGetItem", "TransactWriteItems"] * 2]
    assert marks == [45, 45]
    followed.check("race")
    followed.check("other")


def test_neighbours_in_rank_are_counted_together(followed: Followed) -> None:
    """Three bins far apart, in turn: groups that took them as they came would all write the nodes of all three."""
    for player in range(270):
        followed.write(record(player, 10 ** (6 * (player % 3))))
    batch = followed.told()
    nodes_written: list[int] = []
    followed.world.before(lambda call: nodes_written.append(str(call).count("'node#")) if call.writes else None)

    followed.follow(batch)

    assert sum(nodes_written) < 7 * len(nodes_written)
    assert min(nodes_written) == 3
    followed.check()


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"score": None}, "KeyError"),
        ({"score": {"N": "many"}}, "ValueError"),
        ({"score": {"S": "5"}}, "KeyError"),
        ({"score": {"N": str(2**63)}}, "more than 64 bits"),
        ({"generation": {"N": "1.5"}}, "ValueError"),
        ({"expires_at": {"N": str(10**30)}}, "OverflowError"),
        ({"board_period": {"S": "nowhere#all"}}, "there is no board 'nowhere'"),
    ],
)
def test_a_change_that_can_never_be_counted_is_kept_and_passed_over(
    followed: Followed, attributes: dict[str, Any], reason: str
) -> None:
    for player in range(3):
        followed.write(record(player, player))
    first, _, last = followed.told()
    spoilt = followed.spoil(2, **attributes)

    report = followed.follow([first, spoilt, last])

    assert (report.settled, report.dead_lettered, report.again) == (2, 1, ())
    assert len(followed.index().path_by_player) == 2
    [letter] = followed.queue.letters
    assert reason in letter["reason"]
    assert letter["at"] == "2026-11-22T12:00:00Z"
    assert letter["change"] == spoilt


def refusing(code: str, player: int) -> Hook:
    """Return what fails every call about a player with an error of the database."""

    def act(call: Call) -> None:
        if call.touches(f"mark#race#all#{player:032x}"):
            raise failed(code)

    return act


@pytest.mark.parametrize("operation", ["BatchGetItem", "TransactWriteItems"])
def test_what_the_database_calls_invalid_is_pinned_on_its_record(followed: Followed, operation: str) -> None:
    for player in range(30):
        followed.write(record(player, 50 * player))
    refuse = refusing("ValidationException", 7)
    followed.world.before(lambda call: refuse(call) if call.operation == operation else None)

    report = followed.follow(followed.told())

    assert (report.settled, report.dead_lettered, report.again) == (29, 1, ())
    assert [letter["change"]["dynamodb"]["SequenceNumber"] for letter in followed.queue.letters] == ["8"]
    assert set(followed.index().path_by_player) == {f"{player:032x}" for player in range(30) if player != 7}


def test_a_reply_that_is_garbled_once_is_nobodys_fault(followed: Followed) -> None:
    followed.write(record(1, 5))
    batch = followed.told()
    followed.world.before(Once(lambda _: True, garble))

    report = followed.follow(batch)

    assert (report.settled, report.dead_lettered) == (1, 0)


def garble(call: Call) -> None:
    raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "garbled")


@pytest.mark.parametrize("hook", [throttle, time_out, refusing("AccessDeniedException", 1)])
@pytest.mark.parametrize("operation", ["BatchGetItem", "TransactWriteItems"])
def test_a_database_that_does_not_serve_us_is_no_ones_fault(followed: Followed, hook: Hook, operation: str) -> None:
    first = followed.write(record(1, 5))
    followed.write(record(1, 6, 2), first)
    batch = followed.told()
    followed.world.before(lambda call: hook(call) if call.operation == operation else None)

    report = followed.follow(batch)

    assert (report.settled, report.deferred, report.dead_lettered, report.again) == (0, 1, 0, ("2",))
    followed.world.undisturbed()
    assert followed.follow(batch[1:]).settled == 1
    followed.check()


def test_contention_puts_off_the_board_that_has_it(followed: Followed) -> None:
    followed.world.board("hot")
    followed.write(record(1, 5, board_id="hot"))
    followed.write(record(2, 5))
    batch = followed.told()
    followed.world.before(
        Once(lambda call: bool(call.writes) and call.touches("node#hot"), conflict_on("node#hot"), times=99)
    )

    report = followed.follow(batch)

    assert (report.settled, report.again, report.dead_lettered) == (1, ("1",), 0)


def test_when_time_runs_out_the_rest_is_put_off(followed: Followed) -> None:
    for player in range(130):
        followed.write(record(player, player))
    batch = followed.told()
    times = iter([RESERVE_MILLISECONDS + 1, RESERVE_MILLISECONDS, 0])

    report = followed.follow(batch, lambda: next(times))

    assert (report.settled, report.deferred, len(report.again)) == (100, 30, 30)
    assert followed.follow(batch).settled == 30
    followed.check()


def test_a_change_that_the_queue_does_not_take_is_delivered_again(followed: Followed) -> None:
    for player in range(3):
        followed.write(record(player, player))
    _, _, last = followed.told()
    spoilt = [followed.spoil(1, score=None), followed.spoil(2, score=None), last]
    followed.queue.failure = failed("ServiceUnavailable")

    report = followed.follow(spoilt)

    assert (report.settled, report.deferred, report.dead_lettered, report.again) == (1, 2, 0, ("1", "2"))
    followed.queue.failure = None
    assert followed.follow(spoilt).dead_lettered == 2


def test_a_change_too_large_for_the_queue_is_kept_without_its_images(followed: Followed) -> None:
    followed.write(record(1, 5))
    followed.told()
    spoilt = followed.spoil(1, score=None, display_name={"S": "ß" * 200_000}, expires_at={"N": "1800000000"})

    assert followed.follow([spoilt]).dead_lettered == 1

    [letter] = followed.queue.letters
    told = letter["change"]["dynamodb"]
    assert told["NewImage"] == {"generation": {"N": "1"}, "expires_at": {"N": "1800000000"}}
    assert told["Keys"] == spoilt["dynamodb"]["Keys"]


def test_characters_that_sqs_refuses_are_written_out(followed: Followed) -> None:
    followed.write(record(1, 5))
    followed.told()

    followed.follow([followed.spoil(1, score=None, display_name={"S": "\uffff\x00"})])

    [body] = followed.queue.bodies.values()
    assert body.isascii()
    assert body.isprintable()
