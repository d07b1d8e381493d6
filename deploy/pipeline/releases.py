"""How a new version of a function takes over: by an alias, at once or little by little, and back when an alarm says so.

Functions that something calls get the alias ``live``, and are called by it. Those that only an operator invokes have
none: a command runs what was deployed last.
"""

from collections.abc import Iterator

from deploy import layout
from deploy.errors import DeployError
from deploy.pipeline import parameters
from deploy.pipeline.functions import functions
from deploy.pipeline.gateway import authorizers
from deploy.pipeline.settings import Settings
from deploy.pipeline.template import API_HANDLER, FUNCTION, Json, Template, depending

ALIAS = "live"
OLDEST_WITH_SNAP_START = (3, 12)
"""https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html"""
NAMESPACE = "Laurel"
REQUESTS_FAILED = "requests_failed"
_REQUEST_FAILED = '{ ($.message = "request") && ($.server_error = 1) }'
"""Of the line that chalicelib/api/routing.py writes for each request: what the degraded mode refuses is no failure."""


def published(template: Template, settings: Settings) -> Template:
    """Return the template with an alias, and a version for each change, of every function that something calls."""
    for logical_id in list(_called(template, settings)):
        properties = {
            "AutoPublishAlias": ALIAS,
            # Else a version is made for changed code only, and the alias keeps the environment of old.
            "AutoPublishAliasAllProperties": True,
            # SAM looks at parameters by their names. Another description is another version to CloudFormation.
            "VersionDescription": parameters.release(),
            "VersionDeletionPolicy": "Delete",
        }
        template = template.with_properties(logical_id, properties)
    return template


def snapped(template: Template, settings: Settings) -> Template:
    """Return the template with the functions that players wait for started from a snapshot, if the stage asks for it.

    Raises:
        DeployError: The runtime has no SnapStart.
    """
    if not settings.snap_start:
        return template
    for logical_id in (API_HANDLER, *authorizers(template)):
        runtime = template.property(logical_id, FUNCTION, "Runtime")
        if tuple(map(int, runtime.removeprefix("python").split("."))) < OLDEST_WITH_SNAP_START:
            oldest = ".".join(map(str, OLDEST_WITH_SNAP_START))
            raise DeployError(f"SnapStart needs Python {oldest} or later, and {runtime} is packaged: make PYTHON=...")
        template = template.with_properties(logical_id, {"SnapStart": {"ApplyOn": "PublishedVersions"}})
    return template


def shifted(template: Template, settings: Settings) -> Template:
    """Return the template with calls moved to new versions by CodeDeploy, if the stage asks for it."""
    if not settings.shift:
        return template
    template = template.with_resources(_failed_requests(settings))
    for logical_id in list(_called(template, settings)):
        alarms = dict(_alarms(template, logical_id, settings))
        template = template.with_resources(alarms)
        preference = {"Type": settings.shift, "Alarms": [{"Ref": alarm} for alarm in alarms]}
        template = template.with_properties(logical_id, {"DeploymentPreference": preference})
    return template


def _called(template: Template, settings: Settings) -> Iterator[str]:
    waiting = {API_HANDLER, *authorizers(template)}
    for logical_id, _ in functions(template, settings):
        if logical_id in waiting or template.properties(logical_id, FUNCTION).get("Events"):
            yield logical_id


def _failed_requests(settings: Settings) -> dict[str, Json]:
    """Return what counts the requests that fail with a version: to Lambda, an answer that says so is a success."""
    transformation = {
        "MetricNamespace": NAMESPACE,
        "MetricName": REQUESTS_FAILED,
        "MetricValue": "1",
        "Unit": "Count",
        "Dimensions": [{"Key": "stage", "Value": "$.stage"}, {"Key": "version", "Value": "$.version"}],
    }
    metric = {
        "Type": "AWS::Logs::MetricFilter",
        "Properties": {
            "LogGroupName": layout.log_group_name(settings.stage.name, "api_handler"),
            "FilterPattern": _REQUEST_FAILED,
            "MetricTransformations": [transformation],
        },
    }
    return {"FailedRequests": depending(metric, f"{API_HANDLER}LogGroup")}


def _alarms(template: Template, logical_id: str, settings: Settings) -> Iterator[tuple[str, Json]]:
    # Of the new version alone: one that is failing must not keep CodeDeploy from replacing it.
    version = {"Fn::GetAtt": [f"{logical_id}.Version", "Version"]}
    name = template.property(logical_id, FUNCTION, "FunctionName")
    dimensions = {"FunctionName": name, "Resource": f"{name}:{ALIAS}", "ExecutedVersion": version}
    yield f"{logical_id}ErrorsAlarm", _alarm(("AWS/Lambda", "Errors"), dimensions, settings)
    if logical_id == API_HANDLER:
        dimensions = {"stage": settings.stage.name, "version": version}
        yield f"{logical_id}RequestsAlarm", _alarm((NAMESPACE, REQUESTS_FAILED), dimensions, settings)


def _alarm(metric: tuple[str, str], dimensions: Json, settings: Settings) -> Json:
    namespace, name = metric
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": "A version that is taking over fails: CodeDeploy goes back to the one before.",
            "Namespace": namespace,
            "MetricName": name,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": settings.tolerated_errors,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        },
    }
