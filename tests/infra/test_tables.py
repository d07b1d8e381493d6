"""The template's tables are those that the models read and write."""

import importlib
import pkgutil
from typing import Any

import pytest
from pynamodb.models import Model

from chalicelib import store
from chalicelib.store.boards import BoardItem
from chalicelib.store.games import GameItem
from chalicelib.store.jobs import JobItem
from chalicelib.store.players import IdentityItem, PlayerItem, SessionItem
from chalicelib.store.records import RecordItem
from chalicelib.store.turns import TurnItem
from chalicelib.store.uploads import UploadItem
from tests.tables import PREFIX, tables

NOUN_BY_MODEL: dict[type[Model], str] = {
    BoardItem: "boards",
    PlayerItem: "players",
    SessionItem: "players",
    IdentityItem: "players",
    UploadItem: "players",
    GameItem: "games",
    RecordItem: "records",
    JobItem: "ranks",
    TurnItem: "seasons",
}
WITHOUT_MODELS = {"notices"}
"""Of typed items alone: docs/decisions/0004-models-and-typed-items.md."""
TABLES = {table["TableName"].removeprefix(PREFIX): table for table in tables()}

Json = dict[str, Any]


@pytest.fixture(params=NOUN_BY_MODEL, ids=lambda model: model.__name__)
def model(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_every_model_is_compared_and_every_table_has_one() -> None:
    for module in pkgutil.iter_modules(store.__path__, f"{store.__name__}."):
        importlib.import_module(module.name)

    assert {model for model in Model.__subclasses__() if model.__module__.startswith(store.__name__)} == set(
        NOUN_BY_MODEL
    )
    assert {*NOUN_BY_MODEL.values(), *WITHOUT_MODELS} == set(TABLES)


def test_a_table_has_the_keys_of_its_models(model: Any) -> None:
    schema, table = _schema(model), TABLES[NOUN_BY_MODEL[model]]

    assert _keys(schema["key_schema"]) == _keys(table["KeySchema"])
    types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    of_model = {each["AttributeName"]: each["AttributeType"] for each in schema["attribute_definitions"]}
    assert of_model.items() <= types.items()


def test_a_table_has_the_indexes_of_its_models(model: Any) -> None:
    table = TABLES[NOUN_BY_MODEL[model]]

    of_model = {
        index["index_name"]: (_keys(index["key_schema"]), _projection(index["projection"]))
        for index in _schema(model)["global_secondary_indexes"]
    }
    assert of_model == {
        index["IndexName"]: (_keys(index["KeySchema"]), _projection(index["Projection"]))
        for index in table.get("GlobalSecondaryIndexes", [])
    }


def test_what_a_model_lets_expire_its_table_deletes(model: Any) -> None:
    specification = TABLES[NOUN_BY_MODEL[model]].get("TimeToLiveSpecification")

    if "expires_at" in model.get_attributes():
        assert specification == {"AttributeName": "expires_at", "Enabled": True}


def test_a_table_defines_no_attribute_that_is_no_key() -> None:
    for table in TABLES.values():
        schemas = [table["KeySchema"], *(index["KeySchema"] for index in table.get("GlobalSecondaryIndexes", []))]
        assert {each["AttributeName"] for each in table["AttributeDefinitions"]} == {
            each["AttributeName"] for schema in schemas for each in schema
        }


def _schema(model: Any) -> Json:
    schema: Json = model._get_schema()  # noqa: SLF001  # what create_table sends: the models say it nowhere else
    return schema


def _keys(schema: list[Json]) -> dict[str, str]:
    return {each["KeyType"]: each["AttributeName"] for each in schema}


def _projection(projection: Json) -> tuple[str, frozenset[str]]:
    return projection["ProjectionType"], frozenset(projection.get("NonKeyAttributes", []))
