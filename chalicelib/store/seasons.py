"""Definitions of seasons, in the seasons table: one partition has them all, and a board says until when it is taken."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from chalicelib.domain.seasons import Season
from chalicelib.errors import ContendedError
from chalicelib.store import keys
from chalicelib.store.dynamo import CancelledError, Dynamo, Item, Part
from chalicelib.store.typed import from_milliseconds, milliseconds, n, s

SEASON, BOARD = "season", "board"
"""The parts that a season is refused for: its id is taken, or the board is."""
_NONE: frozenset[str] = frozenset()
_FIRST = " "
"""Sorts before every id."""


class SeasonStore:
    def __init__(self, table: str, dynamo: Dynamo) -> None:
        self.table = table
        self._dynamo = dynamo

    def all(self) -> list[Season]:
        """Return every season by id. One Query, 1 MB a page."""
        return self._found("pk = :pk", {}, None)

    def after(self, season_id: str, limit: int) -> list[Season]:
        """Return the seasons that follow an id ("" for the first) by id. One Query."""
        return self._found("pk = :pk AND sk > :after", {":after": s(season_id or _FIRST)}, limit)

    def get(self, season_id: str) -> Season | None:
        """Return a season. One consistent read."""
        found = self._dynamo.batch_get({self.table: [_key(season_id)]}, consistent=True)[self.table]
        return _season(found[0]) if found else None

    def create(self, season: Season) -> frozenset[str]:
        """Store a new season, unless its id or one of its periods is taken; return what refused it.

        Periods are taken in order: whatever is before the end of the board's last season counts as taken.
        """
        put: Item = {
            "TableName": self.table,
            "Item": {**_key(season.season_id), "definition": s(_text(season)), "closed": n(season.closed)},
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        end = season.rounds[-1].end
        taken = self._until_part(season.board_id, end, "attribute_not_exists(pk) OR taken_until <= :start")
        taken.request["ExpressionAttributeValues"][":start"] = n(milliseconds(season.rounds[0].start))
        return self._refused([Part(SEASON, "Put", put), taken])

    def shorten(self, before: Season, after: Season) -> bool:
        """Store a season with fewer rounds, and give the others' periods back; False when it is no longer ``before``.

        They are not given back where another season follows already. Where no round is left, all seasons are read.
        """
        change = self._definition_part(before, after)
        end = after.rounds[-1].end if after.rounds else self._end_without(before)
        freed = self._until_part(before.board_id, end, "taken_until = :before")
        freed.request["ExpressionAttributeValues"][":before"] = n(milliseconds(before.rounds[-1].end))
        refused = self._refused([change, freed])
        if refused == {BOARD}:
            refused = self._refused([change])
        return not refused

    def close(self, season_id: str, number: int) -> None:
        """Note that a round is done with, unless it is noted already."""
        request: Item = {
            "TableName": self.table,
            "Key": _key(season_id),
            "UpdateExpression": "SET closed = :number",
            "ConditionExpression": "closed < :number",
            "ExpressionAttributeValues": {":number": n(number)},
        }
        self._dynamo.update(Part(SEASON, "Update", request))

    def _end_without(self, season: Season) -> datetime:
        """Return until when the other seasons of its board take the board."""
        others = (
            each for each in self.all() if each.board_id == season.board_id and each.season_id != season.season_id
        )
        return max((each.rounds[-1].end for each in others if each.rounds), default=from_milliseconds(0))

    def _found(self, condition: str, values: Item, limit: int | None) -> list[Season]:
        request: Item = {
            "TableName": self.table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {":pk": s(keys.SEASONS), **values},
            "ConsistentRead": True,
        }
        return [_season(item) for item in self._dynamo.rows(request, limit)]

    def _definition_part(self, before: Season, after: Season) -> Part:
        request: Item = {
            "TableName": self.table,
            "Key": _key(before.season_id),
            "UpdateExpression": "SET #definition = :after",
            "ConditionExpression": "#definition = :before",
            "ExpressionAttributeNames": {"#definition": "definition"},
            "ExpressionAttributeValues": {":before": s(_text(before)), ":after": s(_text(after))},
        }
        return Part(SEASON, "Update", request)

    def _until_part(self, board_id: str, end: datetime, condition: str) -> Part:
        request: Item = {
            "TableName": self.table,
            "Key": {"pk": s(keys.board(board_id)), "sk": s(keys.SEASONED)},
            "UpdateExpression": "SET taken_until = :end",
            "ConditionExpression": condition,
            "ExpressionAttributeValues": {":end": n(milliseconds(end))},
        }
        return Part(BOARD, "Update", request)

    def _refused(self, parts: Sequence[Part]) -> frozenset[str]:
        try:
            self._dynamo.transact(parts)
        except CancelledError as error:
            if not error.refused:
                raise ContendedError("the board's seasons are being changed; send the same request again") from error
            return error.refused
        return _NONE


def _key(season_id: str) -> Item:
    return {"pk": s(keys.SEASONS), "sk": s(season_id)}


def _text(season: Season) -> str:
    """Return the part of a season that only operators change."""
    return msgspec.json.encode(replace(season, closed=0)).decode()


def _season(item: Item) -> Season:
    return replace(msgspec.json.decode(item["definition"]["S"], type=Season), closed=int(item["closed"]["N"]))
