"""Publishing: at once, at an instant, never twice, and nothing where only a preview was asked for."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from typing import Any

import pytest

from chalicelib.domain.messages import addressed, decoded
from chalicelib.domain.notices import Announcement, PersonalNotice, notice_id
from chalicelib.errors import (
    ContendedError,
    MalformedError,
    NoticeDueError,
    NoticeNotFoundError,
    PublicationReusedError,
    StoreUnavailableError,
)
from chalicelib.services.notices import Publisher
from chalicelib.store.clients import ClientFailedError, Clients
from chalicelib.store.topics import Topic
from tests.fake_dynamodb import Once, conflict_on, time_out
from tests.fake_sns import TOPIC, FakeSns, out_of_order
from tests.post import Post
from tests.strikes import AtCall, Killed, kill
from tests.world import EPOCH

HELLO = Announcement("Hello")


@pytest.fixture
def post() -> Post:
    return Post()


def due(post: Post) -> int:
    return post.outbox().due()


def in_(post: Post, **duration: float) -> datetime:
    return post.world.clock() + timedelta(**duration)


def test_what_is_published_at_once_is_on_the_topic_and_nowhere_else(post: Post) -> None:
    notices = post.world.services.notices

    published = notices.publish(notices.draft(HELLO))

    [message] = map(decoded, post.world.sns.texts)
    assert published.is_sent
    assert (message.notice_id, message.editions[0].content) == (published.publication.notice_id, HELLO)
    assert post.world.items("notices") == []


def test_what_is_scheduled_is_sent_when_it_is_due_and_not_again(post: Post) -> None:
    post.announce(at=in_(post, hours=1))
    post.world.clock.advance(minutes=59)
    assert (due(post), post.world.sns.texts) == (0, [])

    post.world.clock.advance(minutes=1)

    assert [due(post), due(post)] == [1, 0]
    [message] = map(decoded, post.world.sns.texts)
    assert message.expires_at == post.world.clock() + timedelta(days=30)


def test_what_is_due_is_sent_in_order_however_late(post: Post) -> None:
    for hours in (3, 1, 2):
        post.announce(f"{hours}", at=in_(post, hours=hours))
    post.world.clock.advance(days=1)

    due(post)

    titles = [decoded(text).editions[0].content.title for text in post.world.sns.texts]  # type: ignore[union-attr]  # announcements have one
    assert titles == ["1", "2", "3"]


def test_a_large_audience_takes_several_messages_of_the_same_notice(post: Post) -> None:
    players = [f"{number:032x}" for number in range(1100)]

    post.tell(*players)

    sent = [decoded(text) for text in post.world.sns.texts]
    assert [message.recipients for message in sent] == [500, 500, 100]
    assert len({message.notice_id for message in sent}) == 1


def test_a_preview_sends_and_stores_nothing(post: Post) -> None:
    ada, bob = post.world.player("Ada"), post.world.player("Bob")
    post.world.services.players.delete(bob)
    notices = post.world.services.notices

    personal = notices.preview(notices.draft(PersonalNotice("Hello"), [ada, bob, "0" * 32]))
    public = notices.preview(notices.draft(HELLO, at=in_(post, days=1)))

    assert (personal.messages, personal.recipients, personal.unknown) == (1, 1, (bob, "0" * 32))
    assert (public.messages, public.recipients, public.publication.at) == (1, None, in_(post, days=1))
    assert (post.world.sns.texts, post.world.items("notices")) == ([], [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"content": HELLO, "recipients": ["a" * 32]},
        {"content": PersonalNotice("Hello")},
        {"content": HELLO, "at": EPOCH},
        {"content": HELLO, "at": EPOCH - timedelta(days=1)},
        {"content": HELLO, "at": datetime(9999, 12, 31, tzinfo=UTC)},
        {"content": HELLO, "expires_at": EPOCH},
        {"content": HELLO, "expires_at": datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=12)))},
        {"content": HELLO, "expires_at": EPOCH + timedelta(days=366)},
        {"content": HELLO, "at": EPOCH + timedelta(days=2), "expires_at": EPOCH + timedelta(days=1)},
    ],
)
def test_a_rule_that_is_broken_is_named(post: Post, wrong: dict[str, Any]) -> None:
    with pytest.raises(MalformedError, match=r"body\."):
        post.world.services.notices.draft(**wrong)


def test_what_sns_does_not_take_at_once_is_sent_within_a_minute(post: Post) -> None:
    post.world.sns.before.append(out_of_order)
    notices = post.world.services.notices
    published = notices.publish(notices.draft(HELLO))
    assert (published.is_sent, due(post)) == (False, 0)
    post.world.sns.before.clear()

    assert due(post) == 1
    assert decoded(post.world.sns.texts[0]).notice_id == published.publication.notice_id


def test_while_sns_is_out_of_order_it_is_not_asked_for_everything_that_is_due(post: Post) -> None:
    for _ in range(10):
        post.announce(at=in_(post, hours=1))
    post.world.clock.advance(hours=1)
    asked: list[str] = []
    post.world.sns.before += [asked.append, out_of_order]

    assert (due(post), len(asked)) == (0, 3)
    post.world.sns.before.clear()
    assert due(post) == 10


def test_what_sns_takes_in_part_is_sent_as_a_whole_again(post: Post) -> None:
    ada = post.world.player()
    players = [ada, *(f"{number:032x}" for number in range(600))]
    post.world.sns.refused = {1}
    post.tell(*players)
    post.world.sns.refused = set()

    due(post)
    post.deliver_all()

    assert post.titles(ada) == ["Hello"]
    assert post.world.services.notices.scheduled(10).publications == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_publisher_that_dies_at_any_call_publishes_once(when: str) -> None:
    for number in count():
        post = Post()
        ada = post.world.player()
        wanted = post.announce("Hello", at=in_(post, hours=1))
        post.world.clock.advance(hours=1)
        death = AtCall(number)
        getattr(post.world.client, when).append(death)
        getattr(post.world.sns, when).append(death)
        try:
            due(post)
        except Killed:
            post.world.undisturbed()
            post.world.sns.before.clear()
            post.world.sns.after.clear()
            due(post)
        else:
            assert number == 4, "a look, a remark that it is begun, a message, a stroke"
            return
        post.deliver_all()
        assert post.titles(ada) == ["Hello"], number
        assert [item["sk"]["S"] for item in post.world.items("notices")] == [wanted]
        assert due(post) == 0


def test_an_operator_whose_process_dies_has_published_or_not_but_never_half(post: Post) -> None:
    ada = post.world.player()
    post.world.sns.after.append(kill)
    with pytest.raises(Killed):
        post.announce()
    post.world.sns.after.clear()

    due(post)
    post.deliver_all()

    assert post.titles(ada) == ["Hello"]


def test_the_same_request_again_is_published_once(post: Post) -> None:
    notices, ada = post.world.services.notices, post.world.player()

    first = notices.publish(notices.draft(HELLO, publication_id="spring"))
    post.world.clock.advance(seconds=5)
    again = notices.publish(notices.draft(HELLO, publication_id="spring"))
    post.deliver_all()

    assert again == first
    assert post.titles(ada) == ["Hello"]
    with pytest.raises(PublicationReusedError):
        notices.publish(notices.draft(Announcement("Bye"), publication_id="spring"))


def test_a_request_whose_answer_is_lost_may_be_sent_again(post: Post) -> None:
    notices, ada = post.world.services.notices, post.world.player()
    at = in_(post, hours=1)
    post.world.after(Once(lambda call: call.operation == "TransactWriteItems", time_out))
    with pytest.raises(StoreUnavailableError):
        notices.publish(notices.draft(HELLO, at=at, publication_id="spring"))

    again = notices.publish(notices.draft(HELLO, at=at, publication_id="spring"))
    assert not again.is_sent
    post.world.clock.advance(hours=1)
    due(post)
    post.deliver_all()

    assert post.titles(ada) == ["Hello"]


def test_a_request_that_comes_again_after_its_time_is_answered_alike(post: Post) -> None:
    notices, at = post.world.services.notices, in_(post, minutes=1)
    first = notices.publish(notices.draft(HELLO, at=at, publication_id="spring"))
    post.world.clock.advance(hours=1)
    due(post)

    again = notices.publish(notices.draft(HELLO, at=at, publication_id="spring"))

    assert (again.publication, first.is_sent, again.is_sent) == (first.publication, False, True)


def test_a_preview_says_that_a_name_is_taken(post: Post) -> None:
    notices, players = post.world.services.notices, ["a" * 32, "b" * 32]
    first = notices.publish(notices.draft(PersonalNotice("Hello"), players, publication_id="spring"))

    assert notices.draft(PersonalNotice("Hello"), players[::-1], publication_id="spring") == first.publication
    for content, recipients in ((PersonalNotice("Bye"), players), (PersonalNotice("Hello"), players[:1])):
        with pytest.raises(PublicationReusedError):
            notices.draft(content, recipients, publication_id="spring")


def test_two_operators_who_use_a_name_at_once_publish_one_notice(post: Post) -> None:
    notices, ada = post.world.services.notices, post.world.player()
    drafts = [notices.draft(content, publication_id="spring") for content in (HELLO, HELLO, Announcement("Bye"))]

    first, second = (notices.publish(draft) for draft in drafts[:2])
    with pytest.raises(PublicationReusedError):
        notices.publish(drafts[2])
    post.deliver_all()

    assert second == first
    assert post.titles(ada) == ["Hello"]


def test_publishing_the_same_at_the_same_moment_says_so(post: Post) -> None:
    notices = post.world.services.notices
    post.world.before(Once(lambda call: call.operation == "TransactWriteItems", conflict_on("publications#")))

    with pytest.raises(ContendedError):
        notices.publish(notices.draft(HELLO, publication_id="spring"))


def test_two_publishers_at_the_same_time_send_what_is_shown_once(post: Post) -> None:
    ada = post.world.player()
    post.announce(at=in_(post, hours=1))
    post.world.clock.advance(hours=1)
    other = post.outbox()

    def interfere(operation: str) -> None:
        del operation
        post.world.sns.before.clear()
        other.due()

    post.world.sns.before.append(interfere)
    due(post)
    post.deliver_all()

    assert post.titles(ada) == ["Hello"]


def test_the_schedule_is_listed_in_order_with_pages(post: Post) -> None:
    for hours in (3, 1, 2):
        post.announce(f"{hours}", at=in_(post, hours=hours))
    notices = post.world.services.notices

    first = notices.scheduled(2)
    second = notices.scheduled(2, first.next_cursor)

    titles = [each.notice.content.title for page in (first, second) for each in page.publications]  # type: ignore[union-attr]  # announcements have one
    assert (titles, second.next_cursor) == (["1", "2", "3"], None)


def test_what_is_taken_back_is_never_sent(post: Post) -> None:
    wanted = post.announce(at=in_(post, hours=1))
    notices = post.world.services.notices

    notices.cancel(wanted)
    post.world.clock.advance(hours=2)

    assert (due(post), post.world.sns.texts) == (0, [])
    with pytest.raises(NoticeNotFoundError):
        notices.cancel(wanted)


def test_what_is_being_sent_cannot_be_taken_back(post: Post) -> None:
    wanted = post.announce(at=in_(post, hours=1))
    post.world.clock.advance(hours=1)

    with pytest.raises(NoticeDueError):
        post.world.services.notices.cancel(wanted)
    due(post)
    with pytest.raises(NoticeNotFoundError):
        post.world.services.notices.cancel(wanted)


def test_what_is_taken_back_may_be_published_again_under_its_name(post: Post) -> None:
    notices, ada = post.world.services.notices, post.world.player()
    first = notices.publish(notices.draft(HELLO, at=in_(post, hours=1), publication_id="spring"))
    notices.cancel(first.publication.notice_id)

    second = notices.publish(notices.draft(Announcement("Hello again"), at=in_(post, hours=2), publication_id="spring"))
    assert (second.is_sent, second.publication.at) == (False, in_(post, hours=2))
    post.world.clock.advance(hours=2)
    due(post)
    post.deliver_all()

    assert post.titles(ada) == ["Hello again"]


@pytest.mark.parametrize("operation", ["UpdateItem", "PublishBatch", "DeleteItem"])
def test_a_publication_is_taken_back_or_sent_however_close_the_two_are(post: Post, operation: str) -> None:
    """An operator whose clock is late takes a publication back while it is being sent."""
    ada = post.world.player()
    wanted = post.announce(at=in_(post, hours=1))
    post.world.clock.advance(hours=1)
    answers: list[str] = []

    def interfere(call: object) -> None:
        if not answers and operation == getattr(call, "operation", call):
            post.world.clock.advance(hours=-1)
            answers.append(cancelled(post, wanted))
            post.world.clock.advance(hours=1)

    post.world.before(interfere)
    post.world.sns.before.append(interfere)
    due(post)
    post.deliver_all()

    is_cancelled = operation == "UpdateItem"
    assert answers == ["cancelled" if is_cancelled else "due"]
    assert post.titles(ada) == ([] if is_cancelled else ["Hello"])


def test_what_is_sent_while_it_is_taken_back_was_sent(post: Post) -> None:
    wanted = post.announce(at=in_(post, hours=1))

    def overtake(_: object) -> None:
        post.world.clock.advance(hours=1)
        assert due(post) == 1

    post.world.before(Once(lambda call: call.operation == "TransactWriteItems", overtake))

    with pytest.raises(NoticeNotFoundError):
        post.world.services.notices.cancel(wanted)


def cancelled(post: Post, notice_id: str) -> str:
    try:
        post.world.another_process().notices.cancel(notice_id)
    except NoticeDueError:
        return "due"
    return "cancelled"


@pytest.mark.parametrize("character", ["x", "語", "😀", '"', "\x00"])
def test_any_number_of_messages_is_published_in_requests_that_sns_takes(character: str) -> None:
    sns, later = FakeSns(), EPOCH + timedelta(days=1)
    publisher = Publisher(Topic(TOPIC, Clients(connect=lambda _: sns)))
    letters = ((f"{number:032x}", PersonalNotice("Hello", character * (1800 + number))) for number in range(1, 200))

    sent = publisher.publish(addressed(notice_id(EPOCH, "spring"), later, letters, size=8))

    assert sent == len(sns.texts) == 25
    assert sum(decoded(text).recipients for text in sns.texts) == 199


def test_a_refused_batch_is_an_error() -> None:
    sns = FakeSns()
    sns.refused = {0}
    publisher = Publisher(Topic(TOPIC, Clients(connect=lambda _: sns)))

    with pytest.raises(ClientFailedError, match="InternalError"):
        publisher.publish(addressed(notice_id(EPOCH, "k"), EPOCH, [("a" * 32, PersonalNotice("Hello"))]))
