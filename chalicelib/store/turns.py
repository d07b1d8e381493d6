"""The turns of boards' periods, in the seasons table: an item for each, kept for ever, and how far a board has come."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from chalicelib.domain.rewards import RuleSet
from chalicelib.domain.turns import Turn, TurnState
from chalicelib.store import keys
from chalicelib.store.dynamo import ConditionFailedError, Dynamo, Item, Part, bind, translated
from chalicelib.store.typed import from_milliseconds, milliseconds, n, s

Tree = tuple[str, str]
"""A board id and a period id."""


class TurnItem(Model):
    class Meta:
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    board_id = UnicodeAttribute()
    period_id = UnicodeAttribute()
    state = UnicodeAttribute()
    ended_at = NumberAttribute()
    frozen_at = NumberAttribute()
    rules = UnicodeAttribute()
    records = NumberAttribute()
    manifest = UnicodeAttribute()
    rewarded = NumberAttribute()
    left = NumberAttribute()
    done_at = NumberAttribute(null=True)


class TurnStore:
    """Reads are consistent. One request each; reads of many, one per 100."""

    def __init__(self, table: str, dynamo: Dynamo) -> None:
        self.table = table
        self._dynamo = dynamo
        bind(TurnItem, table, dynamo)

    def get(self, board_id: str, period_id: str) -> Turn | None:
        return self.get_many([(board_id, period_id)]).get((board_id, period_id))

    def get_many(self, wanted: Sequence[Tree]) -> dict[Tree, Turn]:
        """Return the turns that have begun."""
        found = self._read([_key(board_id, keys.turn(period_id)) for board_id, period_id in dict.fromkeys(wanted)])
        turns = [_turn(TurnItem.from_raw_data(item)) for item in found]
        return {(turn.board_id, turn.period_id): turn for turn in turns}

    def begin(self, turn: Turn) -> bool:
        """Store a turn; False when it has begun before."""
        return _saved(turn, TurnItem.pk.does_not_exist())

    def replace(self, before: Turn, after: Turn) -> bool:
        """Store how far a turn is; False when it is no longer where it was."""
        return _saved(after, TurnItem.state == before.state.value)

    def turned_until(self, board_ids: Sequence[str]) -> dict[str, datetime]:
        """Return, by board, the end of the newest period up to which all are turned, where there is one."""
        found = self._read([_key(board_id, keys.TURNED) for board_id in dict.fromkeys(board_ids)])
        return {item["board_id"]["S"]: from_milliseconds(int(item["ended_at"]["N"])) for item in found}

    def move(self, board_id: str, ended_at: datetime) -> None:
        """Note that a board's periods are turned up to an end; it never goes back."""
        request: Item = {
            "TableName": self.table,
            "Key": _key(board_id, keys.TURNED),
            "UpdateExpression": "SET board_id = :board_id, ended_at = :ended_at",
            "ConditionExpression": "attribute_not_exists(pk) OR ended_at < :ended_at",
            "ExpressionAttributeValues": {":board_id": s(board_id), ":ended_at": n(milliseconds(ended_at))},
        }
        self._dynamo.update(Part("turned", "Update", request))

    def _read(self, wanted: list[Item]) -> list[Item]:
        return self._dynamo.batch_get({self.table: wanted}, consistent=True)[self.table] if wanted else []


def _key(board_id: str, sort_key: str) -> Item:
    return {"pk": s(keys.board(board_id)), "sk": s(sort_key)}


def _saved(turn: Turn, condition: Condition) -> bool:
    try:
        with translated():
            _item(turn).save(condition)
    except ConditionFailedError:
        return False
    return True


def _item(turn: Turn) -> TurnItem:
    return TurnItem(
        keys.board(turn.board_id),
        keys.turn(turn.period_id),
        board_id=turn.board_id,
        period_id=turn.period_id,
        state=turn.state.value,
        ended_at=milliseconds(turn.ended_at),
        frozen_at=milliseconds(turn.frozen_at),
        rules=msgspec.json.encode(turn.rules).decode(),
        records=turn.records,
        manifest=turn.manifest,
        rewarded=turn.rewarded,
        left=turn.left,
        done_at=turn.done_at and milliseconds(turn.done_at),
    )


def _turn(item: TurnItem) -> Turn:
    return Turn(
        board_id=item.board_id,
        period_id=item.period_id,
        state=TurnState(item.state),
        ended_at=from_milliseconds(item.ended_at),
        frozen_at=from_milliseconds(item.frozen_at),
        rules=msgspec.json.decode(item.rules, type=RuleSet),
        records=int(item.records),
        manifest=item.manifest,
        rewarded=int(item.rewarded),
        left=int(item.left),
        done_at=from_milliseconds(item.done_at) if item.done_at else None,
    )
