import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.avatars import FILE_NAME, Form
from chalicelib.domain.players import Identity, IdentityKind
from chalicelib.store import keys
from chalicelib.store.keys import UploadKey

paths = st.lists(st.integers(0, 127), min_size=1, max_size=8).map(tuple)
slugs = st.from_regex(r"\A[a-z0-9][a-z0-9_-]{0,10}\Z")
periods = st.just("all") | st.from_regex(r"\A[0-9]{8}T[0-9]{4}Z\Z")
file_names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=200).filter(
    re.compile(FILE_NAME).match
)
LONGEST_KEY = 1024
"""Of S3, in bytes of UTF-8."""
hexes = st.from_regex(r"\A[0-9a-f]{32}\Z")


def test_every_key_has_its_documented_form() -> None:
    assert keys.player("p") == "player#p"
    assert keys.session("s") == "session#s"
    assert keys.identity(Identity(IdentityKind.DEVICE, "d")) == "identity#device#d"
    assert keys.board_period("race", "all") == "race#all"
    assert keys.receipt("x") == "submission#x"
    assert keys.node("race", "all", 1, 0, (53, 0)) == "node#race#all#1#0#53.0"
    assert keys.node("race", "all", 1, 0, ()) == "node#race#all#1#0#"
    assert keys.mark("race", "all", "p") == "mark#race#all#p"


def test_objects_of_a_player_stand_together_in_their_folders() -> None:
    key = UploadKey("p", "u", "cat.png")

    assert (key.text, key.quarantined) == ("uploads/p/u/cat.png", "quarantine/p/u/cat.png")
    assert keys.rendition("p", "u-1", 64, Form.WEBP) == "avatars/p/u-1/64.webp"
    assert keys.rendition("p", "u-1", 512, Form.JPEG) == "avatars/p/u-1/512.jpg"
    assert [keys.folder(each) for each in (key.text, "avatars/p/u-1/64.webp")] == ["u", "u-1"]


@pytest.mark.property
@given(player_id=hexes, upload_id=hexes, file_name=file_names)
def test_keys_of_uploads_read_back(player_id: str, upload_id: str, file_name: str) -> None:
    key = UploadKey(player_id, upload_id, file_name)

    assert keys.parsed_upload(key.text) == key
    assert len(key.quarantined.encode()) <= LONGEST_KEY


@pytest.mark.parametrize(
    "file_name",
    ["", ".", "..", "a/b", "a\nb", "a\x00", "\x7f", "\uffff", "${filename}", "a${filename}b", "x" * 201, "a\n"],
)
def test_what_no_form_is_made_for_is_no_upload(file_name: str) -> None:
    assert keys.parsed_upload(f"uploads/{'0' * 32}/{'1' * 32}/{file_name}") is None


@pytest.mark.parametrize(
    "key",
    ["", "uploads", "uploads/cat.png", f"avatars/{'0' * 32}/{'1' * 32}/x", f"uploads/{'0' * 32}/{'1' * 31}g/x"],
)
def test_other_objects_are_no_uploads(key: str) -> None:
    assert keys.parsed_upload(key) is None


@pytest.mark.property
@given(board_id=slugs, period_id=periods)
def test_board_and_period_read_back(board_id: str, period_id: str) -> None:
    assert keys.board_and_period(keys.board_period(board_id, period_id)) == (board_id, period_id)


@pytest.mark.property
@given(path=paths)
def test_paths_read_back(path: tuple[int, ...]) -> None:
    assert keys.parsed_path(keys.path(path)) == path


@pytest.mark.property
@given(one=st.tuples(slugs, periods, hexes), other=st.tuples(slugs, periods, hexes))
def test_different_marks_have_different_keys(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assert (keys.mark(*one) == keys.mark(*other)) is (one == other)


@pytest.mark.property
@given(game_id=hexes, submission_id=st.from_regex(r"\A[A-Za-z0-9._:-]{1,64}\Z"))
def test_receipts_sort_after_every_game(game_id: str, submission_id: str) -> None:
    assert game_id < keys.FIRST_RECEIPT <= keys.receipt(submission_id)
