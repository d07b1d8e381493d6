"""Tokens: access tokens, refresh tokens and cursors, signed with keys that can be rotated."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from chalicelib.config import SigningKey
from chalicelib.errors import CursorError, GameError, TokenError, TokenExpiredError
from chalicelib.services.clock import Clock

if TYPE_CHECKING:
    from types import ModuleType

ACCESS_LIFETIME = timedelta(hours=1)
REFRESH_LIFETIME = timedelta(days=30)
_ALGORITHM = "HS256"
_SECRET_BYTES = 32
_REFRESH_TOKEN = re.compile(r"(?P<player_id>[0-9a-f]{32})\.(?P<session_id>[0-9a-f]{32})\.[A-Za-z0-9_-]{43}")
_PLAYER, _CURSOR = "player", "cursor"
_LAST = "last"


class Claims(Struct, frozen=True):
    """What a valid access token proves."""

    player_id: str
    session_id: str
    expires_at: datetime


class RefreshToken(Struct, frozen=True):
    """An opaque secret that names its session: ``text`` goes to the client once, ``digest`` is what is kept."""

    player_id: str
    session_id: str
    text: str

    @property
    def digest(self) -> str:
        return digest(self.text)


class Tokens:
    """Signs with the first key and accepts all: put the new key first, and drop the old one when its tokens expired."""

    def __init__(self, keys: tuple[SigningKey, ...], clock: Clock) -> None:
        self._keys = keys
        self._secret_by_id = {key.key_id: key.secret for key in keys}
        self._clock = clock

    def access(self, player_id: str, session_id: str) -> tuple[str, datetime]:
        """Return a signed token (JWT, HS256) and when it expires."""
        issued_at = self._clock().replace(microsecond=0)
        expires_at = issued_at + ACCESS_LIFETIME
        claims = {
            "sub": player_id,
            "sid": session_id,
            "iat": int(issued_at.timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        return self._signed(_PLAYER, claims), expires_at

    def verified(self, token: str) -> Claims:
        """Return what the access token proves, or raise TokenError or TokenExpiredError."""
        claims = self._read(_PLAYER, token, TokenError("the access token is not one of ours; sign in again"))
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        if self._clock() >= expires_at:
            raise TokenExpiredError("the access token has expired; refresh it with POST /players/refresh")
        return Claims(claims["sub"], claims["sid"], expires_at)

    def cursor(self, values: Mapping[str, str]) -> str:
        """Return an opaque text that only ``read_cursor`` reads."""
        return self._signed(_CURSOR, dict(values))

    def read_cursor(self, text: str) -> Mapping[str, str]:
        refusal = CursorError("the cursor is not one of ours; start from the first page")
        return self._read(_CURSOR, text, refusal)

    def next_page(self, listing: Mapping[str, str], last: str) -> str:
        """Return the cursor to a listing's next page: what follows the last that was shown.

        Args:
            listing: What tells it from every other.
        """
        return self.cursor({**listing, _LAST: last})

    def last_shown(self, listing: Mapping[str, str], cursor: str | None) -> str:
        """Return what a page follows, by the cursor to it; "" without one, for the first page.

        Raises:
            CursorError: Forged, or made for another listing.
        """
        if cursor is None:
            return ""
        values = self.read_cursor(cursor)
        if _LAST not in values or not listing.items() <= values.items():
            raise CursorError("the cursor was made for another listing; start from the first page")
        return values[_LAST]

    def _signed(self, audience: str, claims: dict[str, Any]) -> str:
        key = self._keys[0]
        return _jwt().encode({**claims, "aud": audience}, key.secret, _ALGORITHM, {"kid": key.key_id})  # type: ignore[no-any-return]  # lazily imported

    def _read(self, audience: str, token: str, refusal: GameError) -> dict[str, Any]:
        jwt = _jwt()
        try:
            secret = self._secret_by_id[jwt.get_unverified_header(token)["kid"]]
            return jwt.decode(  # type: ignore[no-any-return]  # lazily imported
                token, secret, [_ALGORITHM], audience=audience, options={"verify_exp": False, "verify_iat": False}
            )
        except (jwt.PyJWTError, KeyError, TypeError, UnicodeError) as error:
            raise refusal from error


def new_refresh_token(player_id: str, session_id: str) -> RefreshToken:
    return RefreshToken(player_id, session_id, f"{player_id}.{session_id}.{secrets.token_urlsafe(_SECRET_BYTES)}")


def parsed_refresh_token(text: str) -> RefreshToken:
    match = _REFRESH_TOKEN.fullmatch(text)
    if match is None:
        raise TokenError("the refresh token is not one of ours; sign in again")
    return RefreshToken(match["player_id"], match["session_id"], text)


def digest(text: str) -> str:
    """Return the SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def same(left: str, right: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(left, right)


def _jwt() -> "ModuleType":
    """Import PyJWT on first use: beside cryptography it costs 60 ms, which most cold starts can do without."""
    import jwt  # noqa: PLC0415  # see above

    return jwt
