"""What a notice is called, and what of a pile of slips a player sees."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import notices
from chalicelib.domain.notices import Notice, PersonalNotice, Slip, merged, notice_id
from tests.world import EPOCH

LATER = EPOCH + timedelta(days=30)


def test_ids_sort_by_time_and_repeat_for_the_same_key() -> None:
    second = EPOCH + timedelta(seconds=1)

    assert notice_id(EPOCH, "b") == notice_id(EPOCH, "b") != notice_id(EPOCH, "a")
    assert max(notice_id(EPOCH, str(n)) for n in range(99)) < min(notice_id(second, str(n)) for n in range(99))
    assert notices.instant_of(notice_id(second, "b")) == second
    assert notice_id(EPOCH, "b") < notices.first_after(EPOCH) < notice_id(EPOCH + timedelta(milliseconds=1), "b")


@pytest.mark.property
@given(st.data())
def test_a_player_sees_the_newest_first_and_nothing_deleted_expired_or_without_content(data: st.DataObject) -> None:
    numbers = st.integers(0, 30)
    own = data.draw(st.dictionaries(numbers, st.tuples(*[st.booleans()] * 4), max_size=12))
    shared = data.draw(st.dictionaries(numbers, st.booleans(), max_size=12))
    read_at = EPOCH - timedelta(hours=1)

    def notice(number: int, *, expired: bool, title: str) -> Notice:
        end = EPOCH if expired else LATER
        return Notice(notice_id(EPOCH + timedelta(seconds=number), "key"), PersonalNotice(title), end)

    slips, seen = [], {}
    for number, (expired, bare, read, deleted) in own.items():
        mine = notice(number, expired=expired, title="own")
        slip = Slip(mine.notice_id, mine.expires_at, None if bare else mine, read_at if read else None, deleted)
        slips.append(slip)
    for number in {*own, *shared}:
        expired, bare, read, deleted = own.get(number, (shared.get(number), True, False, False))
        source = None if bare and number not in shared else "everybody" if bare else "own"
        ended = shared[number] if source == "everybody" else expired
        if source and not ended and not deleted:
            seen[notice(number, expired=False, title=source).notice_id] = (source, read)
    announcements = [notice(number, expired=expired, title="everybody") for number, expired in shared.items()]

    shown = merged(
        sorted(slips, key=lambda slip: slip.notice_id, reverse=True),
        sorted(announcements, key=lambda each: each.notice_id, reverse=True),
        EPOCH,
    )

    assert [
        (each.notice.notice_id, (each.notice.content.title, each.read_at is not None))  # type: ignore[union-attr]  # all have
        for each in shown
    ] == sorted(seen.items(), reverse=True)


def test_no_more_slips_are_taken_than_are_asked_for() -> None:
    taken = []

    def slips() -> Any:
        for number in reversed(range(100)):
            taken.append(number)
            notice = Notice(notice_id(EPOCH + timedelta(seconds=number), ""), PersonalNotice("Hello"), LATER)
            yield Slip(notice.notice_id, LATER, notice)

    next(merged(slips(), [], EPOCH))

    assert len(taken) <= 3
