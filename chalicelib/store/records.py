"""The records table: the truth about scores, and the ordered index that lists a board in rank order."""

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct
from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.models import Model

from chalicelib.domain.boards import Board
from chalicelib.domain.layouts import Layout, Listing
from chalicelib.domain.records import Record
from chalicelib.errors import ContendedError
from chalicelib.ranking import order
from chalicelib.ranking.bins import Path, place, shape_of
from chalicelib.ranking.order import Position
from chalicelib.store import keys
from chalicelib.store.dynamo import CancelledError, Dynamo, Item, Part, bind
from chalicelib.store.typed import from_milliseconds, from_seconds, milliseconds, n, s, seconds

_INDEX_BY_LISTING = {Listing.A: "ranking", Listing.B: "ranking_b"}
_STANDING_BY_LISTING = {Listing.A: "standing", Listing.B: "standing_b"}
_INDEX_KEYS = (*_STANDING_BY_LISTING.values(), "order_key")
_END = "~"
"""Sorts after every ordering key, as "" does before."""
_ATTEMPTS = 6


class RankingIndex(GlobalSecondaryIndex["RecordItem"]):
    """A board's visible records in rank order: hidden records have no index keys."""

    class Meta:
        index_name = _INDEX_BY_LISTING[Listing.A]
        projection = IncludeProjection(["display_name", "avatar"])

    standing = UnicodeAttribute(hash_key=True)
    order_key = UnicodeAttribute(range_key=True)


class OtherRankingIndex(GlobalSecondaryIndex["RecordItem"]):
    """The same, for boards whose other listing is read or being filled."""

    class Meta:
        index_name = _INDEX_BY_LISTING[Listing.B]
        projection = IncludeProjection(["display_name", "avatar"])

    standing_b = UnicodeAttribute(hash_key=True)
    order_key = UnicodeAttribute(range_key=True)


class RecordItem(Model):
    class Meta:
        pass

    player_id = UnicodeAttribute(hash_key=True)
    board_period = UnicodeAttribute(range_key=True)
    standing = UnicodeAttribute(null=True)
    standing_b = UnicodeAttribute(null=True)
    order_key = UnicodeAttribute(null=True)
    score = NumberAttribute()
    subscore = NumberAttribute()
    achieved_at = NumberAttribute()
    generation = NumberAttribute()
    display_name = UnicodeAttribute()
    avatar = UnicodeAttribute(null=True)
    hidden = BooleanAttribute(default=False)
    expires_at = NumberAttribute(null=True)
    ranking: ClassVar[RankingIndex] = RankingIndex()
    ranking_b: ClassVar[OtherRankingIndex] = OtherRankingIndex()


class Slice(Struct, frozen=True):
    """A part of a board and period's listing that lies in one partition; ``digits``: () for the whole of it."""

    board: Board
    period_id: str
    layout: Layout
    digits: Path = ()


class Row(Struct, frozen=True):
    """A record as the ordered index shows it."""

    position: Position
    order_key: str
    display_name: str
    avatar: str | None


