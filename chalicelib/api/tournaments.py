"""Tournaments: joining them and withdrawing, what a player has in them, and stopping them."""

from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.api.rewards import GrantBody
from chalicelib.api.routing import Access, Api
from chalicelib.api.wire import (
    Answer,
    BoardPath,
    BoardView,
    Instant,
    ParticipationView,
    Strict,
    TournamentView,
    board_view,
    in_utc,
    participation_view,
    tournament_view,
)
from chalicelib.bootstrap.serving import services
from chalicelib.domain.tournaments import MAX_ATTEMPTS, MAX_CAPACITY, MAX_PRICES, Price, Tournament
from chalicelib.errors import (
    BalanceTooLowError,
    BoardNotFoundError,
    ContendedError,
    TournamentBegunError,
    TournamentFullError,
    TournamentNotFoundError,
    TournamentOverError,
)
from chalicelib.services.tournaments import Standing

api = Api("tournaments")


class TournamentBody(Strict):
    """What makes a board a tournament."""

    starts_at: Instant
    ends_at: Annotated[Instant, Meta(description="Scores count until just before it.")]
    join_required: Annotated[bool, Meta(description="Whether only scores of players who joined count.")] = False
    capacity: Annotated[int, Meta(ge=1, le=MAX_CAPACITY, description="Places; null: for everybody.")] | None = None
    attempts: (
        Annotated[int, Meta(ge=1, le=MAX_ATTEMPTS, description="Scores of a player that count; null: all.")] | None
    ) = None
    cost: Annotated[
        list[GrantBody], Meta(max_length=MAX_PRICES, description="Taken from the balances of who joins.")
    ] = msgspec.field(default_factory=list)


class StandingView(Answer):
    """A tournament as the signed-in player sees it."""

    board_id: str
    tournament: TournamentView
    participation: Annotated[
        ParticipationView | None, Meta(description="null: the player has neither joined nor played.")
    ]
    attempts_left: Annotated[int | None, Meta(description="Scores that may still count; null: any number.")]
    places_left: Annotated[int | None, Meta(description="null: there is a place for everybody.")]


@api.route(
    "POST",
    "/boards/{board_id}/join",
    access=Access.PLAYER,
    errors=(
        BoardNotFoundError,
        TournamentNotFoundError,
        TournamentOverError,
        TournamentFullError,
        BalanceTooLowError,
        ContendedError,
    ),
)
def join(caller: str, path: BoardPath) -> StandingView:
    """Join a tournament, at its price, before or while it runs: the same call again changes nothing."""
    return _view(services().tournaments.join(path.board_id, caller))


@api.route(
    "POST",
    "/boards/{board_id}/withdraw",
    access=Access.PLAYER,
    errors=(BoardNotFoundError, TournamentNotFoundError, TournamentBegunError, ContendedError),
)
def withdraw(caller: str, path: BoardPath) -> StandingView:
    """Withdraw from a tournament that has not begun, or was called off, and get back what joining cost, once."""
    return _view(services().tournaments.withdraw(path.board_id, caller))


@api.route(
    "GET",
    "/boards/{board_id}/participation/me",
    access=Access.PLAYER,
    errors=(BoardNotFoundError, TournamentNotFoundError),
)
def own(caller: str, path: BoardPath) -> StandingView:
    """Return whether the signed-in player has joined a tournament, and how many attempts are left."""
    return _view(services().tournaments.own(path.board_id, caller))


@api.route(
    "POST",
    "/admin/boards/{board_id}/stop",
    access=Access.ADMIN,
    errors=(BoardNotFoundError, TournamentNotFoundError, ContendedError),
)
def stop(path: BoardPath) -> BoardView:
    """End a tournament now, for good: the same call again changes nothing."""
    board = services().boards.stop(path.board_id)
    return board_view(board, services().boards.period(board, "current"))


def tournament_of(body: TournamentBody | None) -> Tournament | None:
    if body is None:
        return None
    return Tournament(
        starts_at=in_utc(body.starts_at, "tournament.starts_at"),
        ends_at=in_utc(body.ends_at, "tournament.ends_at"),
        join_required=body.join_required,
        capacity=body.capacity,
        attempts=body.attempts,
        cost=tuple(Price(price.item, price.amount) for price in body.cost),
    )


def _view(standing: Standing) -> StandingView:
    return StandingView(
        board_id=standing.board.board_id,
        tournament=tournament_view(standing.tournament),
        participation=participation_view(standing.own) if standing.own else None,
        attempts_left=standing.attempts_left,
        places_left=standing.places_left,
    )
