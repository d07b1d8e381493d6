"""Admin: boards, authoritative submissions and moderation, guarded by an admin key."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib.api.routing import Access, Api
from chalicelib.api.tournaments import TournamentBody, tournament_of
from chalicelib.api.wire import (
    Answer,
    BoardId,
    BoardPath,
    BoardPlayerPath,
    BoardView,
    Instant,
    Int64,
    PeriodQuery,
    PlacementView,
    PlayerId,
    Strict,
    board_view,
    placement_views,
)
from chalicelib.bootstrap.serving import services
from chalicelib.domain.boards import INT64_MAX, Board, Limits, Operator, SortOrder
from chalicelib.domain.records import Submission
from chalicelib.errors import (
    BoardExistsError,
    BoardNotFoundError,
    BoardSealedError,
    ContendedError,
    GameError,
    PeriodNotFoundError,
    PlayerNotFoundError,
    RecordNotFoundError,
    SubmissionReusedError,
)
from chalicelib.services import clock
from chalicelib.services.scores import Verdict

api = Api("admin")

MAX_BATCH = 100

Title = Annotated[str, Meta(min_length=1, max_length=100)]
Unit = Annotated[str, Meta(pattern=r"^[A-Za-z0-9 /%_.-]{1,16}\Z", description="What a score counts.", examples=["ms"])]
Reset = Annotated[
    str,
    Meta(
        min_length=9,
        max_length=64,
        description="Cron in UTC, five fields; null: the board never resets.",
        examples=["0 0 * * 1"],
    ),
]
Rate = Annotated[int, Meta(ge=1, le=INT64_MAX, description="Score per second of play, by the server's clock.")]
RetentionDays = Annotated[int, Meta(ge=1, le=3650, description="Days a finished period is kept; null: for ever.")]
SubscoreOrder = Annotated[
    SortOrder | None, Meta(description="How equal scores are told apart; null: the board takes no subscores.")
]
Authoritative = Annotated[
    bool, Meta(description="True: only your own servers submit, and what games report is rejected.")
]
SubmissionId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9._:-]{1,64}\Z",
        description="Yours: the same id with the same submission counts once and gets the same answer.",
    ),
]


class LimitsBody(Strict):
    """What one submission may claim; null sets no limit."""

    min_score: Int64 | None = None
    max_score: Int64 | None = None
    max_per_second: Rate | None = None


class NewBoard(Strict):
    board_id: BoardId
    title: Title
    unit: Unit = "points"
    sort_order: SortOrder = SortOrder.DESC
    subscore_order: SubscoreOrder = None
    operator: Operator = Operator.BEST
    reset: Reset | None = None
    limits: LimitsBody = msgspec.field(default_factory=LimitsBody)
    authoritative: Authoritative = False
    retention_days: RetentionDays | None = None
    tournament: TournamentBody | None = None


class BoardChange(Strict):
    """Fields left out stay as they are. What gives records their meaning is final once the board has had one."""

    title: Title | UnsetType = UNSET
    unit: Unit | UnsetType = UNSET
    sort_order: SortOrder | UnsetType = UNSET
    subscore_order: SubscoreOrder | UnsetType = UNSET
    operator: Operator | UnsetType = UNSET
    reset: Reset | UnsetType | None = UNSET
    limits: LimitsBody | UnsetType = UNSET
    authoritative: Authoritative | UnsetType = UNSET
    retention_days: RetentionDays | UnsetType | None = UNSET
    tournament: (
        Annotated[
            TournamentBody,
            Meta(description="As a whole. From its start on its end may move, and its places and attempts may grow."),
        ]
        | UnsetType
        | None
    ) = UNSET


class AuthoritativeSubmission(Strict):
    player_id: PlayerId
    score: Int64
    subscore: Int64 = 0
    submission_id: SubmissionId | None = None


class Batch(Strict):
    submissions: Annotated[list[AuthoritativeSubmission], Meta(min_length=1, max_length=MAX_BATCH)]


class Moderation(Strict):
    hidden: bool


class PlacedView(Answer):
    player_id: str
    submitted_at: Instant
    placement: PlacementView


class BatchErrorView(Answer):
    code: str
    message: str


class BatchLineView(Answer):
    """Either the placement, without ranks, or the error."""

    player_id: str
    placement: PlacementView | None
    error: BatchErrorView | None


class BatchView(Answer):
    results: list[BatchLineView]


class ModeratedView(Answer):
    board_id: str
    period_id: str
    player_id: str
    hidden: bool


@api.route("POST", "/admin/boards", access=Access.ADMIN, status=201, errors=(BoardExistsError,))
def create(body: NewBoard) -> BoardView:
    """Create a board."""
    fields = {
        **msgspec.structs.asdict(body),
        "limits": _limits(body.limits),
        "tournament": tournament_of(body.tournament),
    }
    return _view(services().boards.create(Board(**fields, created_at=clock.now())))


@api.route(
    "PATCH",
    "/admin/boards/{board_id}",
    access=Access.ADMIN,
    errors=(BoardNotFoundError, BoardSealedError, ContendedError),
)
def change(path: BoardPath, body: BoardChange) -> BoardView:
    """Change a board. Title, limits and authority at any time; the rest only before its first record."""
    changes: dict[str, Any] = {
        name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET
    }
    if isinstance(body.limits, LimitsBody):
        changes["limits"] = _limits(body.limits)
    if body.tournament is not UNSET:
        changes["tournament"] = tournament_of(body.tournament)
    return _view(services().boards.change(path.board_id, changes))


@api.route(
    "POST",
    "/admin/boards/{board_id}/submissions",
    access=Access.ADMIN,
    errors=(BoardNotFoundError, ContendedError, PlayerNotFoundError, SubmissionReusedError),
)
def submit(path: BoardPath, body: AuthoritativeSubmission) -> PlacedView:
    """Submit a score for a player, with the word of your own server."""
    result = services().games.submit(body.player_id, _submission(path, body), body.submission_id)
    placement = placement_views(result.placements)[0]
    return PlacedView(player_id=body.player_id, submitted_at=result.ended_at, placement=placement)


@api.route(
    "POST",
    "/admin/boards/{board_id}/submissions/batch",
    access=Access.ADMIN,
    errors=(BoardNotFoundError,),
)
def submit_batch(path: BoardPath, body: Batch) -> BatchView:
    """Submit up to 100 scores, in order. Each stands or falls alone; ranks are not read."""
    wanted = [(each.player_id, _submission(path, each), each.submission_id) for each in body.submissions]
    verdicts = services().games.submit_many(wanted)
    lines = [_line(each.player_id, verdict) for each, verdict in zip(body.submissions, verdicts, strict=True)]
    return BatchView(results=lines)


@api.route(
    "DELETE",
    "/admin/boards/{board_id}/records/{player_id}",
    access=Access.ADMIN,
    status=204,
    errors=(BoardNotFoundError, PeriodNotFoundError, RecordNotFoundError, ContendedError),
)
def delete_record(path: BoardPlayerPath, query: PeriodQuery) -> None:
    """Delete a player's record of a period, and its rank with it."""
    board = services().boards.get(path.board_id)
    period = services().boards.period(board, query.period)
    services().moderation.remove(path.player_id, board, period.period_id)


