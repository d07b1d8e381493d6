"""Replays: whatever letters say, players are counted as their records say now."""

import json
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.services.followup import RESERVE_MILLISECONDS
from chalicelib.services.replay import Replayed
from tests.fake_dynamodb import throttle
from tests.stream import PLENTY, SHARD, STREAM_ARN, Followed, failed, record
from tests.world import EPOCH


@pytest.fixture
def followed() -> Followed:
    followed = Followed()
    followed.world.board()
    return followed


def replay(followed: Followed) -> Replayed:
    followed.queue.show()
    return followed.following.replay.replay(lambda: PLENTY)


def bury(followed: Followed, number: int = 1) -> None:
    """Make a dead letter of a change that was told, because it cannot be read."""
    assert followed.follow([followed.spoil(number, score=None)]).dead_lettered == 1


def lost(first: int, last: int, **batch: Any) -> str:
    """Return what Lambda sends about a batch it gave up on."""
    info = {
        "shardId": SHARD,
        "startSequenceNumber": str(first),
        "endSequenceNumber": str(last),
        "approximateArrivalOfFirstRecord": "2026-11-22T12:00:00Z",
        "approximateArrivalOfLastRecord": "2026-11-22T12:00:00Z",
        "batchSize": last - first + 1,
        "streamArn": STREAM_ARN,
        **batch,
    }
    envelope = {
        "requestContext": {"requestId": "1", "functionArn": "arn", "condition": "RetryAttemptsExhausted"},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2026-11-22T12:00:00.717Z",
        "DDBStreamBatchInfo": info,
    }
    return json.dumps(envelope)


def test_a_letter_is_replayed_with_what_the_record_says_now(followed: Followed) -> None:
    first = followed.write(record(1, 5))
    followed.told()
    bury(followed)
    followed.write(record(1, 9, 2), first)

    replayed = replay(followed)

    [fate] = replayed.fates
    assert (fate.replayed, fate.why, replayed.more) == (True, "", False)
    assert fate.subject == f"player {first.player_id} on board race, period all"
    assert followed.queue.bodies == {}
    followed.check()


def test_a_second_replay_finds_nothing(followed: Followed) -> None:
    followed.write(record(1, 5))
    followed.told()
    bury(followed)
    replay(followed)

    assert replay(followed) == Replayed([], more=False)


def test_a_letter_whose_cause_stands_stays_and_says_so(followed: Followed) -> None:
    followed.write(record(1, 5))
    followed.told()
    board_id = followed.spoil(1, board_period={"S": "nowhere#all"})
    board_id["dynamodb"]["Keys"]["board_period"] = {"S": "nowhere#all"}
    followed.follow([board_id])
    put = {"TableName": "laurel-test-records", "Item": board_id["dynamodb"]["NewImage"]}
    followed.world.client._make_api_call("PutItem", put)  # noqa: SLF001  # as a hand in the console does

    [fate] = replay(followed).fates
    assert (fate.replayed, fate.why) == (False, "there is no board 'nowhere'")
    assert len(followed.queue.bodies) == 1

    followed.world.board("nowhere")
    [fate] = replay(followed).fates
    assert fate.replayed
    followed.check("nowhere")


def test_what_could_not_be_replayed_is_not_tried_twice_in_one_run(followed: Followed) -> None:
    for player in range(12):
        followed.queue.send_message(QueueUrl="https://sqs.test/dead", MessageBody=f"{player} is no letter")

    replayed = replay(followed)

    assert len(replayed.fates) == 12
    assert {fate.why.partition(":")[0] for fate in replayed.fates} == {"not a dead letter"}
    assert len(followed.queue.bodies) == 12


@pytest.mark.parametrize(
    "body",
    ["", "[]", "1", "{}", '{"reason": "x", "at": "2026-11-22T12:00:00Z", "change": {}}', '{"DDBStreamBatchInfo": {}}'],
)
def test_what_is_no_letter_stays(followed: Followed, body: str) -> None:
    followed.queue.send_message(QueueUrl="https://sqs.test/dead", MessageBody=body)

    [fate] = replay(followed).fates

    assert (fate.subject, fate.replayed) == ("a message", False)
    assert len(followed.queue.bodies) == 1


def test_a_record_that_is_still_unreadable_stays(followed: Followed) -> None:
    followed.write(record(1, 5))
    followed.told()
    bury(followed)
    key = followed.deliveries[0]["dynamodb"]["Keys"]
    spoilt = {"TableName": "laurel-test-records", "Item": {**key, "generation": {"N": "2"}}}
    followed.world.client._make_api_call("PutItem", spoilt)  # noqa: SLF001  # as a hand in the console does

    [fate] = replay(followed).fates

    assert (fate.replayed, "no record: KeyError" in fate.why) == (False, True)


