"""An uploaded file becomes its player's avatar once, or is refused for good, whatever becomes of the events."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.avatars import (
    MAX_UPLOAD_BYTES,
    UPLOAD_LIFETIME,
    Crop,
    MediaType,
    Refusal,
    Refused,
    UploadState,
)
from chalicelib.domain.records import Submission
from chalicelib.errors import StoreUnavailableError
from chalicelib.services.checks import Candidate
from chalicelib.services.publication import Fate
from chalicelib.store.keys import UploadKey
from chalicelib.store.players import PlayerStore
from tests.fake_dynamodb import Once, conflict_on
from tests.fake_s3 import Request, refuse, slow_down
from tests.services.studio import BAD, Studio, check_media, fault_was_felt, made_of
from tests.strikes import AtCall
from tests.tables import PREFIX
from tests.world import World


@pytest.fixture
def studio() -> Studio:
    world = World()
    world.board()
    return Studio(world)


@pytest.fixture
def ada(studio: Studio) -> str:
    """Return the id of a player with a record."""
    player_id = studio.world.player("Ada")
    studio.world.play(player_id, Submission("race", 5))
    return player_id


def state(studio: Studio, player_id: str) -> UploadState:
    upload = studio.upload(player_id)
    assert upload is not None
    return upload.state


def shown_on_boards(studio: Studio) -> list[str | None]:
    return [entry.avatar for entry in studio.world.services.standings.top("race", "current", 10).entries]


def test_a_picture_becomes_its_players_avatar(studio: Studio, ada: str) -> None:
    key = studio.uploaded(ada)

    outcome = studio.take(key)

    assert (outcome.fate, outcome.bytes_read) == (Fate.PUBLISHED, len(b"a cat"))
    assert made_of(studio.avatar(ada)) == key.upload_id
    assert state(studio, ada) is UploadState.PUBLISHED
    assert shown_on_boards(studio) == [studio.avatar(ada)]
    check_media(studio)


def test_files_are_public_and_never_change(studio: Studio, ada: str) -> None:
    studio.published(ada)

    stored = [studio.world.s3.headers[key] for key in studio.objects("avatars/")]
    immutable = "public, max-age=31536000, immutable"
    assert stored == [
        {"ContentType": "image/jpeg", "CacheControl": immutable},
        {"ContentType": "image/webp", "CacheControl": immutable},
    ]


def test_the_renderer_is_told_what_the_player_said(studio: Studio, ada: str) -> None:
    key = studio.ask(ada, crop=Crop.SMART)

    studio.take(studio.post(key))

    assert studio.painter.seen == [(b"a cat", MediaType.PNG, Crop.SMART)]


def test_a_new_avatar_takes_the_place_of_the_old_one_and_of_its_files(studio: Studio, ada: str) -> None:
    studio.published(ada, b"a cat")
    before = studio.avatar(ada)

    key = studio.published(ada, b"a dog")

    assert made_of(studio.avatar(ada)) == key.upload_id != made_of(before)
    assert shown_on_boards(studio) == [studio.avatar(ada)]
    check_media(studio)


def test_the_same_event_again_changes_nothing(studio: Studio, ada: str) -> None:
    key = studio.published(ada)
    profile, objects = studio.world.services.players.own(ada), studio.objects()

    assert studio.take(key).fate is Fate.REPEATED

    assert studio.world.services.players.own(ada) == profile
    assert studio.objects() == objects
    assert len(studio.painter.seen) == 1


def test_a_refused_picture_is_kept_apart_with_its_reason(studio: Studio, ada: str) -> None:
    key = studio.uploaded(ada, b"bad cat")

    outcome = studio.take(key)

    upload = studio.upload(ada)
    assert (outcome.fate, outcome.refused) == (Fate.REFUSED, BAD)
    assert upload
    assert (upload.state, upload.refused) == (UploadState.REFUSED, BAD)
    assert studio.objects() == [key.quarantined]
    assert studio.world.s3.objects[key.quarantined] == b"bad cat"
    kept = studio.world.s3.headers[key.quarantined]
    assert kept["Metadata"] == {"reason": "damaged", "message": BAD.message}
    assert (kept["ContentType"], kept["ContentDisposition"]) == ("application/octet-stream", "attachment")


def test_a_refused_picture_leaves_the_avatar_there_was(studio: Studio, ada: str) -> None:
    studio.published(ada)
    before = studio.avatar(ada)

    studio.take(studio.uploaded(ada, b"bad cat"))

    assert studio.avatar(ada) == before
    check_media(studio)


def test_a_refused_picture_is_not_looked_at_again(studio: Studio, ada: str) -> None:
    key = studio.uploaded(ada, b"bad cat")
    studio.take(key)

    assert studio.take(key).fate is Fate.REPEATED

    assert len(studio.painter.seen) == 1
    assert studio.objects() == [key.quarantined]


def test_what_is_refused_is_what_is_kept_even_if_the_form_is_used_again_meanwhile(studio: Studio, ada: str) -> None:
    key = studio.uploaded(ada, b"bad cat")

    def post_again(request: Request) -> None:
        if request == Request("PutObject", key.quarantined):
            studio.post(key, b"a harmless cat")

    studio.world.s3.before.append(post_again)
    studio.take(key)

    assert studio.world.s3.objects[key.quarantined] == b"bad cat"
    assert studio.objects() == [key.quarantined]


def test_of_a_form_used_twice_the_first_file_looked_at_counts(studio: Studio, ada: str) -> None:
    key = studio.published(ada, b"a cat")
    shown = studio.avatar(ada)

    assert studio.take(studio.post(key, b"a dog")).fate is Fate.REPEATED

    assert studio.avatar(ada) == shown
    check_media(studio)


def test_a_file_with_more_bytes_than_allowed_is_refused_without_being_rendered(studio: Studio, ada: str) -> None:
    key = studio.uploaded(ada, bytes(MAX_UPLOAD_BYTES + 2))

    outcome = studio.take(key)

    assert outcome.refused
    assert outcome.refused.reason is Refusal.TOO_LARGE
    assert "20 MiB" in outcome.refused.message
    assert outcome.bytes_read == MAX_UPLOAD_BYTES + 1
    assert studio.painter.seen == []


def test_a_file_as_large_as_allowed_is_taken(studio: Studio, ada: str) -> None:
    assert studio.take(studio.uploaded(ada, bytes(MAX_UPLOAD_BYTES))).fate is Fate.PUBLISHED


def test_an_upload_that_another_took_the_place_of_is_late(studio: Studio, ada: str) -> None:
    late = studio.uploaded(ada, b"a cat")
    key = studio.uploaded(ada, b"a dog")

    assert studio.take(late).fate is Fate.LATE
    assert studio.objects() == [key.text], "the newer one waits on"

    assert studio.take(key).fate is Fate.PUBLISHED
    check_media(studio)


def test_a_file_that_comes_after_the_avatar_was_removed_is_deleted_unseen(studio: Studio, ada: str) -> None:
    key = studio.ask(ada)
    studio.world.services.avatars.remove(studio.world.services.players.own(ada))

    assert studio.take(studio.post(key, b"bad cat")).fate is Fate.LATE

    assert state(studio, ada) is UploadState.REMOVED
    assert studio.objects() == []
    assert studio.painter.seen == []


def test_a_file_that_comes_after_its_player_left_is_deleted_unseen(studio: Studio, ada: str) -> None:
    key = studio.ask(ada)
    studio.world.services.players.delete(ada)

    assert studio.take(studio.post(key)).fate is Fate.LATE

    assert studio.objects() == []
    assert studio.world.items("players") == []


def test_a_file_that_is_gone_changes_nothing(studio: Studio, ada: str) -> None:
    key = studio.ask(ada)

    assert studio.take(key).fate is Fate.MISSING

    assert state(studio, ada) is UploadState.WAITING


def test_a_file_whose_name_begins_like_the_one_that_is_gone_is_not_taken_for_it(studio: Studio, ada: str) -> None:
    key = studio.ask(ada, "cat")
    studio.post(replace(key, file_name="cat 2"))

    assert studio.take(key).fate is Fate.MISSING


def test_a_file_that_came_in_time_is_taken_however_late_it_is(studio: Studio, ada: str) -> None:
    key = studio.uploaded(ada)
    studio.world.clock.instant += UPLOAD_LIFETIME + timedelta(days=1)

    assert studio.take(key).fate is Fate.PUBLISHED


@dataclass
class Censor:
    """A studio's check that refuses, fails or lets pass."""

    answer: Refused | None = None
    failure: Exception | None = None
    seen: Candidate | None = None

    def __call__(self, candidate: Candidate) -> Refused | None:
        self.seen = candidate
        if self.failure:
            raise self.failure
        return self.answer


