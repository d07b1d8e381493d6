"""Archiving: a frozen period's listing, walked from the top and written to files, every line held to its record.

The listing is an index and may lag, so each row is compared with the record that it shows; how many rows there have to
be in all, the rank index says. Neither would do alone: a comparison misses who is missing, and a number who stands in
an old place.
"""

from collections.abc import Sequence

from msgspec import Struct, field, structs

from chalicelib.domain.layouts import Layout
from chalicelib.domain.turns import Line, Turn, TurnState
from chalicelib.ranking import rosters
from chalicelib.ranking.rosters import Sighting, Tie
from chalicelib.services.archives import Archives, Manifest, Pair
from chalicelib.services.clock import Clock
from chalicelib.services.inspection import Inspector
from chalicelib.services.rollcall import Build, Pages, RollCall
from chalicelib.store.records import Row, row_of


class ArchiveState(Struct):
    """How far an archive is."""

    layout: Layout
    """Whose listing is walked."""
    order_key: str = ""
    """Of the last record that was written."""
    tie: Tie = field(default_factory=Tie)
    records: int = 0
    files: list[Pair] = field(default_factory=list)
    """The last ones that were written."""
    lists: list[str] = field(default_factory=list)
    """Where those before them are listed: a job is an item, which has no room for all of a large board's."""
    walks: int = 0
    """Walks that ended with another number than the index counts."""
    looks: int = 0
    """Times that the index was read since the last walk."""


class LaggingError(Exception):
    """A listing does not say yet what the records say."""


class Archiving:
    """Each call holds one page of lines."""

    def __init__(
        self, *, inspector: Inspector, roll_call: RollCall, archives: Archives, clock: Clock, pages: Pages
    ) -> None:
        self._inspector = inspector
        self._roll_call = roll_call
        self._archives = archives
        self._clock = clock
        self._pages = pages

    @property
    def bucket(self) -> str:
        return self._archives.bucket

    def counted(self, build: Build) -> int:
        """Return how many records the rank index counts. A read unit per lane."""
        return self._inspector.total(build)

    def write_page(self, build: Build, turn: Turn, revision: int, state: ArchiveState) -> bool:
        """Write the next records of a listing, and note how far it is; False at its end.

        Args:
            revision: Of the job that asks: no other process writes files of that revision.

        Cost: half a read unit for each 4 KB of the listing, one for each record, two requests to S3 or three.

        Raises:
            LaggingError: The listing is behind the records; nothing was written.
        """
        rows = self._rows(build, state.order_key)
        if not rows:
            return False
        ranked = list(rosters.ranked([_sighting(row) for row in rows], state.records, state.tie))
        lines = [_line(tie, row) for (tie, _), row in zip(ranked, rows, strict=True)]
        self._list_files(turn, revision, state)
        number = self._pages.files * len(state.lists) + len(state.files) + 1
        state.files.append(self._archives.put_pair(turn, revision, number, lines))
        state.tie, state.order_key = ranked[-1][0], rows[-1].order_key
        state.records += len(lines)
        return True

    def _list_files(self, turn: Turn, revision: int, state: ArchiveState) -> None:
        if len(state.files) == self._pages.files:
            state.lists.append(self._archives.put_list(turn, revision, state.files))
            state.files = []

    def completed(self, turn: Turn, revision: int, state: ArchiveState) -> Turn:
        """Write the manifest, and return the turn as one that names it. A request, and one for each list of files."""
        manifest = Manifest(
            board_id=turn.board_id,
            period_id=turn.period_id,
            ended_at=turn.ended_at,
            frozen_at=turn.frozen_at,
            archived_at=self._clock(),
            records=state.records,
            files=[*self._archives.listed(state.lists), *state.files],
        )
        name = self._archives.put_manifest(turn, revision, manifest)
        return structs.replace(turn, state=TurnState.ARCHIVED, records=state.records, manifest=name)

    def _rows(self, build: Build, order_key: str) -> list[Row]:
        rows: list[Row] = []
        limit = self._pages.archived
        while len(rows) < limit and (found := self._roll_call.after(build, order_key, limit - len(rows))):
            rows += found
            order_key = found[-1].order_key
        self._require_true(build, rows)
        return rows

    def _require_true(self, build: Build, rows: Sequence[Row]) -> None:
        records = self._inspector.records(build, [row.position.player_id for row in rows])
        key_by_player = {each.player_id: row_of(build.board, each).order_key for each in records if not each.hidden}
        if any(key_by_player.get(row.position.player_id) != row.order_key for row in rows):
            raise LaggingError


def _sighting(row: Row) -> Sighting:
    return Sighting(row.order_key, row.display_name)


def _line(tie: Tie, row: Row) -> Line:
    score, subscore, achieved_at, player_id = row.position
    return Line(tie.rank, player_id, score, subscore, achieved_at)
