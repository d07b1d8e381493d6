"""The types of the API: what is valid, and what answers look like. The OpenAPI document is made from them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Annotated

from msgspec import Meta, Struct

from chalicelib.api.links import Links
from chalicelib.domain.avatars import SIZES, Form, MediaType, Refusal, Upload, UploadState
from chalicelib.domain.boards import INT64_MAX, INT64_MIN, Board, Operator, SortOrder
from chalicelib.domain.games import Game, GameResult
from chalicelib.domain.incidents import Area, Incident
from chalicelib.domain.participations import Participation
from chalicelib.domain.periods import FIRST_YEAR, LAST_YEAR, Period, is_reckonable
from chalicelib.domain.players import Player
from chalicelib.domain.records import Outcome, Placement, Reason, Record, Score
from chalicelib.domain.rewards import Claiming, Reward
from chalicelib.domain.tournaments import Price, Tournament
from chalicelib.errors import MalformedError
from chalicelib.services.standings import Entry, OwnEntry, Page
from chalicelib.store import keys

BoardId = Annotated[
    str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}\Z", description="The board's name in URLs.", examples=["speedrun"])
]
PlayerId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z", description="32 hex digits.")]
GameId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z", description="32 hex digits that sort by time.")]
Int64 = Annotated[int, Meta(ge=INT64_MIN, le=INT64_MAX)]
PeriodName = Annotated[
    str,
    Meta(
        pattern=r"^(current|previous|all|[0-9]{8}T[0-9]{4}Z)\Z",
        description='"current", "previous", or an id: the UTC minute the period starts; "all" without resets.',
        examples=["current", "20261122T0000Z"],
    ),
]
Limit = Annotated[int, Meta(ge=1, le=100, description="Entries a page.")]
Cursor = Annotated[
    str, Meta(min_length=1, max_length=1024, description="`next_cursor` of the page before; left out: the first page.")
]
Instant = Annotated[datetime, Meta(tz=True)]
Position = Annotated[int, Meta(ge=1, le=2**53)]

IDENTICON_TYPE = "image/svg+xml"
SMALL = SIZES[:2]
"""What entries show, so that a page of 100 stays small."""


class Strict(Struct, forbid_unknown_fields=True):
    """What callers send: fields we do not know are an error, not a silence."""


class Answer(Struct):
    """What we send: fields may be added over time."""


class BoardPath(Strict):
    board_id: BoardId


class BoardPlayerPath(Strict):
    board_id: BoardId
    player_id: PlayerId


class PlayerPath(Strict):
    player_id: PlayerId


class PeriodQuery(Strict):
    period: PeriodName = "current"


class LimitsView(Answer):
    min_score: int | None
    max_score: int | None
    max_per_second: int | None


class PeriodView(Answer):
    """Half-open, in UTC. `end` is the board's next reset; null: never."""

    period_id: str
    start: Instant | None
    end: Instant | None


class GrantView(Answer):
    item: str
    amount: int


class TournamentView(Answer):
    """Scores count from `starts_at` until just before `ends_at`, or `stopped_at` where that is earlier."""

    starts_at: Instant
    ends_at: Instant
    stopped_at: Instant | None
    join_required: bool
    capacity: int | None
    attempts: int | None
    cost: list[GrantView]


class ParticipationView(Answer):
    board_id: str
    joined_at: Annotated[Instant | None, Meta(description="null: the player takes part by playing.")]
    paid: list[GrantView]
    attempts: Annotated[int, Meta(description="Scores that counted; kept where the tournament limits them.")]


class BoardView(Answer):
    board_id: str
    title: str
    unit: str
    sort_order: SortOrder
    subscore_order: SortOrder | None
    operator: Operator
    reset: str | None
    limits: LimitsView
    authoritative: bool
    retention_days: int | None
    tournament: Annotated[TournamentView | None, Meta(description="null: the board is no tournament.")]
    created_at: Instant
    period: PeriodView


class ImageView(Answer):
    width: int
    height: int
    type: Annotated[str, Meta(extra_json_schema={"enum": [*(form.media_type for form in Form), IDENTICON_TYPE]})]
    url: Annotated[str, Meta(description="Absolute. What it shows never changes.", extra_json_schema={"format": "uri"})]


class AvatarView(Answer):
    """A player's picture in squares of several sizes, the smallest first; of each size WebP comes before JPEG."""

    placeholder: Annotated[
        bool, Meta(description="True: the player has no avatar, and the pictures are drawn from the id, as SVG.")
    ]
    images: list[ImageView]


