"""What everybody was told of boards, in the seasons table: kept until nobody would be told again."""

from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.tellings import Telling
from chalicelib.store import keys
from chalicelib.store.dynamo import Dynamo, Item, Part, key_text
from chalicelib.store.typed import n, s, seconds


class TellingStore:
    def __init__(self, table: str, dynamo: Dynamo) -> None:
        self._table = table
        self._dynamo = dynamo

    def untold(self, tellings: Sequence[Telling]) -> list[Telling]:
        """Return those that were not noted. One BatchGetItem; none for nothing."""
        if not tellings:
            return []
        noted = self._dynamo.get_all([(self._table, _key(each)) for each in tellings])
        return [each for each in tellings if (self._table, key_text(_key(each))) not in noted]

    def note(self, telling: Telling, until: datetime) -> None:
        """Note that something was told; forgotten at some time after ``until``."""
        item: Item = {**_key(telling), "expires_at": n(seconds(until))}
        self._dynamo.put(Part("telling", "Put", {"TableName": self._table, "Item": item}))


def _key(telling: Telling) -> Item:
    return {"pk": s(keys.board(telling.board_id)), "sk": s(keys.told(telling.key))}
