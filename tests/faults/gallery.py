"""Avatars for the model checker: a database whose bucket is a table of it, so that both are one value."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chalicelib.domain.players import PlayerState
from chalicelib.store import keys
from tests.expressions import Item
from tests.fake_dynamodb import Call, FakeDynamoDB
from tests.fake_s3 import FakeS3, refuse
from tests.services.studio import File
from tests.tables import PREFIX, tables
from tests.world import MEDIA, World

OBJECTS = f"{PREFIX}objects"
_DEFINITION: Mapping[str, Any] = {
    "TableName": OBJECTS,
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
}


class Gallery(FakeDynamoDB):
    """A database that is checked after every write: whatever is shown is there.

    Args:
        files: What an avatar consists of.
    """

    def __init__(self, files: tuple[File, ...], definitions: Iterable[Mapping[str, Any]]) -> None:
        super().__init__(definitions)
        self._files = files

    def copy(self) -> "Gallery":
        twin = Gallery(self._files, ())
        twin._tables = {name: table.copy() for name, table in self._tables.items()}
        return twin

    def perform(self, call: Call) -> Item:
        reply = super().perform(call)
        if call.writes:
            self._check()
        return reply

    def objects(self) -> dict[str, bytes]:
        return {item["sk"]["S"]: _content(item) for item in self.items(OBJECTS)}

    def _check(self) -> None:
        names = {item["sk"]["S"] for item in self.items(OBJECTS)}
        for player_id, avatar in self._shown():
            missing = {keys.rendition(player_id, avatar, *file) for file in self._files} - names
            assert not missing, f"{missing} is shown and not there"

    def _shown(self) -> Iterator[tuple[str, str]]:
        profiles = (each for each in self.items(f"{PREFIX}players") if each.get("state") == {"S": PlayerState.ACTIVE})
        for item in (*profiles, *self.items(f"{PREFIX}records")):
            if "avatar" in item:
                yield item["player_id"]["S"], item["avatar"]["S"]


class TabledS3(FakeS3):
    """A bucket whose objects are items, one call each to a database: what waits between them is the checker's to say.

    S3 deletes several objects in one request, though not at one instant: here it takes one for each.
    """

    def __init__(self, client: FakeDynamoDB) -> None:
        super().__init__({MEDIA})
        self._client = client

    def _put(self, request: dict[str, Any]) -> Any:
        content = {"content": {"S": request["Body"].decode()}}
        self._asked("PutItem", {"Item": {**_key(request["Key"]), **content}})
        return {}

    def _get(self, request: dict[str, Any]) -> Any:
        reply = self._asked("GetItem", {"Key": _key(request["Key"])})
        if "Item" not in reply:
            refuse("NoSuchKey", "GetObject")
        self.objects = {request["Key"]: _content(reply["Item"])}
        return super()._get(request)

    def _keys(self, prefix: str) -> list[str]:
        values = {":bucket": {"S": MEDIA}, ":prefix": {"S": prefix}}
        condition = "pk = :bucket AND begins_with(sk, :prefix)"
        wanted = {"KeyConditionExpression": condition, "ExpressionAttributeValues": values, "ConsistentRead": True}
        reply = self._asked("Query", wanted)
        return [item["sk"]["S"] for item in reply["Items"]]

    def _delete(self, request: dict[str, Any]) -> Any:
        for each in request["Delete"]["Objects"]:
            self._asked("DeleteItem", {"Key": _key(each["Key"])})
        return {}

    def _asked(self, operation: str, request: Item) -> Item:
        return self._client.exchange(Call(operation, {"TableName": OBJECTS, **request}))


def gallery(files: tuple[File, ...]) -> Gallery:
    return Gallery(files, [*tables(), _DEFINITION])


def tabled(world: World) -> World:
    """Return a world whose bucket is a table of its database."""
    world.s3 = TabledS3(world.client)
    return world


def _key(name: str) -> Item:
    return {"pk": {"S": MEDIA}, "sk": {"S": name}}


def _content(item: Item) -> bytes:
    return bytes(item["content"]["S"], "utf-8")