class EntryView(Answer):
    rank: Annotated[int | None, Meta(description="1 + the records that are strictly better; null while hidden.")]
    player_id: str
    display_name: str
    avatar: Annotated[AvatarView, Meta(description="The two smallest sizes.")]
    score: int
    subscore: int
    achieved_at: Instant


class PageView(Answer):
    board_id: str
    period_id: str
    entries: list[EntryView]
    next_cursor: str | None
    previous_cursor: str | None
    as_of: Annotated[Instant | None, Meta(description="When a copy stood so, in the degraded mode; null: it does now.")]


class OwnEntryView(Answer):
    board_id: str
    period_id: str
    entry: EntryView
    total: Annotated[int, Meta(description="Records ranked on the board in this period.")]
    percentile: Annotated[
        float | None, Meta(description="Share of these records, in percent, that are not better; null while hidden.")
    ]


class PlayerView(Answer):
    """What everybody may know of a player."""

    player_id: str
    display_name: str
    avatar: Annotated[AvatarView, Meta(description="All sizes.")]
    locale: str
    metadata: dict[str, str]
    created_at: Instant


class RefusedView(Answer):
    """Why a picture was not taken: a reason for programs, and a message for the player."""

    reason: Refusal
    message: str


class UploadView(Answer):
    """How a player's latest upload went."""

    upload_id: str
    state: UploadState
    content_type: MediaType
    asked_at: Instant
    refused: RefusedView | None


class GameView(Answer):
    game_id: str
    mode: str
    seed: int
    started_at: Instant
    expires_at: Instant


class ScoreView(Answer):
    score: int
    subscore: int
    achieved_at: Instant


class PlacementView(Answer):
    """What a submission did to a board."""

    board_id: str
    period_id: str
    outcome: Outcome
    reason: Reason | None
    before: ScoreView | None
    after: ScoreView | None
    rank_before: int | None
    rank_after: int | None
    total: int | None
    percentile: float | None


class ResultView(Answer):
    ended_at: Instant
    placements: list[PlacementView]


class RewardView(Answer):
    """An entry of a player's ledger."""

    reward_id: str
    source: Annotated[str, Meta(description="The board, or the season, that it comes from.")]
    period_id: str
    by: Annotated[str, Meta(description="What it was given for: `rank`, `percentile`, `tier`, or `season`.")]
    rank: Annotated[int | None, Meta(description="The player's, when the period was archived.")]
    grants: list[GrantView]
    claim: Claiming
    granted_at: Instant
    claimed_at: Annotated[Instant | None, Meta(description="When it was added to the balances; null: not yet.")]


class IncidentView(Answer):
    """Something that does not work as it should."""

    alarm: Annotated[str, Meta(description="The alarm that went off.")]
    affects: Annotated[Area, Meta(description="What of the game suffers; `operations`: nothing that players notice.")]
    opened_at: Instant


Balances = Annotated[dict[str, int], Meta(description="How much the player has of each item.")]


def in_utc(instant: datetime, field: str) -> datetime:
    """Return in UTC what a field of the body says, or raise MalformedError where nothing can be reckoned from it."""
    if not is_reckonable(instant):
        rule = f"expected a time from the years {FIRST_YEAR} to {LAST_YEAR}"
        raise MalformedError(f"body.{field}: {rule}", field=field)
    return instant.astimezone(UTC)


def incident_view(incident: Incident) -> IncidentView:
    return IncidentView(alarm=incident.alarm, affects=incident.affects, opened_at=incident.opened_at)


def reward_view(reward: Reward) -> RewardView:
    return RewardView(
        reward_id=reward.reward_id,
        source=reward.source,
        period_id=reward.period_id,
        by=reward.by,
        rank=reward.rank,
        grants=[GrantView(item=grant.item, amount=grant.amount) for grant in reward.grants],
        claim=reward.claim,
        granted_at=reward.granted_at,
        claimed_at=reward.claimed_at,
    )


def board_view(board: Board, period: Period) -> BoardView:
    limits = board.limits
    return BoardView(
        board_id=board.board_id,
        title=board.title,
        unit=board.unit,
        sort_order=board.sort_order,
        subscore_order=board.subscore_order,
        operator=board.operator,
        reset=board.reset,
        limits=LimitsView(min_score=limits.min_score, max_score=limits.max_score, max_per_second=limits.max_per_second),
        authoritative=board.authoritative,
        retention_days=board.retention_days,
        tournament=tournament_view(board.tournament) if board.tournament else None,
        created_at=board.created_at,
        period=period_view(period),
    )


