"""The tables of infra/template.yaml, made one by one: for stand-ins of AWS that read no CloudFormation."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.templates import of_stage

STAGE = "test"
PREFIX = f"laurel-{STAGE}-"

_CREATED_WITH = (
    "TableName",
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
)


def create_tables(dynamodb: Any, stage: str = STAGE) -> list[str]:
    """Create every table of the template with a DynamoDB client and return their names."""
    definitions = list(tables(stage))
    for definition in definitions:
        dynamodb.create_table(**_creation(definition))
        if "TimeToLiveSpecification" in definition:
            dynamodb.update_time_to_live(
                TableName=definition["TableName"], TimeToLiveSpecification=definition["TimeToLiveSpecification"]
            )
    return [definition["TableName"] for definition in definitions]


def tables(stage: str = STAGE) -> Iterator[dict[str, Any]]:
    """Yield the properties of each table as CloudFormation would see them in this stage."""
    for table in of_stage(stage).resources("AWS::DynamoDB::Table"):
        yield table.properties


def _creation(definition: Mapping[str, Any]) -> dict[str, Any]:
    request = {name: definition[name] for name in _CREATED_WITH if name in definition}
    if "StreamSpecification" in definition:
        request["StreamSpecification"] = {"StreamEnabled": True, **definition["StreamSpecification"]}
    return request
