"""Messages come twice, late, in any order, and their delivery ends anywhere: everybody is told everything, once."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import msgspec
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.messages import Edition, Fault, Message, encoded
from chalicelib.domain.notices import Announcement, notice_id
from chalicelib.errors import StoreUnavailableError
from chalicelib.store.clients import ClientFailedError
from tests.fake_dynamodb import Hook, throttle, time_out
from tests.post import Post, letter
from tests.strikes import AtCall
from tests.world import World

LONG = timedelta(days=30)


@pytest.fixture
def post() -> Post:
    return Post()


def announcement(world: World, title: str = "Hello", key: str = "announcement") -> str:
    at = world.clock()
    return encoded(Message(notice_id(at, key), at + LONG, (Edition(Announcement(title)),)))


def test_a_letter_comes_into_the_inboxes_of_its_recipients_alone(post: Post) -> None:
    ada, bob, eve = (post.world.player(name) for name in ("Ada", "Bob", "Eve"))

    delivered = post.deliver(*letter(post.world, ada, bob))

    assert (delivered.kind, delivered.recipients, delivered.delivered) == ("personal", 2, 2)
    assert [post.titles(each) for each in (ada, bob, eve)] == [["Hello"], ["Hello"], []]


def test_what_comes_again_is_known_and_shown_once(post: Post) -> None:
    ada = post.world.player()
    [text] = letter(post.world, ada)
    post.deliver(text)

    again = post.deliver(text)

    assert (again.delivered, again.repeated) == (0, 1)
    assert post.titles(ada) == ["Hello"]


def test_what_was_deleted_does_not_come_back(post: Post) -> None:
    ada = post.world.player()
    [text] = letter(post.world, ada)
    notice = post.deliver(text).notice_id
    post.world.services.inbox.delete(post.player(ada), notice)

    post.deliver(text)

    assert (post.titles(ada), post.unread(ada)) == ([], 0)


def test_what_was_read_stays_read(post: Post) -> None:
    ada = post.world.player()
    [text] = letter(post.world, ada)
    post.world.services.inbox.read(post.player(ada), [post.deliver(text).notice_id])

    post.deliver(text)

    assert (post.titles(ada), post.unread(ada)) == (["Hello"], 0)


def test_an_announcement_is_one_item_whatever_the_number_of_players(post: Post) -> None:
    players = [post.world.player(f"Player {number}") for number in range(5)]

    first, second = (post.deliver(announcement(post.world)) for _ in range(2))

    assert (first.delivered, first.repeated, second.delivered, second.repeated) == (1, 0, 0, 1)
    assert len(post.world.items("notices")) == 1
    assert all(post.titles(each) == ["Hello"] for each in players)


def test_what_comes_after_its_end_is_not_stored(post: Post) -> None:
    ada = post.world.player()
    [text] = letter(post.world, ada, days=1)
    post.world.clock.advance(days=1)

    delivered = post.deliver(text)

    assert (delivered.recipients, delivered.delivered) == (1, 0)
    assert post.world.items("notices") == []


def test_whoever_left_or_never_was_gets_nothing(post: Post) -> None:
    ada, bob = post.world.player("Ada"), post.world.player("Bob")
    post.world.services.players.delete(bob)

    delivered = post.deliver(*letter(post.world, ada, bob, "0" * 32))

    assert (delivered.delivered, delivered.gone) == (1, 2)
    assert len(post.inbox_items()) == 1


def at_every_call(post: Post, ada: str, text: str) -> Iterator[Post]:
    """Yield posts in which Ada leaves before the first call of a delivery, the second, and so on."""
    for number in count():
        world = World(client=post.world.client.copy(), clock=post.world.clock)
        leaving = AtCall(number, lambda _, world=world: world.another_process().players.delete(ada))  # type: ignore[misc]  # a default
        world.before(leaving)
        fresh = Post(world)
        fresh.deliver(text)
        world.undisturbed()
        if not leaving.done:
            return
        yield fresh


def test_whoever_leaves_at_any_point_of_a_delivery_leaves_nothing_behind(post: Post) -> None:
    ada, bob = post.world.player("Ada"), post.world.player("Bob")
    [text] = letter(post.world, ada, bob)

    posts = list(at_every_call(post, ada, text))

    assert len(posts) >= 3
    assert all([item["pk"]["S"] for item in each.inbox_items()] == [f"inbox#{bob}"] for each in posts)


@pytest.mark.parametrize("fault", [throttle, time_out])
@pytest.mark.parametrize("number", range(5))
def test_a_delivery_that_fails_at_any_call_is_made_up_for_by_the_next(post: Post, fault: Hook, number: int) -> None:
    players = [post.world.player(f"Player {position}") for position in range(4)]
    [text] = letter(post.world, *players)
    post.world.before(AtCall(number, fault))

    with pytest.raises(StoreUnavailableError):
        post.deliver(text)
    post.deliver(text)

    assert all(post.titles(each) == ["Hello"] for each in players)


@pytest.mark.parametrize(
    ("text", "reason"), [("nonsense", "malformed"), ('{"version": 9, "kind": "reward"}', "unknown_version")]
)
def test_what_nobody_can_read_is_a_dead_letter_with_a_reason_at_once(post: Post, text: str, reason: str) -> None:
    delivered = post.deliver(text)

    assert delivered.fault == Fault(reason)
    [letter] = post.queue.letters
    assert (letter["reason"], letter["message"]) == (reason, text)
    assert letter["detail"]
    assert post.world.items("notices") == []


@pytest.mark.parametrize("character", ["x", '"', "\x00", "\uffff", "😀"])
def test_a_dead_letter_fits_the_queue_whatever_it_holds(post: Post, character: str) -> None:
    post.deliver(character * 256 * 1024)

    [letter] = post.queue.letters
    assert letter["message"]
    assert set(letter["message"]) == {character}


def test_what_the_queue_does_not_take_is_delivered_again(post: Post) -> None:
    post.queue.failure = ClientError({"Error": {"Code": "ServiceUnavailable", "Message": ""}}, "SendMessage")

    with pytest.raises(ClientFailedError):
        post.deliver("nonsense")


numbers = st.integers(0, 2)


@pytest.mark.property
@given(
    recipients=st.lists(st.sets(numbers, min_size=1), min_size=1, max_size=4),
    duplicates=st.lists(st.integers(0, 3), max_size=4),
    data=st.data(),
)
def test_however_messages_come_everybody_sees_each_notice_once(
    recipients: list[set[int]], duplicates: list[int], data: st.DataObject
) -> None:
    post = Post()
    players = [post.world.player(f"Player {number}") for number in range(3)]
    expected: list[set[str]] = [set(), set(), set()]
    texts = []
    for number, group in enumerate(recipients):
        texts += letter(post.world, *(players[each] for each in sorted(group)), title=f"{number}", key=f"{number}")
        for each in group:
            expected[each].add(f"{number}")
    pending = texts + [texts[each % len(texts)] for each in duplicates]
    while pending:
        text = pending.pop(data.draw(st.integers(0, len(pending) - 1), "next"))
        if data.draw(st.booleans(), "somebody deletes"):
            number = data.draw(numbers, "who")
            expected[number] -= delete_newest(post, players[number])
        if not delivered(post, text, data.draw(st.sampled_from(FAULTS)), data.draw(st.integers(0, 4))):
            pending.append(text)

    assert [sorted(post.titles(each)) for each in players] == [sorted(titles) for titles in expected]
    assert [post.unread(each) for each in players] == [len(titles) for titles in expected]


FAULTS: list[Hook | None] = [None, throttle, time_out]


def delivered(post: Post, text: str, fault: Hook | None, number: int) -> bool:
    """Tell whether a delivery came through that is disturbed at one of its calls: a reply is lost, or none is made."""
    if fault:
        hooks = post.world.client.before if fault is throttle else post.world.client.after
        hooks.append(AtCall(number, fault))
    try:
        post.deliver(text)
    except StoreUnavailableError:
        return False
    finally:
        post.world.undisturbed()
    return True


def delete_newest(post: Post, player_id: str) -> set[str]:
    """Delete the newest notice of a player, if there is one, and return its title."""
    inbox, player = post.world.services.inbox, post.player(player_id)
    newest = inbox.page(player, 1).notices
    for shown in newest:
        inbox.delete(player, shown.notice.notice_id)
    return {msgspec.to_builtins(shown.notice.content)["title"] for shown in newest}
