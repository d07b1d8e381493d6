from typing import Any

import pytest

from local.layout import TABLE_PREFIX
from local.stack import LocalStack

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def dynamodb(laurel: LocalStack) -> Any:
    return laurel.target.client("dynamodb")


def _time_to_live(dynamodb: Any, table: str) -> Any:
    return dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]


@pytest.mark.parametrize("noun", ["players", "games", "records", "ranks"])
def test_items_expire_as_the_template_says(dynamodb: Any, noun: str) -> None:
    assert _time_to_live(dynamodb, TABLE_PREFIX + noun) == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "expires_at",
    }


def test_boards_never_expire(dynamodb: Any) -> None:
    assert _time_to_live(dynamodb, f"{TABLE_PREFIX}boards")["TimeToLiveStatus"] == "DISABLED"


def test_the_records_have_two_rankings_and_a_stream(dynamodb: Any) -> None:
    table = dynamodb.describe_table(TableName=f"{TABLE_PREFIX}records")["Table"]

    indexes = table["GlobalSecondaryIndexes"]
    assert [index["IndexName"] for index in indexes] == ["ranking", "ranking_b"]
    assert [sorted(index["Projection"]["NonKeyAttributes"]) for index in indexes] == [["avatar", "display_name"]] * 2
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
