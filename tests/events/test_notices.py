"""The function of the topic as SNS calls it, on moto: from the manifest to the tables, the queue and the log."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import pytest

import app as manifest
from chalicelib.bootstrap import delivering
from chalicelib.domain.messages import Edition, Message, encoded
from chalicelib.domain.notices import Announcement, notice_id
from chalicelib.errors import StoreUnavailableError
from tests.contexts import Context
from tests.lines import Lines
from tests.tables import PREFIX

QUEUE = f"{PREFIX}notice-dead-letters"
METRICS = {"notices_delivered", "notices_dead_lettered", "notices_pushed", "notice_lag_ms"}


@pytest.fixture
def queue(table_prefix: str, session: botocore.session.Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The tables and, returned, a client of the queue."""
    monkeypatch.setenv("LAUREL_STAGE", "test")
    monkeypatch.setenv("LAUREL_SIGNING_KEYS", f"a:{'s' * 32}")
    sqs: Any = session.create_client("sqs")
    sqs.create_queue(QueueName=QUEUE)
    delivering.delivering.cache_clear()
    yield sqs
    delivering.delivering.cache_clear()


def deliver(text: str, published_at: datetime | None = None) -> None:
    timestamp = (published_at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    told: dict[str, Any] = {"Message": text, "Subject": None, "MessageAttributes": {}, "Timestamp": timestamp}
    event = {"Records": [{"EventSource": "aws:sns", "Sns": told}]}
    manifest.deliver_notices(event, Context("laurel-test-deliver_notices"))


def announcement() -> str:
    now = datetime.now(UTC)
    content = Announcement("Hello")
    return encoded(Message(notice_id(now, "a key"), now + timedelta(days=1), (Edition(content),)))


def test_a_message_is_one_line_with_its_figures(queue: Any, lines: Lines) -> None:
    deliver(announcement(), datetime.now(UTC) - timedelta(seconds=3))

    line = lines.one("delivered")
    assert (line["function"], line["request_id"]) == ("laurel-test-deliver_notices", "request-1")
    assert (line["kind"], line["notices_delivered"], line["notices_dead_lettered"]) == ("announcement", 1, 0)
    assert 3000 <= line["notice_lag_ms"] < 300_000
    assert {each["Name"] for each in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]} == METRICS


def test_what_nobody_can_read_is_in_the_queue_and_counted(queue: Any, lines: Lines) -> None:
    deliver('{"version": 1, "kind": "telegram"}')

    url = queue.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    [message] = queue.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["reason"] == "unknown_kind"
    line = lines.one("delivered")
    assert (line["reason"], line["notices_delivered"], line["notices_dead_lettered"]) == ("unknown_kind", 0, 1)
    assert lines.one("notice_undeliverable")["level"] == "ERROR"


def test_what_the_queue_does_not_take_fails_so_that_lambda_tries_again(queue: Any) -> None:
    queue.delete_queue(QueueUrl=queue.get_queue_url(QueueName=QUEUE)["QueueUrl"])

    with pytest.raises(StoreUnavailableError):
        deliver("nonsense")
