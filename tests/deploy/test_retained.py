"""What outlives its stack, deleted for good."""

from typing import Any

import pytest

from deploy.retained import Retained
from tests.conftest import REGION
from tests.deploy.aws import target

pytestmark = pytest.mark.usefixtures("aws")

TABLE = Retained("AWS::DynamoDB::Table", "laurel-dev-boards")
BUCKET = Retained("AWS::S3::Bucket", "laurel-dev-media")
SECRET = Retained("AWS::SecretsManager::Secret", "laurel-dev/admin-key")


def make_table(dynamodb: Any, *, protected: bool) -> None:
    dynamodb.create_table(
        TableName=TABLE.name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "board_id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "board_id", "KeyType": "HASH"}],
        DeletionProtectionEnabled=protected,
    )


@pytest.mark.parametrize("protected", [True, False])
def test_a_table_goes_protected_or_not(protected: bool) -> None:
    dev = target()
    make_table(dev.client("dynamodb"), protected=protected)

    assert TABLE.is_protected(dev) is protected
    TABLE.delete(dev)

    assert dev.client("dynamodb").list_tables()["TableNames"] == []
    assert TABLE.is_protected(dev) is False


def test_a_bucket_goes_with_every_version_of_what_it_holds() -> None:
    dev = target()
    s3 = dev.client("s3")
    s3.create_bucket(Bucket=BUCKET.name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=BUCKET.name, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"first", b"second"):
        s3.put_object(Bucket=BUCKET.name, Key="ada.png", Body=body)
    s3.delete_object(Bucket=BUCKET.name, Key="ada.png")

    BUCKET.delete(dev)

    assert s3.list_buckets()["Buckets"] == []


def test_a_queue_goes() -> None:
    dev = target()
    url = dev.client("sqs").create_queue(QueueName="laurel-dev-record-dead-letters")["QueueUrl"]

    Retained("AWS::SQS::Queue", url).delete(dev)

    assert "QueueUrls" not in dev.client("sqs").list_queues()


def test_the_name_of_a_secret_that_went_is_free_again() -> None:
    dev = target()
    secrets = dev.client("secretsmanager")
    for _ in range(2):
        secrets.create_secret(Name=SECRET.name, SecretString="x" * 48)
        SECRET.delete(dev)

    assert secrets.list_secrets()["SecretList"] == []


@pytest.mark.parametrize(
    "gone",
    [
        TABLE,
        BUCKET,
        SECRET,
        Retained("AWS::SQS::Queue", f"https://sqs.{REGION}.amazonaws.com/123456789012/laurel-dev-record-dead-letters"),
    ],
    ids=lambda gone: gone.kind,
)
def test_what_is_gone_already_is_gone(gone: Retained) -> None:
    gone.delete(target())
