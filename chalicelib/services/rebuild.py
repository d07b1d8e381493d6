"""The rebuild: a fresh build of a rank index beside the one that is read, then the switch, while everybody plays on.

From its announcement on, every writer keeps both builds. After a time in which whoever does not know of it yet has
ended, nobody adds a player to the old build alone; then those that are in the old one alone are added, in rank order.
The fresh build is audited before it is read. The old one is written for as long as somebody may still read it, then
forgotten, and its nodes are deleted. Every step can be repeated, and until the switch a rebuild can be given up.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from functools import partial
from itertools import islice

from msgspec import Struct, structs

from chalicelib.domain import periods
from chalicelib.domain.boards import Board
from chalicelib.domain.jobs import Job, JobKind, JobState
from chalicelib.domain.layouts import Indexing, Layout, Layouts, fresh
from chalicelib.errors import ConflictError, MalformedError
from chalicelib.ranking.bins import Path, is_leaf
from chalicelib.ranking.tallies import child_nodes
from chalicelib.services.audit import Audit, AuditPhase, AuditState
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.services.inspection import Inspector
from chalicelib.services.jobs import Jobs, OutOfTime, at, cursor_of, ended, state_of, waiting
from chalicelib.services.relisting import Relisting
from chalicelib.services.rollcall import DEFAULT_PAGES, Build, Pages, RollCall
from chalicelib.services.settle import settlement_of
from chalicelib.store.ranks import UNMARKED, RankStore

_MAX_PASSES = 5
LOOK_AGAIN_AFTER = timedelta(seconds=30)
"""How long before a doubt is looked at again: longer than changes take to be settled, as a rule."""


class RebuildPhase(StrEnum):
    ANNOUNCE = "announce"
    WALK = "walk"
    VERIFY = "verify"
    SWITCH = "switch"
    FORGET = "forget"
    GIVE_UP = "give_up"
    DELETE = "delete"
    UNLIST = "unlist"


_BEFORE_THE_SWITCH = frozenset({RebuildPhase.ANNOUNCE, RebuildPhase.WALK, RebuildPhase.VERIFY, RebuildPhase.SWITCH})


class RebuildState(Struct):
    """How far a rebuild is."""

    old: Layout
    fresh: Layout
    order_key: str = ""
    """Of the last record that was gone through."""
    changed: int = 0
    """Records that this pass had to add to the fresh build."""
    passes: int = 1
    audit: AuditState | None = None
    deleted: Path | None = None
    """The last node that was deleted."""
    outcome: JobState = JobState.DONE
    message: str = ""

    @property
    def kept(self) -> Layout:
        return self.fresh if self.outcome is JobState.DONE else self.old

    @property
    def gone(self) -> Layout:
        return self.old if self.outcome is JobState.DONE else self.fresh


class Options(Struct, frozen=True):
    """The layout wanted; None: as it is."""

    digits: int | None = None
    lanes: int | None = None
    slices: int | None = None

    def applied(self, current: Layout, newest: int) -> Layout:
        """Return the layout of the next build."""
        return fresh(
            current,
            newest,
            digits=current.digits if self.digits is None else self.digits,
            lanes=current.lanes if self.lanes is None else self.lanes,
            slices=current.slices if self.slices is None else self.slices,
        )


_Handler = Callable[[Job, RebuildState, Board], Job]


class Rebuild:
    """Begins, advances and gives up rebuilds. Each step takes a few seconds at most."""

    def __init__(  # noqa: PLR0913  # the composition root names them
        self,
        *,
        jobs: Jobs,
        boards: Boards,
        ranks: RankStore,
        inspector: Inspector,
        roll_call: RollCall,
        relisting: Relisting,
        audit: Audit,
        clock: Clock,
        grace: timedelta,
        pages: Pages = DEFAULT_PAGES,
    ) -> None:
        self._jobs = jobs
        self._boards = boards
        self._ranks = ranks
        self._inspector = inspector
        self._roll_call = roll_call
        self._relisting = relisting
        self._audit = audit
        self._clock = clock
        self._grace = grace
        self._pages = pages
        self._handlers: dict[RebuildPhase, _Handler] = {
            RebuildPhase.ANNOUNCE: self._announce,
            RebuildPhase.WALK: self._walk,
            RebuildPhase.VERIFY: self._verify,
            RebuildPhase.SWITCH: self._switch,
            RebuildPhase.FORGET: self._forget,
            RebuildPhase.GIVE_UP: self._give_up,
            RebuildPhase.DELETE: self._delete,
            RebuildPhase.UNLIST: self._unlist,
        }

    def find(self, board_id: str, period_id: str) -> Job | None:
        return self._jobs.find((JobKind.REBUILD, board_id, period_id))

    def begin(self, board: Board, period_id: str, options: Options) -> Job:
        """Begin a rebuild, or return the one under way if it builds what is wanted.

        Raises:
            ConflictError: Another one is under way.
        """
        before = self.find(board.board_id, period_id)
        if before is not None and before.state is JobState.RUNNING:
            return self._same(before, options)
        indexing = board.indexing(period_id)
        state = RebuildState(indexing.read, options.applied(indexing.read, indexing.newest))
        job = Job(
            kind=JobKind.REBUILD,
            board_id=board.board_id,
            period_id=period_id,
            phase=RebuildPhase.ANNOUNCE,
            cursor=cursor_of(state),
            total=max(0, self._inspector.total(Build(board, period_id, indexing.read))),
            started_at=self._clock(),
        )
        return self._same(self._jobs.begin(job, before), options)

    def is_done(self, board: Board, period_id: str, options: Options) -> bool:
        """Tell whether a layout was asked for and the period has it, nothing being under way: then there is no work."""
        under_way = self.find(board.board_id, period_id)
        if options == Options() or (under_way is not None and under_way.state is JobState.RUNNING):
            return False
        read = board.layout(period_id)
        return options.applied(read, read.generation - 1) == read

    def set_later(self, board_id: str, options: Options) -> str:
        """Set the layout of the periods that have not begun, and return the first of them.

        Raises:
            MalformedError: The board never resets, so there are none.
        """
        board = self._boards.refreshed(board_id)
        if board.reset is None:
            raise MalformedError(f"board {board_id!r} never resets: it has no later periods", field="period")
        first = periods.period_at(board.reset, self._clock() + 2 * self._grace)
        while first.start is not None and first.end is not None and first.start < self._clock() + 2 * self._grace:
            first = periods.period_at(board.reset, first.end)
        self._boards.relayout(board_id, partial(_with_later, first.period_id, options))
        return first.period_id

    def advance(self, job: Job, out_of_time: OutOfTime) -> Job:
        """Work on a rebuild for as long as there is time, and return it as it stands then."""
        return self._jobs.advance(job, self._step, out_of_time)

    def abort(self, job: Job) -> Job:
        """Give a rebuild up, whoever works on it.

        Raises:
            ConflictError: It is past the switch, or has ended.
        """
        state = state_of(job, RebuildState)
        if job.state is not JobState.RUNNING or job.phase not in _BEFORE_THE_SWITCH:
            raise ConflictError(f"the rebuild can no longer be given up: {job.state}, {job.phase}", phase=job.phase)
        state = structs.replace(state, outcome=JobState.ABORTED, message="given up")
        return self._jobs.replace(at(RebuildPhase.GIVE_UP, job, state).released(), job)

    def _same(self, job: Job, options: Options) -> Job:
        state = state_of(job, RebuildState)
        if options.applied(state.fresh, state.fresh.generation - 1) != state.fresh:
            raise ConflictError(
                f"a rebuild is under way, to {state.fresh.digits} digits, {state.fresh.lanes} lanes and "
                f"{state.fresh.slices} slices: let it end, or give it up",
                phase=job.phase,
            )
        return job

    def _step(self, job: Job) -> Job:
        board = self._boards.get(job.board_id)
        return self._handlers[RebuildPhase(job.phase)](job, state_of(job, RebuildState), board)

    def _announce(self, job: Job, state: RebuildState, board: Board) -> Job:
        del board
        both = Indexing(state.old, (state.fresh,))
        self._relayout(job, {Indexing(state.old), both}, both)
        return self._after_grace(at(RebuildPhase.WALK, job, state))

    def _walk(self, job: Job, state: RebuildState, board: Board) -> Job:
        build = Build(board, job.period_id, state.old)
        rows = self._roll_call.after(build, state.order_key, self._pages.settled)
        if not rows:
            return self._passed(job, state, board)
        players = [row.position.player_id for row in rows]
        marks = self._inspector.marks(build, players)
        record_by_player = {record.player_id: record for record in self._inspector.records(build, players)}
        settlements = [settlement_of(board, record_by_player[each]) for each in players if each in record_by_player]
        due = [each for each in settlements if each.is_due(marks.get(each.player_id, UNMARKED))]
        self._inspector.settled(due)
        state.changed += len(due)
        if state.old.listing is not state.fresh.listing:
            state.changed += self._relisting.relist(board, job.period_id, players)
        state.order_key = rows[-1].order_key
        return at(RebuildPhase.WALK, replace(job, done=job.done + len(rows)), state)

    def _passed(self, job: Job, state: RebuildState, board: Board) -> Job:
        """End a pass; go through all once more unless this one found nothing or nothing can be missing."""
        settled = state.changed == 0 or state.passes >= _MAX_PASSES or self._counts_agree(job, state, board)
        state.order_key, state.changed = "", 0
        if not settled:
            state.passes += 1
            return at(RebuildPhase.WALK, replace(job, done=0), state)
        state.audit = AuditState(state.fresh.generation, thorough=False)
        return at(RebuildPhase.VERIFY, replace(job, done=0), state)

    def _counts_agree(self, job: Job, state: RebuildState, board: Board) -> bool:
        """Tell whether both builds counted equally many at one instant, and list alike.

        Whoever counts a player in the fresh build counts him in the old one too: so equal means that none is missing.
        """
        builds = [Build(board, job.period_id, layout) for layout in (state.old, state.fresh)]
        return state.old.listing is state.fresh.listing and self._inspector.count_alike(*builds)

    def _verify(self, job: Job, state: RebuildState, board: Board) -> Job:
        before = state.audit or AuditState(state.fresh.generation, thorough=False)
        looked_before = before.phase is AuditPhase.LOOK_AGAIN
        audit = state.audit = self._audit.step(Build(board, job.period_id, state.fresh), before)
        job = replace(job, done=audit.records)
        if audit.phase is not AuditPhase.DONE:
            job = at(RebuildPhase.VERIFY, job, state)
            wait = audit.phase is AuditPhase.LOOK_AGAIN and not looked_before
            return waiting(job, self._clock() + LOOK_AGAIN_AFTER) if wait else job
        if audit.drift == 0:
            return at(RebuildPhase.SWITCH, job, state)
        state.outcome, state.message = (
            JobState.FAILED,
            f"the fresh build was wrong in {audit.drift} places; see the log",
        )
        return at(RebuildPhase.GIVE_UP, job, state)

    def _switch(self, job: Job, state: RebuildState, board: Board) -> Job:
        del board
        before, after = Indexing(state.old, (state.fresh,)), Indexing(state.fresh, (state.old,))
        self._relayout(job, {before, after}, after)
        return self._after_grace(at(RebuildPhase.FORGET, job, state))

    def _forget(self, job: Job, state: RebuildState, board: Board) -> Job:
        del board
        before, after = Indexing(state.fresh, (state.old,)), Indexing(state.fresh)
        self._relayout(job, {before, after}, after)
        return self._after_grace(at(RebuildPhase.DELETE, job, state))

    def _give_up(self, job: Job, state: RebuildState, board: Board) -> Job:
        if board.layout(job.period_id) == state.fresh:  # the switch was under way when it was given up
            state.outcome, state.message = JobState.DONE, "switched before it could be given up"
            return at(RebuildPhase.FORGET, job, state)
        before, after = Indexing(state.old, (state.fresh,)), Indexing(state.old)
        self._relayout(job, {before, after}, structs.replace(after, given_up=state.fresh.generation))
        return self._after_grace(at(RebuildPhase.DELETE, job, state))

    def _delete(self, job: Job, state: RebuildState, board: Board) -> Job:
        """Delete the nodes that nobody uses any more: children first, so that the root leads to what is left."""
        build = Build(board, job.period_id, state.gone)
        paths = list(islice(self._standing_nodes(build, (), state.deleted), self._pages.nodes))
        self._ranks.delete_nodes(board, job.period_id, state.gone, paths)
        if paths[-1] != ():
            state.deleted = paths[-1]
            return at(RebuildPhase.DELETE, job, state)
        if state.gone.listing is not state.kept.listing:
            state.order_key = ""
            return at(RebuildPhase.UNLIST, replace(job, done=0), state)
        return ended(job, state.outcome, state.message)

    def _standing_nodes(self, build: Build, node: Path, deleted: Path | None) -> Iterator[Path]:
        """Yield the nodes below a node, then itself, without those before one that is known to be deleted."""
        counts = self._inspector.counts(build, [node]).get(node, {})
        for child in child_nodes(build.shape, node, counts, {}):
            if deleted is not None and child < deleted[: len(child)]:
                continue
            if is_leaf(build.shape, (*child, 0)):
                yield child
            else:
                yield from self._standing_nodes(build, child, deleted)
        yield node

    def _unlist(self, job: Job, state: RebuildState, board: Board) -> Job:
        rows = self._roll_call.after(Build(board, job.period_id, state.gone), state.order_key, self._pages.settled)
        if not rows:
            return ended(job, state.outcome, state.message)
        self._relisting.relist(board, job.period_id, [row.position.player_id for row in rows])
        state.order_key = rows[-1].order_key
        return at(RebuildPhase.UNLIST, replace(job, done=job.done + len(rows)), state)

    def _after_grace(self, job: Job) -> Job:
        return waiting(job, self._clock() + self._grace)

    def _relayout(self, job: Job, expected: set[Indexing], wanted: Indexing) -> None:
        """Change which layouts are in use; repeating it changes nothing. Raises ConflictError where others did."""

        def change(layouts: Layouts) -> Layouts:
            current = layouts.of(job.period_id)
            if structs.replace(current, given_up=0) not in expected:
                raise ConflictError(f"the layouts of board {job.board_id!r} changed under the rebuild", phase=job.phase)
            given_up = max(current.given_up, wanted.given_up)
            return layouts.with_period(job.period_id, structs.replace(wanted, given_up=given_up))

        self._boards.relayout(job.board_id, change)


def layouts_of(job: Job) -> tuple[Layout, Layout]:
    """Return the layouts that a rebuild goes from and to."""
    state = state_of(job, RebuildState)
    return state.old, state.fresh


def _with_later(first_id: str, options: Options, layouts: Layouts) -> Layouts:
    current = layouts.of(first_id).read
    earlier = tuple(pair for pair in layouts.since if pair[0] < first_id)
    return structs.replace(layouts, since=(*earlier, (first_id, options.applied(current, current.generation))))
