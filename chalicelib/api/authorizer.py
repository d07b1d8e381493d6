"""The authorizer of player routes: a token in, a policy out."""

import logging

from chalice.app import AuthRequest, AuthResponse

from chalicelib import logs
from chalicelib.bootstrap.signing import tokens
from chalicelib.errors import TokenError, UnauthenticatedError

_log = logging.getLogger(logs.LOGGER_NAME)
STRANGER = "stranger"


def authorize(request: AuthRequest) -> AuthResponse:
    """Return a policy for all routes, or for none.

    API Gateway keeps the answer per token for five minutes and applies it to every route, so it must not depend on the
    route of this call. The context tells the app who calls until when, or the gateway's error body what is wrong: it is
    put there as it is, so no message may need escaping in JSON.
    """
    try:
        claims = tokens().verified(bearer(request.token))
    except UnauthenticatedError as error:
        _log.info("authorizer", extra={"outcome": "denied", "error_code": error.code})
        return AuthResponse(routes=[], principal_id=STRANGER, context={"code": error.code, "message": error.message})
    _log.info("authorizer", extra={"outcome": "allowed", "player_id": claims.player_id})
    context = {
        "player_id": claims.player_id,
        "session_id": claims.session_id,
        "expires_at": str(int(claims.expires_at.timestamp())),
    }
    return AuthResponse(routes=["*"], principal_id=claims.player_id, context=context)


def bearer(header: str) -> str:
    """Return the token of an Authorization header."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenError("the Authorization header must be: Bearer <access token>")
    return token
