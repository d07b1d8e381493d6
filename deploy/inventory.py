"""What of the app is deployed, read from AWS itself in the form chalice keeps it in .chalice/deployed/<stage>.json.

Chalice writes that file when all has gone well, on the machine it went well on. Here no file is believed: every name
the app's resources can have follows from the stage, so they are looked up, and a deployment that broke off, or one
from another machine, is gone on with. A function, a role or a rule that the app no longer declares is found as well,
and removed by chalice as if it remembered it.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from deploy.layout import API_STAGE, APP, api_name, function_name, media_bucket_name, role_name
from deploy.target import Target

Resource = dict[str, Any]

KINDS = frozenset(
    {
        "iam_role",
        "lambda_function",
        "dynamodb_event",
        "kinesis_event",
        "sqs_event",
        "sns_event",
        "s3_event",
        "cloudwatch_event",
        "rest_api",
    }
)
"""The types of chalice's resources that are found; a test holds the app to them."""

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
ON_ITS_WAY_OUT = frozenset({"Deleting"})


def deployed(target: Target) -> list[Resource]:
    """Return the stage's resources as chalice records them, each after those it needs.

    Costs a call each for functions, roles, rules, the media bucket, APIs and the account's subscriptions to topics,
    more where they fill pages, and one per function for its event sources.
    """
    functions = list(_functions(target))
    return [
        *_roles(target),
        *functions,
        *(source for function in functions for source in event_sources(target, function)),
        *subscriptions(target, functions),
        *uploads(target, functions),
        *_rules(target),
        *_apis(target),
    ]


def record(target: Target) -> dict[str, Any]:
    """Return the whole of .chalice/deployed/<stage>.json."""
    return {"resources": list(_apart(deployed(target))), "schema_version": "2.0", "backend": "api"}


def _apart(resources: list[Resource]) -> Iterator[Resource]:
    """Give what is there twice, because an answer was lost, a name the app does not know: chalice will remove it."""
    seen = Counter[str]()
    for resource in resources:
        seen[resource["name"]] += 1
        double = seen[resource["name"]]
        yield resource if double == 1 else {**resource, "name": f"{resource['name']}-{double}"}


def rest_api_id(target: Target) -> str | None:
    """Return the id of the stage's API, if it has been made."""
    return next((api["rest_api_id"] for api in _apis(target)), None)


def function_arns(target: Target) -> dict[str, str]:
    """Return the stage's functions, by the names the app gives them."""
    return {function["name"]: function["lambda_arn"] for function in _functions(target)}


def _functions(target: Target) -> Iterator[Resource]:
    for page in target.client("lambda").get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            if name := _name_of_function(target.stage, function["FunctionName"]):
                yield {"name": name, "resource_type": "lambda_function", "lambda_arn": function["FunctionArn"]}


def _name_of_function(stage: str, function: str) -> str | None:
    if function == function_name(stage, "api_handler"):
        return "api_handler"
    found = re.fullmatch(function_name(stage, f"({NAME})"), function)
    return found and found[1]


def _roles(target: Target) -> Iterator[Resource]:
    pattern = re.compile(role_name(target.stage, f"({NAME})"))
    for page in target.client("iam").get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            if found := pattern.fullmatch(role["RoleName"]):
                yield {
                    "name": f"{found[1]}_role",
                    "resource_type": "iam_role",
                    "role_name": role["RoleName"],
                    "role_arn": role["Arn"],
                }


def event_sources(target: Target, function: Resource) -> Iterator[Resource]:
    """Yield what a function follows, as chalice records it."""
    pages = target.client("lambda").get_paginator("list_event_source_mappings")
    for page in pages.paginate(FunctionName=function["lambda_arn"]):
        for mapping in page["EventSourceMappings"]:
            if mapping.get("State") not in ON_ITS_WAY_OUT:
                yield _event_source(function, mapping)


def _event_source(function: Resource, mapping: dict[str, Any]) -> Resource:
    arn = mapping["EventSourceArn"]
    service = arn.split(":")[2]
    common = {
        "name": f"{function['name']}-{service}-event-source",
        "resource_type": f"{service}_event",
        "event_uuid": mapping["UUID"],
        "lambda_arn": function["lambda_arn"],
    }
    match service:
        case "dynamodb":
            return {**common, "stream_arn": arn}
        case "kinesis":
            return {**common, "kinesis_arn": arn, "stream": arn.rpartition("/")[2]}
        case _:
            return {**common, "queue_arn": arn, "queue": arn.rpartition(":")[2]}


def subscriptions(target: Target, functions: list[Resource]) -> Iterator[Resource]:
    """Yield which topics the functions have subscribed to, as chalice records it: topics by their names."""
    name_by_arn = {function["lambda_arn"]: function["name"] for function in functions}
    for page in target.client("sns").get_paginator("list_subscriptions").paginate():
        for subscription in page["Subscriptions"]:
            if function := name_by_arn.get(subscription["Endpoint"]):
                yield {
                    "name": f"{function}-sns-subscription",
                    "resource_type": "sns_event",
                    "topic": subscription["TopicArn"].rpartition(":")[2],
                    "topic_arn": subscription["TopicArn"],
                    "lambda_arn": subscription["Endpoint"],
                    "subscription_arn": subscription["SubscriptionArn"],
                }


def uploads(target: Target, functions: list[Resource]) -> Iterator[Resource]:
    """Yield which functions the media bucket tells of uploads, as chalice records it.

    What it tells others is theirs, and so is what it tells a function that is not among these.
    """
    if not functions:
        return
    account = functions[0]["lambda_arn"].split(":")[4]
    bucket = media_bucket_name(target.stage, account)
    told = {each["LambdaFunctionArn"] for each in notifications(target, bucket)}
    for function in functions:
        if function["lambda_arn"] in told:
            yield {
                "name": f"{function['name']}-s3event",
                "resource_type": "s3_event",
                "bucket": bucket,
                "lambda_arn": function["lambda_arn"],
            }


def notifications(target: Target, bucket: str) -> list[Resource]:
    """Return what a bucket tells functions, as S3 has it: nothing, if it is not there."""
    s3 = target.client("s3")
    try:
        configuration = s3.get_bucket_notification_configuration(Bucket=bucket)
    except s3.exceptions.NoSuchBucket:
        return []
    return list(configuration.get("LambdaFunctionConfigurations", []))


def _rules(target: Target) -> Iterator[Resource]:
    prefix = f"{APP}-{target.stage}-"
    for page in target.client("events").get_paginator("list_rules").paginate(NamePrefix=prefix):
        for rule in page["Rules"]:
            if found := re.fullmatch(f"{prefix}({NAME}-event)", rule["Name"]):
                yield {"name": found[1], "resource_type": "cloudwatch_event", "rule_name": rule["Name"]}


def _apis(target: Target) -> Iterator[Resource]:
    gateway = target.client("apigateway")
    pages = gateway.get_paginator("get_rest_apis").paginate()
    found = [api for page in pages for api in page["items"] if api["name"] == api_name(target.stage)]
    for api in sorted(found, key=lambda api: api["createdDate"]):
        url = f"https://{api['id']}.execute-api.{gateway.meta.region_name}.amazonaws.com/{API_STAGE}/"
        yield {"name": "rest_api", "resource_type": "rest_api", "rest_api_id": api["id"], "rest_api_url": url}
