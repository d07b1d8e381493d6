"""An app that a bucket tells of its objects, as chalice refuses to package it."""

import json
from pathlib import Path

from tests.deploy.pipeline.packages import App

OUTPUTS = {"MEDIA_BUCKET": "MediaBucketName"}
SEEN = "seen.json"

_APP = """
import json
import os

import boto3
from chalice import Chalice

app = Chalice(app_name="laurel")


@app.route("/")
def index():
    return {"told": True}


@app.on_s3_event(os.environ["MEDIA_BUCKET"], events=["s3:ObjectCreated:*"], prefix="avatars/", suffix=".webp")
def make_avatar(event):
    seen = {"bucket": event.bucket, "key": event.key}
    boto3.client("s3").put_object(Bucket=event.bucket, Key="seen.json", Body=json.dumps(seen).encode())
"""
_MAY_PUT = {
    "Effect": "Allow",
    "Action": "s3:PutObject",
    "Resource": "arn:${AWS::Partition}:s3:::laurel-*-media-*",
}
_MAY_LOG = {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}


def write(project: Path, bucket: str = 'os.environ["MEDIA_BUCKET"]') -> App:
    """Write the app into a directory; ``bucket`` is Python, as it stands in app.py."""
    policies = project / ".chalice" / "policies"
    policies.mkdir(parents=True)
    (project / "app.py").write_text(_APP.replace('os.environ["MEDIA_BUCKET"]', bucket))
    (project / "requirements.txt").touch()
    for function, statement in {"api_handler": _MAY_LOG, "make_avatar": _MAY_PUT}.items():
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        (policies / f"{function}.json").write_text(json.dumps(policy))
    config = {
        "version": "2.0",
        "app_name": "laurel",
        "api_gateway_stage": "api",
        "api_gateway_endpoint_type": "REGIONAL",
        "autogen_policy": False,
        "stages": {
            "prod": {
                "lambda_functions": {
                    function: {"iam_policy_file": f"policies/{function}.json"}
                    for function in ("api_handler", "make_avatar")
                }
            }
        },
    }
    (project / ".chalice" / "config.json").write_text(json.dumps(config))
    return App(project, OUTPUTS)
