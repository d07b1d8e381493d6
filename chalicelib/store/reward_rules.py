"""The rules of boards' rewards, in the seasons table: every version that was set, so that each period keeps its own."""

from datetime import datetime

import msgspec

from chalicelib.domain.rewards import NO_RULES, RuleSet
from chalicelib.store import keys
from chalicelib.store.dynamo import Dynamo, Item, Part
from chalicelib.store.typed import milliseconds, s

_EVER = 10**15 - 1
"""Milliseconds, later than any."""


class RuleStore:
    """One request each."""

    def __init__(self, table: str, dynamo: Dynamo) -> None:
        self.table = table
        self._dynamo = dynamo

    def put(self, board_id: str, rules: RuleSet, set_at: datetime) -> None:
        """Set a board's rules from an instant on."""
        request: Item = {
            "TableName": self.table,
            "Key": {"pk": s(keys.board(board_id)), "sk": s(keys.rules(milliseconds(set_at)))},
            "UpdateExpression": "SET #rules = :rules",
            "ExpressionAttributeNames": {"#rules": "rules"},
            "ExpressionAttributeValues": {":rules": s(msgspec.json.encode(rules).decode())},
        }
        self._dynamo.update(Part("rules", "Update", request))

    def newest(self, board_id: str, until: datetime | None = None) -> RuleSet:
        """Return the rules that a board has, or had just before an instant; none where none were set."""
        last = _EVER if until is None else milliseconds(until) - 1
        request: Item = {
            "TableName": self.table,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":pk": s(keys.board(board_id)),
                ":first": s(keys.rules(0)),
                ":last": s(keys.rules(last)),
            },
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        rows = self._dynamo.rows(request, 1)
        return msgspec.json.decode(rows[0]["rules"]["S"], type=RuleSet) if rows else NO_RULES
