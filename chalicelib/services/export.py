"""The export: everybody on a board once, in rank order, written to files while records move.

It goes up the listing, from the last record to the first: a record that only rises meanwhile is met at least once, and
where it is met twice, the second time its ``achieved_at`` is younger than the export. What is that young counts as
moved, and is kept apart. Where records may also fall, a second walk looks for those that moved only. Then both are
merged from the top down: of a player whose record moved, the last sighting counts and any other is left out.

Whoever did not move is in the export once; whoever moved is, in the place of the last sighting. Missing may be, on
boards whose records may fall, who moved twice or more: down past the first walk, then past the second. Memory is
bounded by the records that moved, and a part of the others.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice

import msgspec
from msgspec import Struct, field

from chalicelib.domain.boards import Board, Operator
from chalicelib.domain.jobs import Job, JobKind, JobState
from chalicelib.domain.layouts import Layout
from chalicelib.errors import ConflictError
from chalicelib.ranking import order, rosters
from chalicelib.ranking.rosters import Sighting, Tie
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.services.forms import File, Form, Line, file_of, packed
from chalicelib.services.inspection import Inspector
from chalicelib.services.jobs import Jobs, OutOfTime, at, cursor_of, ended, state_of
from chalicelib.services.rollcall import DEFAULT_PAGES, Build, Pages, RollCall
from chalicelib.store.clients import ClientFailedError
from chalicelib.store.exports import GZIP, JSON, ExportStore, Part
from chalicelib.store.records import Row

MOVED_BEFORE = timedelta(minutes=5)
"""How far an index may lag, and clocks may differ: what changed so long before the export counts as moved too."""


_TOO_MANY = "changed meanwhile: export when fewer do, or when the period is over"


class ExportPhase(StrEnum):
    LIST = "list"
    WRITE = "write"


class ExportState(Struct):
    """How far an export is."""

    layout: Layout
    """Whose listing is walked."""
    form: Form
    since: datetime
    """Records that changed later have moved."""
    passes: int = 1
    still: str = ""
    """The last part of records that did not move."""
    moved: str = ""
    """The last part of those that did."""
    order_key: str = ""
    """Of the last record that was listed, or written."""
    part: str = ""
    """The part of those that did not move in which to go on writing."""
    tie: Tie = field(default_factory=Tie)
    records: int = 0
    """How many were written."""
    changed: int = 0
    """Players whose records moved."""
    files: list[File] = field(default_factory=list)


class Manifest(Struct, frozen=True):
    """What an export is of, and all its files. It is written last: an export without one is not complete."""

    board_id: str
    period_id: str
    form: Form = field(name="format")
    records: int
    changed: int
    """Players whose records changed while the export was made, or up to five minutes before."""
    generation: int
    """Of the layout whose listing was exported."""
    started_at: datetime
    finished_at: datetime
    files: list[File]


_Handler = Callable[[Job, ExportState, Board], Job]


class Export:
    """Begins and advances exports. Each step takes a few seconds at most."""

    def __init__(  # noqa: PLR0913  # the composition root names them
        self,
        *,
        jobs: Jobs,
        boards: Boards,
        inspector: Inspector,
        roll_call: RollCall,
        store: ExportStore,
        clock: Clock,
        pages: Pages = DEFAULT_PAGES,
    ) -> None:
        self._jobs = jobs
        self._boards = boards
        self._inspector = inspector
        self._roll_call = roll_call
        self._store = store
        self._clock = clock
        self._pages = pages
        self._moved: tuple[str, Mapping[str, Sighting]] = ("", {})
        self._handlers: dict[ExportPhase, _Handler] = {
            ExportPhase.LIST: self._list,
            ExportPhase.WRITE: self._write,
        }

    @property
    def bucket(self) -> str:
        return self._store.bucket

    def find(self, board_id: str, period_id: str) -> Job | None:
        return self._jobs.find((JobKind.EXPORT, board_id, period_id))

    def begin(self, board: Board, period_id: str, form: Form) -> Job:
        """Begin an export, or return the one under way if it has the form wanted.

        Raises:
            ConflictError: One of another form is under way, or the deployment has no bucket for exports.
        """
        if not self._store.bucket:
            raise ConflictError("this deployment has no bucket for exports: LAUREL_EXPORTS_BUCKET is not set")
        before = self.find(board.board_id, period_id)
        if before is not None and before.state is JobState.RUNNING:
            return _same(before, form)
        layout = board.layout(period_id)
        job = Job(
            kind=JobKind.EXPORT,
            board_id=board.board_id,
            period_id=period_id,
            phase=ExportPhase.LIST,
            cursor=cursor_of(self._first(layout, form)),
            total=max(0, self._inspector.total(Build(board, period_id, layout))),
            started_at=self._clock(),
        )
        return _same(self._jobs.begin(job, before), form)

    def advance(self, job: Job, out_of_time: OutOfTime) -> Job:
        """Work on an export for as long as there is time, and return it as it stands then."""
        return self._jobs.advance(job, self._step, out_of_time)

    def _first(self, layout: Layout, form: Form) -> ExportState:
        return ExportState(layout, form, self._clock() - MOVED_BEFORE)

    def _step(self, job: Job) -> Job:
        try:
            return self._handlers[ExportPhase(job.phase)](job, exported(job), self._boards.get(job.board_id))
        except ClientFailedError as error:
            if not error.lasts:
                raise
            return ended(job, JobState.FAILED, f"{error.message}: see to the bucket {self.bucket}, then export anew")

    def _list(self, job: Job, state: ExportState, board: Board) -> Job:
        layout = board.layout(job.period_id)
        if layout.listed_since != state.layout.listed_since:  # the listing that was walked is about to be taken away
            return at(ExportPhase.LIST, replace(job, done=0), self._first(layout, state.form))
        build = Build(board, job.period_id, state.layout)
        ascent = self._roll_call.above(build, state.order_key, self._pages)
        self._keep(job, state, ascent.rows)
        state.order_key = ascent.order_key
        if ascent.order_key:
            return at(ExportPhase.LIST, replace(job, done=job.done + len(ascent.rows)), state)
        if board.operator is not Operator.BEST and state.passes == 1:
            state.passes = 2
            return at(ExportPhase.LIST, replace(job, done=0), state)
        state.part = state.still
        return at(ExportPhase.WRITE, replace(job, done=0), state)

    def _keep(self, job: Job, state: ExportState, rows: list[Row]) -> None:
        """Store what was listed, the best first, in parts that no other runner's step can take for its own."""
        best_first = rows[::-1]
        still = [_sighting(row) for row in best_first if row.position.achieved_at < state.since]
        moved = [_sighting(row) for row in best_first if row.position.achieved_at >= state.since]
        name = f"work/{_folder(job)}/{job.revision:08d}"
        if still and state.passes == 1:
            self._store.put_part(f"{name}-still", Part(state.still, still))
            state.still = f"{name}-still"
        if moved:
            self._store.put_part(f"{name}-moved", Part(state.moved, moved))
            state.moved = f"{name}-moved"

    def _write(self, job: Job, state: ExportState, board: Board) -> Job:
        moved = self._moved_of(state)
        if len(moved) > self._pages.moved:
            self._moved = "", {}
            return ended(job, JobState.FAILED, f"more than {self._pages.moved:,} records {_TOO_MANY}")
        state.changed = len(moved)
        reader = _Reader(self._store, state.part)
        everybody = rosters.merged(reader.sightings(), moved, state.order_key)
        page = list(rosters.ranked(islice(everybody, self._pages.lines), state.records, state.tie))
        if page:
            self._write_file(job, state, [_line(board, tie, sighting) for tie, sighting in page])
            state.tie, state.part = page[-1][0], reader.part
            state.order_key = page[-1][1].order_key
        job = at(ExportPhase.WRITE, replace(job, done=state.records, total=max(job.total, state.records)), state)
        return job if len(page) == self._pages.lines else self._finished(job, state)

    def _moved_of(self, state: ExportState) -> Mapping[str, Sighting]:
        """Return the last sightings of what moved, best first; remembered, for every step needs them."""
        if self._moved[0] != state.moved:
            sightings = (each for _, part in self._store.parts(state.moved) for each in part.sightings)
            self._moved = state.moved, rosters.in_rank_order(rosters.newest(sightings, self._pages.moved + 1))
        return self._moved[1] if state.moved else {}

    def _write_file(self, job: Job, state: ExportState, lines: list[Line]) -> None:
        name = f"exports/{_folder(job)}/part-{len(state.files) + 1:05d}.{state.form}.gz"
        content = packed(state.form, lines, first=not state.files)
        self._store.put_file(name, content, GZIP)
        state.files.append(file_of(name, lines, content))
        state.records += len(lines)

    def _finished(self, job: Job, state: ExportState) -> Job:
        content = msgspec.json.format(msgspec.json.encode(self._manifest(job, state)), indent=2)
        self._store.put_file(manifest_name(job), content, JSON)
        self._moved = "", {}
        return ended(replace(job, total=state.records), JobState.DONE, "")

    def _manifest(self, job: Job, state: ExportState) -> Manifest:
        return Manifest(
            board_id=job.board_id,
            period_id=job.period_id,
            form=state.form,
            records=state.records,
            changed=state.changed,
            generation=state.layout.generation,
            started_at=job.started_at,
            finished_at=self._clock(),
            files=state.files,
        )


