"""Buckets as their members see them, and how they ended."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from chalicelib.domain import buckets
from chalicelib.domain.buckets import BucketId, Membership, Place, Result
from chalicelib.domain.players import Player, PlayerState
from chalicelib.domain.records import Record
from chalicelib.domain.seasons import Round, Season
from chalicelib.errors import ContendedError, SeasonNotFoundError
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.store.buckets import BucketStore
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.players import PlayerStore
from chalicelib.store.records import RecordStore

_ATTEMPTS = 20


class Member(Struct, frozen=True):
    """A member of a bucket; without a visible record of the round there is no rank and no score."""

    rank: int | None
    player_id: str
    display_name: str
    avatar: str | None
    score: int | None = None
    subscore: int | None = None
    achieved_at: datetime | None = None


class BucketStandings(Struct, frozen=True):
    """A bucket in a round: the best first, those without a record last."""

    season: Season
    round: Round
    membership: Membership
    members: list[Member]
    places: int
    """How many places its cuts are taken of: those of members who have left since count too."""
    is_final: bool
    """Whether the ranks are those by which players moved."""

    @property
    def promoted(self) -> int:
        """Return the last rank that rises, unless the tier is the highest."""
        return 0 if self._is_in(-1) else self.season.promote.of(self.places)

    @property
    def relegated(self) -> int:
        """Return how many fall from the end, unless the tier is the lowest."""
        return 0 if self._is_in(0) else self.season.relegate.of(self.places)

    def _is_in(self, place: int) -> bool:
        """Tell whether the bucket is of a tier, counted from either end."""
        return self.membership.bucket.shelf.tier == range(len(self.season.tiers))[place]


class Results:
    """How buckets ended, once they are frozen: computed by whoever asks first, and never again."""

    def __init__(self, store: BucketStore, boards: Boards, records: RecordStore, dynamo: Dynamo) -> None:
        self._store = store
        self._boards = boards
        self._records = records
        self._dynamo = dynamo

    def of(self, season: Season, number: int, bucket: BucketId) -> Result:
        """Return how a bucket of a frozen round ended.

        Cost: a read of up to 1.5 units; the first time also one BatchGetItem of the members' records, a unit each,
        and a write of up to six units.
        """
        for attempt in range(_ATTEMPTS):
            found, taken = self._store.get(season.season_id, number, bucket)
            if found.result is not None:
                return found.result
            result = self.placed(season, found.members, self.records(season, number, found.members))
            if self._store.seal(season.season_id, number, bucket, result, taken):
                return result
            self._dynamo.pause(attempt)
        raise ContendedError("the bucket kept changing; send the same request again")

    def placed(self, season: Season, members: frozenset[str], record_by_player: Mapping[str, Record]) -> Result:
        """Return the places of some members of a bucket by their records."""
        return buckets.placed(self._boards.get(season.board_id), members, record_by_player)

    def records(self, season: Season, number: int, members: frozenset[str]) -> dict[str, Record]:
        """Return the records of some members of a bucket in its round, by player."""
        period_id = _round(season, number).period_id
        return self._records.get_many(season.board_id, period_id, sorted(members)) if members else {}


class Buckets:
    def __init__(
        self, *, store: BucketStore, results: Results, players: PlayerStore, clock: Clock, grace: timedelta
    ) -> None:
        self._store = store
        self._results = results
        self._players = players
        self._clock = clock
        self._grace = grace

    def standings(self, season: Season, number: int, player_id: str) -> BucketStandings:
        """Return the bucket of a player in a round.

        Cost: a Query; then up to 1.5 read units for the bucket, one for each member's record, and one for the profile
        of each who has none.

        Raises:
            SeasonNotFoundError: The player was in no bucket of that round.
        """
        membership = self._store.newest(player_id, season.season_id, number)
        if membership is None or membership.round != number:
            raise SeasonNotFoundError(f"you are in no bucket of round {number}", season_id=season.season_id)
        played = _round(season, number)
        is_final = self._clock() >= played.end + self._grace
        if is_final:
            result = self._results.of(season, number, membership.bucket)
            record_by_player = self._results.records(season, number, frozenset(place.player_id for place in result))
        else:
            bucket, _ = self._store.get(season.season_id, number, membership.bucket)
            record_by_player = self._results.records(season, number, bucket.members)
            result = self._results.placed(season, bucket.members, record_by_player)
        members = self._members(result, record_by_player)
        return BucketStandings(season, played, membership, members, len(result), is_final)

    def _members(self, result: Result, record_by_player: Mapping[str, Record]) -> list[Member]:
        shown = {each: record for each, record in record_by_player.items() if not record.hidden}
        unknown = [place.player_id for place in result if place.player_id not in shown]
        player_by_id = self._players.get_many(unknown) if unknown else {}
        members = (_member(place, shown, player_by_id) for place in result)
        return [member for member in members if member is not None]


def _round(season: Season, number: int) -> Round:
    return season.rounds[number - 1]


def _member(place: Place, shown: Mapping[str, Record], player_by_id: Mapping[str, Player]) -> Member | None:
    """Return a member as others see it; None for one who has left."""
    record = shown.get(place.player_id)
    if record is not None:
        facts = record.score, record.subscore, record.achieved_at
        return Member(place.rank, place.player_id, record.display_name, record.avatar, *facts)
    player = player_by_id.get(place.player_id)
    if player is None or player.state is not PlayerState.ACTIVE:
        return None
    return Member(place.rank, place.player_id, player.display_name, player.avatar)
