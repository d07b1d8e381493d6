"""Figures: what a board tells beyond its entries: thresholds, the rank of any score, distributions, past periods."""

from decimal import Decimal
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from chalicelib.api.boards import BOARD_ERRORS
from chalicelib.api.links import Links
from chalicelib.api.routing import Access, Api
from chalicelib.api.wire import (
    Answer,
    BoardPath,
    BoardPlayerPath,
    EntryView,
    Instant,
    Int64,
    PeriodName,
    PeriodQuery,
    PeriodView,
    PlayerId,
    Position,
    Strict,
    entry_view,
    period_view,
)
from chalicelib.bootstrap.serving import services
from chalicelib.domain.turns import Stage
from chalicelib.errors import MalformedError
from chalicelib.services.distributions import Distribution
from chalicelib.services.history import KeptPeriods
from chalicelib.services.thresholds import Threshold

api = Api("boards")

MAX_THRESHOLDS = 20
MAX_BARS = 100
MAX_EDGES = 50
MAX_PERIODS = 50
_BARS = 50
_Percent = Annotated[float, Meta(gt=0, le=100)]
_Before = Annotated[PeriodName, Meta(description="Only periods before this one; else from the current one on.")]


class ThresholdsQuery(PeriodQuery):
    ranks: (
        Annotated[
            list[Position],
            Meta(min_length=1, max_length=MAX_THRESHOLDS, description="The top r records end at rank r."),
        ]
        | UnsetType
    ) = UNSET
    percents: (
        Annotated[
            list[_Percent],
            Meta(
                min_length=1,
                max_length=MAX_THRESHOLDS,
                description="The top q percent of N records end at rank q x N / 100, rounded up.",
            ),
        ]
        | UnsetType
    ) = UNSET


class RankQuery(PeriodQuery, kw_only=True):
    score: Int64
    subscore: Annotated[Int64, Meta(description="0 on boards without.")] = 0
    player_id: Annotated[PlayerId, Meta(description="Leave this player's own record out.")] | UnsetType = UNSET


class DistributionQuery(PeriodQuery):
    low: Annotated[Int64, Meta(description="Lowest score to show; else the board's lowest.")] | UnsetType = UNSET
    high: Annotated[Int64, Meta(description="Highest score to show; else the board's highest.")] | UnsetType = UNSET
    bars: (
        Annotated[int, Meta(ge=1, le=MAX_BARS, description=f"At most; {_BARS} where low or high is given.")] | UnsetType
    ) = UNSET
    edges: (
        Annotated[
            list[Int64],
            Meta(min_length=1, max_length=MAX_EDGES, description="Scores at which bars begin; instead of the others."),
        ]
        | UnsetType
    ) = UNSET


class PeriodsQuery(Strict):
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    before: _Before | UnsetType = UNSET


class HistoryQuery(Strict):
    periods: Annotated[int, Meta(ge=1, le=MAX_PERIODS, description="Periods to look into.")] = 10
    before: _Before | UnsetType = UNSET


class ThresholdView(Answer):
    """What takes a player to `rank` or a better one. Who equals score and subscore does; who is any worse does not."""

    rank: Annotated[int, Meta(description="The rank asked for, or at which the top `percent` ends.")]
    percent: float | None
    score: Annotated[int | None, Meta(description="null: any score will do, the board has fewer records.")]
    subscore: int | None
    shared_rank: Annotated[
        int | None, Meta(description="The rank of all who have this very score: better than `rank` where they tie.")
    ]


class ThresholdsView(Answer):
    board_id: str
    period_id: str
    total: Annotated[int, Meta(description="Records ranked on the board in this period.")]
    thresholds: Annotated[list[ThresholdView], Meta(description="As asked: ranks first, then percents.")]


class ScoreRankView(Answer):
    """What a record with this score would be, beside all others."""

    board_id: str
    period_id: str
    score: int
    subscore: int
    better: Annotated[int, Meta(description="Records that are strictly better.")]
    rank: int
    total: Annotated[int, Meta(description="Records that would be ranked, this one among them.")]
    percentile: Annotated[float, Meta(description="Share of these records, in percent, that are not better.")]


class BarView(Answer):
    """Scores from `low` to `high`, both included."""

    low: int
    high: int
    count: int


class DistributionView(Answer):
    board_id: str
    period_id: str
    total: Annotated[
        int, Meta(description="Records ranked on the board in this period: below, in, and above the bars.")
    ]
    below: int
    bars: Annotated[list[BarView], Meta(description="Lowest first.")]
    above: int


class KeptPeriodView(PeriodView):
    kept_until: Annotated[Instant | None, Meta(description="When its records are forgotten; null: never.")]
    state: Annotated[
        Stage,
        Meta(
            description="`open`; `ended`: over, and about to be `frozen`; then `archived`, `rewarded` and `done`, or"
            " `forgotten` before it could be archived."
        ),
    ]
    archived: Annotated[int | None, Meta(description="Records in its archive; null until there is one.")]


class PeriodsView(Answer):
    board_id: str
    periods: Annotated[list[KeptPeriodView], Meta(description="Newest first.")]
    next_before: Annotated[str | None, Meta(description="The next page's `before`; null: there are no older ones.")]


class PastEntryView(Answer):
    period: PeriodView
    entry: EntryView
    total: int
    percentile: float | None


class HistoryView(Answer):
    board_id: str
    player_id: str
    entries: Annotated[list[PastEntryView], Meta(description="Newest first; only periods with an entry that is shown.")]
    next_before: Annotated[str | None, Meta(description="The next page's `before`; null: there are no older periods.")]


