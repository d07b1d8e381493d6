"""The rollover: a period that is over is archived, its players are given their rewards, and are told.

Each board's periods are turned one after the other, the oldest first, so that runs that were missed are made up for. A
turn is a job of small steps: whichever process dies wherever, another one goes on from the last step that was saved,
and repeats no more than that step, which does no harm.

The archive is walked down the listing, which may lag: each line is compared with the record itself, and in the end
there must be as many as the rank index counts. What cannot be settled now is looked at again later; nothing is archived
in doubt. From the manifest on, the archive is what counts: rewards follow it, whatever moderation does to the records.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

import msgspec
from msgspec import Struct, field, structs

from chalicelib import logs
from chalicelib.domain import notices, turns
from chalicelib.domain.boards import Board
from chalicelib.domain.jobs import Job, JobKind, JobState
from chalicelib.domain.layouts import Layout
from chalicelib.domain.notices import Content, Gift, Message, RewardNotice
from chalicelib.domain.rewards import Claiming, Due, Reward
from chalicelib.domain.turns import Ended, Line, Turn, TurnState
from chalicelib.errors import ConflictError
from chalicelib.ranking import rosters
from chalicelib.ranking.rosters import Sighting, Tie
from chalicelib.services.archives import Archives, Manifest, Pair
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.services.inspection import Inspector
from chalicelib.services.jobs import Jobs, OutOfTime, ended, waiting
from chalicelib.services.rollcall import DEFAULT_PAGES, Build, Pages, RollCall
from chalicelib.store.clients import ClientFailedError
from chalicelib.store.exports import lasts
from chalicelib.store.records import Row, row_of
from chalicelib.store.reward_rules import RuleStore
from chalicelib.store.turns import TurnStore

LAG = timedelta(seconds=5)
"""How soon a listing that was behind is read again."""
LOOK_AGAIN_AFTER = timedelta(seconds=30)
"""How soon counters that say otherwise are read again; twice as long after each whole walk."""
LONGEST_WAIT = timedelta(minutes=30)
BLOCKED = timedelta(minutes=5)
"""How soon to try again what the bucket refused."""
_LOOKS = 4
_MOST_WALKS = 10
"""As far as walks are counted: by then they come at the longest wait."""
_METRICS = {"records_archived": "Count", "players_rewarded": "Count"}
_log = logging.getLogger("laurel")


class RolloverPhase(StrEnum):
    WAIT = "wait"
    ARCHIVE = "archive"
    VERIFY = "verify"
    REWARD = "reward"
    NOTIFY = "notify"


class Given(Struct, frozen=True):
    """How many players have what was due to them, now or from before, and how many had left."""

    players: int = 0
    left: int = 0


class Giver(Protocol):
    """Who gives players what is due to them."""

    def give(self, dues: Sequence[Due]) -> Given:
        """Give each player what is due, once, however often it is called."""


class Publisher(Protocol):
    """Who brings notices on their way."""

    def publish(self, messages: Iterable[Message]) -> int:
        """Send messages, and return how many; one sent twice does no harm."""


class RolloverState(Struct):
    """How far a rollover is."""

    layout: Layout
    """Whose listing is walked."""
    order_key: str = ""
    """Of the last record that was archived."""
    tie: Tie = field(default_factory=Tie)
    records: int = 0
    files: list[Pair] = field(default_factory=list)
    walks: int = 0
    """Walks that ended with another number than the index counts."""
    looks: int = 0
    """Times that the index was read since the last walk."""
    file: int = 0
    """The file of the archive in which rewards, or notices, go on."""
    line: int = 0
    rewarded: int = 0
    left: int = 0


class LaggingError(Exception):
    """A listing does not say yet what the records say."""


_Handler = Callable[[Job, RolloverState, Board, Turn], Job]


class Rollover:
    """Turns periods. Each step takes a few seconds at most, and holds one page of lines."""

    def __init__(  # noqa: PLR0913  # the composition root names them
        self,
        *,
        jobs: Jobs,
        boards: Boards,
        turns: TurnStore,
        rules: RuleStore,
        inspector: Inspector,
        roll_call: RollCall,
        archives: Archives,
        giver: Giver,
        publisher: Publisher | None,
        clock: Clock,
        grace: timedelta,
        pages: Pages = DEFAULT_PAGES,
    ) -> None:
        self._jobs = jobs
        self._boards = boards
        self._turns = turns
        self._rules = rules
        self._inspector = inspector
        self._roll_call = roll_call
        self._archives = archives
        self._giver = giver
        self._publisher = publisher
        self._clock = clock
        self._grace = grace
        self._pages = pages
        self._page: _Page = _NO_PAGE
        self._handlers: dict[RolloverPhase, _Handler] = {
            RolloverPhase.WAIT: self._wait,
            RolloverPhase.ARCHIVE: self._archive,
            RolloverPhase.VERIFY: self._verify,
            RolloverPhase.REWARD: self._reward,
            RolloverPhase.NOTIFY: self._notify,
        }

    def keep(self, boards: Iterable[Board], out_of_time: OutOfTime) -> list[Job]:
        """Turn what is over of some boards, and return the jobs that were worked on.

        Cost, when there is nothing to do: a read unit a board.
        """
        if not self._archives.bucket:
            _log.warning("rollover_without_bucket")
            return []
        board_by_id = {board.board_id: board for board in boards}
        turned_until = self._turns.turned_until(list(board_by_id))
        jobs: list[Job] = []
        for board_id, board in board_by_id.items():
            if out_of_time():
                break
            jobs += self._caught_up(board, turned_until.get(board_id), out_of_time)
        return jobs

    def ended(self, board: Board, period: str) -> Ended:
        """Return the period of a board called "previous" or by its id.

        Raises:
            PeriodNotFoundError: There is no such period, or none that is kept.
            ConflictError: It is not over.
        """
        found = self._boards.period(board, period)
        over = turns.ended(found, self._clock())
        if over is None:
            raise ConflictError(f"period {found.period_id} of board {board.board_id!r} is not over", period=period)
        return over

    def turn(self, board: Board, period: Ended, out_of_time: OutOfTime) -> list[Job]:
        """Work on the turn of a period for as long as there is time, and return its job; none when all is done.

        Raises:
            ConflictError: The deployment has no bucket to archive into.
        """
        if not self._archives.bucket:
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

    def _caught_up(self, board: Board, turned_until: datetime | None, out_of_time: OutOfTime) -> Iterator[Job]:
        while (period := turns.due(board, turned_until, self._clock())) and not out_of_time():
            turned_until = self._nothing_left(board, period)
            if turned_until is None:
                jobs = self.turn(board, period, out_of_time)
                yield from jobs
                if any(job.state is JobState.RUNNING for job in jobs):
                    return
                turned_until = period.ended_at
            self._turns.move(board.board_id, turned_until)

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
            phase=RolloverPhase.WAIT,
            cursor=_encoded(RolloverState(layout)),
            total=max(0, self._inspector.total(Build(board, period_id, layout))),
            started_at=self._clock(),
        )
        return self._jobs.begin(job, before)

    def _step(self, job: Job) -> Job:
        board, turn = self._boards.get(job.board_id), self._stored(job.board_id, job.period_id)
        if turns.is_forgotten(board, turn, self._clock()):
            return self._finished(job, turn, TurnState.FORGOTTEN)
        try:
            return self._handlers[RolloverPhase(job.phase)](job, _decoded(job), board, turn)
        except LaggingError:
            return waiting(job, self._clock() + LAG)
        except ClientFailedError as error:
            if not lasts(error):
                raise
            _log.warning("rollover_blocked", extra={**_facts(turn), "reason": error.reason})
            return waiting(replace(job, message=error.message), self._clock() + BLOCKED)

    def _wait(self, job: Job, state: RolloverState, board: Board, turn: Turn) -> Job:
        del board
        if self._clock() < turn.frozen_at:
            return waiting(job, turn.frozen_at)
        return _at(RolloverPhase.ARCHIVE, job, state)

    def _archive(self, job: Job, state: RolloverState, board: Board, turn: Turn) -> Job:
        layout = board.layout(job.period_id)
        if layout.listed_since != state.layout.listed_since:  # the listing that was walked is about to be taken away
            return _at(RolloverPhase.ARCHIVE, replace(job, done=0), RolloverState(layout))
        rows = self._rows(Build(board, job.period_id, state.layout), state.order_key)
        if not rows:
            return _at(RolloverPhase.VERIFY, job, state)
        ranked = list(rosters.ranked([_sighting(row) for row in rows], state.records, state.tie))
        lines = [_line(tie, row) for (tie, _), row in zip(ranked, rows, strict=True)]
        state.files.append(self._archives.put_pair(turn, job.revision, len(state.files) + 1, lines))
        state.tie, state.order_key = ranked[-1][0], rows[-1].order_key
        state.records += len(lines)
        job = replace(job, done=state.records, total=max(job.total, state.records))
        return _at(RolloverPhase.ARCHIVE, job, state)

    def _rows(self, build: Build, order_key: str) -> list[Row]:
        """Return the next page of a listing, each row held to the record it shows."""
        rows: list[Row] = []
        limit = self._pages.archived
        while len(rows) < limit and (found := self._roll_call.after(build, order_key, limit - len(rows))):
            rows += found
            order_key = found[-1].order_key
        records = self._inspector.records(build, [row.position.player_id for row in rows])
        key_by_player = {each.player_id: row_of(build.board, each).order_key for each in records if not each.hidden}
        if any(key_by_player.get(row.position.player_id) != row.order_key for row in rows):
            raise LaggingError
        return rows

    def _verify(self, job: Job, state: RolloverState, board: Board, turn: Turn) -> Job:
        if turn.state is TurnState.FROZEN:
            counted = self._inspector.total(Build(board, job.period_id, board.layout(job.period_id)))
            if counted != state.records:
                return self._in_doubt(job, state, board, counted)
            manifest = self._archives.put_manifest(turn, job.revision, self._manifest(turn, state))
            archived = structs.replace(turn, state=TurnState.ARCHIVED, records=state.records, manifest=manifest)
            self._turns.replace(turn, archived)
        return _at(RolloverPhase.REWARD, replace(job, done=0), RolloverState(state.layout))

    def _in_doubt(self, job: Job, state: RolloverState, board: Board, counted: int) -> Job:
        """Wait for the listing, or the counters, to catch up: now and then with another walk."""
        facts = {"board_id": job.board_id, "period_id": job.period_id, "counted": counted, "listed": state.records}
        _log.warning("archive_in_doubt", extra=facts)
        until = self._clock() + min(LONGEST_WAIT, LOOK_AGAIN_AFTER * 2**state.walks)
        message = f"the rank index counts {counted:,}, the listing has {state.records:,}"
        state.looks += 1
        if state.looks < _LOOKS:
            again = _at(RolloverPhase.VERIFY, job, state)
        else:
            anew = RolloverState(board.layout(job.period_id), walks=min(state.walks + 1, _MOST_WALKS))
            again = _at(RolloverPhase.ARCHIVE, replace(job, done=0), anew)
        return waiting(replace(again, message=message), until)

    def _manifest(self, turn: Turn, state: RolloverState) -> Manifest:
        return Manifest(
            board_id=turn.board_id,
            period_id=turn.period_id,
            ended_at=turn.ended_at,
            frozen_at=turn.frozen_at,
            archived_at=self._clock(),
            records=state.records,
            files=state.files,
        )

    def _reward(self, job: Job, state: RolloverState, board: Board, turn: Turn) -> Job:
        lines = self._lines(turn, state)
        if turns.beyond(turn.rules, lines):
            if turn.state is TurnState.ARCHIVED:
                rewarded = structs.replace(turn, rewarded=state.rewarded, left=state.left)
                self._turns.replace(turn, structs.replace(rewarded, state=TurnState.REWARDED))
            return _at(RolloverPhase.NOTIFY, replace(job, done=0), RolloverState(state.layout))
        given = self._giver.give(list(turns.dues(board, turn, lines, self._clock())))
        state.rewarded += given.players
        state.left += given.left
        return self._past(lines, job, state)

    def _notify(self, job: Job, state: RolloverState, board: Board, turn: Turn) -> Job:
        lines = self._lines(turn, state)
        if self._publisher is None or turns.beyond(turn.rules, lines):
            return self._finished(job, turn, TurnState.DONE)
        dues = turns.dues(board, turn, lines, self._clock())
        self._publisher.publish(_messages(turn, dues, self._clock().replace(microsecond=0) + notices.LIFETIME))
        return self._past(lines, job, state)

    def _lines(self, turn: Turn, state: RolloverState) -> list[Line]:
        """Return the next lines of an archive; none at its end. A file is read once, by the steps that follow."""
        if (self._page.manifest, self._page.number) != (turn.manifest, state.file):
            files = self._archives.manifest(turn).files
            lines = self._archives.lines(files[state.file]) if state.file < len(files) else []
            self._page = _Page(turn.manifest, state.file, lines)
        return self._page.lines[state.line : state.line + self._pages.rewarded]

    def _past(self, lines: Sequence[Line], job: Job, state: RolloverState) -> Job:
        """Return the job as it is after some lines of an archive."""
        state.line += len(lines)
        if state.line >= len(self._page.lines):
            state.file, state.line = state.file + 1, 0
        return _at(RolloverPhase(job.phase), replace(job, done=job.done + len(lines)), state)

    def _finished(self, job: Job, turn: Turn, state: TurnState) -> Job:
        self._page = _NO_PAGE
        if not turn.is_over:
            done = structs.replace(turn, state=state, done_at=self._clock())
            self._turns.replace(turn, done)
            _log.info("rollover_finished", extra={**_facts(done), **logs.metrics(_METRICS)})
        return ended(job, JobState.DONE, "" if state is TurnState.DONE else "the records had expired")


class _Page(Struct, frozen=True):
    """A file of an archive, as it was read."""

    manifest: str
    number: int
    lines: list[Line]


_NO_PAGE = _Page("", 0, [])


def _messages(turn: Turn, dues: Iterable[Due], expires_at: datetime) -> Iterator[Message]:
    """Yield the messages that tell players of their rewards: of each kind of rule, one notice a player."""
    contents_by_reward: dict[str, list[tuple[str, Content]]] = {}
    for due in dues:
        for reward in due.rewards:
            contents_by_reward.setdefault(reward.reward_id, []).append((due.player_id, _notice(reward)))
    for reward_id, contents in contents_by_reward.items():
        notice_id = notices.notice_id(turn.frozen_at, f"reward#{reward_id}")
        yield from notices.messages(notice_id, expires_at, contents)


def _notice(reward: Reward) -> RewardNotice:
    return RewardNotice(
        reward_id=reward.reward_id,
        board_id=reward.source,
        period_id=reward.period_id,
        gifts=tuple(Gift(grant.item, grant.amount) for grant in reward.grants),
        claimable=reward.claim is Claiming.ON_DEMAND,
        rank=reward.rank,
    )


def _sighting(row: Row) -> Sighting:
    return Sighting(row.order_key, row.display_name)


def _line(tie: Tie, row: Row) -> Line:
    score, subscore, achieved_at, player_id = row.position
    return Line(tie.rank, player_id, score, subscore, achieved_at)


def _facts(turn: Turn) -> dict[str, object]:
    return {
        "board_id": turn.board_id,
        "period_id": turn.period_id,
        "turn": turn.state.value,
        "records_archived": turn.records,
        "players_rewarded": turn.rewarded,
        "players_left": turn.left,
    }


def _at(phase: RolloverPhase, job: Job, state: RolloverState) -> Job:
    return replace(job, phase=phase, cursor=_encoded(state), not_before=None, message="")


def _encoded(state: RolloverState) -> str:
    return msgspec.json.encode(state).decode()


def _decoded(job: Job) -> RolloverState:
    return msgspec.json.decode(job.cursor, type=RolloverState)