class RecordStore:
    def __init__(self, table: str, dynamo: Dynamo) -> None:
        self.table = table
        self._dynamo = dynamo
        bind(RecordItem, table, dynamo)

    def key(self, player_id: str, board_id: str, period_id: str) -> Item:
        return {"player_id": s(player_id), "board_period": s(keys.board_period(board_id, period_id))}

    def of_player(self, player_id: str) -> list[Record]:
        """Return all records of a player. One consistent query, 1 MB a page."""
        request: Item = {
            "TableName": self.table,
            "KeyConditionExpression": "player_id = :player_id",
            "ExpressionAttributeValues": {":player_id": s(player_id)},
            "ConsistentRead": True,
        }
        return [_parsed(item) for item in self._dynamo.rows(request)]

    def parsed(self, item: Item) -> Record:
        return _parsed(item)

    def get_many(self, board_id: str, period_id: str, player_ids: Sequence[str]) -> dict[str, Record]:
        """Return the records that exist, by player. One consistent request per 100 players."""
        wanted = [self.key(player_id, board_id, period_id) for player_id in dict.fromkeys(player_ids)]
        found = self._dynamo.batch_get({self.table: wanted}, consistent=True)[self.table]
        return {record.player_id: record for record in map(_parsed, found)}

    def get_all(self, player_id: str, trees: Sequence[tuple[str, str]]) -> list[Record]:
        """Return a player's records that exist of some boards and periods. One consistent request per 100."""
        wanted = [self.key(player_id, board_id, period_id) for board_id, period_id in trees]
        if not wanted:
            return []
        return [_parsed(item) for item in self._dynamo.batch_get({self.table: wanted}, consistent=True)[self.table]]

    def put_part(self, name: str, board: Board, record: Record, before: Record | None) -> Part:
        """Return the write that replaces ``before`` with ``record``, refused if the stored one is another."""
        condition: Item = {"ConditionExpression": "attribute_not_exists(player_id)"}
        if before is not None:
            condition = _unchanged(before)
        return Part(name, "Put", {"TableName": self.table, "Item": _item(board, record), **condition})

    def hide_part(self, name: str, board: Board, record: Record) -> Part:
        """Return the write that hides or shows a record as ``record`` says, refused unless it is one generation older.

        It leaves the rest alone: a new name may have been written since the record was read.
        """
        shown = {} if record.hidden else _index_keys(board, record)
        values: Item = {
            ":hidden": {"BOOL": record.hidden},
            ":generation": n(record.generation),
            ":before": n(record.generation - 1),
            **{f":{key}": value for key, value in shown.items()},
        }
        request = {
            "ConditionExpression": "generation = :before",
            "ExpressionAttributeNames": {"#hidden": "hidden"},
            "ExpressionAttributeValues": values,
        }
        expression = _listing_expression("SET #hidden = :hidden, generation = :generation, ", shown)
        return self._update_part(name, record, expression, request)

    def is_listed(self, board: Board, item: Item) -> bool:
        """Tell whether a stored record stands where every listing in use wants it, and nowhere else."""
        record = _parsed(item)
        wanted = {} if record.hidden else _index_keys(board, record)
        return {name: item[name] for name in _INDEX_KEYS if name in item} == wanted

    def list_part(self, name: str, board: Board, record: Record) -> Part:
        """Return the write that lists a visible record as every layout in use wants it, refused if the record changed.

        Its generation stays: nothing about the record itself is new.
        """
        request = _unchanged(record)
        shown = _index_keys(board, record)
        request["ExpressionAttributeValues"] |= {f":{key}": value for key, value in shown.items()}
        return self._update_part(name, record, _listing_expression("SET ", shown), request)

    def _update_part(self, name: str, record: Record, expression: str, request: Item) -> Part:
        key = self.key(record.player_id, record.board_id, record.period_id)
        return Part(name, "Update", {"TableName": self.table, "Key": key, "UpdateExpression": expression, **request})

    def delete_part(self, name: str, record: Record) -> Part:
        key = self.key(record.player_id, record.board_id, record.period_id)
        return Part(name, "Delete", {"TableName": self.table, "Key": key, **_unchanged(record)})

    def delete_all(self, board_id: str, period_id: str, player_ids: Sequence[str]) -> None:
        """Delete records of a period that is forgotten, whether they exist or not. A request per 25."""
        wanted = [self.key(player_id, board_id, period_id) for player_id in player_ids]
        self._dynamo.delete_all(self.table, wanted)

    def rename(self, record: Record, display_name: str, avatar: str | None, unchanged: Part) -> bool:
        """Show a player's new name and avatar in one record, if it still exists; False if ``unchanged`` does not hold.

        Places and generations do not change. Raises ContendedError when the record or the profile stayed busy.
        """
        for attempt in range(_ATTEMPTS):
            try:
                self._dynamo.transact([unchanged, self._rename_part(record, display_name, avatar)])
            except CancelledError as error:
                if not error.refused:
                    self._dynamo.pause(attempt)
                    continue
                return unchanged.name not in error.refused
            return True
        raise ContendedError("the player's records kept changing; send the same request again")

    def _rename_part(self, record: Record, display_name: str, avatar: str | None) -> Part:
        request: Item = {
            "ConditionExpression": "attribute_exists(player_id)",
            "ExpressionAttributeValues": {":display_name": s(display_name)},
        }
        if avatar is None:
            return self._update_part("record", record, "SET display_name = :display_name REMOVE avatar", request)
        request["ExpressionAttributeValues"][":avatar"] = s(avatar)
        return self._update_part("record", record, "SET display_name = :display_name, avatar = :avatar", request)

    def count_between(self, within: Slice, first: str, last: str) -> int:
        """Return how many order keys lie in [first, last]. Cost: half a read unit per 4 KB of index items between."""
        request = _ranking(self.table, within, "order_key BETWEEN :first AND :last")
        request["ExpressionAttributeValues"] |= {":first": s(first), ":last": s(last)}
        return self._dynamo.count(request)

    def after(self, within: Slice, order_key: str, limit: int) -> list[Row]:
        """Return the rows that follow a key ("" for the top), best first. One query per 1 MB."""
        request = _ranking(self.table, within, "order_key > :key")
        request["ExpressionAttributeValues"][":key"] = s(order_key or " ")
        return [_row(within.board, item) for item in self._dynamo.rows(request, limit)]

    def before(self, within: Slice, order_key: str, limit: int) -> list[Row]:
        """Return the ``limit`` rows just above a key ("" for the bottom), best first."""
        request = _ranking(self.table, within, "order_key < :key")
        request["ExpressionAttributeValues"][":key"] = s(order_key or _END)
        request["ScanIndexForward"] = False
        return [_row(within.board, item) for item in reversed(self._dynamo.rows(request, limit))]


