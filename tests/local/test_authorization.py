"""What ministack asks policies, and what local/authorization.py makes of it. Without its defect, a mending can go."""

# ruff: noqa: SLF001  (the defects are inside)

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ministack import app  # type: ignore[import-untyped]  # ships no types
from ministack.core import iam_actions, iam_evaluator  # type: ignore[import-untyped]  # ships no types
from ministack.services import dynamodb, dynamodb_streams, s3, sts  # type: ignore[import-untyped]  # ships no types

from local import authorization
from local.authorization import leading_keys, signed_by_root

HERE = ("us-east-1", "000000000000")
STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/counts/stream/2026"
TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/counts"
MARK, NODE = {"pk": {"S": "mark#1"}}, {"pk": {"S": "node#1"}}


@pytest.fixture
def mended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file of what was asked for, with everything mended until the test ends."""
    for module, name in [
        (iam_actions, "extract_resource_arn"),
        (iam_actions, "dynamodb_service_context"),
        (iam_evaluator, "enforce"),
        (iam_actions, "_lambda_action"),
        (iam_actions, "_action_from_query"),
        (app, "pin_request_origin"),
        (s3, "_post_object"),
    ]:
        monkeypatch.setattr(module, name, getattr(module, name))
    authorization.record_what_is_asked_for(tmp_path / "asked")
    authorization.ask_for_resources_by_name()
    authorization.ask_for_actions_of_lambda()
    authorization.ask_for_actions_of_topics()
    authorization.ask_for_leading_keys()
    authorization.trust_loopback()
    authorization.refuse_forms_of_root_from_pages()
    return tmp_path / "asked"


@pytest.fixture
def table() -> Iterator[None]:
    dynamodb._tables["counts"] = {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}
    yield
    del dynamodb._tables["counts"]


def resource(service: str, request: dict[str, Any]) -> str:
    return str(iam_actions.extract_resource_arn(service, "POST", "/", {}, json.dumps(request).encode(), {}, *HERE))


@pytest.mark.parametrize(
    ("service", "request_"),
    [
        ("dynamodbstreams", {"StreamArn": STREAM}),
        ("events", {"Rule": "every-hour"}),
        ("lambda", {"FunctionName": "count", "Runtime": "python3.12"}),
    ],
)
def test_what_only_the_body_names_still_has_no_name(service: str, request_: dict[str, Any]) -> None:
    assert resource(service, request_) == "*"


def test_what_only_the_body_names_is_asked_for_by_name(mended: Path) -> None:
    iterator = dynamodb_streams._encode_iterator("counts", "shard", 1, stream_arn=STREAM)

    assert resource("dynamodbstreams", {"StreamArn": STREAM}) == STREAM
    assert resource("dynamodbstreams", {"ShardIterator": iterator}) == STREAM
    assert resource("dynamodbstreams", {}) == "*"
    assert resource("events", {"Rule": "hourly"}) == "arn:aws:events:us-east-1:000000000000:rule/hourly"
    assert resource("events", {"Name": "hourly"}) == "arn:aws:events:us-east-1:000000000000:rule/hourly"
    assert (
        resource("lambda", {"FunctionName": "f", "Runtime": "r"}) == "arn:aws:lambda:us-east-1:000000000000:function:f"
    )
    assert resource("lambda", {"FunctionName": "f", "EventSourceArn": STREAM}) == "*"


FUNCTION = "/2015-03-31/functions/count"
INVOCATIONS = "/2019-09-25/functions/count/event-invoke-config"


def test_actions_of_lambda_are_still_guessed() -> None:
    assert iam_actions._lambda_action("PUT", INVOCATIONS) == "UpdateFunctionCode"
    assert iam_actions._lambda_action("PUT", "/2015-03-31/event-source-mappings/1") is None


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("PUT", INVOCATIONS, "PutFunctionEventInvokeConfig"),
        ("PUT", "/2015-03-31/event-source-mappings/1", "UpdateEventSourceMapping"),
        ("DELETE", "/2017-10-31/functions/count/concurrency", "DeleteFunctionConcurrency"),
        ("POST", f"{FUNCTION}/invocations", "InvokeFunction"),
        ("GET", FUNCTION, "GetFunction"),
    ],
)
def test_actions_of_lambda_are_those_that_are_called(mended: Path, method: str, path: str, action: str) -> None:
    assert iam_actions._lambda_action(method, path) == action


def test_a_batch_of_messages_is_still_no_message() -> None:
    assert iam_actions._action_from_query({"Action": "PublishBatch"}, b"", "") == "PublishBatch"


@pytest.mark.parametrize(("operation", "action"), [("PublishBatch", "Publish"), ("Subscribe", "Subscribe")])
def test_actions_of_topics_are_those_of_aws(mended: Path, operation: str, action: str) -> None:
    assert iam_actions._action_from_query({"Action": operation}, b"", "") == action


def subscription_asked_about() -> str:
    query = {"Action": "Unsubscribe", "SubscriptionArn": "arn:aws:sns:us-east-1:0:notices:1"}
    return str(iam_actions.extract_resource_arn("sns", "POST", "/", {}, b"", query, *HERE))


def test_a_subscription_is_still_any() -> None:
    assert subscription_asked_about() == "*"


def test_a_subscription_is_asked_about_by_name(mended: Path) -> None:
    assert subscription_asked_about() == "arn:aws:sns:us-east-1:0:notices:1"


def test_leading_keys_are_still_unknown() -> None:
    body = json.dumps({"TableName": "counts", "Key": MARK}).encode()

    assert authorization.LEADING_KEYS not in iam_actions.dynamodb_service_context(body)


@pytest.mark.parametrize(
    ("action", "request_", "keys"),
    [
        ("GetItem", {"TableName": "counts", "Key": MARK}, {"mark#1"}),
        ("PutItem", {"TableName": "counts", "Item": {**MARK, "n": {"N": "1"}}}, {"mark#1"}),
        ("Scan", {"TableName": "counts"}, set()),
        ("BatchGetItem", {"RequestItems": {"counts": {"Keys": [MARK, NODE]}}}, {"mark#1", "node#1"}),
        ("BatchGetItem", {"RequestItems": {"others": {"Keys": [MARK]}}}, set()),
        (
            "BatchWriteItem",
            {"RequestItems": {"counts": [{"PutRequest": {"Item": MARK}}, {"DeleteRequest": {"Key": NODE}}]}},
            {"mark#1", "node#1"},
        ),
        (
            "PutItem",
            {
                "TransactItems": [
                    {"Put": {"TableName": "counts", "Item": MARK}},
                    {"Update": {"TableName": "counts", "Key": NODE}},
                    {"Put": {"TableName": "others", "Item": NODE}},
                ]
            },
            {"mark#1"},
        ),
    ],
)
def test_leading_keys_are_those_of_one_action_on_one_table(
    table: None, action: str, request_: dict[str, Any], keys: set[str]
) -> None:
    assert leading_keys(request_, f"dynamodb:{action}", TABLE) == keys


def test_what_is_asked_for_is_recorded_once(mended: Path, table: None) -> None:
    sts.register_session("ASIAWORKER", {"Arn": "arn:aws:sts::000000000000:assumed-role/worker/one", "UserId": "one"})
    for key in ("mark#1", "mark#2"):
        iam_actions.dynamodb_service_context(json.dumps({"Key": {"pk": {"S": key}}}).encode())
        iam_evaluator.enforce("ASIAWORKER", "dynamodb:GetItem", "dynamodb", HERE[0], resource_arn=TABLE)
        iam_evaluator.enforce("test", "dynamodb:PutItem", "dynamodb", HERE[0], resource_arn=TABLE)

    [line] = mended.read_text().splitlines()
    assert json.loads(line) == {
        "caller": "arn:aws:sts::000000000000:assumed-role/worker/one",
        "action": "dynamodb:GetItem",
        "resource": TABLE,
        "keys": {authorization.LEADING_KEYS: ["mark#"]},
    }


def test_listings_are_recorded_by_what_they_list(mended: Path) -> None:
    sts.register_session("ASIAWORKER", {"Arn": "arn:aws:sts::000000000000:assumed-role/worker/one", "UserId": "one"})
    for prefix in ("uploads/ada/", "uploads/ben/"):
        context = {"s3:prefix": prefix, "s3:max-keys": "1"}
        iam_evaluator.enforce(
            "ASIAWORKER", "s3:ListBucket", "s3", HERE[0], resource_arn="arn:aws:s3:::media", service_context=context
        )

    [line] = mended.read_text().splitlines()
    assert json.loads(line)["keys"] == {authorization.PREFIX_OF_KEYS: ["uploads/"]}


def test_loopback_counts_as_encrypted(mended: Path) -> None:
    app.pin_request_origin("127.0.0.1", False)

    assert iam_evaluator._request_origin.get() == ("127.0.0.1", True)


FORM_TYPE = "multipart/form-data; boundary=b"
PAGE = {"content-type": FORM_TYPE, "origin": "https://evil.example"}


def form(*fields: tuple[str, str]) -> bytes:
    parts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields]
    return "".join([*parts, "--b--\r\n"]).encode()


ROOTS = form(("key", "avatars/a"), ("AWSAccessKeyId", "test"), ("file", "<script>"))


def code(answer: tuple[int, Any, bytes]) -> str:
    return answer[2].decode().partition("<Code>")[2].partition("</Code>")[0]


def test_a_page_still_may_sign_forms_with_the_keys_of_root() -> None:
    assert code(s3._post_object("media", ROOTS, PAGE)) == "NoSuchBucket"


def test_a_page_may_not_sign_forms_with_the_keys_of_root(mended: Path) -> None:
    tools = {"content-type": FORM_TYPE}

    assert code(s3._post_object("media", ROOTS, PAGE)) == "AccessDenied"
    assert code(s3._post_object("media", ROOTS, tools)) == "NoSuchBucket"
    assert code(s3._post_object("media", form(("x-amz-credential", "ASIAWORKER/20261122")), PAGE)) == "NoSuchBucket"


@pytest.mark.parametrize(
    ("fields", "by_root"),
    [
        ([("X-Amz-Credential", "test/20261122/us-east-1/s3/aws4_request")], True),
        ([("awsaccesskeyid", "000000000000")], True),
        ([("x-amz-credential", "ASIAWORKER/1"), ("x-amz-credential", "test/1")], True),
        ([("x-amz-credential", "")], True),
        ([("x-amz-credential", "ASIAWORKER/test")], False),
        ([("key", "test/1")], False),
        ([], False),
    ],
)
def test_forms_of_root_are_told_by_any_of_their_credentials(fields: list[tuple[str, str]], by_root: bool) -> None:
    assert signed_by_root(FORM_TYPE, form(*fields)) is by_root
