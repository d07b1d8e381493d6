"""Seasons: making them, ending them early, and finding them, kept in memory for a moment as boards are."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain import periods, seasons
from chalicelib.domain.boards import Board
from chalicelib.domain.periods import Period
from chalicelib.domain.rewards import Claiming
from chalicelib.domain.seasons import Cut, Fill, Prize, Round, Season, SeasonError
from chalicelib.errors import (
    ContendedError,
    CursorError,
    MalformedError,
    SeasonClosedError,
    SeasonExistsError,
    SeasonNotFoundError,
)
from chalicelib.services.boards import REMEMBERED, Boards
from chalicelib.services.clock import Clock
from chalicelib.services.tokens import Tokens
from chalicelib.store.seasons import BOARD, SeasonStore

_ATTEMPTS = 5
_OF_SEASONS = "seasons"


class SeasonPage(Struct, frozen=True):
    """Seasons by id; ``next_cursor`` is None on the last page."""

    seasons: list[Season]
    next_cursor: str | None


class Seasons:
    def __init__(self, *, store: SeasonStore, boards: Boards, tokens: Tokens, clock: Clock, grace: timedelta) -> None:
        self._store = store
        self._boards = boards
        self._tokens = tokens
        self._clock = clock
        self._grace = grace
        self._remembered: dict[str, tuple[Season, datetime]] = {}

    def all(self) -> list[Season]:
        """Return every season by id. One Query, 1 MB a page."""
        return [self._remember(season) for season in self._store.all()]

    def page(self, limit: int, cursor: str | None = None) -> SeasonPage:
        """Return some seasons. One Query.

        Raises:
            CursorError: Forged, or made for something else.
        """
        found = self._store.after(self._opened(cursor) if cursor else "", limit + 1)
        shown = found[:limit]
        return SeasonPage(shown, self._cursor(shown[-1]) if len(found) > limit else None)

    def get(self, season_id: str) -> Season:
        """Return a season, at most five seconds old, or raise SeasonNotFoundError."""
        found = self._remembered.get(season_id)
        if found and self._clock() < found[1] + REMEMBERED:
            return found[0]
        return self.refreshed(season_id)

    def refreshed(self, season_id: str) -> Season:
        season = self._store.get(season_id)
        if season is None:
            raise SeasonNotFoundError(f"there is no season {season_id!r}", season_id=season_id)
        return self._remember(season)

    def under_way(self, season: Season) -> Round | None:
        """Return the round under way; None before the first and after the last."""
        return season.round_at(self._clock())

    def current(self, season: Season) -> Round:
        """Return the round under way, or raise SeasonClosedError."""
        found = self.under_way(season)
        if found is None:
            raise SeasonClosedError("no round of this season is under way", season_id=season.season_id)
        return found

    def create(  # noqa: PLR0913  # a season is this much
        self,
        *,
        season_id: str,
        board_id: str,
        title: str,
        first_period: str | None,
        rounds: int,
        tiers: Sequence[str],
        bucket_size: int,
        promote: Cut,
        relegate: Cut,
        fill: Fill = Fill.FIRST_COME,
        bands: int = 1,
        prizes: Sequence[Prize] = (),
        claim: Claiming = Claiming.AUTOMATIC,
    ) -> Season:
        """Make a season, and the rules of its board final: its rounds are the board's periods.

        Args:
            first_period: The id of the first round's; None for the next that begins.

        Raises:
            MalformedError: It makes no sense, or the board does not reset.
            SeasonExistsError: The id is taken, or the board is in one of these periods.
        """
        board = self._boards.refreshed(board_id)
        if board.reset is None:
            raise MalformedError("body.board_id: a season needs a board that resets", field="board_id")
        season = Season(
            season_id=season_id,
            board_id=board_id,
            title=title,
            tiers=tuple(tiers),
            rounds=seasons.rounds_of(board.reset, self._first(board, first_period), rounds),
            bucket_size=bucket_size,
            fill=fill,
            bands=bands,
            promote=promote,
            relegate=relegate,
            prizes=tuple(prizes),
            claim=claim,
            created_at=self._clock(),
        )
        return self._created(board, season)

    def end(self, season_id: str) -> Season:
        """Let a season end with the round that is under way, or begins within a moment; before its first, at once."""
        for _ in range(_ATTEMPTS):
            before = self.refreshed(season_id)
            after = seasons.ended(before, self._clock(), self._grace)
            if after.rounds == before.rounds or self._store.shorten(before, after):
                return self._remember(after)
        raise ContendedError("the season kept changing; send the same request again", season_id=season_id)

    def close(self, season: Season, number: int) -> Season:
        """Note that a round is done with. One write."""
        self._store.close(season.season_id, number)
        return self._remember(replace(season, closed=number))

    def _created(self, board: Board, season: Season) -> Season:
        try:
            seasons.check(season)
        except SeasonError as error:
            raise MalformedError(f"body.{error}", field="season") from error
        if any(each.end - each.start <= self._grace for each in season.rounds):
            raise MalformedError("body.board_id: its periods end before those before them are frozen", field="board_id")
        if not board.sealed:
            self._boards.seal(board)
            board = self._boards.refreshed(board.board_id)
            if not board.sealed:
                raise ContendedError("the board was being changed; send the same request again")
        refused = self._store.create(season)
        if refused:
            what = (
                f"board {board.board_id!r} has a season" if BOARD in refused else f"season {season.season_id!r} exists"
            )
            raise SeasonExistsError(what, season_id=season.season_id, board_id=board.board_id)
        return self._remember(season)

    def _first(self, board: Board, period_id: str | None) -> Period:
        current = periods.period_at(board.reset, self._clock())
        if period_id is None:
            return current if current.end is None else periods.period_at(board.reset, current.end)
        found = periods.parse(board.reset, period_id)
        if found is None or found.end is None or found.end <= self._clock():
            raise MalformedError("body.first_period: no period of the board, or one that is over", field="first_period")
        return found

    def _remember(self, season: Season) -> Season:
        self._remembered[season.season_id] = (season, self._clock())
        return season

    def _cursor(self, last: Season) -> str:
        return self._tokens.cursor({"of": _OF_SEASONS, "after": last.season_id})

    def _opened(self, cursor: str) -> str:
        values = self._tokens.read_cursor(cursor)
        if values.get("of") != _OF_SEASONS:
            raise CursorError("the cursor was made for another listing; start from the first page")
        return values["after"]
