import socket
import threading
from pathlib import Path

import pytest
import requests

from deploy.errors import DeployError
from local.children import StartError, environment
from local.layout import LOOPBACK, TABLE_PREFIX
from local.stack import LocalStack
from tests.local.program import PATIENCE_SECONDS


def test_the_environment_holds_nothing_of_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")

    scrubbed = environment(4670, tmp_path, None)

    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN"} & set(scrubbed)
    assert scrubbed["HOME"] == str(tmp_path)
    assert scrubbed["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4670"


def test_a_taken_port_is_named_with_the_way_out(project: Path) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(StartError, match=rf"Port {port} is taken.*PORT="), LocalStack(project, port=port):
            pass


@pytest.mark.e2e
def test_the_app_answers_with_its_environment(laurel: LocalStack) -> None:
    assert laurel.first_answer() is None
    assert requests.get(laurel.url, timeout=PATIENCE_SECONDS).json() == {"greeting": "hello", "stage": "local"}


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("module", "text", "complaint"),
    [
        ("words.py", "GREETING = (", r"words\.py.*SyntaxError"),
        ("never_imported_by_app.py", "def x(:", r"never_imported_by_app\.py.*SyntaxError"),
        ("words.py", "import nothing_like_it", "No module named 'nothing_like_it'"),
    ],
)
def test_broken_code_leaves_the_last_good_one_running(
    laurel: LocalStack, project: Path, module: str, text: str, complaint: str
) -> None:
    file = project / "chalicelib" / module
    before = file.read_text() if file.exists() else None
    file.write_text(text)
    try:
        with pytest.raises(DeployError, match=f"(?s){complaint}") as refused:
            laurel.deploy()
    finally:
        file.unlink() if before is None else file.write_text(before)

    assert str(project) in str(refused.value)
    assert requests.get(laurel.url, timeout=PATIENCE_SECONDS).json()["greeting"] == "hello"


@pytest.mark.e2e
def test_a_request_in_flight_outlives_a_deployment(laurel: LocalStack) -> None:
    statuses = []
    request = threading.Thread(
        target=lambda: statuses.append(requests.get(f"{laurel.url}slow", timeout=PATIENCE_SECONDS).status_code)
    )
    request.start()
    laurel.prepare_deployment()

    laurel.deploy()
    request.join()

    assert statuses == [200]


@pytest.mark.e2e
def test_what_was_kept_comes_back_after_a_clean_stop(project: Path, tmp_path: Path) -> None:
    item = {
        "player_id": {"S": "ada"},
        "board_period": {"S": "speedrun#1"},
        "standing": {"S": "speedrun#1"},
        "order_key": {"S": "00042"},
        "score": {"N": "42"},
        "blob": {"B": b"\x00\xff"},
    }
    with LocalStack(project, state_dir=tmp_path) as first:
        key = first.admin_key
        first.target.client("dynamodb").put_item(TableName=f"{TABLE_PREFIX}records", Item=item)
        bucket = first.target.client("s3").list_buckets()["Buckets"][0]["Name"]
        first.target.client("s3").put_object(Bucket=bucket, Key="ada.png", Body=b"image", ContentType="image/png")
        queue = first.target.client("sqs").get_queue_url(QueueName=f"{TABLE_PREFIX}record-dead-letters")["QueueUrl"]
        first.target.client("sqs").send_message(QueueUrl=queue, MessageBody="a dead letter")

    with LocalStack(project, state_dir=tmp_path) as second:
        dynamodb = second.target.client("dynamodb")
        ranking = dynamodb.query(
            TableName=f"{TABLE_PREFIX}records",
            IndexName="ranking",
            KeyConditionExpression="standing = :standing",
            ExpressionAttributeValues={":standing": item["standing"]},
        )
        stored = dynamodb.get_item(
            TableName=f"{TABLE_PREFIX}records", Key={name: item[name] for name in ("player_id", "board_period")}
        )
        ttl = dynamodb.describe_time_to_live(TableName=f"{TABLE_PREFIX}records")["TimeToLiveDescription"]
        image = second.target.client("s3").get_object(Bucket=bucket, Key="ada.png")
        [message] = second.target.client("sqs").receive_message(QueueUrl=queue)["Messages"]

        assert stored["Item"] == item
        assert [entry["player_id"] for entry in ranking["Items"]] == [item["player_id"]]
        assert ttl["TimeToLiveStatus"] == "ENABLED"
        assert (image["Body"].read(), image["ContentType"]) == (b"image", "image/png")
        assert message["Body"] == "a dead letter"
        assert second.admin_key == key
        assert requests.get(second.url, timeout=PATIENCE_SECONDS).status_code == 200
