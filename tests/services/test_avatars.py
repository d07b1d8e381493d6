"""Avatars as players ask for them, take them away, and leave with them."""

import pytest

from chalicelib.domain.avatars import Crop, MediaType, UploadState
from chalicelib.domain.records import Submission
from chalicelib.errors import AvatarsOffError, StoreUnavailableError, TokenError
from chalicelib.services.avatars import Avatars
from tests.fake_dynamodb import Once, conflict_on
from tests.fake_s3 import FakeS3, slow_down
from tests.services.studio import Studio, check_media, fault_was_felt
from tests.strikes import AtCall
from tests.world import MEDIA, World


@pytest.fixture
def studio() -> Studio:
    world = World()
    world.board()
    return Studio(world)


@pytest.fixture
def ada(studio: Studio) -> str:
    player_id = studio.world.player("Ada")
    studio.world.play(player_id, Submission("race", 5))
    return player_id


def avatars(studio: Studio) -> Avatars:
    return studio.world.services.avatars


def remove(studio: Studio, player_id: str) -> None:
    avatars(studio).remove(studio.world.services.players.own(player_id))


def count_calls(s3: FakeS3) -> list[str]:
    calls: list[str] = []
    s3.before.append(lambda request: calls.append(request.operation))
    return calls


def test_a_form_comes_with_an_upload_that_waits(studio: Studio, ada: str) -> None:
    invitation = avatars(studio).ask(ada, MediaType.GIF, "me.gif", Crop.SMART)

    upload = invitation.upload
    assert avatars(studio).upload(ada) == upload
    assert (upload.state, upload.media_type, upload.crop) == (UploadState.WAITING, MediaType.GIF, Crop.SMART)
    assert (upload.expires_at - studio.world.clock()).total_seconds() == 15 * 60
    assert invitation.form.fields["key"] == f"uploads/{ada}/{upload.upload_id}/me.gif"
    assert invitation.form.fields["Content-Type"] == "image/gif"


def test_a_form_has_no_dollar_sign_which_s3_would_refuse(studio: Studio, ada: str) -> None:
    """As in boto3's issue 4514: no emulator does."""
    form = avatars(studio).ask(ada, MediaType.PNG, "$$ 100$.png", Crop.CENTRE).form

    assert form.fields["key"].endswith("/__ 100_.png")


def test_asking_again_takes_the_place_of_the_first(studio: Studio, ada: str) -> None:
    first, second = (avatars(studio).ask(ada, MediaType.PNG, "me.png", Crop.CENTRE).upload for _ in range(2))

    assert first.upload_id != second.upload_id
    assert avatars(studio).upload(ada) == second


def test_nobody_uploads_to_a_deployment_without_a_bucket(studio: Studio, ada: str) -> None:
    media = avatars(studio)._media  # noqa: SLF001  # no deployment of tests lacks a bucket
    media.bucket = ""

    with pytest.raises(AvatarsOffError, match="LAUREL_MEDIA_BUCKET"):
        studio.ask(ada)


def test_who_leaves_may_not_ask(studio: Studio, ada: str) -> None:
    studio.world.services.players.delete(ada)

    with pytest.raises(TokenError):
        studio.ask(ada)


def test_asking_waits_for_whoever_changes_the_profile(studio: Studio, ada: str) -> None:
    studio.world.before(Once(lambda call: call.touches("upload"), conflict_on("profile"), times=3))

    studio.ask(ada)

    assert avatars(studio).upload(ada)


def test_a_removed_avatar_is_shown_nowhere_and_its_files_are_gone(studio: Studio, ada: str) -> None:
    studio.published(ada)

    remove(studio, ada)

    upload = avatars(studio).upload(ada)
    assert upload
    assert upload.state is UploadState.REMOVED
    assert studio.avatar(ada) is None
    assert studio.objects() == []
    check_media(studio)


def test_what_was_refused_stays_in_quarantine_when_an_avatar_is_removed(studio: Studio, ada: str) -> None:
    studio.published(ada)
    key = studio.published(ada, b"bad cat")

    remove(studio, ada)

    upload = avatars(studio).upload(ada)
    assert upload
    assert upload.refused is None
    assert studio.objects() == [key.quarantined]


def test_removing_nothing_asks_nothing_of_s3(studio: Studio, ada: str) -> None:
    calls = count_calls(studio.world.s3)

    remove(studio, ada)
    studio.world.services.players.delete(ada)

    assert calls == []


def test_removing_twice_is_no_error(studio: Studio, ada: str) -> None:
    studio.published(ada)

    remove(studio, ada)
    remove(studio, ada)

    check_media(studio)


def test_an_avatar_may_follow_one_that_was_removed(studio: Studio, ada: str) -> None:
    studio.published(ada)
    remove(studio, ada)

    studio.published(ada)

    assert studio.avatar(ada)
    check_media(studio)


def test_who_leaves_takes_every_file_along(studio: Studio, ada: str) -> None:
    eve = studio.world.player("Eve")
    studio.published(eve)
    studio.published(ada)
    studio.published(ada, b"bad cat")
    studio.uploaded(ada)

    studio.world.services.players.delete(ada)

    assert {key.split("/")[1] for key in studio.objects()} == {eve}
    assert not [item for item in studio.world.items("players") if ada in item["pk"]["S"]]
    check_media(studio)


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_whichever_call_to_s3_fails_leaving_again_finishes(published: bool, moment: str) -> None:
    for number in range(99):
        world = World()
        world.board()
        studio = Studio(world)
        player_id = world.player()
        if published:
            studio.published(player_id)
        studio.published(player_id, b"bad cat")
        fault = AtCall(number, slow_down)
        getattr(world.s3, moment).append(fault)

        if fault_was_felt(lambda world=world, player_id=player_id: world.services.players.delete(player_id)):  # type: ignore[misc]  # mypy infers no lambda's default
            world.services.players.delete(player_id)

        assert studio.objects() == []
        assert world.items("players") == []
        if not fault.done:
            assert number == 4
            return


def test_whoever_cannot_reach_s3_has_not_left(studio: Studio, ada: str) -> None:
    studio.published(ada)
    studio.world.s3.buckets.discard(MEDIA)

    with pytest.raises(StoreUnavailableError):
        studio.world.services.players.delete(ada)

    studio.world.s3.buckets.add(MEDIA)
    studio.world.services.players.delete(ada)
    assert studio.objects() == []


def test_an_export_holds_the_avatar_and_the_latest_upload(studio: Studio, ada: str) -> None:
    key = studio.published(ada)

    export = studio.world.services.players.export(ada)

    assert export.upload
    assert export.upload.upload_id == key.upload_id
    assert export.player.avatar == studio.avatar(ada)
