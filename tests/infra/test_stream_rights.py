"""The functions of the stream may do what they do: every call that is seen is allowed to the function that makes it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.layout import CHECKOUT
from tests.fake_dynamodb import Call
from tests.stream import PLENTY, Followed, record
from tests.tables import PREFIX

_OF_PART = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}

Right = tuple[str, str]
"""An action, and the noun of the table or queue it is done to."""


def rights(function: str) -> set[Right]:
    policy = json.loads((CHECKOUT / ".chalice" / "policies" / f"{function}.json").read_text())
    return {
        (action, resource.rpartition("laurel-${Stage}-")[2])
        for statement in policy["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    }


def used(call: Call) -> Iterator[Right]:
    request = call.request
    if call.operation == "TransactWriteItems":
        parts = [next(iter(part.items())) for part in request["TransactItems"]]
        yield from ((_OF_PART[kind], _noun(part["TableName"])) for kind, part in parts)
    elif call.operation == "BatchGetItem":
        yield from (("BatchGetItem", _noun(table)) for table in request["RequestItems"])
    else:
        yield call.operation, _noun(request["TableName"])


def _noun(table: str) -> str:
    return table.removeprefix(PREFIX)


DAMAGED_MARK = {"pk": {"S": f"mark#duel#all#{3:032x}"}}


@pytest.fixture
def followed() -> Followed:
    """A stream that tells of a record to count, one whose board is gone, and one with a damaged mark."""
    followed = Followed()
    for board_id in ("race", "gone", "duel"):
        followed.world.board(board_id)
    followed.write(record(1, 5))
    followed.write(record(2, 5, board_id="gone"))
    followed.write(record(3, 5, board_id="duel"))
    mark = {**DAMAGED_MARK, "generation": {"N": "0"}, "builds": {"S": "7"}}
    for operation, request in [
        ("DeleteItem", {"TableName": f"{PREFIX}boards", "Key": {"board_id": {"S": "gone"}}}),
        ("PutItem", {"TableName": f"{PREFIX}ranks", "Item": mark}),
    ]:
        followed.world.client.perform(Call(operation, request))
    return followed


def test_following_the_stream_needs_no_other_rights(followed: Followed) -> None:
    calls: set[Right] = set()
    batch = followed.told()
    followed.world.before(lambda call: calls.update(used(call)))

    report = followed.follow(batch)

    assert (report.settled, report.deferred, report.dead_lettered) == (1, 0, 2)
    assert ("GetItem", "boards") in calls
    actions = {(f"dynamodb:{operation}", noun) for operation, noun in calls}
    actions |= {(f"sqs:{operation}", "record-dead-letters") for operation in followed.queue.calls}
    assert actions <= rights("settle_records")


def test_replaying_dead_letters_needs_no_other_rights(followed: Followed) -> None:
    followed.follow(followed.told())
    followed.world.board("gone")
    followed.world.client.perform(Call("DeleteItem", {"TableName": f"{PREFIX}ranks", "Key": DAMAGED_MARK}))
    followed.queue.calls.clear()
    calls: set[Right] = set()
    followed.world.before(lambda call: calls.update(used(call)))

    assert all(fate.replayed for fate in followed.following.replay.replay(lambda: PLENTY).fates)

    actions = {(f"dynamodb:{operation}", noun) for operation, noun in calls}
    actions |= {(f"sqs:{operation}", "record-dead-letters") for operation in followed.queue.calls}
    assert actions <= rights("replay_dead_letters")
    assert {("dynamodb:PutItem", "ranks"), ("sqs:DeleteMessage", "record-dead-letters")} <= actions


@pytest.mark.parametrize("function", ["settle_records", "replay_dead_letters"])
def test_neither_function_writes_records_or_boards(function: str) -> None:
    written: set[Any] = {
        noun for action, noun in rights(function) if action in {"dynamodb:PutItem", "dynamodb:UpdateItem"}
    }

    assert written == {"ranks"}
