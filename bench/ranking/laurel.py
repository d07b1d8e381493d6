"""Laurel, through the services that are deployed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count

from bench.client import Call
from bench.ranking.board import BOARD_ID, STORE, StoredBoard
from bench.ranking.peer import Entry, Footprint, Line
from bench.ranking.population import Population
from chalicelib.domain.records import Submission
from chalicelib.errors import ContendedError, StoreUnavailableError
from chalicelib.services import standings

NAME = "Laurel"
_CURRENT = "current"
_ATTEMPTS = 10
"""The same request again, as every client sends it until it has an answer."""


class Laurel:
    """Submits like a game's end does: with a receipt, the player's profile checked, ranks before and after answered."""

    name, store, exact = NAME, STORE, True

    def __init__(self, board: StoredBoard, writers: Callable[[Population], Iterable[str]]) -> None:
        self.wire, self.version = board.database.wire, board.database.version
        self._board, self._writers = board, writers
        self._submissions = count()

    def load(self, population: Population) -> None:
        self._board.fill(population, self._writers(population))

    def take(self, line: Line) -> None:
        self._services = self._board.services(self._board.database.client_by_line[line])

    def submit(self, player_id: str, score: int) -> None:
        self._board.submitted.add(player_id)
        submission, submission_id = Submission(BOARD_ID, score), f"submission-{next(self._submissions)}"
        for _ in range(_ATTEMPTS):
            with suppress(ContendedError, StoreUnavailableError):
                self._services.games.submit(player_id, submission, submission_id)
                return
        raise RuntimeError("the board stayed too busy for a submission")

    def own_rank(self, player_id: str) -> int:
        return self._services.standings.own(BOARD_ID, _CURRENT, player_id).entry.rank or 0

    def top(self, limit: int) -> list[Entry]:
        return _entries(self._services.standings.top(BOARD_ID, _CURRENT, limit))

    def around(self, player_id: str, size: int) -> list[Entry]:
        return _entries(self._services.standings.around(BOARD_ID, _CURRENT, player_id, size))

    def catch_up(self) -> None:
        self._board.catch_up()

    def footprint(self) -> Footprint:
        return self._board.footprint(with_index=True)

    def drop(self) -> None:
        self._board.drop()

    @contextmanager
    def metered(self) -> Iterator[Sequence[Call]]:
        self._services = self._board.services(self._board.database.observed)
        with self._board.database.metered() as calls:
            yield calls


def _entries(page: standings.Page) -> list[Entry]:
    return [Entry(entry.rank or 0, entry.player_id, entry.score) for entry in page.entries]
