"""What chalice does not say of the API: its name, its stage's throttles, tracing and access log, and whom it calls."""

import json
import re
from collections.abc import Iterator
from typing import Any

from deploy import layout
from deploy.document import completed
from deploy.errors import DeployError
from deploy.pipeline.settings import Settings
from deploy.pipeline.template import (
    API,
    API_HANDLER,
    FUNCTION,
    PERMISSION,
    REST_API,
    Json,
    Template,
    UnexpectedTemplateError,
    invoked,
)

ACCESS_LOG_PARAMETER = "AccessLogGroupArn"
HAS_ACCESS_LOG = "HasAccessLog"
_PERMISSION = "InvokePermission"
_CALLED = re.compile(r"\$\{(\w+)\.Arn\}")


def document(template: Template) -> Json:
    """Return the API's OpenAPI document, as chalice made it."""
    body: Json = template.property(REST_API, API, "DefinitionBody")
    return body


def authorizers(template: Template) -> list[str]:
    """Return the logical ids of the functions that API Gateway asks whether to let a request through."""
    return [each for each in sorted(set(_called(document(template)))) if each != API_HANDLER]


def staged(template: Template, settings: Settings) -> Template:
    """Return the template with the API's name and answers, and the settings of its stage.

    Raises:
        DeployError: A throttle is for a route that app.py does not have.
    """
    api, name = settings.stage.api, layout.api_name(settings.stage.name)
    properties: Json = {
        "Name": name,
        "DefinitionBody": completed(
            document(template), name, settings.gateway_responses, api.get("key_required") or ()
        ),
        # Without it, SAM makes a second stage of API Gateway, called Stage.
        "OpenApiVersion": "2.0",
        "EndpointConfiguration": {"Type": template.property(REST_API, API, "EndpointConfiguration")},
        "MethodSettings": list(_throttles(template, settings)),
        "TracingEnabled": bool(api.get("tracing")),
        "Tags": settings.tags,
    }
    if api.get("access_logs"):
        properties["AccessLogSetting"] = _access_log(settings)
        condition = {"Fn::Not": [{"Fn::Equals": [{"Ref": ACCESS_LOG_PARAMETER}, ""]}]}
        template = template.with_section("Conditions", {HAS_ACCESS_LOG: condition})
    return template.with_properties(REST_API, properties)


def routed(template: Template) -> Template:
    """Return the template with the API calling functions by their aliases.

    Raises:
        UnexpectedTemplateError: The API calls others than it is permitted to call.
    """
    called = {API_HANDLER, *_called(document(template))}
    _require_called(template, called)
    for logical_id in sorted(called):
        permission = f"{logical_id}{_PERMISSION}"
        template.property(permission, PERMISSION, "FunctionName")
        template = template.with_properties(permission, {"FunctionName": invoked(template, logical_id)})
    return template.with_properties(REST_API, {"DefinitionBody": _by_alias(document(template), template)})


def _require_called(template: Template, called: set[str]) -> None:
    """Refuse a document that calls functions in other words than those this module looks for."""
    permitted = {name.removesuffix(_PERMISSION) for name in template.resources if name.endswith(_PERMISSION)}
    for logical_id in sorted({API_HANDLER, *permitted}):
        if logical_id not in _called(document(template)):
            raise UnexpectedTemplateError(f"nothing in the API's document calls ${{{logical_id}.Arn}}")
    for logical_id in sorted(called):
        template.resource(logical_id, FUNCTION)


def _called(value: Any) -> Iterator[str]:
    """Yield the functions that a part of the document calls."""
    if isinstance(value, list):
        for each in value:
            yield from _called(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _CALLED.findall(each) if key == "Fn::Sub" and isinstance(each, str) else _called(each)


def _by_alias(value: Any, template: Template) -> Any:
    if isinstance(value, list):
        return [_by_alias(each, template) for each in value]
    if isinstance(value, dict):
        return {
            key: _substitution(each, template) if key == "Fn::Sub" else _by_alias(each, template)
            for key, each in value.items()
        }
    return value


def _substitution(text: str, template: Template) -> Any:
    """Return a function's address in API Gateway with the function's own name taken from what is invoked."""
    arns = {f"{logical_id}Invoked": invoked(template, logical_id) for logical_id in _CALLED.findall(text)}
    return [_CALLED.sub(r"${\1Invoked}", text), arns] if arns else text


def _throttles(template: Template, settings: Settings) -> Iterator[Json]:
    api = settings.stage.api
    if "throttle_rate" in api:
        yield _throttle("/*", "*", api)
    paths = document(template).get("paths", {})
    for route, limits in (api.get("routes") or {}).items():
        method, _, path = route.partition(" ")
        if method.lower() not in paths.get(path, {}):
            raise DeployError(f"infra/stages.yaml: {settings.stage.name}: api: routes: {route} is no route of app.py")
        yield _throttle(f"/{path.replace('/', '~1')}" if path != "/" else path, method, limits)


def _throttle(path: str, method: str, limits: Json) -> Json:
    return {
        "ResourcePath": path,
        "HttpMethod": method,
        "ThrottlingRateLimit": limits["throttle_rate"],
        "ThrottlingBurstLimit": limits["throttle_burst"],
    }


def _access_log(settings: Settings) -> Json:
    log = {"DestinationArn": {"Ref": ACCESS_LOG_PARAMETER}, "Format": json.dumps(settings.access_log)}
    # The group is of the edge stack, which needs this API's id: a stage's first deployment goes without.
    return {"Fn::If": [HAS_ACCESS_LOG, log, {"Ref": "AWS::NoValue"}]}
