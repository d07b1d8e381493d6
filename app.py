"""The manifest: what Chalice deploys. Routes live in chalicelib/api; every trigger is declared here, one line each."""

from chalice.app import AuthRequest, AuthResponse, Chalice

from chalicelib import config, logs
from chalicelib.api import RESOURCES
from chalicelib.api.authorizer import authorize

app = Chalice(app_name="laurel", configure_logs=False)
app.log = logs.configure(config.stage())


@app.authorizer(ttl_seconds=300)
def player_authorizer(auth_request: AuthRequest) -> AuthResponse:
    """Let signed-in players through to player routes."""
    return authorize(auth_request)


for resource in RESOURCES:
    resource.register(app, player_authorizer)
