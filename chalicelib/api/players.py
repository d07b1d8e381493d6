"""Players: register, sign in, profile, export and leave."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

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
    PlayerPath,
    PlayerView,
    ResultView,
    RewardView,
    ScoreView,
    Strict,
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
from chalicelib.domain import players
from chalicelib.domain.buckets import Membership
from chalicelib.domain.games import Game
from chalicelib.domain.players import DisplayNameError, IdentityKind
from chalicelib.domain.records import Record
from chalicelib.domain.seasons import Move
from chalicelib.errors import (
    ContendedError,
    IdentityTakenError,
    IdentityUnknownError,
    MalformedError,
    PlayerNotFoundError,
    TokenError,
    TokenExpiredError,
    TokenReusedError,
)
from chalicelib.services.players import SignedIn, TokenPair

api = Api("players")

Secret = Annotated[
    str,
    Meta(
        pattern=r"^[\x21-\x7e]{8,128}\Z",
        description="8 to 128 printable ASCII characters. Whoever knows it can sign in: keep it random and secret.",
    ),
]
DisplayName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=128,
        description="At most 32 characters after normalisation (NFKC); no control, invisible or direction characters.",
        examples=["Zoë the Great"],
    ),
]
Locale = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z", description="A language tag (BCP 47).", examples=["pt-BR"]
    ),
]
Metadata = Annotated[
    dict[Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,32}\Z")], Annotated[str, Meta(max_length=256)]],
    Meta(max_length=16, description="Public, up to 16 short texts."),
]
_ONE_OF = Meta(extra_json_schema={"oneOf": [{"required": ["device_id"]}, {"required": ["custom_id"]}]})


class Credentials(Strict):
    """Exactly one of `device_id` and `custom_id`."""

    device_id: Secret | UnsetType = UNSET
    custom_id: Secret | UnsetType = UNSET


class Registration(Credentials):
    """Exactly one of `device_id` and `custom_id`."""

    display_name: DisplayName | UnsetType = UNSET
    locale: Locale = "en"


class RefreshBody(Strict):
    refresh_token: Annotated[str, Meta(min_length=1, max_length=256)]


class ProfileChange(Strict):
    """Fields left out stay as they are."""

    display_name: DisplayName | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET


class TokensView(Answer):
    access_token: str
    access_expires_at: Instant
    refresh_token: str
    refresh_expires_at: Instant


class SignedInView(Answer):
    player: PlayerView
    tokens: TokensView


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


@api.route("POST", "/players", status=201, errors=(IdentityTakenError, ContendedError))
def register(body: Annotated[Registration, _ONE_OF], links: Links) -> SignedInView:
    """Make a new player and sign in."""
    kind, secret = _identity(body)
    name = _display_name(body.display_name)
    return _signed_in_view(services().players.register(kind, secret, name, body.locale), links)


@api.route("POST", "/players/signIn", errors=(IdentityUnknownError,))
def sign_in(body: Annotated[Credentials, _ONE_OF], links: Links) -> SignedInView:
    """Open a session of an existing player."""
    return _signed_in_view(services().players.sign_in(*_identity(body)), links)


@api.route("POST", "/players/refresh", errors=(TokenError, TokenExpiredError, TokenReusedError))
def refresh(body: RefreshBody) -> TokensView:
    """Exchange a refresh token, which is used up, for new tokens. A token used twice closes its session."""
    return _tokens_view(services().players.refresh(body.refresh_token))


@api.route("POST", "/players/signOut", status=204, errors=(TokenError,))
def sign_out(body: RefreshBody) -> None:
    """Close the session of a refresh token."""
    services().players.sign_out(body.refresh_token)


@api.route("GET", "/players/me", access=Access.PLAYER)
def own(caller: str, links: Links) -> PlayerView:
    """Return the signed-in player's profile."""
    return player_view(services().players.own(caller), links)


@api.route("PATCH", "/players/me", access=Access.PLAYER, errors=(ContendedError,))
def change(caller: str, body: ProfileChange, links: Links) -> PlayerView:
    """Change the profile; a new name shows on all boards."""
    changed = services().players.change(
        caller,
        display_name=_display_name(body.display_name),
        locale=None if body.locale is UNSET else body.locale,
        metadata=None if body.metadata is UNSET else body.metadata,
    )
    return player_view(changed, links)


@api.route("DELETE", "/players/me", access=Access.PLAYER, status=204, errors=(ContendedError,))
def leave(caller: str) -> None:
    """Delete the account and everything in it: profile, sessions, games, records and their ranks, notices."""
    services().players.delete(caller)


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


@api.route("GET", "/players/{player_id}", errors=(PlayerNotFoundError,))
def public(path: PlayerPath, links: Links) -> PlayerView:
    """Return a player's public profile."""
    return player_view(services().players.public(path.player_id), links)


def _identity(credentials: Credentials) -> tuple[IdentityKind, str]:
    device, custom = credentials.device_id, credentials.custom_id
    if isinstance(device, str) and custom is UNSET:
        return IdentityKind.DEVICE, device
    if isinstance(custom, str) and device is UNSET:
        return IdentityKind.CUSTOM, custom
    raise MalformedError("body: expected exactly one of device_id and custom_id", field="body")


def _display_name(text: str | UnsetType) -> str | None:
    if isinstance(text, UnsetType):
        return None
    try:
        return players.display_name(text)
    except DisplayNameError as error:
        raise MalformedError(f"body.display_name: {error}", field="display_name") from error


def _signed_in_view(signed_in: SignedIn, links: Links) -> SignedInView:
    return SignedInView(player=player_view(signed_in.player, links), tokens=_tokens_view(signed_in.tokens))


def _tokens_view(pair: TokenPair) -> TokensView:
    return TokensView(
        access_token=pair.access_token,
        access_expires_at=pair.access_expires_at,
        refresh_token=pair.refresh_token,
        refresh_expires_at=pair.refresh_expires_at,
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
