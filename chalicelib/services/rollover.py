"""The rollover: a period that is over is archived, its players are given their rewards, and are told.

Each board's periods are turned one after the other, the oldest first, so that runs that were missed are made up for. A
turn is a job of small steps: whichever process dies wherever, another one goes on from the last step that was saved,
and repeats no more than that step, which does no harm.

What cannot be settled now is looked at again later; nothing is archived in doubt. From the manifest on, the archive is
what counts: rewards follow it, whatever moderation does to the records.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct, structs

from chalicelib import logs
from chalicelib.domain import turns
from chalicelib.domain.boards import Board
from chalicelib.domain.jobs import Job, JobKind, JobState
from chalicelib.domain.turns import Ended, Turn, TurnState
from chalicelib.errors import ConflictError
from chalicelib.services.archiving import ArchiveState, Archiving, LaggingError
from chalicelib.services.boards import Boards
from chalicelib.services.bulkheads import Bulkheads
from chalicelib.services.clock import Clock
from chalicelib.services.jobs import Jobs, OutOfTime, at, cursor_of, ended, state_of, waiting
from chalicelib.services.rewarding import Rewarding, RewardState
from chalicelib.services.rollcall import Build
from chalicelib.store.clients import ClientFailedError
from chalicelib.store.reward_rules import RuleStore
from chalicelib.store.turns import TurnStore

LAG = timedelta(seconds=5)
"""How soon a listing that was behind is read again."""
LOOK_AGAIN_AFTER = timedelta(seconds=30)
"""How soon counters that say otherwise are read again; twice as long after each whole walk."""
LONGEST_WAIT = timedelta(minutes=30)
BLOCKED = timedelta(minutes=5)
"""How soon to try again what the bucket or the topic refused."""
_LOOKS = 4
_MOST_WALKS = 10
"""As far as walks are counted: by then they come at the longest wait."""
_METRICS = {"records_archived": "Count", "players_rewarded": "Count"}
_log = logging.getLogger(logs.LOGGER_NAME)


class RolloverPhase(StrEnum):
    ARCHIVE = "archive"
    VERIFY = "verify"
    REWARD = "reward"
    NOTIFY = "notify"


_Handler = Callable[[Job, Board, Turn], Job]


class Rollover:
    """Turns periods. Each step takes a few seconds at most."""

    def __init__(  # noqa: PLR0913  # the composition root names them
        self,
        *,
        jobs: Jobs,
        boards: Boards,
        turns: TurnStore,
        rules: RuleStore,
        archiving: Archiving,
        rewarding: Rewarding,
        clock: Clock,
        grace: timedelta,
    ) -> None:
        self._jobs = jobs
        self._boards = boards
        self._turns = turns
        self._rules = rules
        self._archiving = archiving
        self._rewarding = rewarding
        self._clock = clock
        self._grace = grace
        self._handlers: dict[RolloverPhase, _Handler] = {
            RolloverPhase.ARCHIVE: self._archive,
            RolloverPhase.VERIFY: self._verify,
            RolloverPhase.REWARD: self._reward,
            RolloverPhase.NOTIFY: self._notify,
        }

    def keep(self, boards: Iterable[Board], out_of_time: OutOfTime) -> list[Job]:
        """Turn what is over of some boards, and return the jobs that were worked on.

        What goes wrong with one board holds up no other one: it is logged, and raised when all were seen to.

        Cost, when there is nothing to do: a read unit a board.
        """
        if not self._archiving.bucket:
            _log.warning("rollover_without_bucket")
            return []
        board_by_id = {board.board_id: board for board in boards}
        turned_until = self._turns.turned_until(list(board_by_id))
        jobs: list[Job] = []
        bulkheads = Bulkheads()
        for board_id, board in board_by_id.items():
            if out_of_time():
                break
            with bulkheads.around(board_id=board_id):
                jobs += self._caught_up(board, turned_until.get(board_id), out_of_time)
        bulkheads.raise_first()
        return jobs

    def ended(self, board: Board, period: str) -> Ended:
        """Return the period of a board called "previous" or by its id.

        Raises:
            PeriodNotFoundError: There is no such period, or none that is kept.
            ConflictError: It is not frozen.
        """
        found = self._boards.period(board, period)
        over = turns.ended(found, self._latest_end())
        if over is None:
            rule = f"can be turned from {found.end + self._grace:%Y-%m-%dT%H:%M:%SZ} on" if found.end else "never ends"
            raise ConflictError(f"period {found.period_id} of board {board.board_id!r} {rule}", period=period)
        return over

    def turn(self, board: Board, period: Ended, out_of_time: OutOfTime) -> list[Job]:
        """Work on the turn of a period for as long as there is time, and return its job; none when all is done.

        Raises:
            ConflictError: The deployment has no bucket to archive into.
        """
        if not self._archiving.bucket:
            raise ConflictError("this deployment has no bucket for archives: LAUREL_EXPORTS_BUCKET is not set")
        if self._begun(board, period).is_over:
            return []
        before = self._jobs.find((JobKind.ROLLOVER, board.board_id, period.period_id))
        running = before is not None and before.state is JobState.RUNNING
        job = before if before and running else self._begin(board, period.period_id, before)
        return [self._jobs.advance(job, self._step, out_of_time)]

    def find(self, board_id: str, period_id: str) -> Turn:
        """Return how far the turn of a period is that has begun."""
        return self._stored(board_id, period_id)

    def find_all(self, jobs: Sequence[Job]) -> list[Turn]:
        """Return how far the turns are that jobs worked on, in order. One request per 100."""
        trees = [(job.board_id, job.period_id) for job in jobs]
        turn_by_tree = self._turns.get_many(trees)
        return [turn_by_tree[tree] for tree in trees]

    def _caught_up(self, board: Board, turned_until: datetime | None, out_of_time: OutOfTime) -> Iterator[Job]:
        while (period := turns.due(board, turned_until, self._latest_end())) and not out_of_time():
            turned_until = self._nothing_left(board, period)
            if turned_until is None:
                jobs = self.turn(board, period, out_of_time)
                yield from jobs
                if any(job.state is JobState.RUNNING for job in jobs):
                    return
                turned_until = period.ended_at
            self._turns.move(board.board_id, turned_until)

    def _latest_end(self) -> datetime:
        """Return up to when nobody is left who takes a period for open: to play, set its rules, or put off its end."""
        return self._clock() - self._grace

    def _nothing_left(self, board: Board, period: Ended) -> datetime | None:
        """Return where to go on if a period's records expired before its turn began."""
        kept_since = turns.kept_since(board, self._clock())
        if kept_since is None or period.ended_at > kept_since or self._turns.get(board.board_id, period.period_id):
            return None
        _log.warning("periods_missed", extra={"board_id": board.board_id, "first": period.period_id})
        return kept_since

    def _begun(self, board: Board, period: Ended) -> Turn:
        """Return the turn of a period, begun with the rules of rewards that stood at its end."""
        found = self._turns.get(board.board_id, period.period_id)
        if found is not None:
            return found
        turn = Turn(
            board_id=board.board_id,
            period_id=period.period_id,
            ended_at=period.ended_at,
            frozen_at=period.ended_at + self._grace,
            rules=self._rules.newest(board.board_id, period.ended_at),
        )
        return turn if self._turns.begin(turn) else self._stored(turn.board_id, turn.period_id)

    def _stored(self, board_id: str, period_id: str) -> Turn:
        turn = self._turns.get(board_id, period_id)
        if turn is None:
            raise LookupError(f"the turn of {board_id} {period_id} is gone")
        return turn

    def _begin(self, board: Board, period_id: str, before: Job | None) -> Job:
        layout = board.layout(period_id)
        job = Job(
            kind=JobKind.ROLLOVER,
            board_id=board.board_id,
            period_id=period_id,
            phase=RolloverPhase.ARCHIVE,
            cursor=cursor_of(ArchiveState(layout)),
            total=max(0, self._archiving.counted(Build(board, period_id, layout))),
            started_at=self._clock(),
        )
        return self._jobs.begin(job, before)

    def _step(self, job: Job) -> Job:
        board, turn = self._boards.get(job.board_id), self._stored(job.board_id, job.period_id)
        if turn.is_over:
            return self._finished(job, turn, turn.state)
        if turns.is_forgotten(board, turn, self._clock()):
            return self._finished(job, turn, TurnState.FORGOTTEN)
        try:
            return self._handlers[RolloverPhase(job.phase)](job, board, turn)
        except LaggingError:
            return waiting(replace(job, message="the listing is behind the records"), self._clock() + LAG)
        except ClientFailedError as error:
            if not error.lasts:
                raise
            _log.warning("rollover_blocked", extra={**_facts(turn), "reason": error.reason})
            return waiting(replace(job, message=error.message), self._clock() + BLOCKED)

    def _archive(self, job: Job, board: Board, turn: Turn) -> Job:
        if turn.state is not TurnState.FROZEN:  # the job before this one was forgotten: what it archived is not touched
            return replace(job, phase=RolloverPhase.VERIFY)
        state, layout = state_of(job, ArchiveState), board.layout(job.period_id)
        if layout.listed_since != state.layout.listed_since:  # the listing that was walked is about to be taken away
            return _at(RolloverPhase.ARCHIVE, replace(job, done=0), ArchiveState(layout))
        build = Build(board, job.period_id, state.layout)
        is_more = self._archiving.write_page(build, turn, job.revision, state)
        job = replace(job, done=state.records, total=max(job.total, state.records))
        return _at(RolloverPhase.ARCHIVE if is_more else RolloverPhase.VERIFY, job, state)

    def _verify(self, job: Job, board: Board, turn: Turn) -> Job:
        if turn.state is TurnState.FROZEN:
            state = state_of(job, ArchiveState)
            counted = self._archiving.counted(Build(board, job.period_id, board.layout(job.period_id)))
            if counted != state.records:
                return self._in_doubt(job, state, board, counted)
            self._turns.replace(turn, self._archiving.completed(turn, job.revision, state))
        return _at(RolloverPhase.REWARD, replace(job, done=0), RewardState())

    def _in_doubt(self, job: Job, state: ArchiveState, board: Board, counted: int) -> Job:
        """Wait for the listing, or the counters, to catch up: now and then with another walk."""
        facts = {"board_id": job.board_id, "period_id": job.period_id, "counted": counted, "listed": state.records}
        _log.warning("archive_in_doubt", extra=facts)
        until = self._clock() + min(LONGEST_WAIT, LOOK_AGAIN_AFTER * 2**state.walks)
        message = f"the rank index counts {counted:,}, the listing has {state.records:,}"
        state.looks += 1
        if state.looks < _LOOKS:
            again = _at(RolloverPhase.VERIFY, job, state)
        else:
            anew = ArchiveState(board.layout(job.period_id), walks=min(state.walks + 1, _MOST_WALKS))
            again = _at(RolloverPhase.ARCHIVE, replace(job, done=0), anew)
        return waiting(replace(again, message=message), until)

    def _reward(self, job: Job, board: Board, turn: Turn) -> Job:
        state = state_of(job, RewardState)
        if self._rewarding.give_page(board, turn, state):
            return _at(RolloverPhase.REWARD, replace(job, done=state.lines), state)
        if turn.state is TurnState.ARCHIVED:
            counts = structs.replace(turn, rewarded=state.rewarded, left=state.left)
            self._turns.replace(turn, structs.replace(counts, state=TurnState.REWARDED))
        return _at(RolloverPhase.NOTIFY, replace(job, done=0), RewardState())

    def _notify(self, job: Job, board: Board, turn: Turn) -> Job:
        state = state_of(job, RewardState)
        if self._rewarding.tell_page(board, turn, state):
            return _at(RolloverPhase.NOTIFY, replace(job, done=state.lines), state)
        return self._finished(job, turn, TurnState.DONE)

    def _finished(self, job: Job, turn: Turn, state: TurnState) -> Job:
        self._rewarding.forget()
        if not turn.is_over:
            done = structs.replace(turn, state=state, done_at=self._clock())
            self._turns.replace(turn, done)
            _log.info("rollover_finished", extra={**_facts(done), **logs.metrics(_METRICS)})
        return ended(job, JobState.DONE, "" if state is TurnState.DONE else "the records had expired")


def _facts(turn: Turn) -> dict[str, object]:
    return {
        "board_id": turn.board_id,
        "period_id": turn.period_id,
        "turn": turn.state.value,
        "records_archived": turn.records,
        "players_rewarded": turn.rewarded,
        "players_left": turn.left,
    }


def _at(phase: RolloverPhase, job: Job, state: Struct) -> Job:
    return replace(at(phase, job, state), message="")
