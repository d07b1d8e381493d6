"""The function that asks a bucket of another stack: run as Lambda would run it."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest
from moto import mock_aws

from deploy.pipeline import notifications
from deploy.pipeline.buckets import INLINE_LIMIT, NOTIFIER_CODE

BUCKET = "laurel-prod-media"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:laurel-prod-make_avatar:live"
THEIRS = {
    "Id": "somebody-else",
    "TopicArn": "arn:aws:sns:us-east-1:123456789012:theirs",
    "Events": ["s3:ObjectRemoved:*"],
}

Json = dict[str, Any]


class _Listening(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:  # http.server calls it so
        length = int(self.headers["Content-Length"])
        self.server.told.append(json.loads(self.rfile.read(length)))  # type: ignore[attr-defined]  # see ``told``
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's own name
        """Say nothing."""


class CloudFormation:
    """Asks for a custom resource, and waits to be told."""

    def __init__(self) -> None:
        self.server = HTTPServer(("127.0.0.1", 0), _Listening)
        self.told: list[Json] = []
        self.server.told = self.told  # type: ignore[attr-defined]  # what its handler fills
        Thread(target=self.server.serve_forever, daemon=True).start()

    def ask(self, request: str, *functions: str, bucket: str = BUCKET) -> Json:
        event = {
            "RequestType": request,
            "ResponseURL": f"http://127.0.0.1:{self.server.server_port}/",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "MediaBucketNameNotifications",
            "ResourceProperties": {
                "Bucket": bucket,
                "Owner": "laurel-prod",
                "Notifications": [notification(function) for function in functions],
            },
        }
        notifications.handle(event, None)
        return self.told[-1]


def notification(function: str) -> Json:
    return {"Id": f"laurel-prod.{function}", "LambdaFunctionArn": FUNCTION, "Events": ["s3:ObjectCreated:*"]}


@pytest.fixture
def cloudformation(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudFormation]:
    asking = CloudFormation()
    with mock_aws(config={"core": {"passthrough": {"urls": [r"http://127\.0\.0\.1.*"]}}}):
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=BUCKET)
        yield asking
    asking.server.shutdown()
    asking.server.server_close()


def told_functions() -> list[str]:
    now = boto3.client("s3").get_bucket_notification_configuration(Bucket=BUCKET)
    return [each["Id"] for each in now.get("LambdaFunctionConfigurations", [])]


def test_it_fits_into_a_template() -> None:
    assert len(NOTIFIER_CODE.read_text()) <= INLINE_LIMIT


def test_a_bucket_tells_what_it_is_asked_to(cloudformation: CloudFormation) -> None:
    answer = cloudformation.ask("Create", "make_avatar", "sweep")

    assert answer["Status"] == "SUCCESS"
    assert (answer["StackId"], answer["RequestId"]) == ("stack", "request")
    assert told_functions() == ["laurel-prod.make_avatar", "laurel-prod.sweep"]


def test_what_is_asked_anew_replaces_what_was_asked_before(cloudformation: CloudFormation) -> None:
    before = cloudformation.ask("Create", "make_avatar")
    after = cloudformation.ask("Update", "sweep")

    assert told_functions() == ["laurel-prod.sweep"]
    assert after["PhysicalResourceId"] == before["PhysicalResourceId"]


def test_another_bucket_is_another_resource(cloudformation: CloudFormation) -> None:
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="laurel-prod-pictures")
    one = cloudformation.ask("Create", "make_avatar")
    other = cloudformation.ask("Update", "make_avatar", bucket="laurel-prod-pictures")

    # CloudFormation then deletes the one.
    assert one["PhysicalResourceId"] != other["PhysicalResourceId"]


def test_what_others_asked_the_bucket_for_stays(cloudformation: CloudFormation) -> None:
    s3 = boto3.client("s3", region_name="us-east-1")
    theirs = {**notification("x"), "Id": "laurel-production.make_avatar"}
    topics = [THEIRS]
    boto3.client("sns", region_name="us-east-1").create_topic(Name="theirs")
    configuration = {"LambdaFunctionConfigurations": [theirs], "TopicConfigurations": topics}
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=configuration)

    cloudformation.ask("Create", "make_avatar")
    cloudformation.ask("Delete", "make_avatar")

    now = s3.get_bucket_notification_configuration(Bucket=BUCKET)
    assert told_functions() == ["laurel-production.make_avatar"]
    assert [topic["Id"] for topic in now["TopicConfigurations"]] == ["somebody-else"]


def test_a_bucket_that_is_gone_keeps_nothing_from_being_deleted(cloudformation: CloudFormation) -> None:
    assert cloudformation.ask("Delete", "make_avatar", bucket="gone")["Status"] == "SUCCESS"


def test_cloudformation_is_told_what_is_wrong(cloudformation: CloudFormation) -> None:
    answer = cloudformation.ask("Create", "make_avatar", bucket="gone")

    assert answer["Status"] == "FAILED"
    assert "NoSuchBucket" in answer["Reason"]
