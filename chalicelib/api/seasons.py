"""Seasons: for everybody what they are, for a player the bucket of a round, and for operators their making and end."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib.api.links import Links
from chalicelib.api.rewards import GrantBody, TierName
from chalicelib.api.routing import Access, Api
from chalicelib.api.wire import SMALL, Answer, AvatarView, BoardId, Cursor, Instant, Strict, avatar_view
from chalicelib.bootstrap.serving import services
from chalicelib.domain.buckets import Membership
from chalicelib.domain.rewards import MAX_GRANTS, Claiming, Grant
from chalicelib.domain.seasons import (
    EVERYBODY,
    LARGEST_BUCKET,
    MAX_BANDS,
    MAX_PRIZES,
    MAX_ROUNDS,
    MAX_TIERS,
    SMALLEST_BUCKET,
    Cut,
    Fill,
    Move,
    Prize,
    Round,
    Season,
)
from chalicelib.errors import (
    BoardNotFoundError,
    ContendedError,
    CursorError,
    GameError,
    RoundSettlingError,
    SeasonClosedError,
    SeasonExistsError,
    SeasonNotFoundError,
)
from chalicelib.services.buckets import BucketStandings, Member

api = Api("seasons")

SeasonId = Annotated[
    str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}\Z", description="The season's name in URLs.", examples=["winter"])
]
RoundNumber = Annotated[int, Meta(ge=1, le=MAX_ROUNDS, description="Of the season, from 1 on.")]
BucketRank = Annotated[int, Meta(ge=1, le=LARGEST_BUCKET)]
_PLACING: tuple[type[GameError], ...] = (SeasonNotFoundError, SeasonClosedError, RoundSettlingError, ContendedError)


class CutBody(Strict):
    """How many of a bucket move at the end of a round: so many ranks, or percent of its members, rounded down."""

    rank: Annotated[int, Meta(ge=0, le=LARGEST_BUCKET)] | UnsetType = UNSET
    percent: Annotated[int, Meta(ge=0, le=EVERYBODY)] | UnsetType = UNSET


class PrizeBody(Strict):
    """What the ranks `from` to `to` of every bucket get at the end of a round."""

    first: BucketRank = msgspec.field(name="from")
    last: BucketRank = msgspec.field(name="to")
    grants: Annotated[list[GrantBody], Meta(min_length=1, max_length=MAX_GRANTS)]
    tier: Annotated[TierName | None, Meta(description="Of this tier only; null: of every tier.")] = None
    in_last_round: Annotated[bool, Meta(description="Only at the end of the season.")] = False


class SeasonBody(Strict):
    """Consecutive periods of a board, its rounds, between which players move between tiers."""

    season_id: SeasonId
    board_id: BoardId
    title: Annotated[str, Meta(min_length=1, max_length=100)]
    rounds: Annotated[int, Meta(ge=1, le=MAX_ROUNDS)]
    tiers: Annotated[list[TierName], Meta(min_length=1, max_length=MAX_TIERS, description="The lowest first.")]
    promote: CutBody
    relegate: CutBody
    bucket_size: Annotated[int, Meta(ge=SMALLEST_BUCKET, le=LARGEST_BUCKET, description="Players at most.")] = 30
    fill: Annotated[
        Fill,
        Meta(
            description="`first_come`: who comes next is next. `skill`: who stood about the same on the board in the"
            " period before, or stands so in this one."
        ),
    ] = Fill.FIRST_COME
    bands: Annotated[
        int, Meta(ge=1, le=MAX_BANDS, description="By skill, into how many equal parts of the board; 1 otherwise.")
    ] = 1
    first_period: (
        Annotated[
            str,
            Meta(pattern=r"^[0-9]{8}T[0-9]{4}Z\Z", description="The first round's; left out: the board's next period."),
        ]
        | UnsetType
    ) = UNSET
    prizes: Annotated[list[PrizeBody], Meta(max_length=MAX_PRIZES)] = msgspec.field(default_factory=list)
    claim: Annotated[Claiming, Meta(description="Whether players get prizes without asking, or claim them.")] = (
        Claiming.AUTOMATIC
    )


class SeasonPath(Strict):
    season_id: SeasonId


class SeasonsQuery(Strict):
    limit: Annotated[int, Meta(ge=1, le=50, description="Seasons a page.")] = 20
    cursor: Cursor | UnsetType = UNSET


class BucketQuery(Strict):
    round: RoundNumber | UnsetType = UNSET


class RoundView(Answer):
    """A period of the board. It is half-open, in UTC."""

    number: int
    period_id: str
    start: Instant
    end: Instant


class SeasonView(Answer):
    season_id: str
    board_id: str
    title: str
    tiers: Annotated[list[str], Meta(description="The lowest first.")]
    bucket_size: Annotated[int, Meta(description="Players in a full bucket.")]
    fill: Fill
    bands: Annotated[int, Meta(description="Parts of the board that players are told apart by; 1 unless by skill.")]
    promote: CutBody
    relegate: CutBody
    prizes: list[PrizeBody]
    claim: Claiming
    created_at: Instant
    rounds: Annotated[list[RoundView], Meta(description="None of a season that was ended before its first.")]
    current_round: Annotated[int | None, Meta(description="Null before the first and after the last.")]
    closed_rounds: Annotated[int, Meta(description="How many are over, with all rewards given.")]


class SeasonsView(Answer):
    """By id; `next_cursor` is null on the last page."""

    seasons: list[SeasonView]
    next_cursor: str | None


class MembershipView(Answer):
    """Where a player plays a round."""

    season_id: str
    round: RoundView
    tier: str
    came: Annotated[
        Move | None, Meta(description="How the last round that the player played ended; null: this is the first.")
    ]
    joined_at: Instant


class MemberView(Answer):
    rank: Annotated[
        int | None, Meta(description="1 + the members who are strictly better; null without a visible record.")
    ]
    player_id: str
    display_name: str
    avatar: Annotated[AvatarView, Meta(description="The two smallest sizes.")]
    score: int | None
    subscore: int | None
    achieved_at: Instant | None


class BucketView(Answer):
    """A bucket in a round: the best first, those without a record last."""

    membership: MembershipView
    members: list[MemberView]
    final: Annotated[bool, Meta(description="Whether these are the ranks by which players move.")]
    promoted: Annotated[int, Meta(description="The last rank that rises; ties rise together.")]
    relegated: Annotated[int, Meta(description="How many fall from the end; ties fall together.")]


@api.route("GET", "/seasons", errors=(CursorError,))
def every(query: SeasonsQuery) -> SeasonsView:
    """Return a page of the seasons: those to come, under way, and over."""
    page = services().rounds.seasons.page(query.limit, None if query.cursor is UNSET else query.cursor)
    return SeasonsView(seasons=[_season_view(season) for season in page.seasons], next_cursor=page.next_cursor)


@api.route("GET", "/seasons/{season_id}", errors=(SeasonNotFoundError,))
def one(path: SeasonPath) -> SeasonView:
    """Return a season with its rounds."""
    return _season_view(services().rounds.seasons.get(path.season_id))


@api.route("GET", "/seasons/{season_id}/me", access=Access.PLAYER, errors=_PLACING, optional=True)
def own(caller: str, path: SeasonPath) -> MembershipView:
    """Return where the signed-in player plays this round: the first look takes a place in a bucket.

    For some seconds after a round's end the answer is `round_settling`, with `retry_after` in the detail.
    """
    return _membership_view(services().rounds.placement.place(path.season_id, caller))


@api.route("GET", "/seasons/{season_id}/me/bucket", access=Access.PLAYER, errors=_PLACING, optional=True)
def own_bucket(caller: str, path: SeasonPath, query: BucketQuery, links: Links) -> BucketView:
    """Return the signed-in player's bucket: of this round, in which a place is taken if need be, or of another."""
    rounds = services().rounds
    number = query.round
    if number is UNSET:
        number = rounds.placement.place(path.season_id, caller).round
    standings = rounds.buckets.standings(rounds.seasons.get(path.season_id), number, caller)
    return _bucket_view(standings, links)