def test_the_studios_check_sees_the_picture_as_everybody_would(studio: Studio, ada: str) -> None:
    studio.check = censor = Censor()

    key = studio.published(ada)

    assert censor.seen == Candidate(ada, key.upload_id, b"a cat, stroke 0 512")


def test_what_the_studios_check_refuses_is_not_published(studio: Studio, ada: str) -> None:
    rude = Refused(Refusal.CHECK, "Not on our boards.")
    studio.check = Censor(rude)

    key = studio.uploaded(ada)

    assert studio.take(key).refused == rude
    assert studio.avatar(ada) is None
    assert studio.objects() == [key.quarantined]


def test_a_check_that_answers_false_publishes_nothing(studio: Studio, ada: str) -> None:
    studio.check = lambda _: False  # type: ignore[assignment,return-value]  # as a studio's own module may be untyped
    key = studio.uploaded(ada)

    with pytest.raises(TypeError, match="returns Refused, or None"):
        studio.take(key)
    assert studio.avatar(ada) is None
    assert studio.objects() == [key.text]


def test_a_check_that_fails_publishes_nothing_and_is_asked_again(studio: Studio, ada: str) -> None:
    studio.check = Censor(failure=TimeoutError("no answer"))
    key = studio.uploaded(ada)

    with pytest.raises(TimeoutError):
        studio.take(key)
    assert studio.avatar(ada) is None
    assert studio.objects() == [key.text]

    studio.check = Censor()
    assert studio.take(key).fate is Fate.PUBLISHED


