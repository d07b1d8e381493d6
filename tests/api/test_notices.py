"""Notices over HTTP: what an operator publishes is what players read, by way of the topic and its function."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import botocore.session
import pytest

import app as manifest
from chalicelib.bootstrap import delivering
from tests.api.world import NOBODY, Signed, World
from tests.contexts import Context
from tests.tables import PREFIX

TOPIC = f"{PREFIX}notices"


@dataclass(frozen=True, slots=True)
class Notices:
    """The API, and a queue behind the topic in the place of the function."""

    world: World
    sns: Any
    sqs: Any
    topic: str
    queue: str

    def publish(self, body: dict[str, Any], status: int = 201) -> Any:
        answer = self.world.api.post("/admin/notices", body, admin=True)
        assert answer.status == status, answer.text
        return answer.body

    def announce(self, title: str = "Hello", **fields: Any) -> Any:
        return self.publish({"content": {"kind": "announcement", "title": title}, **fields})

    def tell(self, *player_ids: str, **fields: Any) -> Any:
        return self.publish({"content": {"kind": "personal", "title": "Hello"}, "recipients": player_ids, **fields})

    def events(self) -> list[Any]:
        """Return what SNS would have handed to the function by now."""
        reply = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        bodies = [json.loads(each["Body"]) for each in reply.get("Messages", ())]
        always: dict[str, Any] = {"Subject": None, "MessageAttributes": {}}
        return [{"Records": [{"EventSource": "aws:sns", "Sns": {**always, **body}}]} for body in bodies]

    def deliver(self) -> int:
        events = self.events()
        for event in events:
            manifest.deliver_notices(event, Context("laurel-test-deliver_notices"))
        return len(events)

    def inbox(self, player: Signed, query: str = "") -> Any:
        return self.world.api.get(f"/players/me/notices{query}", token=player.token).body

    def lobby(self, player: Signed) -> Any:
        return self.world.api.get("/", token=player.token).body["lobby"]


@pytest.fixture
def notices(
    settings: pytest.MonkeyPatch, session: botocore.session.Session, table_prefix: str, world: World
) -> Iterator[Notices]:
    sns: Any = session.create_client("sns")
    sqs: Any = session.create_client("sqs")
    topic = sns.create_topic(Name=TOPIC)["TopicArn"]
    queue = sqs.create_queue(QueueName="behind-the-topic")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    settings.setenv("LAUREL_NOTICES_TOPIC", topic)
    delivering.delivering.cache_clear()
    yield Notices(world, sns, sqs, topic, queue)
    delivering.delivering.cache_clear()


def test_what_is_published_is_read_marked_and_deleted(notices: Notices) -> None:
    ada = notices.world.player()
    api = notices.world.api
    announced, told = notices.announce(), notices.tell(ada.player_id, NOBODY)
    assert (announced["state"], announced["recipients"], announced["messages"]) == ("sent", None, 1)
    assert (told["state"], told["recipients"], told["unknown"]) == ("sent", 1, [NOBODY])
    assert notices.deliver() == 2

    newest, oldest = notices.inbox(ada)["notices"]
    assert (newest["content"]["kind"], oldest["content"]["kind"]) == ("personal", "announcement")
    assert notices.lobby(ada)["unread_notices"] == 2

    answer = api.post("/players/me/notices/read", {"ids": [newest["notice_id"]]}, token=ada.token)
    assert answer.body == {"unread": 1}
    [unread] = notices.inbox(ada, "?unread=true")["notices"]
    assert unread["notice_id"] == announced["notice_id"]

    assert api.delete(f"/players/me/notices/{oldest['notice_id']}", token=ada.token).status == 204
    assert [each["notice_id"] for each in notices.inbox(ada)["notices"]] == [newest["notice_id"]]
    assert notices.lobby(ada)["unread_notices"] == 0
    assert api.delete(f"/players/me/notices/{'0' * 32}", token=ada.token).refusal == (404, "notice_not_found")


def test_everybody_reads_the_board_of_notices_page_by_page(notices: Notices) -> None:
    ids = [notices.announce(f"{number}")["notice_id"] for number in range(3)]
    notices.deliver()

    first = notices.world.api.get("/notices?limit=2").body
    second = notices.world.api.get(f"/notices?limit=2&cursor={first['next_cursor']}").body

    assert [each["notice_id"] for page in (first, second) for each in page["notices"]] == sorted(ids, reverse=True)
    assert second["next_cursor"] is None


def test_an_inbox_has_pages_and_is_read_up_to_a_notice(notices: Notices) -> None:
    ada = notices.world.player()
    for _ in range(3):
        notices.tell(ada.player_id)
    notices.deliver()
    first = notices.inbox(ada, "?limit=2")
    second = notices.inbox(ada, f"?limit=2&cursor={first['next_cursor']}")
    assert (len(first["notices"]), len(second["notices"]), second["next_cursor"]) == (2, 1, None)

    body = {"up_to": first["notices"][1]["notice_id"]}

    assert notices.world.api.post("/players/me/notices/read", body, token=ada.token).body == {"unread": 1}


def test_reading_takes_ids_or_a_bound(notices: Notices) -> None:
    ada = notices.world.player()
    for body in ({}, {"ids": ["0" * 32], "up_to": "0" * 32}):
        assert notices.world.api.post("/players/me/notices/read", body, token=ada.token).refusal == (400, "malformed")


def test_a_preview_and_a_schedule_send_nothing_yet(notices: Notices) -> None:
    at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()

    preview = notices.announce(at=at, preview=True)
    scheduled = notices.announce(at=at)

    assert (preview["state"], preview["notice_id"], scheduled["state"]) == ("preview", None, "scheduled")
    assert notices.events() == []
    api = notices.world.api
    [waiting] = api.get("/admin/notices/scheduled", admin=True).body["notices"]
    assert (waiting["notice_id"], waiting["recipients"]) == (scheduled["notice_id"], None)
    path = f"/admin/notices/scheduled/{scheduled['notice_id']}"
    assert [api.delete(path, admin=True).status for _ in range(2)] == [204, 404]


def test_times_of_publications_are_answered_in_utc(notices: Notices) -> None:
    at = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    elsewhere = at.astimezone(timezone(timedelta(hours=5.5)))

    preview = notices.announce(at=elsewhere.isoformat(), preview=True)

    assert preview["at"] == f"{at:%Y-%m-%dT%H:%M:%SZ}"
    assert preview["expires_at"].endswith("Z")


def test_a_publication_that_breaks_a_rule_is_refused(notices: Notices) -> None:
    personal = {"kind": "personal", "title": "Hello"}
    for body in (
        {"content": personal},
        {"content": personal, "recipients": ["Ada"]},
        {"content": {"kind": "reward"}},
        {"content": {"kind": "announcement", "title": ""}},
        {"content": {"kind": "announcement", "title": "Hello", "link": "no url"}},
        {"content": {"kind": "announcement", "title": "Hello"}, "at": "2020-01-01T00:00:00Z"},
        {"content": {"kind": "announcement", "title": "Hello"}, "at": "9999-12-31T00:00:00Z"},
        {"content": {"kind": "announcement", "title": "Hello"}, "expires_at": "9999-12-31T23:59:59-14:00"},
    ):
        assert notices.publish(body, 400)["error"]["code"] == "malformed"


def test_a_publication_that_is_sent_again_is_answered_alike(notices: Notices) -> None:
    first, again = (notices.announce(publication_id="spring") for _ in range(2))

    assert first == again
    assert len(notices.events()) == 1


def test_every_kind_of_notice_is_shown(notices: Notices) -> None:
    ada = notices.world.player()
    where = {"board_id": "race", "period_id": "all"}
    contents = {
        "season_result": {"season_id": "spring", "tier": "gold", "outcome": "promoted", "rank": 1, **where},
        "reward": {"reward_id": "race#all#rank", "grants": [{"item": "coins", "amount": 5}], **where},
    }
    for number, (kind, content) in enumerate(contents.items()):
        edition = {"content": content, "recipients": [ada.player_id]}
        notice_id, end = f"{number:032x}", "2099-01-01T00:00:00Z"
        message = {"version": 1, "kind": kind, "notice_id": notice_id, "expires_at": end, "editions": [edition]}
        notices.sns.publish(TopicArn=notices.topic, Message=json.dumps(message))
    notices.deliver()

    reward, result = notices.inbox(ada)["notices"]

    assert (result["content"]["outcome"], reward["content"]["grants"][0]["item"]) == ("promoted", "coins")
    exported = notices.world.api.get("/players/me/export", token=ada.token).body["notices"]
    assert [each["content"]["kind"] for each in exported] == ["reward", "season_result"]