@api.route(
    "PATCH",
    "/admin/boards/{board_id}/records/{player_id}",
    access=Access.ADMIN,
    errors=(BoardNotFoundError, PeriodNotFoundError, RecordNotFoundError, ContendedError),
)
def moderate(path: BoardPlayerPath, query: PeriodQuery, body: Moderation) -> ModeratedView:
    """Hide a record from ranks and listings, or show it again. Its player still sees it, without a rank."""
    board = services().boards.get(path.board_id)
    period = services().boards.period(board, query.period)
    record = services().moderation.hide(path.player_id, board, period.period_id, hidden=body.hidden)
    return ModeratedView(
        board_id=board.board_id, period_id=period.period_id, player_id=record.player_id, hidden=record.hidden
    )


def _view(board: Board) -> BoardView:
    return board_view(board, services().boards.period(board, "current"))


def _limits(body: LimitsBody) -> Limits:
    return Limits(body.min_score, body.max_score, body.max_per_second)


def _submission(path: BoardPath, body: AuthoritativeSubmission) -> Submission:
    return Submission(path.board_id, body.score, body.subscore)


def _line(player_id: str, verdict: Verdict) -> BatchLineView:
    if isinstance(verdict, GameError):
        error = BatchErrorView(code=verdict.code, message=verdict.message)
        return BatchLineView(player_id=player_id, placement=None, error=error)
    return BatchLineView(player_id=player_id, placement=placement_views(verdict.placements)[0], error=None)
