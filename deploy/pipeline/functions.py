"""What functions get that chalice does not give them: an environment, log groups, tracing, a VPC, rights, tags."""

from collections.abc import Iterator
from typing import Any

from deploy import layout, policies
from deploy.pipeline.references import resolvable
from deploy.pipeline.settings import Settings
from deploy.pipeline.template import FUNCTION, ROLE, Json, Template, UnexpectedTemplateError, depending

LOG_GROUP = "AWS::Logs::LogGroup"
API_HANDLER = "api_handler"
"""What chalice calls, in its settings, the function that answers the API."""


def function_of(name: str, stage: str) -> str:
    """Return what a function is called in our files, by its name on Lambda.

    >>> function_of("laurel-prod-keep_ranks", "prod"), function_of("laurel-prod", "prod")
    ('keep_ranks', 'api_handler')
    """
    own = layout.function_name(stage, API_HANDLER)
    return API_HANDLER if name == own else name.removeprefix(f"{own}-")


def functions(template: Template, settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield each function's logical id, and what it is called in our files."""
    for logical_id, properties in template.functions():
        if "FunctionName" not in properties:
            raise UnexpectedTemplateError(f"the function {logical_id} has no FunctionName")
        yield logical_id, function_of(properties["FunctionName"], settings.stage.name)


def configured(template: Template, settings: Settings, environment: Json) -> Template:
    """Return the template with its functions' settings, ``environment`` added to every function's own."""
    for logical_id, _ in functions(template, settings):
        own = template.properties(logical_id, FUNCTION)
        variables = resolvable(own.get("Environment", {}).get("Variables", {}))
        properties = {
            "Environment": {"Variables": {**variables, **environment}},
            "Tracing": "Active" if settings.traces else "PassThrough",
            "Tags": {**own.get("Tags", {}), **settings.tags},
            **_network(settings),
        }
        template = template.with_properties(logical_id, properties)
    return template


def logged(template: Template, settings: Settings) -> Template:
    """Return the template with a log group for each function, made before it: Lambda would make one that keeps all."""
    for logical_id, function in list(functions(template, settings)):
        group = f"{logical_id}LogGroup"
        template = template.with_resources({group: log_group(settings, function)})
        template = template.with_resource(logical_id, depending(template.resource(logical_id, FUNCTION), group))
    return template


def log_group(settings: Settings, function: str) -> Json:
    """Return a function's log group. It goes with its stack: one that stayed would be in the way of the next."""
    days = settings.stage.functions.get("log_retention_days")
    retention = {"RetentionInDays": days} if days else {}
    name = layout.log_group_name(settings.stage.name, function)
    return {"Type": LOG_GROUP, "Properties": {"LogGroupName": name, "Tags": tag_list(settings), **retention}}


def entitled(template: Template, settings: Settings) -> Template:
    """Return the template with every function's policy as CloudFormation reads it, in a role of the function's own.

    Raises:
        UnexpectedTemplateError: Two functions share a role, or a role has no policy.
    """
    roles = [_role_of(template, logical_id) for logical_id, _ in template.functions()]
    shared = sorted({role for role in roles if roles.count(role) > 1})
    if shared:
        raise UnexpectedTemplateError(f"{', '.join(shared)} is the role of more than one function")
    for role in roles:
        written = template.property(role, ROLE, "Policies")
        if not written:
            raise UnexpectedTemplateError(f"the role {role} has no policy")
        readable = [policies.substituted(policy, settings.stage.name) for policy in written]
        template = template.with_properties(role, {"Policies": readable, "Tags": tag_list(settings)})
    return template


def tag_list(settings: Settings) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in settings.tags.items()]


def _role_of(template: Template, logical_id: str) -> str:
    match template.property(logical_id, FUNCTION, "Role"):
        case {"Fn::GetAtt": [str(role), "Arn"]}:
            return role
        case other:
            raise UnexpectedTemplateError(f"the Role of {logical_id} is {other}, not the Arn of a role beside it")


def _network(settings: Settings) -> dict[str, Any]:
    vpc = settings.stage.functions.get("vpc", {})
    if not vpc.get("subnet_ids"):
        return {}
    groups = vpc.get("security_group_ids") or [{"Ref": "FunctionsGroupId"}]
    return {"VpcConfig": {"SubnetIds": vpc["subnet_ids"], "SecurityGroupIds": groups}}
