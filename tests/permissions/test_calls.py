"""What calls ask for: actions, resources and keys, as AWS documents them for each operation."""

from typing import Any

import pytest

from tests.permissions.calls import ENCLOSING_OPERATION, LEADING_KEYS, OTHER, Location
from tests.permissions.evaluation import PolicyError, Request
from tests.tables import PREFIX

HERE = Location("eu-central-1", "123456789012")
RANKS, RECORDS = f"{PREFIX}ranks", f"{PREFIX}records"
MARK = {"pk": {"S": "mark#race#all#1"}}
NODE = {"pk": {"S": "node#race#all#1"}}


def arn(resource: str) -> str:
    return f"arn:aws:dynamodb:eu-central-1:123456789012:table/{resource}"


def asked(operation: str, **params: Any) -> list[Request]:
    return list(HERE.asked("dynamodb", operation, params))


def test_a_transaction_asks_for_each_of_its_parts() -> None:
    parts = [
        {"Put": {"TableName": RANKS, "Item": NODE}},
        {"ConditionCheck": {"TableName": RANKS, "Key": MARK}},
        {"Update": {"TableName": RECORDS, "Key": {"player_id": {"S": "1"}}}},
    ]
    within = (ENCLOSING_OPERATION, ("TransactWriteItems",))

    assert asked("TransactWriteItems", TransactItems=parts) == [
        Request("dynamodb:PutItem", arn(RANKS), (within, (LEADING_KEYS, ("node#",)))),
        Request("dynamodb:ConditionCheckItem", arn(RANKS), (within, (LEADING_KEYS, ("mark#",)))),
        Request("dynamodb:UpdateItem", arn(RECORDS), (within, (LEADING_KEYS, (OTHER,)))),
    ]


def test_a_batch_asks_once_for_each_table() -> None:
    read = {RANKS: {"Keys": [MARK, NODE, MARK]}, RECORDS: {"Keys": [{"player_id": {"S": "1"}}]}}
    written = {RANKS: [{"PutRequest": {"Item": NODE}}, {"DeleteRequest": {"Key": NODE}}]}

    assert asked("BatchGetItem", RequestItems=read) == [
        Request("dynamodb:BatchGetItem", arn(RANKS), ((LEADING_KEYS, ("mark#", "node#")),)),
        Request("dynamodb:BatchGetItem", arn(RECORDS), ((LEADING_KEYS, (OTHER,)),)),
    ]
    assert asked("BatchWriteItem", RequestItems=written) == [
        Request("dynamodb:BatchWriteItem", arn(RANKS), ((LEADING_KEYS, ("node#",)),))
    ]


def test_a_query_of_an_index_asks_for_the_index_alone() -> None:
    [request] = asked("Query", TableName=RECORDS, IndexName="ranking", KeyConditionExpression="x = :x")

    assert (request.action, request.resource) == ("dynamodb:Query", f"{arn(RECORDS)}/index/ranking")


def test_a_query_of_a_table_says_which_kind_it_asks_for() -> None:
    [request] = asked(
        "Query",
        TableName=f"{PREFIX}players",
        KeyConditionExpression="#0 = :0 AND #1 < :1",
        ExpressionAttributeNames={"#0": "pk", "#1": "sk"},
        ExpressionAttributeValues={":0": {"S": "player#1"}, ":1": {"S": "z"}},
    )

    assert request == Request("dynamodb:Query", arn(f"{PREFIX}players"), ((LEADING_KEYS, ("player#",)),))


def test_a_scan_has_no_leading_keys() -> None:
    assert asked("Scan", TableName=f"{PREFIX}boards") == [Request("dynamodb:Scan", arn(f"{PREFIX}boards"))]


def test_a_queue_is_asked_for_by_name_or_by_url() -> None:
    queue = Request("sqs:SendMessage", "arn:aws:sqs:eu-central-1:123456789012:letters")

    assert list(HERE.asked("sqs", "SendMessage", {"QueueUrl": "https://sqs.test/123456789012/letters"})) == [queue]
    assert list(HERE.asked("sqs", "SendMessage", {"QueueName": "letters"})) == [queue]


def test_a_service_nobody_has_described_is_no_service_that_needs_nothing() -> None:
    with pytest.raises(PolicyError, match="PutMetricData of cloudwatch"):
        list(HERE.asked("cloudwatch", "PutMetricData", {}))
