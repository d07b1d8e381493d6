"""Where the files of a deployment are, and what the parts of a stage are called in AWS."""

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
INFRA = CHECKOUT / "infra"
TEMPLATE = INFRA / "template.yaml"
EDGE = INFRA / "edge.yaml"
ACCOUNT = INFRA / "account.yaml"
STAGES = INFRA / "stages.yaml"
GATEWAY_RESPONSES = INFRA / "gateway_responses.json"
EVENT_SOURCES = INFRA / "event_sources.json"
ASYNC_INVOCATIONS = INFRA / "async_invocations.json"
ACCESS_LOG = INFRA / "access_log.json"

APP = "laurel"
ACCOUNT_STACK = "api-gateway-logs"
"""Of no stage, and of no app: it does not begin as the names of either do."""
API_STAGE = "api"
"""The stage of API Gateway, in every stage of ours: each has an API of its own."""


def stack_name(stage: str) -> str:
    return f"{APP}-{stage}"


def edge_stack_name(stage: str) -> str:
    return f"{APP}-{stage}-edge"


def app_stack_name(stage: str) -> str:
    """Return the stack of the app, in a stage that a pipeline deploys."""
    return f"{APP}-{stage}-app"


def api_name(stage: str) -> str:
    return f"{APP}-{stage}"


def function_name(stage: str, function: str) -> str:
    """Return what chalice calls a function: the one that answers the API has the app's own name."""
    return f"{APP}-{stage}" if function == "api_handler" else f"{APP}-{stage}-{function}"


def role_name(stage: str, function: str) -> str:
    return f"{APP}-{stage}-{function}"


def log_group_name(stage: str, function: str) -> str:
    return f"/aws/lambda/{function_name(stage, function)}"


def media_bucket_name(stage: str, account: str) -> str:
    """Return the name of the bucket that tells functions of uploads."""
    return f"{APP}-{stage}-media-{account}"


def admin_key_name(stage: str) -> str:
    """Return the name of the secret that admits to the admin routes."""
    return f"{APP}-{stage}/admin-key"
