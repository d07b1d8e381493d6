"""The authorizer of player routes: a token in, a policy out."""

from chalice.app import AuthRequest, AuthResponse

from chalicelib.api.routing import bearer
from chalicelib.bootstrap import tokens
from chalicelib.errors import UnauthenticatedError

STRANGER = "stranger"


def authorize(request: AuthRequest) -> AuthResponse:
    """Return a policy for all routes, or for none.

    API Gateway keeps the answer per token for five minutes and applies it to every route, so it must not depend on the
    route of this call. The context tells the app who calls until when, or the gateway's error body what is wrong.
    """
    try:
        claims = tokens().verified(bearer(request.token))
    except UnauthenticatedError as error:
        return AuthResponse(routes=[], principal_id=STRANGER, context={"code": error.code, "message": error.message})
    context = {
        "player_id": claims.player_id,
        "session_id": claims.session_id,
        "expires_at": str(int(claims.expires_at.timestamp())),
    }
    return AuthResponse(routes=["*"], principal_id=claims.player_id, context=context)