@pytest.mark.parametrize("readable", [True, False])
def test_a_record_that_is_gone_is_counted_nowhere(followed: Followed, readable: bool) -> None:
    counted = followed.write(record(1, 5))
    followed.follow()
    followed.write(record(1, 6, 2), counted)
    followed.told()
    spoilt = followed.spoil(2, score=None, **({} if readable else {"generation": None}))
    if not readable:
        del spoilt["dynamodb"]["OldImage"]
    followed.follow([spoilt])
    followed.remove(record(1, 6, 2))

    [fate] = replay(followed).fates

    assert fate.replayed
    followed.check()
    assert followed.index().generation_by_player == {counted.player_id: 3 if readable else 2}
    followed.follow()
    followed.check()


def test_a_record_that_is_gone_and_was_never_counted_is_nothing_to_do(followed: Followed) -> None:
    followed.write(record(1, 5))
    followed.told()
    followed.follow([followed.spoil(1, generation=None)])
    followed.remove(record(1, 5))

    assert [fate.replayed for fate in replay(followed).fates] == [True]
    assert followed.world.items("ranks") == []


def test_a_record_that_is_gone_with_its_period_is_left_to_expire(followed: Followed) -> None:
    followed.world.board("daily", reset="0 0 * * *", retention_days=1)
    expiring = record(1, 5, board_id="daily", period_id="20261122T0000Z", expires_at=EPOCH + timedelta(days=2))
    followed.write(expiring)
    followed.follow()
    followed.write(replace(expiring, generation=2), expiring)
    followed.told()
    bury(followed, 2)
    counted = followed.world.items("ranks")
    followed.world.clock.advance(days=2)
    followed.remove(replace(expiring, generation=2))

    assert replay(followed).fates[0].replayed
    assert followed.world.items("ranks") == counted


def test_a_batch_that_lambda_gave_up_is_read_from_the_stream(followed: Followed) -> None:
    for player in range(9):
        followed.write(record(player, player))
    followed.told()
    followed.queue.send_message(QueueUrl="https://sqs.test/dead", MessageBody=lost(3, 7))

    [fate] = replay(followed).fates

    assert (fate.subject, fate.replayed) == (f"records 3 to 7 of {SHARD}", True)
    assert set(followed.index().path_by_player) == {f"{player:032x}" for player in range(2, 7)}


def test_of_a_batch_everybody_is_counted_who_can_be(followed: Followed) -> None:
    for player in range(3):
        followed.write(record(player, player))
    followed.told()
    key = followed.deliveries[1]["dynamodb"]["Keys"]
    spoilt = {"TableName": "laurel-test-records", "Item": key}
    followed.world.client._make_api_call("PutItem", spoilt)  # noqa: SLF001  # as a hand in the console does
    followed.queue.send_message(QueueUrl="https://sqs.test/dead", MessageBody=lost(1, 3))

    [fate] = replay(followed).fates

    assert (fate.replayed, f"{1:032x} race all: no record" in fate.why) == (False, True)
    assert len(followed.index().path_by_player) == 2


@pytest.mark.parametrize("forgotten", [{"trimmed": 2}, {"failure": failed("ResourceNotFoundException")}])
def test_a_batch_the_stream_has_forgotten_stays_and_names_the_way(
    followed: Followed, forgotten: dict[str, Any]
) -> None:
    for player in range(3):
        followed.write(record(player, player))
    followed.told()
    for name, value in forgotten.items():
        setattr(followed.shard, name, value)
    followed.queue.send_message(QueueUrl="https://sqs.test/dead", MessageBody=lost(1, 3))

    [fate] = replay(followed).fates

    assert not fate.replayed
    assert "24 hours" in fate.why
    assert "rebuild" in fate.why


def test_a_stream_that_does_not_answer_is_asked_another_time(followed: Followed) -> None:
    followed.write(record(1, 5))
    followed.told()
    followed.queue.send_message(QueueUrl="https://sqs.test/dead", MessageBody=lost(1, 1))
    followed.shard.failure = failed("InternalServerError")

    assert "InternalServerError" in replay(followed).fates[0].why
    followed.shard.failure = None
    assert replay(followed).fates[0].replayed


@pytest.mark.parametrize("operation", ["BatchGetItem", "TransactWriteItems"])
def test_a_busy_database_leaves_the_letter(followed: Followed, operation: str) -> None:
    followed.write(record(1, 5))
    followed.told()
    bury(followed)
    followed.world.before(lambda call: throttle(call) if call.operation == operation else None)

    assert not replay(followed).fates[0].replayed
    followed.world.undisturbed()
    assert replay(followed).fates[0].replayed


def test_a_replay_ends_in_time_and_says_that_there_is_more(followed: Followed) -> None:
    for player in range(25):
        followed.write(record(player, player))
    followed.told()
    for number in range(1, 26):
        bury(followed, number)
    times = iter([RESERVE_MILLISECONDS + 1] * 11)

    replayed = followed.following.replay.replay(lambda: next(times, 0))

    assert replayed.more
    assert [fate.replayed for fate in replayed.fates] == [True] * 10
    assert len(followed.queue.bodies) == 15
