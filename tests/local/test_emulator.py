"""The defects of ministack that local/emulator.py mends. The day one of these fails, its mending can go."""

# ruff: noqa: SLF001  (the defects are inside)

import json
import sys
from collections import Counter
from types import CodeType, FrameType
from typing import Any

import pytest
from ministack.services import apigateway_v1, dynamodb  # type: ignore[import-untyped]  # ships no types

from local.emulator import (
    REQUIRED_VERSION,
    fill,
    let_policies_match_all_paths,
    narrowed,
    require_version,
    tell_functions_their_address,
)
from local.layout import API_PATH


def test_another_release_of_ministack_is_refused() -> None:
    with pytest.raises(SystemExit, match=rf"needs ministack {REQUIRED_VERSION}, not 1\.6\.0"):
        require_version("1.6.0")


def test_a_denial_still_forgets_the_authorizers_context() -> None:
    api_id = json.loads(apigateway_v1._create_rest_api({"name": "defect"})[2])["id"]
    apigateway_v1._put_gateway_response(
        api_id, "ACCESS_DENIED", {"responseTemplates": {"application/json": "$context.authorizer.code"}}
    )
    request = {"api_id": api_id, "stage": {}, "stage_name": "api", "request_id": "1", "resource_path": "/"}

    _, _, body = apigateway_v1._gateway_error_response(apigateway_v1._deny_error(explicit=True), request)

    assert body == b"$context.authorizer.code"


def test_context_fills_its_variables_and_leaves_the_others() -> None:
    template = '{"code": "$context.authorizer.code", "gone": "$context.authorizer.nope", "id": "$context.requestId"}'

    assert (
        fill(template, {"code": "token_expired"}) == '{"code": "token_expired", "gone": "", "id": "$context.requestId"}'
    )


def test_a_policy_for_all_routes_still_denies_those_with_line_breaks() -> None:
    assert not apigateway_v1._arn_matches("arn:of/api/*", "arn:of/api/GET/boards/a\nb")


def test_a_policy_for_all_routes_allows_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apigateway_v1, "_arn_matches", apigateway_v1._arn_matches)
    let_policies_match_all_paths()

    assert apigateway_v1._arn_matches("arn:of/api/*", "arn:of/api/GET/boards/a\nb")
    assert not apigateway_v1._arn_matches("arn:of/api/*", "arn:of/other/GET/boards/a\nb")


ADDRESSED: Any = ("laurel", "api", {}, {"id": "1", "path": "/players/{player_id}"}, "/players/ada", "GET")


def test_functions_are_still_not_told_the_domain_of_a_request() -> None:
    event = apigateway_v1._build_lambda_event_v1(*ADDRESSED, {"host": "127.0.0.1:4670"}, b"", {}, {})

    assert "domainName" not in event["requestContext"]
    assert event["requestContext"]["path"] == "/api/players/ada"


def test_functions_are_told_the_address_of_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apigateway_v1, "_build_lambda_event_v1", apigateway_v1._build_lambda_event_v1)
    tell_functions_their_address()

    event = apigateway_v1._build_lambda_event_v1(*ADDRESSED, {"host": "127.0.0.1:4670"}, b"", {}, {})

    context = event["requestContext"]
    assert (context["domainName"], context["path"]) == ("127.0.0.1:4670", f"{API_PATH}players/ada")
    assert event["headers"]["x-forwarded-proto"] == "http"
    assert event["multiValueHeaders"]["x-forwarded-proto"] == ["http"]


TABLE = {
    "TableName": "players",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("player", "board", "place")],
    "KeySchema": [{"AttributeName": "player", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "ranking",
            "KeySchema": [
                {"AttributeName": "board", "KeyType": "HASH"},
                {"AttributeName": "place", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}


def range_query(**changes: Any) -> dict[str, Any]:
    return {
        "TableName": "players",
        "IndexName": "ranking",
        "KeyConditionExpression": "board = :board AND place BETWEEN :first AND :last",
        "ExpressionAttributeValues": {":board": {"S": "laps"}, ":first": {"S": "3"}, ":last": {"S": "5"}},
        **changes,
    }


def test_a_query_for_a_range_of_an_index_still_tests_every_item_of_the_partition() -> None:
    assert dynamodb._create_table(TABLE)[0] == 200
    for number in range(10):
        item = {"player": {"S": f"p{number}"}, "board": {"S": "laps"}, "place": {"S": str(number)}}
        assert dynamodb._put_item({"TableName": "players", "Item": item})[0] == 200
    calls: Counter[CodeType] = Counter()

    def count(frame: FrameType, event: str, _argument: object) -> None:
        calls[frame.f_code] += event == "call"

    sys.setprofile(count)
    try:
        answer = dynamodb._query(range_query())
    finally:
        sys.setprofile(None)

    assert json.loads(answer[2])["Count"] == 3
    assert calls[dynamodb._evaluate_condition.__code__] == 10


MEMBERS = {"ranking": {"laps": {("p2", "-"): None, ("p3", "-"): None, ("p5", "-"): None, ("p6", "-"): None}}}
ITEMS = {f"p{number}": {"-": {"place": {"S": str(number)}}} for number in range(10)}


def test_a_range_of_keys_includes_both_its_ends() -> None:
    assert narrowed(MEMBERS, ITEMS, range_query()) == {"ranking": {"laps": [("p3", "-"), ("p5", "-")]}}


def test_a_partition_nobody_is_in_stays_empty() -> None:
    values = {**range_query()["ExpressionAttributeValues"], ":board": {"S": "points"}}

    assert narrowed(MEMBERS, ITEMS, range_query(ExpressionAttributeValues=values)) == {"ranking": {"points": []}}


@pytest.mark.parametrize(
    "request_",
    [
        range_query(KeyConditionExpression="board = :board"),
        range_query(KeyConditionExpression="board = :board AND #place BETWEEN :first AND :last"),
        range_query(ExpressionAttributeValues={":board": {"S": "laps"}, ":first": {"N": "3"}, ":last": {"N": "5"}}),
        range_query(IndexName="other"),
    ],
)
def test_other_queries_see_all_members(request_: dict[str, Any]) -> None:
    assert narrowed(MEMBERS, ITEMS, request_) is MEMBERS
