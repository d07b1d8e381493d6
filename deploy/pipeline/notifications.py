"""Runs on Lambda, as it stands here: keeps what a bucket of another stack tells the functions of this one."""

import json
import urllib.request
from typing import Any

import boto3

LAMBDAS = "LambdaFunctionConfigurations"


def handle(event: dict[str, Any], context: object) -> None:
    """Do what CloudFormation asks for, and tell it how that went: it would wait for a long time."""
    del context
    wanted = event["ResourceProperties"]
    answer = {"Status": "SUCCESS", "PhysicalResourceId": f"{wanted['Owner']}.{wanted['Bucket']}"}
    try:
        apply(boto3.client("s3"), event["RequestType"], wanted)
    except Exception as error:  # noqa: BLE001  (whatever it is, the stack's events shall say it)
        answer |= {"Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"}
    print(json.dumps({"message": "bucket_notifications", **answer}))
    answer |= {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    put = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), {"Content-Type": ""}, method="PUT")
    urllib.request.urlopen(put, timeout=20).close()


def apply(s3: Any, request: str, wanted: dict[str, Any]) -> None:
    """Put what is wanted in the place of what its owner had before; what others asked the bucket for stays."""
    mine = [] if request == "Delete" else wanted["Notifications"]
    try:
        now = s3.get_bucket_notification_configuration(Bucket=wanted["Bucket"])
    except s3.exceptions.NoSuchBucket:
        if request == "Delete":
            return
        raise
    now.pop("ResponseMetadata", None)
    others = [each for each in now.get(LAMBDAS, []) if not each["Id"].startswith(f"{wanted['Owner']}.")]
    configuration = {**now, LAMBDAS: [*others, *mine]}
    s3.put_bucket_notification_configuration(Bucket=wanted["Bucket"], NotificationConfiguration=configuration)