@api.route("GET", "/boards/{board_id}/thresholds", errors=BOARD_ERRORS, optional=True)
def thresholds(path: BoardPath, query: ThresholdsQuery) -> ThresholdsView:
    """Return the scores that it takes to hold some ranks, or to be in the top of some percents. Give one or both."""
    if query.ranks is UNSET and query.percents is UNSET:
        raise MalformedError("query: expected ranks, percents or both", field="query")
    ranks = [] if query.ranks is UNSET else query.ranks
    percents = [] if query.percents is UNSET else [Decimal(repr(percent)) for percent in query.percents]
    ladder = services().thresholds.ladder(path.board_id, query.period, ranks, percents)
    return ThresholdsView(
        board_id=ladder.board.board_id,
        period_id=ladder.period.period_id,
        total=ladder.total,
        thresholds=[_threshold_view(threshold) for threshold in ladder.thresholds],
    )


@api.route("GET", "/boards/{board_id}/rank", errors=BOARD_ERRORS, optional=True)
def rank(path: BoardPath, query: RankQuery) -> ScoreRankView:
    """Return the rank that a score would have, without submitting it."""
    player_id = None if query.player_id is UNSET else query.player_id
    prospect = services().thresholds.prospect(path.board_id, query.period, query.score, query.subscore, player_id)
    return ScoreRankView(
        board_id=prospect.board.board_id,
        period_id=prospect.period.period_id,
        score=prospect.score,
        subscore=prospect.subscore,
        better=prospect.rank - 1,
        rank=prospect.rank,
        total=prospect.total,
        percentile=prospect.percentile,
    )


@api.route("GET", "/boards/{board_id}/distribution", errors=BOARD_ERRORS, optional=True)
def distribution(path: BoardPath, query: DistributionQuery) -> DistributionView:
    """Return how many records have which scores.

    By itself it shows the whole board, in bars at most 1/64 of their score wide, without the empty ones. With low, high
    or bars: that range in at most so many bars, as equal in width as the board's bins allow. With edges: from each edge
    up to the next.
    """
    where = (path.board_id, query.period)
    zoomed = any(value is not UNSET for value in (query.low, query.high, query.bars))
    if query.edges is not UNSET:
        if zoomed:
            raise MalformedError("query: expected edges, or any of low, high and bars, not both", field="query")
        return _distribution_view(services().distributions.bands(*where, query.edges))
    if not zoomed:
        return _distribution_view(services().distributions.overview(*where))
    low = None if query.low is UNSET else query.low
    high = None if query.high is UNSET else query.high
    bars = _BARS if query.bars is UNSET else query.bars
    return _distribution_view(services().distributions.histogram(*where, bars, low, high))


@api.route("GET", "/boards/{board_id}/periods", errors=BOARD_ERRORS, optional=True)
def periods(path: BoardPath, query: PeriodsQuery) -> PeriodsView:
    """Return a board's periods that are kept, from the current one back to the first."""
    kept = services().history.periods(path.board_id, query.limit, _before(query))
    progress = services().turns.progress(kept.board, [each.period for each in kept.periods])
    return PeriodsView(
        board_id=kept.board.board_id,
        periods=[
            KeptPeriodView(
                period_id=each.period.period_id,
                start=each.period.start,
                end=each.period.end,
                kept_until=each.kept_until,
                state=reached.stage,
                archived=reached.archived,
            )
            for each, reached in zip(kept.periods, progress, strict=True)
        ],
        next_before=_next_before(kept),
    )


@api.route("GET", "/boards/{board_id}/entries/me/history", access=Access.PLAYER, errors=BOARD_ERRORS, optional=True)
def own_history(caller: str, path: BoardPath, query: HistoryQuery, links: Links) -> HistoryView:
    """Return the signed-in player's entries in several periods, each with rank, total and percentile."""
    return _history(path.board_id, caller, query, links)


@api.route("GET", "/boards/{board_id}/entries/{player_id}/history", errors=BOARD_ERRORS, optional=True)
def history(path: BoardPlayerPath, query: HistoryQuery, links: Links) -> HistoryView:
    """Return a player's entries in several periods, each with rank, total and percentile."""
    return _history(path.board_id, path.player_id, query, links)


def _threshold_view(threshold: Threshold) -> ThresholdView:
    return ThresholdView(
        rank=threshold.rank,
        percent=None if threshold.percent is None else float(threshold.percent),
        score=threshold.score,
        subscore=threshold.subscore,
        shared_rank=threshold.shared,
    )


def _distribution_view(found: Distribution) -> DistributionView:
    return DistributionView(
        board_id=found.board.board_id,
        period_id=found.period.period_id,
        total=found.total,
        below=found.below,
        bars=[BarView(low=bar.low, high=bar.high, count=bar.count) for bar in found.bars],
        above=found.above,
    )


def _history(board_id: str, player_id: str, query: HistoryQuery, links: Links) -> HistoryView:
    past = services().history.entries(board_id, player_id, query.periods, _before(query))
    return HistoryView(
        board_id=board_id,
        player_id=player_id,
        entries=[
            PastEntryView(
                period=period_view(each.period),
                entry=entry_view(each.own.entry, links),
                total=each.own.total,
                percentile=each.own.percentile,
            )
            for each in past.entries
        ],
        next_before=_next_before(past.kept),
    )


def _before(query: PeriodsQuery | HistoryQuery) -> str | None:
    return None if query.before is UNSET else query.before


def _next_before(kept: KeptPeriods) -> str | None:
    return kept.periods[-1].period.period_id if kept.more else None
