"""Boards: definitions and standings, open to everybody; ``me`` needs a player's token."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from chalicelib.api.links import Links
from chalicelib.api.routing import Access, Api
from chalicelib.api.wire import (
    Answer,
    BoardPath,
    BoardPlayerPath,
    BoardView,
    Cursor,
    Limit,
    OwnEntryView,
    PageView,
    PeriodName,
    PeriodQuery,
    Position,
    board_view,
    own_entry_view,
    page_view,
)
from chalicelib.bootstrap.serving import services
from chalicelib.errors import (
    BoardNotFoundError,
    CursorError,
    GameError,
    MalformedError,
    PeriodNotFoundError,
    RecordNotFoundError,
)

api = Api("boards")

BOARD_ERRORS: tuple[type[GameError], ...] = (BoardNotFoundError, PeriodNotFoundError)
_ENTRY: tuple[type[GameError], ...] = (*BOARD_ERRORS, RecordNotFoundError)
MAX_FRIENDS = 50


class PageQuery(PeriodQuery):
    limit: Limit = 20
    cursor: Annotated[Cursor, Meta(description="`next_cursor` or `previous_cursor` of another page.")] | UnsetType = (
        UNSET
    )
    from_rank: (
        Annotated[Position, Meta(description="Begin with the entry in this place, or the first that it ties with.")]
        | UnsetType
    ) = UNSET


class AroundQuery(PeriodQuery):
    size: Annotated[int, Meta(ge=1, le=100, description="Entries in all.")] = 11


class FriendsQuery(PeriodQuery, kw_only=True):
    ids: Annotated[
        str,
        Meta(
            pattern=rf"^[0-9a-f]{{32}}(,[0-9a-f]{{32}}){{0,{MAX_FRIENDS - 1}}}\Z",
            description=f"1 to {MAX_FRIENDS} player ids, separated by commas.",
        ),
    ]


class BoardsView(Answer):
    boards: list[BoardView]


class BoardTotalView(Answer):
    board: Annotated[BoardView, Meta(description="Its `period` is the one asked for.")]
    total: Annotated[int, Meta(description="Records ranked in that period.")]


@api.route("GET", "/boards")
def every() -> BoardsView:
    """Return all boards with their current periods."""
    return BoardsView(boards=[board_view(board, period) for board, period in services().lobbies.front().boards])


@api.route("GET", "/boards/{board_id}", errors=BOARD_ERRORS)
def one(path: BoardPath, query: PeriodQuery) -> BoardTotalView:
    """Return a board, one of its periods, and how many records are ranked in it."""
    board, period, total = services().standings.total(path.board_id, query.period)
    return BoardTotalView(board=board_view(board, period), total=total)


@api.route("GET", "/boards/{board_id}/entries", errors=(*BOARD_ERRORS, CursorError))
def entries(path: BoardPath, query: PageQuery, links: Links) -> PageView:
    """Return a page of entries: the top, at a cursor, or from a rank on. Give at most one of the two."""
    standings, where = services().standings, (path.board_id, query.period)
    if query.cursor is not UNSET and query.from_rank is not UNSET:
        raise MalformedError("query: expected at most one of cursor and from_rank", field="query")
    if query.cursor is not UNSET:
        return page_view(standings.page(*where, query.cursor, query.limit), links)
    if query.from_rank is not UNSET:
        return page_view(standings.from_rank(*where, query.from_rank, query.limit), links)
    return page_view(standings.top(*where, query.limit), links)


@api.route("GET", "/boards/{board_id}/entries/me", access=Access.PLAYER, errors=_ENTRY)
def own_entry(caller: str, path: BoardPath, query: PeriodQuery, links: Links) -> OwnEntryView:
    """Return the signed-in player's entry with rank, total and percentile."""
    return _own_entry(path.board_id, query.period, caller, links)


@api.route("GET", "/boards/{board_id}/entries/{player_id}", errors=_ENTRY)
def entry(path: BoardPlayerPath, query: PeriodQuery, links: Links) -> OwnEntryView:
    """Return a player's entry with rank, total and percentile."""
    return _own_entry(path.board_id, query.period, path.player_id, links)


@api.route("GET", "/boards/{board_id}/around/me", access=Access.PLAYER, errors=_ENTRY)
def around_own(caller: str, path: BoardPath, query: AroundQuery, links: Links) -> PageView:
    """Return the entries around the signed-in player."""
    return page_view(services().standings.around(path.board_id, query.period, caller, query.size), links)


@api.route("GET", "/boards/{board_id}/around/{player_id}", errors=_ENTRY)
def around(path: BoardPlayerPath, query: AroundQuery, links: Links) -> PageView:
    """Return the entries around a player."""
    return page_view(services().standings.around(path.board_id, query.period, path.player_id, query.size), links)


@api.route("GET", "/boards/{board_id}/players", errors=BOARD_ERRORS)
def friends(path: BoardPath, query: FriendsQuery, links: Links) -> PageView:
    """Return the entries of some players, best first, with their ranks on the whole board."""
    return page_view(services().standings.among(path.board_id, query.period, query.ids.split(",")), links)


def _own_entry(board_id: str, period: PeriodName, player_id: str, links: Links) -> OwnEntryView:
    board = services().boards.get(board_id)
    found = services().boards.period(board, period)
    return own_entry_view(board, found, services().standings.own(board_id, period, player_id), links)
