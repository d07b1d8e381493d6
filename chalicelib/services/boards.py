"""Boards: definitions, kept in memory for a moment, and the rules of changing them."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from itertools import islice, takewhile

from msgspec.structs import replace

from chalicelib.domain import boards, periods, tournaments
from chalicelib.domain.boards import Board, Limits
from chalicelib.domain.layouts import Layouts
from chalicelib.domain.periods import Period, ScheduleError
from chalicelib.domain.records import expiry
from chalicelib.domain.tournaments import Tournament, TournamentError
from chalicelib.errors import (
    BoardExistsError,
    BoardNotFoundError,
    BoardSealedError,
    ContendedError,
    MalformedError,
    PeriodNotFoundError,
    StoreUnavailableError,
    TournamentNotFoundError,
)
from chalicelib.services.clock import Clock
from chalicelib.store.boards import BoardStore

REMEMBERED = timedelta(seconds=5)
"""How long a definition is served from memory. What ends a game reads it afresh all the same."""

_ATTEMPTS = 5


class Boards:
    def __init__(self, store: BoardStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._remembered: dict[str, tuple[Board, datetime]] = {}
        self._listed: tuple[list[Board], datetime] | None = None

    def get(self, board_id: str) -> Board:
        """Return the board, at most five seconds old, or raise BoardNotFoundError."""
        found = self._remembered.get(board_id)
        if found and self._clock() < found[1] + REMEMBERED:
            return found[0]
        return self.refreshed(board_id)

    def known(self, board_id: str) -> Board:
        """Return the board as last seen, however long ago; read it only if it never was."""
        found = self._remembered.get(board_id)
        return found[0] if found else self.refreshed(board_id)

    def last(self, board_id: str) -> Board:
        """Return the board; where it cannot be read now, as it was last seen. For what is shown, and nothing else."""
        try:
            return self.get(board_id)
        except StoreUnavailableError:
            if board_id not in self._remembered:
                raise
            return self._remembered[board_id][0]

    def refreshed(self, board_id: str) -> Board:
        board = self._store.get(board_id)
        if board is None:
            raise BoardNotFoundError(f"there is no board {board_id!r}", board_id=board_id)
        return self.remember(board)

    def remember(self, board: Board) -> Board:
        self._remembered[board.board_id] = (board, self._clock())
        return board

    def all(self) -> list[Board]:
        """Return every board by id, at most five seconds old."""
        if self._listed is None or self._clock() >= self._listed[1] + REMEMBERED:
            self._listed = ([self.remember(board) for board in self._store.all()], self._clock())
        return self._listed[0]

    def all_last(self) -> list[Board]:
        """Return every board by id; where they cannot be read now, as they were last seen. As ``last``, to be shown."""
        try:
            return self.all()
        except StoreUnavailableError:
            if self._listed is None:
                raise
            return self._listed[0]

    def period(self, board: Board, wanted: str) -> Period:
        """Return the period called "current", "previous" or by its id, or raise PeriodNotFoundError."""
        now = self._clock()
        current = board.period_at(now)
        period = _named(board, current, wanted)
        if period is None or _is_to_come(board, period, now):
            raise PeriodNotFoundError(
                f"board {board.board_id!r} has no such period; current is {current.period_id}", period=wanted
            )
        gone = expiry(board, period)
        if gone is not None and now >= gone:
            raise PeriodNotFoundError(f"the period was kept until {gone:%Y-%m-%dT%H:%MZ}", period=wanted)
        return period

    def periods(self, board: Board, count: int, before: str | None = None) -> list[Period]:
        """Return the board's periods since it was made that are still kept, newest first, at most ``count``.

        Args:
            before: Only those before this one, named as for ``period``; None: from the current one on.
        """
        newest = self.period(board, before or "current")
        kept = takewhile(partial(self._kept, board), periods.back_from(board.reset, newest))
        passed = 0 if before is None else 1
        return list(islice(kept, passed, passed + count))

    def _kept(self, board: Board, period: Period) -> bool:
        gone = expiry(board, period)
        return (period.end is None or period.end > board.created_at) and (gone is None or self._clock() < gone)

    def create(self, board: Board) -> Board:
        self._check(board)
        if board.tournament is not None:
            self._check_held(board.tournament)
        if not self._store.create(board):
            raise BoardExistsError(f"board {board.board_id!r} exists; change it with PATCH", board_id=board.board_id)
        self._listed = None
        return self.remember(board)

    def change(self, board_id: str, changes: Mapping[str, object]) -> Board:
        """Replace some fields of a board.

        Raises:
            BoardSealedError: The change would reorder or reinterpret records the board already has had, or break what
                players of a tournament rely on.
        """
        for _ in range(_ATTEMPTS):
            before = self.refreshed(board_id)
            after = replace(before, **changes)  # the API's type names and checks the fields
            self._check(after)
            self._check_sealed(before, after)
            self._check_tournament(before, after)
            stored = self._store.replace(before, after)
            if stored:
                self._listed = None
                return self.remember(stored)
        raise ContendedError(f"board {board_id!r} kept changing; try again")

    def relayout(self, board_id: str, change: Callable[[Layouts], Layouts]) -> Board:
        """Change which layouts of the rank index are in use; ``change`` is given those that are stored."""
        for _ in range(_ATTEMPTS):
            before = self.refreshed(board_id)
            layouts = change(before.layouts)
            if layouts == before.layouts:
                return before
            stored = self._store.replace(before, replace(before, layouts=layouts))
            if stored:
                self._listed = None
                return self.remember(stored)
        raise ContendedError(f"board {board_id!r} kept changing; try again")

    def seal(self, board: Board) -> None:
        """Make the ordering rules final, unless the board changed since it was read.

        Done before the first record is written: from then on a definition in memory can be old, but never wrong about
        order.
        """
        stored = self._store.replace(board, boards.seal(board))
        if stored:
            self.remember(stored)

    def stop(self, board_id: str) -> Board:
        """End a tournament now, and return it; one that is over is returned as it is.

        Raises:
            TournamentNotFoundError: The board is no tournament.
        """
        for _ in range(_ATTEMPTS):
            before, now = self.refreshed(board_id), self._clock()
            tournament = tournament_of(before)
            if tournament.is_over(now) or tournament.stopped_at is not None:
                return before
            stored = self._store.replace(before, replace(before, tournament=replace(tournament, stopped_at=now)))
            if stored:
                self._listed = None
                return self.remember(stored)
        raise ContendedError(f"board {board_id!r} kept changing; try again")

    def _check(self, board: Board) -> None:
        if board.reset is not None:
            try:
                periods.check_schedule(board.reset, self._clock())
            except ScheduleError as error:
                raise MalformedError(f"reset: {error}", field="reset") from error
        if board.reset is not None and board.tournament is not None:
            raise MalformedError("reset: a tournament has one period, and no resets", field="reset")
        _check_limits(board.limits)

    def _check_sealed(self, before: Board, after: Board) -> None:
        changed = boards.sealed_rules_changed(before, after)
        if before.sealed and changed:
            raise BoardSealedError(
                f"board {before.board_id!r} has records: {', '.join(changed)} are final; create another board",
                board_id=before.board_id,
                fields=", ".join(changed),
            )

    def _check_tournament(self, before: Board, after: Board) -> None:
        old, new = before.tournament, after.tournament
        if old == new:
            return
        if old is None or new is None:
            raise BoardSealedError(
                "whether a board is a tournament is decided when it is created; create another board",
                board_id=before.board_id,
                fields="tournament",
            )
        end_is_final = before.sealed and before.retention_days is not None
        changed = tournaments.final_changed(old, new, self._clock(), end_is_final=end_is_final)
        if changed:
            names = ", ".join(f"tournament.{name}" for name in changed)
            raise BoardSealedError(f"{names}: final by now, or may only grow", board_id=before.board_id, fields=names)
        self._check_held(new)

    def _check_held(self, tournament: Tournament) -> None:
        try:
            tournaments.check(tournament, self._clock())
        except TournamentError as error:
            raise MalformedError(f"tournament.{error.field}: {error}", field=f"tournament.{error.field}") from error


def tournament_of(board: Board) -> Tournament:
    """Return the tournament that a board is, or raise TournamentNotFoundError."""
    if board.tournament is None:
        raise TournamentNotFoundError(f"board {board.board_id!r} is no tournament", board_id=board.board_id)
    return board.tournament


def _is_to_come(board: Board, period: Period, now: datetime) -> bool:
    """Tell whether a period cannot be shown yet; that of a tournament can, as who looks forward to it wants to."""
    return board.tournament is None and period.start is not None and period.start > now


def _named(board: Board, current: Period, wanted: str) -> Period | None:
    if wanted == "current":
        return current
    if board.tournament is not None:
        return current if wanted == current.period_id else None
    if wanted == "previous":
        return periods.previous(board.reset, current)
    return periods.parse(board.reset, wanted)


def _check_limits(limits: Limits) -> None:
    if limits.min_score is not None and limits.max_score is not None and limits.min_score > limits.max_score:
        raise MalformedError("limits.min_score must not be greater than limits.max_score", field="limits.min_score")
