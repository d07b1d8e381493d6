"""The manifest: what Chalice deploys. Routes live in chalicelib/api; every trigger is declared here, one line each."""

from collections.abc import Callable
from typing import Any

from chalice.app import (
    AuthRequest,
    AuthResponse,
    Chalice,
    CloudWatchEvent,
    DynamoDBEvent,
    Rate,
    Request,
    S3Event,
    SNSEvent,
)

from chalicelib import config, loading, logs
from chalicelib.api.authorizer import authorize

app = Chalice(app_name="laurel", configure_logs=False)
app.log = logs.configure(config.stage())


def _events(module: str) -> Any:
    """Return a module of events, imported by the function it is for: what players call starts without it."""
    return loading.load(f"chalicelib.events.{module}")


def _by_hand_too(handler: Any) -> Any:
    """Let operators invoke a scheduled function as well, with requests of their own."""
    if config.function() in {"", handler.func.__name__}:
        handler.event_class = _events("occasions").Occasion
    return handler


@app.middleware("all")
def tell_which(event: Any, answer: Callable[[Any], Any]) -> Any:
    """Have every line of the log tell of which invocation it is. The authorizer's cannot: chalice keeps its context."""
    if isinstance(event, Request):
        logs.begin(event.lambda_context, event.context.get("requestId", ""))
    else:
        logs.begin(event.context, event.context.aws_request_id)
    return answer(event)


@app.authorizer(ttl_seconds=300)
def player_authorizer(auth_request: AuthRequest) -> AuthResponse:
    """Let signed-in players through to player routes."""
    return authorize(auth_request)


# The marks of 90 players and the definitions of their boards are one BatchGetItem, of 100 keys at most. No batching
# window: Lambda looks four times a second, and a rank should not wait for company. From the oldest record on, so that
# none is missed between the making of the table and the first deployment; those that were settled cost a read.
@app.on_dynamodb_record(stream_arn=config.records_stream_arn(), batch_size=90, starting_position="TRIM_HORIZON")
def settle_records(event: DynamoDBEvent) -> Any:
    """Count what became of records."""
    return _events("stream").follow(event)


@app.on_sns_message(topic=config.notices_topic())
def deliver_notices(event: SNSEvent) -> None:
    """Put notices into players' inboxes."""
    _events("notices").deliver(event)


@app.on_s3_event(bucket=config.media_bucket(), events=["s3:ObjectCreated:*"], prefix="uploads/")
def make_avatar(event: S3Event) -> None:
    """Make avatars of what players upload."""
    _events("uploads").take(event)


# Its own form of event, which it alone imports.
make_avatar.event_class = lambda event, context: _events("notifications").Notification(event, context)


@app.lambda_function()
def replay_dead_letters(event: Any, context: Any) -> Any:
    """Count what could not be counted when it happened."""
    del event
    return _events("dead_letters").replay(context)


@app.lambda_function()
def audit_ranks(event: Any, context: Any) -> Any:
    """Compare counters with records, as an operator asks for it."""
    return _events("operations").audit(event, context)


@app.lambda_function()
def rebuild_ranks(event: Any, context: Any) -> Any:
    """Build a rank index anew, as an operator asks for it."""
    return _events("operations").rebuild(event, context)


@app.lambda_function()
def export_records(event: Any, context: Any) -> Any:
    """Write a board's standings to files, as an operator asks for it."""
    return _events("operations").export(event, context)


@app.lambda_function()
def advise_ranks(event: Any, context: Any) -> Any:
    """Say which layout suits a board."""
    return _events("operations").advise(event, context)


@_by_hand_too
@app.schedule(Rate(5, unit=Rate.MINUTES))
def keep_ranks(event: Any) -> Any:
    """Keep up: audits, rebuilds and exports under way, audits that are due, copies of standings, what has expired."""
    return _events("operations").keep(event)


@app.on_cw_event(config.alarm_pattern())
def heed_alarms(event: CloudWatchEvent) -> None:
    """Open and close incidents as the stage's alarms go off and are over."""
    _events("alarms").heed(event)


@_by_hand_too
@app.schedule(Rate(1, unit=Rate.MINUTES))
def keep_seasons(event: Any) -> Any:
    """Turn the periods that are over: archive them, give their rewards, and tell of it."""
    return _events("seasons").keep(event)


if config.function() == "":
    loading.load("chalicelib.api.resources").register(app, player_authorizer)
elif config.function() == "app":
    loading.load("chalicelib.api.resources").register_on_demand(app, player_authorizer)
