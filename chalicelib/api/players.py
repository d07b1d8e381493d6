"""Players: register, sign in, profile, export and leave."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from chalicelib.api.links import Links
from chalicelib.api.routing import Access, Api
from chalicelib.api.wire import (
    Answer,
    Instant,
    PlayerPath,
    PlayerView,
    Strict,
    player_view,
)
from chalicelib.bootstrap.serving import services
from chalicelib.domain import players
from chalicelib.domain.players import DisplayNameError, IdentityKind
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