@api.route(
    "POST",
    "/admin/seasons",
    access=Access.ADMIN,
    status=201,
    errors=(BoardNotFoundError, SeasonExistsError, ContendedError),
)
def create(body: SeasonBody) -> SeasonView:
    """Make a season. From then on the rules of its board are final, as if it had records."""
    season = services().rounds.seasons.create(
        season_id=body.season_id,
        board_id=body.board_id,
        title=body.title,
        first_period=None if body.first_period is UNSET else body.first_period,
        rounds=body.rounds,
        tiers=body.tiers,
        bucket_size=body.bucket_size,
        promote=_cut(body.promote),
        relegate=_cut(body.relegate),
        fill=body.fill,
        bands=body.bands,
        prizes=[_prize(prize) for prize in body.prizes],
        claim=body.claim,
    )
    return _season_view(season)


@api.route("POST", "/admin/seasons/{season_id}/end", access=Access.ADMIN, errors=(SeasonNotFoundError, ContendedError))
def end(path: SeasonPath) -> SeasonView:
    """Let a season end with the round that is under way. The same call again changes nothing."""
    return _season_view(services().rounds.seasons.end(path.season_id))


def _cut(body: CutBody) -> Cut:
    return Cut(None if body.rank is UNSET else body.rank, None if body.percent is UNSET else body.percent)


