"""Notices through the deployed functions: from the operator by way of the topic into the inbox, or into the queue."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.store.keys import ANNOUNCEMENTS
from local.layout import TABLE_PREFIX
from tests.e2e.client import Client, Player
from tests.e2e.test_stream import eventually

pytestmark = pytest.mark.e2e

SOON = timedelta(seconds=6)
"""So much later that a busy machine has been asked what waits before it is sent."""


def titles(client: Client, player: Player) -> list[str]:
    found = client.made("GET", "/players/me/notices", token=player.token)["notices"]
    return [each["content"]["title"] for each in found]


def announcements(client: Client) -> list[str]:
    items = client.stack.target.client("dynamodb").scan(TableName=f"{TABLE_PREFIX}notices")["Items"]
    return [item["sk"]["S"] for item in items if item["pk"]["S"] == ANNOUNCEMENTS]


def publish(client: Client, kind: str, title: str, **fields: Any) -> Any:
    body = {"content": {"kind": kind, "title": title}, **fields}
    return client.made("POST", "/admin/notices", body, admin=True)


def test_what_an_operator_publishes_is_in_the_inbox_within_seconds(client: Client) -> None:
    ada, bob = client.player(), client.player()

    announced = publish(client, "announcement", "For everybody")
    assert announced["state"] == "sent"
    # Looked for in the table: a process that has looked remembers for five seconds what there was.
    eventually(lambda: announced["notice_id"] in announcements(client), True)
    assert publish(client, "personal", "For Ada", recipients=[ada.player_id])["state"] == "sent"

    eventually(lambda: titles(client, ada), ["For Ada", "For everybody"])
    assert titles(client, bob) == ["For everybody"]
    assert client.made("GET", "/", token=ada.token)["lobby"]["unread_notices"] == 2
    shown = client.made("GET", "/notices")["notices"]
    assert "For everybody" in [each["content"]["title"] for each in shown]


def test_what_nobody_can_read_is_kept_with_the_reason(client: Client) -> None:
    topics, queues = (client.stack.target.client(service) for service in ("sns", "sqs"))
    topic = f"arn:aws:sns:{topics.meta.region_name}:000000000000:{TABLE_PREFIX}notices"
    url = queues.get_queue_url(QueueName=f"{TABLE_PREFIX}notice-dead-letters")["QueueUrl"]

    topics.publish(TopicArn=topic, Message='{"version": 9, "kind": "announcement"}')

    def reasons() -> list[str]:
        reply = queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [json.loads(each["Body"])["reason"] for each in reply.get("Messages", ())]

    eventually(reasons, ["unknown_version"])


def test_the_topic_has_one_subscription_and_failures_are_kept(client: Client) -> None:
    target = client.stack.target
    subscriptions = target.client("sns").list_subscriptions()["Subscriptions"]
    config = target.client("lambda").get_function_event_invoke_config(FunctionName="laurel-local-deliver_notices")

    assert [each["Endpoint"].rpartition(":")[2] for each in subscriptions] == ["laurel-local-deliver_notices"]
    assert config["DestinationConfig"]["OnFailure"]["Destination"].endswith(":laurel-local-async-dead-letters")


def test_what_is_scheduled_is_sent_by_the_clock(client: Client) -> None:
    ada = client.player()
    at = datetime.now(UTC) + SOON
    made = publish(client, "personal", "Later", recipients=[ada.player_id], at=at.isoformat())
    assert waiting(client) == [made["notice_id"]]

    def look() -> list[str]:
        # As the schedule does every minute, which is too long for a test.
        client.stack.target.client("lambda").invoke(FunctionName="laurel-local-keep_seasons", Payload=b"{}")
        return titles(client, ada)

    eventually(look, ["Later"])
    # The schedule may have sent it, and be about to put it away.
    eventually(lambda: waiting(client), [])


@pytest.fixture
def pushed_to(client: Client) -> Iterator[str]:
    """Push to the devices of a platform, until the test is over; the ARN of its application."""
    topics, functions = (client.stack.target.client(service) for service in ("sns", "lambda"))
    made = topics.create_platform_application(
        Name=f"{TABLE_PREFIX}game", Platform="GCM", Attributes={"PlatformCredential": "none"}
    )
    application: str = made["PlatformApplicationArn"]
    before = {
        name: functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        for name in ("laurel-local", "laurel-local-deliver_notices")
    }
    said = {"LAUREL_PUSH_APPLICATIONS": json.dumps({"fcm": application})}
    for name, variables in before.items():
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": {**variables, **said}})
    yield application
    for name, variables in before.items():
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    topics.delete_platform_application(PlatformApplicationArn=application)


def test_a_device_is_registered_renewed_pushed_to_and_dropped_when_it_is_gone(client: Client, pushed_to: str) -> None:
    ada = client.player()
    first = client.made("POST", "/players/me/devices", {"platform": "fcm", "token": "one"}, token=ada.token)
    renewed = {"platform": "fcm", "token": "two", "replaces": first["device_id"]}
    second = client.made("POST", "/players/me/devices", renewed, token=ada.token)
    assert devices(client, ada) == [second["device_id"]]
    assert endpoint(client, ada).startswith(pushed_to.replace(":app/", ":endpoint/"))

    client.stack.target.client("sns").delete_endpoint(EndpointArn=endpoint(client, ada))
    publish(client, "personal", "For Ada's devices", recipients=[ada.player_id])

    eventually(lambda: devices(client, ada), [])
    assert titles(client, ada) == ["For Ada's devices"]


def devices(client: Client, player: Player) -> list[str]:
    found = client.made("GET", "/players/me/devices", token=player.token)["devices"]
    return [each["device_id"] for each in found]


def endpoint(client: Client, player: Player) -> str:
    """Return where SNS pushes to the player's only device."""
    items = client.stack.target.client("dynamodb").scan(TableName=f"{TABLE_PREFIX}players")["Items"]
    (arn,) = (
        item["endpoint"]["S"] for item in items if "endpoint" in item and item["pk"]["S"].endswith(player.player_id)
    )
    return str(arn)


def waiting(client: Client) -> list[str]:
    """Return the ids of what is to be sent later."""
    return [each["notice_id"] for each in client.made("GET", "/admin/notices/scheduled", admin=True)["notices"]]