def _ranking(table: str, within: Slice, condition: str) -> Item:
    standing = _STANDING_BY_LISTING[within.layout.listing]
    partition = keys.standing(within.board.board_id, within.period_id, within.layout, within.digits)
    return {
        "TableName": table,
        "IndexName": _INDEX_BY_LISTING[within.layout.listing],
        "KeyConditionExpression": f"{standing} = :standing AND {condition}",
        "ExpressionAttributeValues": {":standing": s(partition)},
    }


def row_of(board: Board, record: Record) -> Row:
    """Return the row the ordered index will show for a record."""
    position = Position(record.score, record.subscore, record.achieved_at, record.player_id)
    return Row(position, order.encode(board, position), record.display_name, record.avatar)


def _listing_expression(setting: str, shown: Item) -> str:
    """Return an update that also writes the index keys of ``shown``, and removes the others."""
    gone = [name for name in _INDEX_KEYS if name not in shown]
    expression = (setting + ", ".join(f"{name} = :{name}" for name in shown)).removesuffix(", ")
    return f"{expression} REMOVE {', '.join(gone)}" if gone else expression


def slice_digits(board: Board, layout: Layout, value: tuple[int, int]) -> Path:
    """Return the slice of a layout's listing in which a directed value stands."""
    return place(shape_of(board, layout), value).path[: layout.slices] if layout.slices else ()


def _unchanged(record: Record) -> Item:
    return {
        "ConditionExpression": "generation = :generation",
        "ExpressionAttributeValues": {":generation": n(record.generation)},
    }


def _item(board: Board, record: Record) -> Item:
    """Return the typed item of a record.

    Written out, not made by the model: this is the hottest write, and the model's way costs twice the time.
    tests/store/test_records.py holds that the model reads and writes the same.
    """
    item = {
        "player_id": s(record.player_id),
        "board_period": s(keys.board_period(record.board_id, record.period_id)),
        "score": n(record.score),
        "subscore": n(record.subscore),
        "achieved_at": n(milliseconds(record.achieved_at)),
        "generation": n(record.generation),
        "display_name": s(record.display_name),
        "hidden": {"BOOL": record.hidden},
    }
    if not record.hidden:
        item |= _index_keys(board, record)
    if record.avatar is not None:
        item["avatar"] = s(record.avatar)
    if record.expires_at is not None:
        item["expires_at"] = n(seconds(record.expires_at))
    return item


def _index_keys(board: Board, record: Record) -> Item:
    """Return what lists a record: its place in every listing in use, and its key in their order."""
    value = board.value(record.score, record.subscore)
    listed: Item = {"order_key": s(row_of(board, record).order_key)}
    for layout in board.indexing(record.period_id).written:
        digits = slice_digits(board, layout, value)
        partition = keys.standing(record.board_id, record.period_id, layout, digits)
        listed[_STANDING_BY_LISTING[layout.listing]] = s(partition)
    return listed


def _parsed(item: Item) -> Record:
    board_id, period_id = keys.board_and_period(item["board_period"]["S"])
    return Record(
        player_id=item["player_id"]["S"],
        board_id=board_id,
        period_id=period_id,
        score=int(item["score"]["N"]),
        subscore=int(item["subscore"]["N"]),
        achieved_at=from_milliseconds(int(item["achieved_at"]["N"])),
        generation=int(item["generation"]["N"]),
        display_name=item["display_name"]["S"],
        avatar=item["avatar"]["S"] if "avatar" in item else None,
        hidden=item["hidden"]["BOOL"],
        expires_at=from_seconds(int(item["expires_at"]["N"])) if "expires_at" in item else None,
    )


def _row(board: Board, item: Item) -> Row:
    order_key = item["order_key"]["S"]
    avatar = item["avatar"]["S"] if "avatar" in item else None
    return Row(order.decode(board, order_key), order_key, item["display_name"]["S"], avatar)