def tournament_view(tournament: Tournament) -> TournamentView:
    return TournamentView(
        starts_at=tournament.starts_at,
        ends_at=tournament.ends_at,
        stopped_at=tournament.stopped_at,
        join_required=tournament.join_required,
        capacity=tournament.capacity,
        attempts=tournament.attempts,
        cost=_price_views(tournament.cost),
    )


def participation_view(participation: Participation) -> ParticipationView:
    return ParticipationView(
        board_id=participation.board_id,
        joined_at=participation.joined_at,
        paid=_price_views(participation.paid),
        attempts=participation.attempts,
    )


def _price_views(prices: Sequence[Price]) -> list[GrantView]:
    return [GrantView(item=price.item, amount=price.amount) for price in prices]


def period_view(period: Period) -> PeriodView:
    return PeriodView(period_id=period.period_id, start=period.start, end=period.end)


def avatar_view(player_id: str, reference: str | None, links: Links, sizes: tuple[int, ...] = SIZES) -> AvatarView:
    """Return a player's pictures: files of the avatar with this reference, or a placeholder where there is none."""
    if reference is None or not links.media_url:
        drawn = links.identicon(player_id)
        images = [ImageView(size, size, IDENTICON_TYPE, f"{drawn}{size}") for size in sizes]
        return AvatarView(placeholder=True, images=images)
    folder = links.avatar(player_id, reference)
    images = [ImageView(size, size, media_type, folder + name) for size, media_type, name in _files(sizes)]
    return AvatarView(placeholder=False, images=images)


@cache
def _files(sizes: tuple[int, ...]) -> list[tuple[int, str, str]]:
    """Return size, media type and name of an avatar's files: alike for all, and a page shows hundreds."""
    return [(size, form.media_type, keys.file_name(size, form)) for size in sizes for form in Form]


def entry_view(entry: Entry, links: Links) -> EntryView:
    return EntryView(
        rank=entry.rank,
        player_id=entry.player_id,
        display_name=entry.display_name,
        avatar=avatar_view(entry.player_id, entry.avatar, links, SMALL),
        score=entry.score,
        subscore=entry.subscore,
        achieved_at=entry.achieved_at,
    )


def page_view(page: Page, links: Links) -> PageView:
    return PageView(
        board_id=page.board.board_id,
        period_id=page.period.period_id,
        entries=[entry_view(entry, links) for entry in page.entries],
        next_cursor=page.next_cursor,
        previous_cursor=page.previous_cursor,
        as_of=page.as_of,
    )


def own_entry_view(board: Board, period: Period, own: OwnEntry, links: Links) -> OwnEntryView:
    return OwnEntryView(
        board_id=board.board_id,
        period_id=period.period_id,
        entry=entry_view(own.entry, links),
        total=own.total,
        percentile=own.percentile,
    )


def player_view(player: Player, links: Links) -> PlayerView:
    return PlayerView(
        player_id=player.player_id,
        display_name=player.display_name,
        avatar=avatar_view(player.player_id, player.avatar, links),
        locale=player.locale,
        metadata=player.metadata,
        created_at=player.created_at,
    )


def upload_view(upload: Upload) -> UploadView:
    refused = upload.refused
    return UploadView(
        upload_id=upload.upload_id,
        state=upload.state,
        content_type=upload.media_type,
        asked_at=upload.asked_at,
        refused=RefusedView(reason=refused.reason, message=refused.message) if refused else None,
    )


def game_view(game: Game) -> GameView:
    return GameView(
        game_id=game.game_id,
        mode=game.mode,
        seed=game.seed,
        started_at=game.started_at,
        expires_at=game.expires_at,
    )


def score_view(shown: Score | Record) -> ScoreView:
    return ScoreView(score=shown.score, subscore=shown.subscore, achieved_at=shown.achieved_at)


def result_view(result: GameResult) -> ResultView:
    return ResultView(ended_at=result.ended_at, placements=placement_views(result.placements))


def placement_views(placements: Sequence[Placement]) -> list[PlacementView]:
    return [_placement_view(placement) for placement in placements]


def _placement_view(placement: Placement) -> PlacementView:
    return PlacementView(
        board_id=placement.board_id,
        period_id=placement.period_id,
        outcome=placement.outcome,
        reason=placement.reason,
        before=score_view(placement.before) if placement.before else None,
        after=score_view(placement.after) if placement.after else None,
        rank_before=placement.rank_before,
        rank_after=placement.rank_after,
        total=placement.total,
        percentile=placement.percentile,
    )
