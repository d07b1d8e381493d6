"""What a message says, and how players are put together into messages."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.messages import (
    MAX_MESSAGE_BYTES,
    Edition,
    Fault,
    Message,
    UndeliverableError,
    addressed,
    decoded,
    encoded,
)
from chalicelib.domain.notices import (
    Announcement,
    Content,
    Grant,
    PersonalNotice,
    RewardNotice,
    SeasonResult,
    notice_id,
)
from tests.world import EPOCH

LATER = EPOCH + timedelta(days=30)
ID = notice_id(EPOCH, "a key")
ADA = "a" * 32

texts = st.text(st.characters(codec="utf-8"), max_size=40)
titles = texts.filter(bool)
grants = st.tuples(st.builds(Grant, titles, st.integers(1, 10**9)))
contents: st.SearchStrategy[Content] = st.one_of(
    st.builds(PersonalNotice, titles, texts),
    st.builds(SeasonResult, titles, titles, titles, titles, titles, st.none() | titles, st.none() | st.integers(1, 99)),
    st.builds(RewardNotice, titles, titles, titles, grants, st.booleans(), st.none() | st.integers(1, 9)),
)


def player(number: int) -> str:
    return f"{number:032x}"


def wire(**changes: Any) -> dict[str, Any]:
    edition = {"content": {"title": "Hello"}, "recipients": [ADA]}
    message = {"version": 1, "kind": "personal", "notice_id": ID, "expires_at": "2026-12-24T00:00:00Z"}
    return {**message, "editions": [edition], **changes}


def fault_of(text: str | bytes) -> Fault:
    with pytest.raises(UndeliverableError) as refusal:
        decoded(text)
    return refusal.value.fault


@pytest.mark.property
@given(contents, st.sets(st.integers(1, 99), min_size=1, max_size=9))
def test_a_message_is_read_as_it_was_written(content: Content, numbers: set[int]) -> None:
    message = Message(ID, LATER, (Edition(content, tuple(map(player, sorted(numbers)))),))

    assert decoded(encoded(message)) == message


def test_an_announcement_is_read_as_it_was_written() -> None:
    message = Message(ID, LATER, (Edition(Announcement("Hello", "World", "https://play.example.com", "race")),))

    assert decoded(encoded(message)) == message


@pytest.mark.property
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=60),
    st.integers(1, 20),
    st.sampled_from([1, 30_000]),
    st.sampled_from(["012", "éüß", "言語字", "😀🎉🏆", '\x00\n"']),
)
def test_everybody_is_in_one_message_and_no_message_is_too_large(
    wanted: list[tuple[int, int]], size: int, length: int, letters: str
) -> None:
    pairs = [
        (player(place), PersonalNotice("Hello", letters[choice] * length)) for place, (_, choice) in enumerate(wanted)
    ]

    made = list(addressed(ID, LATER, pairs, size))

    got = [(player_id, notice.content) for each in made for notice, ids in each.notices() for player_id in ids]
    assert got == pairs
    assert all(1 <= each.recipients <= size for each in made)
    assert all(len(encoded(each).encode()) <= MAX_MESSAGE_BYTES for each in made)


def test_a_content_travels_once_with_those_next_to_each_other() -> None:
    pairs: list[tuple[str, Content]] = [(player(n), PersonalNotice("Hello" if n < 400 else "Bye")) for n in range(500)]

    [message] = addressed(ID, LATER, pairs)

    assert [len(edition.recipients) for edition in message.editions] == [400, 100]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", Fault.MALFORMED),
        ("[]", Fault.MALFORMED),
        ('{"kind": "personal"}', Fault.MALFORMED),
        (b"\xff\xfe", Fault.MALFORMED),
        (wire(version="1"), Fault.MALFORMED),
        (wire(version=2, kind="of the future"), Fault.UNKNOWN_VERSION),
        (wire(kind="telegram"), Fault.UNKNOWN_KIND),
        (wire(notice_id="1"), Fault.MALFORMED),
        (wire(expires_at="2026-12-24T00:00:00"), Fault.MALFORMED),
        (wire(expires_at=None), Fault.MALFORMED),
        (wire(notice_id="f" * 32), Fault.MALFORMED),
        (wire(expires_at="9999-12-31T23:59:59-12:00"), Fault.MALFORMED),
        (wire(expires_at="0001-01-01T00:00:00+12:00"), Fault.MALFORMED),
        (wire(expires_at=EPOCH), Fault.MALFORMED),
        (wire(editions=[]), Fault.MALFORMED),
        (wire(editions=[{"content": {"title": "Hello"}, "recipients": []}]), Fault.MALFORMED),
        (wire(editions=[{"content": {"title": "Hello"}, "recipients": ["Ada"]}]), Fault.MALFORMED),
        (wire(editions=[{"content": {"title": "x" * 101}, "recipients": [ADA]}]), Fault.MALFORMED),
        (wire(editions=[{"content": "Hello", "recipients": [ADA]}]), Fault.MALFORMED),
        (wire(editions=[{"content": {"title": "Hello"}, "recipients": [ADA] * 501}]), Fault.MALFORMED),
        (wire(kind="announcement"), Fault.MALFORMED),
        (wire(kind="announcement", editions=[{"content": {"title": "Hello"}}] * 2), Fault.MALFORMED),
        (wire(kind="season_result"), Fault.MALFORMED),
    ],
)
def test_what_cannot_be_delivered_has_a_reason(text: Any, fault: Fault) -> None:
    assert fault_of(text if isinstance(text, str | bytes) else msgspec.json.encode(text)) is fault


@pytest.mark.property
@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_bytes_are_a_message_or_have_a_reason(text: str | bytes) -> None:
    assert fault_of(text) is Fault.MALFORMED


@pytest.mark.parametrize("text", ['{"later": ', '{"version": 1, "kind": "personal", "later": '])
def test_what_nests_too_deeply_to_be_read_is_malformed(text: str) -> None:
    assert fault_of(f"{text}{'[' * 100_000}") is Fault.MALFORMED


def test_fields_of_later_editions_of_a_version_are_passed_over() -> None:
    message = decoded(msgspec.json.encode(wire(mood="cheerful")))

    assert message.recipients == 1
