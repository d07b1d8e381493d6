"""What chalice cannot say of API Gateway's stage: throttles by route, access logs, tracing."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from deploy import inventory
from deploy.layout import ACCESS_LOG, API_STAGE
from deploy.stages import Stage
from deploy.target import Target

ALL_ROUTES = "*/*"
RATE, BURST = "throttlingRateLimit", "throttlingBurstLimit"

Json = dict[str, Any]


def complete(target: Target, stage: Stage, edge: Mapping[str, str]) -> None:
    """Make each setting that is not as wanted yet.

    Args:
        edge: The outputs of infra/edge.yaml's stack.
    """
    gateway = target.client("apigateway")
    api_id = inventory.rest_api_id(target)
    if api_id is None:
        return
    try:
        deployed = gateway.get_stage(restApiId=api_id, stageName=API_STAGE)
    except gateway.exceptions.NotFoundException:
        return  # rehearsed after a deployment that broke off before it had a stage
    if patches := list(_patches(deployed, stage, edge)):
        gateway.update_stage(restApiId=api_id, stageName=API_STAGE, patchOperations=patches)


def _patches(deployed: Json, stage: Stage, edge: Mapping[str, str]) -> Iterator[Json]:
    """Yield what UpdateStage is to be told: https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html."""
    yield from _throttle_patches(deployed.get("methodSettings") or {}, _throttles(stage.api))
    tracing = bool(stage.api.get("tracing"))
    if bool(deployed.get("tracingEnabled")) != tracing:
        yield _replace("/tracingEnabled", str(tracing).lower())
    yield from _access_log_patches(deployed.get("accessLogSettings") or {}, stage.api, edge)


def _throttles(api: Json) -> dict[str, Json]:
    """Return the limits by route, as UpdateStage spells a route: ``/boards/{board_id}/GET``."""
    throttles = {}
    if "throttle_rate" in api:
        throttles[ALL_ROUTES] = api
    for route, limits in (api.get("routes") or {}).items():
        method, _, path = route.partition(" ")
        throttles[f"{path}/{method}"] = limits
    return throttles


def _throttle_patches(deployed: Json, wanted: dict[str, Json]) -> Iterator[Json]:
    for route, limits in wanted.items():
        before = deployed.get(route) or deployed.get(route.lstrip("/")) or {}
        for name, field, path in (("throttle_rate", RATE, "rateLimit"), ("throttle_burst", BURST, "burstLimit")):
            if before.get(field) != limits[name]:
                yield _replace(f"/{_escaped(route)}/throttling/{path}", str(limits[name]))
    known = {spelling for route in wanted for spelling in (route, route.lstrip("/"))}
    yield from ({"op": "remove", "path": f"/{_escaped(route)}"} for route in deployed.keys() - known)


def _escaped(route: str) -> str:
    """Return a route as it stands in the path of a patch.

    >>> _escaped("/boards/{board_id}/GET"), _escaped("*/*")
    ('~1boards~1{board_id}/GET', '*/*')
    """
    path, _, method = route.rpartition("/")
    return f"{path.replace('/', '~1')}/{method}"


def _access_log_patches(deployed: Json, api: Json, edge: Mapping[str, str]) -> Iterator[Json]:
    if not api.get("access_logs"):
        if deployed.get("destinationArn"):
            yield {"op": "remove", "path": "/accessLogSettings"}
        return
    wanted = {
        # Rehearsed, there may be no log group yet.
        "destinationArn": edge.get("AccessLogGroupArn", "new").removesuffix(":*"),
        "format": json.dumps(json.loads(ACCESS_LOG.read_text())),
    }
    for name, value in wanted.items():
        if deployed.get(name) != value:
            yield _replace(f"/accessLogSettings/{name}", value)


def _replace(path: str, value: str) -> Json:
    return {"op": "replace", "path": path, "value": value}
