"""Seasons: making them, ending them early, and finding them, kept in memory for a moment as boards are."""

from collections.abc import Collection, Sequence
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
    MalformedError,
    SeasonClosedError,
    SeasonExistsError,
    SeasonNotFoundError,
)
from chalicelib.services.boards import REMEMBERED, Boards
from chalicelib.services.clock import Clock
from chalicelib.services.tokens import Tokens
from chalicelib.store.seasons import BOARD, SEASON, SeasonStore

_ATTEMPTS = 5
_LISTING = {"of": "seasons"}


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
        found = self._store.after(self._tokens.last_shown(_LISTING, cursor), limit + 1)
        shown, more = found[:limit], len(found) > limit
        return SeasonPage(shown, self._tokens.next_page(_LISTING, shown[-1].season_id) if more else None)

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
            raise MalformedError(f"body.{error.field}: {error}", field=error.field) from error
        if any(each.end - each.start <= self._grace for each in season.rounds):
            raise MalformedError("body.board_id: its periods end before those before them are frozen", field="board_id")
        if self._store.get(season.season_id) is not None:
            raise _refusal(season, {SEASON})
        self._seal(board)
        refused = self._store.create(season)
        if refused:
            raise _refusal(season, refused)
        return self._remember(season)

    def _seal(self, board: Board) -> None:
        if not board.sealed:
            self._boards.seal(board)
            if not self._boards.refreshed(board.board_id).sealed:
                raise ContendedError("the board was being changed; send the same request again")

    def _first(self, board: Board, period_id: str | None) -> Period:
        current = periods.period_at(board.reset, self._clock())
        if period_id is None:
            return current if current.end is None else periods.period_at(board.reset, current.end)
        found = periods.parse(board.reset, period_id)
        if found is None or found.end is None or found.end <= self._clock():
            rule = f"no period of the board, or one that is over; the current one is {current.period_id}"
            raise MalformedError(f"body.first_period: {rule}", field="first_period")
        return found

    def _remember(self, season: Season) -> Season:
        self._remembered[season.season_id] = (season, self._clock())
        return season


def _refusal(season: Season, refused: Collection[str]) -> SeasonExistsError:
    message = f"season {season.season_id!r} exists; choose another id"
    if BOARD in refused:
        message = f"board {season.board_id!r} has a season in these periods, or later; begin after its last round"
    return SeasonExistsError(message, season_id=season.season_id, board_id=season.board_id)
