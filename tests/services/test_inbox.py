"""The inbox: one list of what a player was told and what everybody is told, exact whatever arrives meanwhile."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from chalicelib.domain import notices
from chalicelib.domain.notices import Notice, PersonalNotice
from chalicelib.domain.players import Player
from chalicelib.errors import ContendedError, CursorError, NoticeNotFoundError, TokenError
from chalicelib.services.inbox import Inbox
from chalicelib.store.notices import NoticeStore
from tests.fake_dynamodb import Call, Once, conflict_on
from tests.post import Post
from tests.tables import PREFIX

HOUR = timedelta(hours=1)


@pytest.fixture
def post() -> Post:
    return Post()


def inbox_of(post: Post) -> Inbox:
    return post.world.another_process().inbox


def filled(post: Post, count: int = 6) -> tuple[str, list[str]]:
    """Return a player and the ids of notices, newest first: personal ones and announcements in turn."""
    ada = post.world.player()
    ids = []
    for number in range(count):
        post.world.clock.advance(seconds=1)
        ids.append(post.tell(ada, title=f"{number}") if number % 2 else post.announce(f"{number}"))
    post.deliver_all()
    return ada, ids[::-1]


def test_what_everybody_is_told_stands_between_what_one_is_told(post: Post) -> None:
    ada, _ = filled(post)

    assert post.titles(ada) == ["5", "4", "3", "2", "1", "0"]
    assert post.unread(ada) == 6


def test_announcements_from_before_a_players_time_are_not_the_players(post: Post) -> None:
    post.announce("old")
    post.world.clock.advance(seconds=1)
    ada = post.world.player()
    post.announce("new")
    post.deliver_all()

    assert post.titles(ada) == ["new"]
    assert post.unread(ada) == 1


def test_what_is_read_is_told_apart(post: Post) -> None:
    ada, ids = filled(post)
    player = post.player(ada)
    post.world.clock.advance(seconds=5)

    inbox_of(post).read(player, ids[:2])

    page = inbox_of(post).page(player, 100)
    assert [shown.read_at for shown in page.notices] == [post.world.clock()] * 2 + [None] * 4
    assert post.unread(ada) == 4


def test_the_first_reading_stays(post: Post) -> None:
    ada, ids = filled(post)
    player = post.player(ada)
    inbox_of(post).read(player, ids)
    first = [shown.read_at for shown in inbox_of(post).page(player, 100).notices]
    post.world.clock.advance(seconds=5)

    inbox_of(post).read(player, ids)

    assert [shown.read_at for shown in inbox_of(post).page(player, 100).notices] == first


def test_reading_up_to_a_notice_spares_what_came_after_it(post: Post) -> None:
    ada, ids = filled(post)

    inbox_of(post).read_up_to(post.player(ada), ids[2])

    unread = inbox_of(post).page(post.player(ada), 100, unread_only=True)
    assert [shown.notice.notice_id for shown in unread.notices] == ids[:2]
    assert post.unread(ada) == 2


def test_a_large_inbox_is_read_in_one_go(post: Post) -> None:
    ada = post.world.player()
    for _ in range(250):
        post.world.clock.advance(seconds=1)
        post.tell(ada)
    post.world.clock.advance(seconds=1)
    newest = post.tell(ada)
    post.deliver_all()

    inbox_of(post).read_up_to(post.player(ada), newest)

    assert post.unread(ada) == 0


def test_what_is_deleted_is_gone_for_this_player_alone(post: Post) -> None:
    ada, ids = filled(post)
    bob = post.world.player("Bob")
    newer = post.announce("for both")
    post.deliver_all()

    for notice_id in (newer, ids[0], ids[1]):
        inbox_of(post).delete(post.player(ada), notice_id)

    assert post.titles(ada) == ["3", "2", "1", "0"]
    assert post.titles(bob) == ["for both"]


def test_deleting_again_is_no_error_and_what_never_came_is_one(post: Post) -> None:
    ada, ids = filled(post)
    for notice_id in ids[:2]:
        inbox_of(post).delete(post.player(ada), notice_id)
        inbox_of(post).delete(post.player(ada), notice_id)

    with pytest.raises(NoticeNotFoundError):
        inbox_of(post).delete(post.player(ada), "0" * 32)


def test_reading_what_never_came_leaves_no_trace(post: Post) -> None:
    ada, _ = filled(post)
    before = len(post.inbox_items())

    inbox_of(post).read(post.player(ada), ["0" * 32])

    assert len(post.inbox_items()) == before


def test_a_large_inbox_is_counted_in_few_requests_and_a_page_of_it_read_in_one(post: Post) -> None:
    ada = post.world.player()
    end = post.world.clock() + timedelta(days=1)
    store = NoticeStore(f"{PREFIX}notices", post.world.dynamo())
    for number in range(2000):
        content = PersonalNotice("x" * 100, "y" * 500)
        store.deliver(ada, Notice(notices.notice_id(post.world.clock(), f"many#{number}"), content, end))
    player, queries = post.player(ada), []
    post.world.client.page_size = 1500
    post.world.before(lambda call: queries.append(call.operation))

    assert inbox_of(post).unread(player) == 2000
    counted = len(queries)
    inbox_of(post).page(player, 20)

    assert (counted, len(queries) - counted) == (3, 2), "announcements are one of each"


def test_what_expires_is_gone_though_it_is_still_stored(post: Post) -> None:
    ada = post.world.player()
    end = post.world.clock() + HOUR
    post.tell(ada, expires_at=end)
    post.announce(expires_at=end)
    post.deliver_all()
    post.world.clock.advance(hours=1)

    assert (post.titles(ada), post.unread(ada), len(post.world.items("notices"))) == ([], 0, 2)


def test_an_announcement_shows_within_five_seconds_and_can_be_read_at_once(post: Post) -> None:
    ada = post.world.player()
    stale = post.world.services
    assert stale.inbox.unread(post.player(ada)) == 0
    notice_id = post.announce()
    post.deliver_all()
    assert stale.announcements.page(10).notices == []

    stale.inbox.read(post.player(ada), [notice_id])

    assert post.unread(ada) == 0
    post.world.clock.advance(seconds=5)
    assert len(stale.announcements.page(10).notices) == 1


def test_reading_up_to_a_notice_misses_nothing_that_another_process_has_shown(post: Post) -> None:
    ada = post.world.player()
    stale = post.world.services
    assert stale.inbox.unread(post.player(ada)) == 0
    post.announce()
    post.world.clock.advance(seconds=1)
    newest = post.tell(ada)
    post.deliver_all()
    assert post.titles(ada) == ["Hello", "Hello"]

    stale.inbox.read_up_to(post.player(ada), newest)

    assert post.unread(ada) == 0


def test_a_cursor_serves_its_own_listing_only(post: Post) -> None:
    ada, _ = filled(post)
    bob = post.world.player("Bob")
    cursor = inbox_of(post).page(post.player(ada), 2).next_cursor
    assert cursor

    with pytest.raises(CursorError):
        inbox_of(post).page(post.player(bob), 2, cursor)
    with pytest.raises(CursorError):
        inbox_of(post).page(post.player(ada), 2, cursor, unread_only=True)
    with pytest.raises(CursorError):
        post.world.services.announcements.page(2, cursor)
    with pytest.raises(CursorError):
        post.world.services.notices.scheduled(2, cursor)


def test_a_cursor_outlives_the_notice_it_stands_at(post: Post) -> None:
    ada = post.world.player()
    soon = post.world.clock() + HOUR
    ids = []
    for number in range(8):
        post.world.clock.advance(seconds=1)
        expires_at = soon if number in {3, 4} else None
        ids.append(post.tell(ada, title=f"{number}", expires_at=expires_at))
    post.deliver_all()
    first = inbox_of(post).page(post.player(ada), 3)
    assert first.notices[-1].notice.notice_id == ids[5]

    inbox_of(post).delete(post.player(ada), ids[5])
    inbox_of(post).delete(post.player(ada), ids[2])
    post.world.clock.advance(hours=1)
    second = inbox_of(post).page(post.player(ada), 3, first.next_cursor)

    assert [shown.notice.notice_id for shown in second.notices] == [ids[1], ids[0]]
    assert second.next_cursor is None


def test_the_global_board_of_notices_has_pages(post: Post) -> None:
    for number in range(5):
        post.world.clock.advance(seconds=1)
        post.announce(f"{number}")
    post.deliver_all()
    announcements = post.world.services.announcements

    first = announcements.page(2)
    second = announcements.page(2, first.next_cursor)
    third = announcements.page(2, second.next_cursor)

    titles = [notice.content.title for page in (first, second, third) for notice in page.notices]  # type: ignore[union-attr]  # announcements have one
    assert titles == ["4", "3", "2", "1", "0"]
    assert third.next_cursor is None


def test_whoever_left_reads_nothing_and_stores_nothing(post: Post) -> None:
    ada, ids = filled(post)
    player = post.player(ada)
    post.world.services.players.delete(ada)

    with pytest.raises(TokenError):
        inbox_of(post).read(player, ids)

    assert post.inbox_items() == []


def test_two_devices_that_read_at_once_are_both_heard(post: Post) -> None:
    ada, ids = filled(post)

    def overtake(call: Call) -> None:
        inbox_of(post).read(post.player(ada), ids[:3])
        inbox_of(post).delete(post.player(ada), ids[3])
        conflict_on("inbox#")(call)

    post.world.before(Once(lambda call: call.operation == "TransactWriteItems", overtake))

    inbox_of(post).read_up_to(post.player(ada), ids[2])

    assert (post.titles(ada), post.unread(ada)) == (["5", "4", "3", "1", "0"], 0)


def test_an_inbox_that_stays_busy_says_so_and_nothing_is_half_read(post: Post) -> None:
    ada, ids = filled(post)
    busy = Once(lambda call: call.operation == "TransactWriteItems", conflict_on("inbox#"), times=6)
    post.world.before(busy)

    with pytest.raises(ContendedError):
        inbox_of(post).read(post.player(ada), ids)

    assert busy.done
    assert post.unread(ada) == 6


def test_leaving_empties_the_inbox(post: Post) -> None:
    ada, ids = filled(post)
    inbox_of(post).read(post.player(ada), ids[:3])

    post.world.services.players.delete(ada)

    assert post.inbox_items() == []


def test_the_export_shows_what_the_inbox_holds(post: Post) -> None:
    ada, ids = filled(post)
    inbox_of(post).read(post.player(ada), ids[:3])

    slips = post.world.services.players.export(ada).notices

    assert [(slip.notice is not None, slip.read_at is not None) for slip in slips] == [
        (True, True),
        (False, True),
        (True, True),
        (True, False),
    ]


@dataclass(slots=True)
class Told:
    """What the oracle knows of a notice."""

    notice_id: str
    expires_at: datetime
    is_read: bool = False
    is_deleted: bool = False


@dataclass(slots=True)
class Memory:
    """The oracle: all that Ada was told, in a list."""

    told: list[Told] = field(default_factory=list)

    def seen(self, now: datetime) -> list[Told]:
        shown = [each for each in self.told if not each.is_deleted and now < each.expires_at]
        return sorted(shown, key=lambda each: each.notice_id, reverse=True)


class InboxMachine(RuleBasedStateMachine):
    """Everything that happens to an inbox, in any order, against the oracle."""

    @initialize()
    def begin(self) -> None:
        self.post, self.memory = Post(), Memory()
        self.ada = self.post.world.player()
        self.post.world.clock.advance(seconds=1)

    @rule(personal=st.booleans(), hours=st.integers(1, 5))
    def arrive(self, personal: bool, hours: int) -> None:
        self.post.world.clock.advance(milliseconds=1)
        end = (self.post.world.clock() + timedelta(hours=hours)).replace(microsecond=0)
        notice_id = self.post.tell(self.ada, expires_at=end) if personal else self.post.announce(expires_at=end)
        self.memory.told.append(Told(notice_id, end))
        self.post.deliver_all()

    @rule(minutes=st.integers(1, 120))
    def pass_time(self, minutes: int) -> None:
        self.post.world.clock.advance(minutes=minutes)

    @rule(numbers=st.sets(st.integers(0, 9), min_size=1, max_size=4))
    def read(self, numbers: set[int]) -> None:
        wanted = [each for number, each in enumerate(self.memory.told[::-1]) if number in numbers]
        inbox_of(self.post).read(self.player, [each.notice_id for each in wanted] or ["0" * 32])
        for each in wanted:
            each.is_read = each.is_read or each in self.seen

    @rule(number=st.integers(0, 9))
    def read_up_to(self, number: int) -> None:
        for bound in self.memory.told[::-1][number : number + 1]:
            inbox_of(self.post).read_up_to(self.player, bound.notice_id)
            for each in self.seen:
                each.is_read = each.is_read or each.notice_id <= bound.notice_id

    @rule(number=st.integers(0, 9))
    def delete(self, number: int) -> None:
        for told in self.memory.told[::-1][number : number + 1]:
            try:
                inbox_of(self.post).delete(self.player, told.notice_id)
            except NoticeNotFoundError:
                assert told not in self.seen
            told.is_deleted = True

    @rule(limit=st.integers(1, 4), unread_only=st.booleans(), arrivals=st.lists(st.booleans(), max_size=3))
    def walk(self, limit: int, unread_only: bool, arrivals: list[bool]) -> None:
        """Go through all pages while notices arrive: what was there at the start is shown once, in order."""
        expected = [each.notice_id for each in self.seen if not (unread_only and each.is_read)]
        found: list[str] = []
        cursor = None
        while True:
            page = inbox_of(self.post).page(self.player, limit, cursor, unread_only=unread_only)
            assert len(page.notices) <= limit
            found += [shown.notice.notice_id for shown in page.notices]
            cursor = page.next_cursor
            if cursor is None:
                break
            if arrivals:
                self.arrive(arrivals.pop(), hours=5)
        assert found == expected

    @invariant()
    def every_notice_is_shown_once_and_counted(self) -> None:
        if not hasattr(self, "post"):
            return
        page = inbox_of(self.post).page(self.player, 100)
        shown = [(each.notice.notice_id, each.read_at is not None) for each in page.notices]
        assert shown == [(each.notice_id, each.is_read) for each in self.seen]
        assert self.post.unread(self.ada) == sum(not each.is_read for each in self.seen)

    @property
    def player(self) -> Player:
        return self.post.player(self.ada)

    @property
    def seen(self) -> list[Told]:
        return self.memory.seen(self.post.world.clock())


@pytest.mark.property
def test_an_inbox_is_what_an_oracle_remembers() -> None:
    run_state_machine_as_test(InboxMachine, settings=settings(max_examples=60, stateful_step_count=20, deadline=None))
