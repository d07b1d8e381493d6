"""How functions are brought what is for them. The day a ``still`` fails, its mending can go."""

# ruff: noqa: SLF001  (the defects are inside)

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import dynamodb, eventbridge, lambda_svc, sns  # type: ignore[import-untyped]  # ships no types

from local.deliveries import (
    deliver_again_what_is_reported,
    deliver_messages_as_lambda_takes_them,
    done_before_failure,
    try_again_what_fails,
)

STREAMED = {
    "TableName": "streamed",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "player", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "player", "KeyType": "HASH"}],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}


class Follower:
    """A function that follows a stream of three records, and reports what it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.reported: list[str] = []
        self.stream_arn = json.loads(dynamodb._create_table(STREAMED)[2])["TableDescription"]["LatestStreamArn"]
        for number in range(3):
            dynamodb._put_item({"TableName": "streamed", "Item": {"player": {"S": f"p{number}"}}})
        told = dynamodb.stream_records_since("streamed", 0, 9)
        self.numbers = [record["dynamodb"]["SequenceNumber"] for record in told]

    def __call__(self, function: Any, event: Any) -> dict[str, Any]:
        del function
        self.batches.append([record["dynamodb"]["SequenceNumber"] for record in event["Records"]])
        return {"body": {"batchItemFailures": [{"itemIdentifier": number} for number in self.reported]}}


@pytest.fixture
def follower(monkeypatch: pytest.MonkeyPatch) -> Iterator[Follower]:
    follower = Follower()
    mapping = {
        "UUID": "mapping",
        "EventSourceArn": follower.stream_arn,
        "FunctionName": "follow",
        "StartingPosition": "TRIM_HORIZON",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    monkeypatch.setitem(lambda_svc._functions, "follow", {"config": {"FunctionName": "follow"}})
    monkeypatch.setitem(lambda_svc._esms, "mapping", mapping)
    monkeypatch.setattr(lambda_svc, "_execute_function", follower)
    yield follower
    lambda_svc._release_esm_poll_state("mapping")
    dynamodb._delete_table({"TableName": "streamed"})


def test_a_batch_of_a_stream_still_counts_as_done_whatever_the_function_reports(follower: Follower) -> None:
    follower.reported = follower.numbers[1:]

    lambda_svc._poll_dynamodb_streams()
    lambda_svc._poll_dynamodb_streams()

    assert follower.batches == [follower.numbers]


def test_what_the_function_reports_is_delivered_again(follower: Follower) -> None:
    deliver_again_what_is_reported()
    follower.reported = follower.numbers[1:]

    lambda_svc._poll_dynamodb_streams()
    follower.reported = []
    lambda_svc._esm_backoff_until.pop("mapping")
    lambda_svc._poll_dynamodb_streams()
    lambda_svc._poll_dynamodb_streams()

    assert follower.batches == [follower.numbers, follower.numbers[1:]]


BATCH = [{"dynamodb": {"SequenceNumber": str(number)}} for number in (8, 9, 10, 11)]


@pytest.mark.parametrize(("reported", "done"), [([], 4), (["11"], 3), (["10", "9"], 1), (["8", "9", "10", "11"], 0)])
def test_what_comes_before_the_first_reported_failure_is_done(reported: list[str], done: int) -> None:
    answer = {"batchItemFailures": [{"itemIdentifier": number} for number in reported]}

    assert done_before_failure(BATCH, answer) == done
    assert done_before_failure(BATCH, json.dumps(answer)) == done


def test_a_message_still_comes_without_what_it_has_not() -> None:
    told = json.loads(sns._build_envelope("arn:aws:sns:us-east-1:0:notices", "1", "Hello", "", {}, raw=False))

    assert told.keys().isdisjoint({"Subject", "MessageAttributes"})


def test_a_message_is_handed_over_with_what_it_has_not_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Any] = []
    found: Any = ({"config": {}}, {"FunctionName": "deliver"}, "deliver")
    monkeypatch.setattr(sns, "_deliver_to_lambda", sns._deliver_to_lambda)
    monkeypatch.setattr(lambda_svc, "_get_func_record_for_ref", lambda _: found)
    monkeypatch.setattr(lambda_svc, "invoke_async_with_retry", lambda _, event: tried.append(event))
    deliver_messages_as_lambda_takes_them()

    sns._deliver_to_lambda("deliver", '{"Message": "Hello"}', "notices", "notices:1", "1", "Hello", {})

    [event] = tried
    [record] = event["Records"]
    assert record["EventSubscriptionArn"] == "notices:1"
    assert record["Sns"] == {"Message": "Hello", "Subject": None, "MessageAttributes": {}}


@pytest.mark.parametrize("answer", [None, {}, "null", {"batchItemFailures": None}])
def test_an_answer_that_reports_nothing_is_a_success(answer: object) -> None:
    assert done_before_failure(BATCH, answer) == 4


FUNCTION = {"config": {"FunctionName": "heed"}}


def test_an_event_that_a_function_fails_with_is_still_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Any] = []
    monkeypatch.setattr(eventbridge, "_dispatch_to_lambda", eventbridge._dispatch_to_lambda)
    monkeypatch.setattr(lambda_svc, "_get_func_record_for_ref", lambda _: (FUNCTION, FUNCTION["config"], "heed"))
    monkeypatch.setattr(lambda_svc, "_execution_record_for_config", lambda function, _: function)
    monkeypatch.setattr(lambda_svc, "_execute_function_with_config_scope", lambda *_: None)
    monkeypatch.setattr(lambda_svc, "invoke_async_with_retry", lambda record, event: tried.append((record, event)))

    eventbridge._dispatch_to_lambda("arn:heed", '{"a": 1}')
    assert tried == []

    try_again_what_fails()
    eventbridge._dispatch_to_lambda("arn:heed", '{"a": 1}')
    assert tried == [(FUNCTION, {"a": 1})]