@pytest.mark.parametrize("content", [b"a cat", b"bad cat"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_whichever_call_to_s3_fails_a_repeated_event_finishes(
    studio: Studio, ada: str, content: bytes, moment: str
) -> None:
    studio.published(ada, b"the first")
    for number in range(99):
        key = studio.uploaded(ada, content)
        fault = AtCall(number, slow_down)
        getattr(studio.world.s3, moment).append(fault)

        if fault_was_felt(lambda key=key: studio.take(key)):  # type: ignore[misc]  # mypy infers no lambda's default
            studio.take(key)

        getattr(studio.world.s3, moment).clear()
        studio.take(key)
        check_media(studio)
        assert state(studio, ada) is (UploadState.REFUSED if content == b"bad cat" else UploadState.PUBLISHED)
        if not fault.done:
            assert number >= 6
            return


def test_a_transaction_that_meets_another_is_tried_again(studio: Studio, ada: str) -> None:
    key = studio.uploaded(ada)
    studio.world.before(Once(lambda call: call.operation == "TransactWriteItems", conflict_on("upload"), times=2))
    studio.world.pauses.clear()

    assert studio.take(key).fate is Fate.PUBLISHED
    assert len(studio.world.pauses) == 2


def test_what_was_left_of_an_upload_goes_with_the_next_one(studio: Studio, ada: str) -> None:
    """Whoever worked on it died three times, and nobody ever came back."""
    key = studio.uploaded(ada, b"a cat")
    studio.world.s3.before.append(lambda request: refuse("SlowDown") if request.key == key.text else None)
    studio.world.before(Once(lambda call: call.operation == "TransactWriteItems", conflict_on("upload"), times=99))
    with pytest.raises(StoreUnavailableError):
        studio.take(key)
    studio.world.s3.before.clear()
    with pytest.raises(Exception, match="kept changing"):
        studio.take(key)
    studio.world.undisturbed()
    assert studio.objects("avatars/")

    studio.published(ada, b"a dog")

    check_media(studio)


def test_who_renames_during_a_publication_loses_neither_name_nor_avatar(studio: Studio, ada: str) -> None:
    key = studio.uploaded(ada)
    store = PlayerStore(f"{PREFIX}players", studio.world.dynamo())
    before = store.get(ada)
    assert before

    studio.take(key)

    assert store.replace(before, replace(before, display_name="Eve")) is None, "an outdated profile was stored"
    studio.world.services.players.change(ada, display_name="Eve", locale=None, metadata=None)
    assert made_of(studio.avatar(ada)) == key.upload_id
    assert studio.world.names() == ["Eve"]
    check_media(studio)


def test_names_of_files_do_not_matter(studio: Studio, ada: str) -> None:
    for file_name in ("my cat +1 (50%).png", "кот 猫🐈.png", "%2e%2e", "a?b#c&d"):
        key = studio.post(studio.ask(ada, file_name))
        assert studio.take(key).fate is Fate.PUBLISHED
    check_media(studio)


def test_the_id_of_anothers_upload_opens_nothing(studio: Studio, ada: str) -> None:
    eve, key = studio.world.player("Eve"), studio.uploaded(ada)
    copied = studio.post(replace(key, player_id=eve), b"a dog")

    assert studio.take(copied).fate is Fate.LATE

    assert studio.avatar(eve) is None
    assert studio.objects() == [key.text]
    assert studio.take(key).fate is Fate.PUBLISHED
    check_media(studio)


def test_nothing_is_done_about_a_player_nobody_knows(studio: Studio) -> None:
    key = UploadKey("0" * 32, "1" * 32, "cat.png")

    assert studio.take(studio.post(key)).fate is Fate.LATE

    assert studio.objects() == []


@pytest.mark.parametrize("content", [b"a cat", b"bad cat"])
def test_of_a_player_who_leaves_while_the_files_are_written_nothing_is_left(
    studio: Studio, ada: str, content: bytes
) -> None:
    key = studio.uploaded(ada, content)

    def leave(request: Request) -> None:
        if request.operation == "PutObject":
            studio.world.s3.before.clear()
            studio.world.another_process().players.delete(ada)

    studio.world.s3.before.append(leave)

    assert studio.take(key).fate is Fate.LATE
    assert studio.objects() == []
    assert studio.world.items("players") == []
