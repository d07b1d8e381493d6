"""Closing: a round that is frozen is walked bucket by bucket; its players are given what they earned, and told.

It is a job of small steps, as the rollover is, and nobody waits for it: players who look earlier find out for
themselves. What a step does twice it does once: how a bucket ended is written down, and rewards and notices have ids
that say what for. A round is closed when all of it is done, the oldest first, so that missed runs are made up for.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from msgspec import Struct

from chalicelib import logs
from chalicelib.domain import buckets, messages, notices, seasons
from chalicelib.domain.buckets import BucketId, Result
from chalicelib.domain.jobs import Job, JobKind, JobState
from chalicelib.domain.messages import Message
from chalicelib.domain.notices import Content, SeasonResult
from chalicelib.domain.rewards import Due
from chalicelib.domain.seasons import Round, Season
from chalicelib.services.buckets import Results
from chalicelib.services.bulkheads import Bulkheads
from chalicelib.services.clock import Clock
from chalicelib.services.jobs import Jobs, OutOfTime, cursor_of, ended, state_of
from chalicelib.services.rewarding import Giver, Publisher, reward_notice
from chalicelib.services.seasons import Seasons
from chalicelib.store.buckets import BucketStore
from chalicelib.store.dynamo import Dynamo

AT_ONCE = 8
"""Buckets a step: of up to 50 players each."""
_PHASE = "buckets"
_METRICS = {"players_in_season": "Count"}
_log = logging.getLogger(logs.LOGGER_NAME)


class ClosingState(Struct):
    """How far a round is closed."""

    season_id: str
    number: int
    after: BucketId | None = None
    """The last bucket that is done with."""
    rewarded: int = 0
    left: int = 0


class Closing:
    """Closes rounds. Each step takes a second or two, and holds eight buckets."""

    def __init__(  # noqa: PLR0913  # the composition root names them
        self,
        *,
        dynamo: Dynamo,
        jobs: Jobs,
        seasons: Seasons,
        store: BucketStore,
        results: Results,
        giver: Giver,
        publisher: Publisher | None,
        clock: Clock,
        grace: timedelta,
        at_once: int = AT_ONCE,
    ) -> None:
        self._dynamo = dynamo
        self._jobs = jobs
        self._seasons = seasons
        self._store = store
        self._results = results
        self._giver = giver
        self._publisher = publisher
        self._clock = clock
        self._grace = grace
        self._at_once = at_once

    def keep(self, found: Iterable[Season], out_of_time: OutOfTime) -> list[Job]:
        """Close what is frozen of some seasons, and return the jobs that were worked on; nothing is read for others."""
        jobs: list[Job] = []
        bulkheads = Bulkheads()
        for season in found:
            with bulkheads.around(season_id=season.season_id):
                jobs += self._caught_up(season, out_of_time)
        bulkheads.raise_first()
        return jobs

    def _caught_up(self, season: Season, out_of_time: OutOfTime) -> Iterator[Job]:
        while (played := seasons.due(season, self._clock(), self._grace)) and not out_of_time():
            job = self._jobs.advance(self._begun(season, played), self._step, out_of_time)
            yield job
            if job.state is JobState.RUNNING:
                return
            season = self._seasons.close(season, played.number)

    def _begun(self, season: Season, played: Round) -> Job:
        before = self._jobs.find((JobKind.SEASON, season.board_id, played.period_id))
        if before is not None:
            return before
        job = Job(
            kind=JobKind.SEASON,
            board_id=season.board_id,
            period_id=played.period_id,
            phase=_PHASE,
            cursor=cursor_of(ClosingState(season.season_id, played.number)),
            started_at=self._clock(),
        )
        return self._jobs.begin(job, None)

    def _step(self, job: Job) -> Job:
        state = state_of(job, ClosingState)
        season = self._seasons.get(state.season_id)
        page = list(islice(self._buckets(state), self._at_once))
        if not page:
            _log.info("season_round_closed", extra={**_facts(job, state), **logs.metrics(_METRICS)})
            return ended(job, JobState.DONE, "")
        players = self._closed(season, state, page)
        state.after = page[-1]
        return replace(job, cursor=cursor_of(state), done=job.done + players)

    def _buckets(self, state: ClosingState) -> Iterator[BucketId]:
        """Yield the buckets of a round that are not done with, in order."""
        shelves = self._store.shelves(state.season_id, state.number)
        every = (
            BucketId(shelf, lane, number)
            for shelf, lanes in sorted(shelves.items())
            for lane, newest in lanes.newest.items()
            for number in range(newest + 1)
        )
        return (bucket for bucket in every if state.after is None or bucket > state.after)

    def _closed(self, season: Season, state: ClosingState, page: Sequence[BucketId]) -> int:
        """Give and tell some buckets what is theirs, and return how many players they have."""
        reads = [partial(self._results.of, season, state.number, bucket) for bucket in page]
        first, others = self._dynamo.alongside(reads[0], reads[1:])
        played = season.rounds[state.number - 1]
        outcomes = [_Outcome(season, played, bucket, each) for bucket, each in zip(page, [first, *others], strict=True)]
        now = self._clock()
        dues = [due for outcome in outcomes for due in outcome.dues(now)]
        given = self._giver.give(dues)
        state.rewarded += given.players
        state.left += given.left
        if self._publisher is not None:
            sent_at, expires_at = played.end + self._grace, now.replace(microsecond=0) + notices.LIFETIME
            self._publisher.publish(_messages(outcomes, dues, sent_at, expires_at))
        return sum(len(outcome.result) for outcome in outcomes)


class _Outcome(Struct, frozen=True):
    """A bucket and how it ended."""

    season: Season
    round: Round
    bucket: BucketId
    result: Result

    @property
    def tier(self) -> int:
        return self.bucket.shelf.tier

    def dues(self, now: datetime) -> Iterator[Due]:
        for place in self.result:
            if place.rank is not None:
                reward = seasons.reward(self.season, self.round, self.tier, place.rank, now)
                if reward is not None:
                    yield Due(place.player_id, (reward,))

    def contents(self) -> Iterator[tuple[str, Content]]:
        """Yield who is told what of it."""
        for place in self.result:
            move, after = self.season.moved(self.tier, buckets.move(self.season, self.result, place.player_id))
            is_last = self.season.is_last(self.round.number)
            notice = SeasonResult(
                season_id=self.season.season_id,
                board_id=self.season.board_id,
                period_id=self.round.period_id,
                tier=self.season.tiers[self.tier],
                outcome=move.value,
                next_tier=None if is_last else self.season.tiers[after],
                rank=place.rank,
            )
            yield place.player_id, notice


def _messages(
    outcomes: Sequence[_Outcome], dues: Sequence[Due], sent_at: datetime, expires_at: datetime
) -> Iterator[Message]:
    """Yield the messages that tell players how their buckets ended and, of those who earned one, of their rewards."""
    season, played = outcomes[0].season, outcomes[0].round
    results = (content for outcome in outcomes for content in outcome.contents())
    result_id = notices.notice_id(sent_at, f"season_result#{season.season_id}#{played.number}")
    yield from messages.addressed(result_id, expires_at, results)
    if dues:
        reward_id = notices.notice_id(sent_at, f"reward#{dues[0].rewards[0].reward_id}")
        gifts = ((due.player_id, reward_notice(due.rewards[0], season.board_id)) for due in dues)
        yield from messages.addressed(reward_id, expires_at, gifts)


def _facts(job: Job, state: ClosingState) -> dict[str, object]:
    return {
        "season_id": state.season_id,
        "board_id": job.board_id,
        "round": state.number,
        "players_in_season": job.done,
        "players_rewarded": state.rewarded,
        "players_left": state.left,
    }
