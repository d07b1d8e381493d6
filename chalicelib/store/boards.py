"""The boards table: one item per board definition."""

import msgspec
from msgspec.structs import replace
from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from chalicelib.domain.boards import Board, Limits, Operator, SortOrder
from chalicelib.domain.layouts import Layouts
from chalicelib.domain.tournaments import Tournament
from chalicelib.store.dynamo import ConditionFailedError, Dynamo, Item, Part, bind, revision_part, translated
from chalicelib.store.typed import from_milliseconds, milliseconds, s


class BoardItem(Model):
    class Meta:
        pass

    board_id = UnicodeAttribute(hash_key=True)
    title = UnicodeAttribute()
    unit = UnicodeAttribute()
    sort_order = UnicodeAttribute()
    subscore_order = UnicodeAttribute(null=True)
    operator = UnicodeAttribute()
    reset = UnicodeAttribute(null=True)
    min_score = NumberAttribute(null=True)
    max_score = NumberAttribute(null=True)
    max_per_second = NumberAttribute(null=True)
    authoritative = BooleanAttribute()
    retention_days = NumberAttribute(null=True)
    tournament = UnicodeAttribute(null=True)
    layouts = UnicodeAttribute()
    created_at = NumberAttribute()
    revision = NumberAttribute()
    sealed = BooleanAttribute()


class BoardStore:
    """Reads and conditional writes of board definitions. One request each, except ``all``."""

    def __init__(self, table: str, dynamo: Dynamo) -> None:
        self.table = table
        bind(BoardItem, table, dynamo)

    def key(self, board_id: str) -> Item:
        return {"board_id": s(board_id)}

    def get(self, board_id: str) -> Board | None:
        try:
            with translated():
                return _board(BoardItem.get(board_id, consistent_read=True))
        except BoardItem.DoesNotExist:
            return None

    def all(self) -> list[Board]:
        """Return every board by id. Cost: a scan of the boards table, which holds nothing else."""
        with translated():
            return sorted(map(_board, BoardItem.scan()), key=lambda board: board.board_id)

    def parsed(self, item: Item) -> Board:
        return _board(BoardItem.from_raw_data(item))

    def create(self, board: Board) -> bool:
        """Store a new board; False when its id is taken."""
        try:
            with translated():
                _item(board).save(BoardItem.board_id.does_not_exist())
        except ConditionFailedError:
            return False
        return True

    def replace(self, before: Board, after: Board) -> Board | None:
        """Store ``after`` unless the board changed since ``before`` was read; None when it did."""
        after = replace(after, revision=before.revision + 1)
        try:
            with translated():
                _item(after).save(BoardItem.revision == before.revision)
        except ConditionFailedError:
            return None
        return after

    def unchanged_part(self, name: str, board: Board) -> Part:
        """Return the check that a board is as it was read."""
        return revision_part(name, self.table, self.key(board.board_id), board.revision)


def _item(board: Board) -> BoardItem:
    return BoardItem(
        board.board_id,
        title=board.title,
        unit=board.unit,
        sort_order=board.sort_order.value,
        subscore_order=board.subscore_order and board.subscore_order.value,
        operator=board.operator.value,
        reset=board.reset,
        min_score=board.limits.min_score,
        max_score=board.limits.max_score,
        max_per_second=board.limits.max_per_second,
        authoritative=board.authoritative,
        retention_days=board.retention_days,
        tournament=board.tournament and msgspec.json.encode(board.tournament).decode(),
        layouts=msgspec.json.encode(board.layouts).decode(),
        created_at=milliseconds(board.created_at),
        revision=board.revision,
        sealed=board.sealed,
    )


def _board(item: BoardItem) -> Board:
    return Board(
        board_id=item.board_id,
        title=item.title,
        unit=item.unit,
        sort_order=SortOrder(item.sort_order),
        subscore_order=SortOrder(item.subscore_order) if item.subscore_order else None,
        operator=Operator(item.operator),
        reset=item.reset,
        limits=Limits(_whole(item.min_score), _whole(item.max_score), _whole(item.max_per_second)),
        authoritative=item.authoritative,
        retention_days=_whole(item.retention_days),
        tournament=msgspec.json.decode(item.tournament, type=Tournament) if item.tournament else None,
        layouts=msgspec.json.decode(item.layouts, type=Layouts),
        created_at=from_milliseconds(item.created_at),
        revision=int(item.revision),
        sealed=item.sealed,
    )


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)
