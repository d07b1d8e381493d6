"""Items pass botocore by, and nobody can tell."""

import json
from typing import Any

import botocore.session
import pytest
from botocore.parsers import JSONParser, ResponseParserFactory

from chalicelib.store.replies import ReplyParsers

ITEM = {
    "player_id": {"S": "Zoë"},
    "score": {"N": "-9223372036854775808"},
    "hidden": {"BOOL": False},
    "avatar": {"NULL": True},
    "identities": {"L": [{"M": {"kind": {"S": "device"}, "digest": {"S": "0"}}}]},
    "metadata": {"M": {}},
    "tags": {"SS": ["a", "b"]},
}
REPLIES: dict[str, Any] = {
    "GetItem": {"Item": ITEM, "ConsumedCapacity": {"TableName": "records", "CapacityUnits": 0.5}},
    "Query": {"Items": [ITEM, {}], "Count": 2, "ScannedCount": 2, "LastEvaluatedKey": {"player_id": {"S": "Zoë"}}},
    "BatchGetItem": {
        "Responses": {"records": [ITEM], "ranks": []},
        "UnprocessedKeys": {"ranks": {"Keys": [{"pk": {"S": "node"}}], "ConsistentRead": True}},
    },
    "UpdateItem": {"Attributes": ITEM},
    "DescribeTable": {"Table": {"TableName": "records", "ItemCount": 3, "CreationDateTime": 1795305600.0}},
}
CANCELLED = {
    "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
    "message": "Transaction cancelled",
    "CancellationReasons": [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": ITEM}],
}


def _parsed(
    session: botocore.session.Session, parsers: ResponseParserFactory, operation: str, status: int, reply: Any
) -> Any:
    model = session.get_service_model("dynamodb").operation_model(operation)
    http = {"body": json.dumps(reply).encode(), "headers": {}, "status_code": status, "context": {}}
    return parsers.create_parser("json").parse(http, model.output_shape)  # type: ignore[arg-type]  # every one has an output


@pytest.mark.parametrize("operation", REPLIES)
def test_replies_read_as_botocore_reads_them(session: botocore.session.Session, operation: str) -> None:
    reply = REPLIES[operation]

    ours = _parsed(session, ReplyParsers(), operation, 200, reply)

    assert ours == _parsed(session, ResponseParserFactory(), operation, 200, reply)


def test_a_cancelled_transaction_reads_as_botocore_reads_it(session: botocore.session.Session) -> None:
    ours = _parsed(session, ReplyParsers(), "TransactWriteItems", 400, CANCELLED)

    assert ours == _parsed(session, ResponseParserFactory(), "TransactWriteItems", 400, CANCELLED)


def test_items_are_not_built_anew(session: botocore.session.Session) -> None:
    class Untouched(dict[str, Any]):
        pass

    model = session.get_service_model("dynamodb").operation_model("GetItem")
    item_shape = model.output_shape.members["Item"] if model.output_shape else None
    item = Untouched(ITEM)

    assert ReplyParsers().create_parser("json")._handle_map(item_shape, item) is item  # type: ignore[attr-defined]  # noqa: SLF001  # the method it overrides


def test_other_protocols_stay_with_botocore() -> None:
    assert type(ReplyParsers().create_parser("rest-xml")) is type(ResponseParserFactory().create_parser("rest-xml"))
    assert isinstance(ReplyParsers().create_parser("json"), JSONParser)