class _Reader:
    """Reads parts, the best first; ``part`` is the one that the last sighting came from."""

    def __init__(self, store: ExportStore, part: str) -> None:
        self._store = store
        self.part = part

    def sightings(self) -> Iterator[Sighting]:
        for self.part, part in self._store.parts(self.part):  # noqa: B020  # where to begin is read once
            yield from part.sightings


def exported(job: Job) -> ExportState:
    """Return how far an export is."""
    return state_of(job, ExportState)


def manifest_name(job: Job) -> str:
    """Return the key of an export's manifest, beside its files."""
    return f"exports/{_folder(job)}/manifest.json"


def _same(job: Job, form: Form) -> Job:
    under_way = exported(job).form
    if under_way is not form:
        raise ConflictError(f"an export is under way, as {under_way}: let it end", phase=job.phase)
    return job


def _folder(job: Job) -> str:
    return f"{job.board_id}/{job.period_id}/{job.job_id}"


def _sighting(row: Row) -> Sighting:
    return Sighting(row.order_key, row.display_name)


def _line(board: Board, tie: Tie, sighting: Sighting) -> Line:
    score, subscore, achieved_at, player_id = order.decode(board, sighting.order_key)
    return Line(tie.rank, player_id, sighting.display_name, score, subscore, achieved_at)
