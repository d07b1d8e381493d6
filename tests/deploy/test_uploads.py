"""A bucket tells functions of uploads: set up once, found by name, and let go of; what it tells others is theirs."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.pictures.confinement import MIB, Bounds
from deploy import inventory
from deploy.client import LAMBDAS, StageClient
from deploy.target import Target
from tests.conftest import REGION
from tests.deploy.aws import target
from tests.repository import ROOT

pytestmark = pytest.mark.usefixtures("aws")

ACCOUNT = "123456789012"
BUCKET = f"laurel-dev-media-{ACCOUNT}"
ARNS = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"
MAKE_AVATAR = f"{ARNS}:laurel-dev-make_avatar"
CREATED = ["s3:ObjectCreated:*"]
THEIRS = {
    "Id": "theirs",
    "LambdaFunctionArn": f"{ARNS}:backup",
    "Events": ["s3:ObjectRemoved:*"],
    "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "avatars/"}]}},
}


REST_SECONDS, REST_MIB = 45, 160
"""What make_avatar takes beside its child: slow calls of S3 and the database; Python, botocore and the upload."""


@pytest.fixture
def dev(aws: None) -> Target:
    """A stage whose bucket tells somebody else already."""
    dev = target()
    s3 = dev.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={LAMBDAS: [THEIRS]})
    dev.changes.clear()
    return dev


def connect(dev: Target, prefix: str | None = "uploads/") -> list[str]:
    """Return what chalice's deployer changes."""
    before = len(dev.changes)
    StageClient(dev).connect_s3_bucket_to_lambda(BUCKET, MAKE_AVATAR, CREATED, prefix)
    return [str(change) for change in dev.changes[before:]]


def told(dev: Target) -> dict[str, Any]:
    """Return the rules of what is told, by whom it is told to."""
    return {each["LambdaFunctionArn"]: each.get("Filter") for each in inventory.notifications(dev, BUCKET)}


def found(dev: Target, *functions: str) -> list[inventory.Resource]:
    deployed = [{"name": name, "lambda_arn": f"{ARNS}:laurel-dev-{name}"} for name in functions]
    return list(inventory.uploads(dev, deployed))


def test_a_bucket_is_asked_once_and_goes_on_telling_others(dev: Target) -> None:
    assert connect(dev) == [f"~ bucket {BUCKET} (notifications)"]
    assert connect(dev) == []

    assert told(dev).keys() == {MAKE_AVATAR, THEIRS["LambdaFunctionArn"]}


def test_a_bucket_is_asked_anew_where_the_trigger_differs(dev: Target) -> None:
    connect(dev, "avatars/")

    assert connect(dev) != []
    assert connect(dev, None) != []

    assert told(dev)[MAKE_AVATAR] is None
    assert len(told(dev)) == 2


def test_what_a_bucket_tells_the_stage_is_found_as_chalice_records_it(dev: Target) -> None:
    assert found(dev, "make_avatar") == []

    connect(dev)

    expected = {
        "name": "make_avatar-s3event",
        "resource_type": "s3_event",
        "bucket": BUCKET,
        "lambda_arn": MAKE_AVATAR,
    }
    assert found(dev, "keep_ranks", "make_avatar") == [expected]


def test_a_trigger_that_is_let_go_of_leaves_what_is_others(dev: Target) -> None:
    connect(dev)

    StageClient(dev).disconnect_s3_bucket_from_lambda(BUCKET, MAKE_AVATAR)

    assert told(dev).keys() == {THEIRS["LambdaFunctionArn"]}
    assert str(dev.changes[-1]) == f"~ bucket {BUCKET} (notifications)"


def test_a_bucket_that_is_gone_tells_nobody(dev: Target) -> None:
    dev.client("s3").delete_bucket(Bucket=BUCKET)

    assert found(dev, "make_avatar") == []
    with pytest.raises(ClientError, match="NoSuchBucket"):
        connect(dev)


def test_what_is_rehearsed_before_there_is_a_bucket_is_noted(dev: Target) -> None:
    rehearsal = dev.rehearsal()

    StageClient(rehearsal).connect_s3_bucket_to_lambda("nobodys", MAKE_AVATAR, CREATED, "uploads/")

    assert [str(change) for change in rehearsal.changes] == ["~ bucket nobodys (notifications)"]


def test_a_picture_is_given_up_before_its_function_is() -> None:
    """Otherwise Lambda would try again what can never succeed."""
    config = json.loads((ROOT / ".chalice" / "config.json").read_text())["lambda_functions"]["make_avatar"]
    bounds = Bounds()

    assert config["lambda_timeout"] >= bounds.start_seconds + bounds.seconds + REST_SECONDS
    assert config["lambda_memory_size"] >= bounds.memory / MIB + REST_MIB
