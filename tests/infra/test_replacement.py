"""Whatever holds data is changed in place: CloudFormation has no reason to put a new, empty one beside it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]  # ships no types

from tests.repository import ROOT
from tests.templates import of_stage

DEPLOYED: dict[str, Any] = json.loads((ROOT / "tests" / "infra" / "deployed.json").read_text(encoding="utf-8"))
"""What holds data, by its name in the template, as the first version that could be deployed has it in prod."""
FORCING = ("createOnlyProperties", "conditionalCreateOnlyProperties")
"""Where the schema of a type, as CloudFormation itself has it, lists the properties whose change is a new resource."""
REGION = "us-east-1"

Json = dict[str, Any]


@pytest.fixture(params=DEPLOYED)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_what_holds_data_is_still_there_and_not_replaced(name: str) -> None:
    kind, before = DEPLOYED[name]["Type"], DEPLOYED[name]["Properties"]
    now = _properties(name)

    forcing = set(_forcing(kind))
    assert {"AWS::DynamoDB::Table": "TableName", "AWS::S3::Bucket": "BucketName"}.get(kind, "QueueName") in forcing
    assert {key: now.get(key) for key in forcing} == {key: before.get(key) for key in forcing}
    assert next(each for each in of_stage("prod").resources() if each.name == name).kind == kind


def _forcing(kind: str) -> Iterator[str]:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    for section in FORCING:
        yield from (path.removeprefix("/properties/") for path in schema.get(section, []))


def _properties(name: str) -> Json:
    return next(resource.properties for resource in of_stage("prod").resources() if resource.name == name)


@pytest.mark.parametrize("table", [name for name in DEPLOYED if "KeySchema" in DEPLOYED[name]["Properties"]])
def test_a_table_keeps_its_keys_its_indexes_and_what_they_are_made_of(table: str) -> None:
    before, now = DEPLOYED[table]["Properties"], _properties(table)

    assert now["KeySchema"] == before["KeySchema"]
    assert _by_name(before, "AttributeDefinitions", "AttributeName").items() <= (
        _by_name(now, "AttributeDefinitions", "AttributeName").items()
    )
    indexes = _by_name(now, "GlobalSecondaryIndexes", "IndexName")
    assert {name: indexes.get(name) for name in _by_name(before, "GlobalSecondaryIndexes", "IndexName")} == (
        _by_name(before, "GlobalSecondaryIndexes", "IndexName")
    )
    assert len(indexes) <= len(before.get("GlobalSecondaryIndexes", [])) + 1, "DynamoDB adds one index at a time"
    assert now.get("LocalSecondaryIndexes") == before.get("LocalSecondaryIndexes")


def _by_name(properties: Json, section: str, name: str) -> dict[str, str]:
    """Return the entries of a list by their name, as text."""
    return {entry[name]: json.dumps(entry, sort_keys=True) for entry in properties.get(section, [])}


def test_the_stream_that_is_followed_keeps_its_view() -> None:
    """Another view is another stream, and the old one's subscription follows nothing."""
    assert _properties("Records")["StreamSpecification"] == DEPLOYED["Records"]["Properties"]["StreamSpecification"]
