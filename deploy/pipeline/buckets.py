"""The one trigger that chalice refuses to package: ``on_s3_event``.

CloudFormation sets up a bucket's notifications with the bucket only, and the bucket is of another stack, which lives
before and after this one. So a small function of this stack asks the bucket, as chalice's own deployer does from the
outside: functions get the very event they get after ``make deploy``.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy import layout
from deploy.errors import DeployError
from deploy.pipeline.functions import functions, log_group, tag_list
from deploy.pipeline.settings import Settings
from deploy.pipeline.template import (
    API_HANDLER,
    FUNCTION,
    PERMISSION,
    ROLE,
    Json,
    Template,
    UnexpectedTemplateError,
    depending,
    invoked,
)

NOTIFIER = "bucket_notifications"
NOTIFIER_ID = "BucketNotifications"
NOTIFIER_TIMEOUT_SECONDS = 60
NOTIFIER_CODE = Path(__file__).with_name("notifications.py")
INLINE_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class _Trigger:
    """One ``on_s3_event``, as deploy/pipeline/application.py has written it into the template."""

    logical_id: str
    function: str
    bucket: Any
    notification: Json


def notified(template: Template, settings: Settings) -> Template:
    """Return the template with the buckets' notifications made by a function, in place of SAM's events of type S3.

    Raises:
        DeployError: The bucket is none of the stage's.
    """
    triggers = list(_s3_triggers(template, settings))
    if not triggers:
        return template
    by_bucket: dict[str, list[_Trigger]] = defaultdict(list)
    for trigger in triggers:
        by_bucket[_bucket_output(trigger, settings)].append(trigger)
        template = _without_s3_events(template, trigger.logical_id)
    template = template.with_resources(_notifier(template, settings, by_bucket))
    for output, told in by_bucket.items():
        template = template.with_resources({f"{each.logical_id}{output}Permission": _permission(each) for each in told})
        permissions = [f"{each.logical_id}{output}Permission" for each in told]
        resource = depending(_notifications(settings, output, told), *permissions)
        template = template.with_resources({f"{output}Notifications": resource})
    return template


def _s3_triggers(template: Template, settings: Settings) -> Iterator[_Trigger]:
    for logical_id, function in functions(template, settings):
        for event in template.properties(logical_id, FUNCTION).get("Events", {}).values():
            if event["Type"] == "S3":
                notification = {
                    "Id": f"{layout.stack_name(settings.stage.name)}.{function}",
                    "LambdaFunctionArn": invoked(template, logical_id),
                    **{key: value for key, value in event["Properties"].items() if key != "Bucket"},
                }
                yield _Trigger(logical_id, function, event["Properties"]["Bucket"], notification)


def _bucket_output(trigger: _Trigger, settings: Settings) -> str:
    buckets = sorted(output for output in settings.outputs if output.endswith("BucketName"))
    match trigger.bucket:
        case {"Ref": str(output)} if output in buckets:
            return output
        case {"Ref": str(name)} | {"Fn::Sub": str(name)} | str(name):
            raise _no_such_bucket(trigger, name, buckets)
        case other:
            raise UnexpectedTemplateError(f"the bucket that tells {trigger.function} is {other}, which is no name")


def _no_such_bucket(trigger: _Trigger, bucket: str, buckets: list[str]) -> DeployError:
    return DeployError(
        f"{trigger.function} is to be told by the bucket {bucket}, which is none of the stage's. infra/template.yaml"
        f" gives out {', '.join(buckets)}: name one by a variable that deploy/environment.py sets from it."
    )


def _without_s3_events(template: Template, logical_id: str) -> Template:
    events = template.properties(logical_id, FUNCTION)["Events"]
    return template.with_properties(
        logical_id, {"Events": {name: event for name, event in events.items() if event["Type"] != "S3"}}
    )


def _permission(trigger: _Trigger) -> Json:
    return {
        "Type": PERMISSION,
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": trigger.notification["LambdaFunctionArn"],
            "Principal": "s3.amazonaws.com",
            "SourceAccount": {"Ref": "AWS::AccountId"},
            "SourceArn": {"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::${{{trigger.bucket['Ref']}}}"},
        },
    }


def _notifications(settings: Settings, output: str, triggers: list[_Trigger]) -> Json:
    # One resource for all of a bucket's: two that read and write the same configuration would lose one another's.
    return {
        "Type": "Custom::BucketNotifications",
        "Properties": {
            "ServiceToken": {"Fn::GetAtt": [NOTIFIER_ID, "Arn"]},
            "ServiceTimeout": 2 * NOTIFIER_TIMEOUT_SECONDS,
            "Bucket": {"Ref": output},
            "Owner": layout.stack_name(settings.stage.name),
            "Notifications": [trigger.notification for trigger in triggers],
        },
    }


def _notifier(template: Template, settings: Settings, outputs: Mapping[str, Any]) -> dict[str, Json]:
    code = NOTIFIER_CODE.read_text()
    if len(code) > INLINE_LIMIT:
        raise UnexpectedTemplateError(f"{NOTIFIER_CODE.name} has at most the {INLINE_LIMIT} characters Lambda takes")
    group, role = f"{NOTIFIER_ID}LogGroup", f"{NOTIFIER_ID}Role"
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": layout.function_name(settings.stage.name, NOTIFIER),
            "Description": "Sets up what a bucket tells the functions of this stack.",
            "Runtime": template.property(API_HANDLER, FUNCTION, "Runtime"),
            "Handler": "index.handle",
            "Code": {"ZipFile": code},
            "Role": {"Fn::GetAtt": [role, "Arn"]},
            "Timeout": NOTIFIER_TIMEOUT_SECONDS,
            "MemorySize": 256,
            "Tags": tag_list(settings),
        },
    }
    return {
        group: log_group(settings, NOTIFIER),
        role: _notifier_role(settings, sorted(outputs)),
        NOTIFIER_ID: depending(function, group),
    }


def _notifier_role(settings: Settings, outputs: list[str]) -> Json:
    name = layout.log_group_name(settings.stage.name, NOTIFIER)
    logs = f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:{name}:*"
    buckets = [f"arn:${{AWS::Partition}}:s3:::${{{output}}}" for output in outputs]
    statements = [
        _allow(["s3:GetBucketNotification", "s3:PutBucketNotification"], buckets),
        _allow(["logs:CreateLogStream", "logs:PutLogEvents"], [logs]),
    ]
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    policy = {"PolicyName": NOTIFIER, "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}
    return {
        "Type": ROLE,
        "Properties": {"AssumeRolePolicyDocument": trust, "Policies": [policy], "Tags": tag_list(settings)},
    }


def _allow(actions: list[str], resources: list[str]) -> Json:
    return {"Effect": "Allow", "Action": actions, "Resource": [{"Fn::Sub": resource} for resource in resources]}
