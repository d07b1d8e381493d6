from typing import Any

import pytest

from local import resources
from local.layout import TABLE_PREFIX, TEMPLATE
from local.stack import LocalStack

pytestmark = pytest.mark.e2e

ONE_TABLE = """
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: short-lived
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      TimeToLiveSpecification: {AttributeName: expires_at, Enabled: true}
"""


@pytest.fixture(scope="module")
def dynamodb(laurel: LocalStack) -> Any:
    return resources.client("dynamodb", laurel.aws_endpoint)


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


def test_applying_the_same_template_again_changes_nothing(laurel: LocalStack) -> None:
    first = resources.apply(TEMPLATE, laurel.aws_endpoint)

    assert resources.apply(TEMPLATE, laurel.aws_endpoint) == first
    assert first["RecordsTableName"] == f"{TABLE_PREFIX}records"
    assert first["RecordsStreamArn"]


def test_cloudformation_still_ignores_time_to_live(laurel: LocalStack, dynamodb: Any) -> None:
    """The day this fails, local/resources.py may leave the time to live to the template."""
    cloudformation: Any = resources.client("cloudformation", laurel.aws_endpoint)
    cloudformation.create_stack(StackName="short-lived", TemplateBody=ONE_TABLE)

    assert _time_to_live(dynamodb, "short-lived")["TimeToLiveStatus"] == "DISABLED"