def _prize(body: PrizeBody) -> Prize:
    grants = tuple(Grant(grant.item, grant.amount) for grant in body.grants)
    return Prize(body.first, body.last, grants, body.tier, body.in_last_round)


def _season_view(season: Season) -> SeasonView:
    current = services().rounds.seasons.under_way(season)
    return SeasonView(
        season_id=season.season_id,
        board_id=season.board_id,
        title=season.title,
        tiers=list(season.tiers),
        bucket_size=season.bucket_size,
        fill=season.fill,
        bands=season.bands,
        promote=_cut_body(season.promote),
        relegate=_cut_body(season.relegate),
        prizes=[_prize_body(prize) for prize in season.prizes],
        claim=season.claim,
        created_at=season.created_at,
        rounds=[_round_view(each) for each in season.rounds],
        current_round=None if current is None else current.number,
        closed_rounds=season.closed,
    )


def _cut_body(cut: Cut) -> CutBody:
    return CutBody(rank=UNSET if cut.rank is None else cut.rank, percent=UNSET if cut.percent is None else cut.percent)


def _prize_body(prize: Prize) -> PrizeBody:
    return PrizeBody(
        first=prize.first,
        last=prize.last,
        grants=[GrantBody(item=grant.item, amount=grant.amount) for grant in prize.grants],
        tier=prize.tier,
        in_last_round=prize.in_last_round,
    )


def _round_view(played: Round) -> RoundView:
    return RoundView(number=played.number, period_id=played.period_id, start=played.start, end=played.end)


def _membership_view(membership: Membership) -> MembershipView:
    season = services().rounds.seasons.get(membership.season_id)
    return MembershipView(
        season_id=membership.season_id,
        round=_round_view(season.rounds[membership.round - 1]),
        tier=season.tiers[membership.bucket.shelf.tier],
        came=membership.came,
        joined_at=membership.joined_at,
    )


def _bucket_view(found: BucketStandings, links: Links) -> BucketView:
    return BucketView(
        membership=_membership_view(found.membership),
        members=[_member_view(member, links) for member in found.members],
        final=found.is_final,
        promoted=found.promoted,
        relegated=found.relegated,
    )


def _member_view(member: Member, links: Links) -> MemberView:
    return MemberView(
        rank=member.rank,
        player_id=member.player_id,
        display_name=member.display_name,
        avatar=avatar_view(member.player_id, member.avatar, links, SMALL),
        score=member.score,
        subscore=member.subscore,
        achieved_at=member.achieved_at,
    )
