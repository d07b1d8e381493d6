"""Placing: a player's bucket of the round under way is found when the player first looks, or made.

Nothing else moves players. Where one plays follows from how the player's last bucket ended, which whoever asks first
writes down; and one transaction puts a player into a bucket and the bucket into the player's account. So a player who
never comes back costs nothing, and whoever dies wherever leaves nobody in two buckets, and none in half a one.
"""

from datetime import datetime, timedelta

from chalicelib.domain import buckets, periods, seasons
from chalicelib.domain.boards import Board
from chalicelib.domain.buckets import BucketId, Lanes, Membership, Shelf
from chalicelib.domain.periods import period_at
from chalicelib.domain.seasons import Fill, Move, Round, Season
from chalicelib.errors import ContendedError, RoundSettlingError, SeasonClosedError
from chalicelib.services.boards import Boards
from chalicelib.services.buckets import Results
from chalicelib.services.clock import Clock
from chalicelib.services.profiles import account_gone
from chalicelib.services.ranks import RankReader
from chalicelib.services.seasons import Seasons
from chalicelib.services.standings import own_entries
from chalicelib.store.buckets import BUCKET, MEMBERSHIP, PLAYER, BucketStore
from chalicelib.store.dynamo import CancelledError, Dynamo
from chalicelib.store.records import RecordStore

_ATTEMPTS = 40
_MEETINGS = 3
"""After so many, waiting is better than trying another lane at once."""
_FULL = 8
"""After so many buckets that were full, opening another one is better than looking on."""
_SECOND = timedelta(seconds=1)


class Skill:
    """How good a player is: the share of a board's records that are not better, as far as anybody knows."""

    def __init__(self, records: RecordStore, reader: RankReader) -> None:
        self._records = records
        self._reader = reader

    def percentile(self, board: Board, current: Round, player_id: str) -> float | None:
        """Return a player's percentile in the period before a round or, without one there, in it; None without both.

        Cost: two reads, then a rank.
        """
        before = periods.previous(board.reset, period_at(board.reset, current.start))
        wanted = [period_id for period_id in (before and before.period_id, current.period_id) if period_id]
        found = self._records.get_all(player_id, [(board.board_id, period_id) for period_id in wanted])
        shown = sorted((record for record in found if not record.hidden), key=lambda each: wanted.index(each.period_id))
        return own_entries(self._reader, [(board, shown[0])])[0].percentile if shown else None


class Placement:
    def __init__(  # noqa: PLR0913  # the composition root names them
        self,
        *,
        dynamo: Dynamo,
        seasons: Seasons,
        boards: Boards,
        store: BucketStore,
        results: Results,
        skill: Skill,
        clock: Clock,
        grace: timedelta,
    ) -> None:
        self._dynamo = dynamo
        self._seasons = seasons
        self._boards = boards
        self._store = store
        self._results = results
        self._skill = skill
        self._clock = clock
        self._grace = grace

    def place(self, season_id: str, player_id: str) -> Membership:
        """Return a player's membership in the round under way: made now, unless there is one.

        Cost: one Query for who is placed already. Else also the last bucket, one more Query, and a transaction of
        three items, again for each bucket that was full or that somebody else was busy with.

        Raises:
            SeasonNotFoundError: There is no such season.
            SeasonClosedError: No round is under way.
            RoundSettlingError: The round before is not frozen yet.
            ContendedError: Too many others were placed at the same moment.
        """
        season = self._seasons.get(season_id)
        current = self._seasons.current(season)
        newest = self._store.newest(player_id, season_id, current.number)
        if newest is not None and newest.round == current.number:
            return newest
        self._require_open(current)
        move, tier = self._moved(season, newest)
        shelf = Shelf(tier, self._band(season, current, player_id))
        return self._placed(season, current, shelf, player_id, move)

    def _require_open(self, current: Round) -> None:
        wait = seasons.opens_at(current, self._grace) - self._clock()
        if wait > timedelta():
            retry_after = -(-wait // _SECOND)
            message = f"the last games of the round before are being written; come back in {retry_after} seconds"
            raise RoundSettlingError(message, retry_after=retry_after)

    def _moved(self, season: Season, last: Membership | None) -> tuple[Move | None, int]:
        """Return into which tier the last round that a player played leads, and how."""
        if last is None:
            return None, 0
        result = self._results.of(season, last.round, last.bucket)
        try:
            move = buckets.move(season, result, last.player_id)
        except KeyError as error:  # who left before anybody looked is in no result
            raise account_gone() from error
        return season.moved(last.bucket.shelf.tier, move)

    def _band(self, season: Season, current: Round, player_id: str) -> int:
        if season.fill is not Fill.SKILL:
            return buckets.UNKNOWN
        board = self._boards.get(season.board_id)
        return buckets.band(self._skill.percentile(board, current, player_id), season.bands)

    def _placed(self, season: Season, current: Round, shelf: Shelf, player_id: str, move: Move | None) -> Membership:
        lanes = self._store.lanes(season.season_id, current.number, shelf)
        met = 0
        for attempt in range(_ATTEMPTS):
            now = self._in_time(season, current)
            bucket = self._bucket(season, current, shelf, lanes, buckets.lane(player_id, lanes.open, met))
            wanted = Membership(player_id, season.season_id, current.number, bucket, move, now)
            try:
                self._store.place(wanted, season.bucket_size)
            except CancelledError as error:
                cancelled = error
            else:
                return wanted
            if cancelled.refused & {PLAYER, MEMBERSHIP}:
                return self._placed_already(wanted, cancelled)
            if BUCKET in cancelled.refused:
                self._go_on(season, current, bucket, lanes, may_rest=not met and attempt < _FULL)
            else:
                met += 1
                if met > _MEETINGS:
                    self._dynamo.pause(met - _MEETINGS - 1)
        raise ContendedError("many players are being placed at this moment; send the same request again")

    def _in_time(self, season: Season, current: Round) -> datetime:
        """Return the time, in which the round is still under way: nobody is placed in one that is over."""
        now = self._clock()
        if now >= current.end:
            raise SeasonClosedError("the round has just ended; send the same request again", season_id=season.season_id)
        return now

    def _bucket(self, season: Season, current: Round, shelf: Shelf, lanes: Lanes, lane: int) -> BucketId:
        """Return the bucket of a lane that takes players: opened, if there is none."""
        if lane not in lanes.newest:
            self._store.begin_lane(season.season_id, current.number, shelf, lane)
            lanes.newest[lane] = 0
        elif lane in lanes.full:
            self._advance(season, current, BucketId(shelf, lane, lanes.newest[lane]), lanes)
        return BucketId(shelf, lane, lanes.newest[lane])

    def _go_on(self, season: Season, current: Round, full: BucketId, lanes: Lanes, *, may_rest: bool) -> None:
        """Let a lane whose bucket is full rest where it may and another one is open; else open the next bucket."""
        if may_rest and len(lanes.open) > 1:
            self._store.rest(season.season_id, current.number, full)
            lanes.full.add(full.lane)
        else:
            self._advance(season, current, full, lanes)

    def _advance(self, season: Season, current: Round, full: BucketId, lanes: Lanes) -> None:
        self._store.advance(season.season_id, current.number, full)
        lanes.newest[full.lane] += 1
        lanes.full.discard(full.lane)

    def _placed_already(self, wanted: Membership, cancelled: CancelledError) -> Membership:
        """Return where somebody else placed the player meanwhile."""
        found = self._store.newest(wanted.player_id, wanted.season_id, wanted.round)
        if PLAYER in cancelled.refused or found is None:
            raise account_gone()
        return found
