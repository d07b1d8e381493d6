"""Exports: everything that is stored about a player, for that player."""

from typing import Annotated

from msgspec import Meta

from chalicelib.api.devices import DeviceView, device_view
from chalicelib.api.links import Links
from chalicelib.api.notices import SlipView, slip_view
from chalicelib.api.routing import Access, Api
from chalicelib.api.wire import (
    Answer,
    Balances,
    GameView,
    Instant,
    ParticipationView,
    PlayerView,
    ResultView,
    RewardView,
    ScoreView,
    UploadView,
    game_view,
    participation_view,
    player_view,
    result_view,
    reward_view,
    score_view,
    upload_view,
)
from chalicelib.bootstrap.serving import services
from chalicelib.domain.buckets import Membership
from chalicelib.domain.games import Game
from chalicelib.domain.players import IdentityKind
from chalicelib.domain.records import Record
from chalicelib.domain.seasons import Move

api = Api("players")


class SessionView(Answer):
    session_id: str
    created_at: Instant
    expires_at: Instant


class PlayedView(Answer):
    game: GameView
    result: ResultView | None


class RecordView(Answer):
    board_id: str
    period_id: str
    record: ScoreView
    hidden: bool


class SubmittedView(Answer):
    submission_id: str
    result: ResultView


class BucketMembershipView(Answer):
    """That the player was in a bucket of a round."""

    season_id: str
    round: int
    tier: Annotated[int, Meta(description="Counted from 0, the lowest.")]
    came: Move | None
    joined_at: Instant


class ExportView(Answer):
    player: PlayerView
    upload: Annotated[UploadView | None, Meta(description="The latest picture that was to become the avatar.")]
    identities: Annotated[
        list[IdentityKind],
        Meta(description="What the player signs in with; the ids themselves are kept as digests only."),
    ]
    sessions: list[SessionView]
    games: list[PlayedView]
    submissions: list[SubmittedView]
    """What the studio's own servers submitted with an id."""
    records: list[RecordView]
    notices: list[SlipView]
    devices: list[DeviceView]
    rewards: list[RewardView]
    balances: Balances
    memberships: list[BucketMembershipView]
    participations: list[ParticipationView]


@api.route("GET", "/players/me/export", access=Access.PLAYER)
def export(caller: str, links: Links) -> ExportView:
    """Return everything stored about the signed-in player."""
    kept = services().players.export(caller)
    return ExportView(
        player=player_view(kept.player, links),
        upload=upload_view(kept.upload) if kept.upload else None,
        identities=[identity.kind for identity in kept.player.identities],
        sessions=[
            SessionView(session_id=each.session_id, created_at=each.created_at, expires_at=each.expires_at)
            for each in kept.sessions
        ],
        games=[_played_view(game) for game in kept.games],
        submissions=[
            SubmittedView(submission_id=submission_id, result=result_view(receipt.result))
            for submission_id, receipt in kept.receipt_by_submission.items()
        ],
        records=[_record_view(record) for record in kept.records],
        notices=[slip_view(slip) for slip in kept.notices],
        devices=[device_view(device) for device in services().devices.of_player(caller)],
        rewards=[reward_view(reward) for reward in kept.rewards],
        balances=kept.balances,
        memberships=[_membership_view(membership) for membership in kept.memberships],
        participations=[participation_view(each) for each in kept.participations],
    )


def _membership_view(membership: Membership) -> BucketMembershipView:
    return BucketMembershipView(
        season_id=membership.season_id,
        round=membership.round,
        tier=membership.bucket.shelf.tier,
        came=membership.came,
        joined_at=membership.joined_at,
    )


def _played_view(game: Game) -> PlayedView:
    return PlayedView(game=game_view(game), result=result_view(game.result) if game.result else None)


def _record_view(record: Record) -> RecordView:
    return RecordView(
        board_id=record.board_id, period_id=record.period_id, record=score_view(record), hidden=record.hidden
    )
