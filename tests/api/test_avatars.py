"""Avatars as callers see them: forms to upload with, how it went, pictures everywhere, and none any more."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import botocore.session
import pytest

from chalicelib.bootstrap.serving import services
from chalicelib.domain.avatars import SIZES, Form, MediaType, Refusal, Refused
from chalicelib.store import dynamo, keys
from chalicelib.store.players import PlayerStore
from chalicelib.store.uploads import UploadStore
from tests.api.client import HOST, Answer, Api
from tests.api.world import NOBODY, Signed, World, token
from tests.conftest import REGION
from tests.permissions.policies import UNIT_TESTS
from tests.tables import PREFIX

BUCKET = f"laurel-test-media-{UNIT_TESTS.account}"
MEDIA_URL = "https://media.laurel.test/"
REFERENCE = "f" * 32 + "-" + "0" * 16
SMALL = SIZES[:2]


@pytest.fixture
def media(settings: pytest.MonkeyPatch, session: botocore.session.Session, world: World) -> World:
    """A world with a bucket for avatars."""
    settings.setenv("LAUREL_MEDIA_BUCKET", BUCKET)
    settings.setenv("LAUREL_MEDIA_URL", MEDIA_URL)
    s3: Any = session.create_client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    return world


def wear(player: Signed, reference: str = REFERENCE) -> None:
    """Make an avatar a player's, as the event of an upload does."""
    database = dynamo.connect()
    store = services().players._store  # noqa: SLF001  # the other half of the app publishes, with services of its own
    database.transact([store.avatar_part("player", player.player_id, reference)])
    services().avatars._profiles.show_of(player.player_id)  # noqa: SLF001  # as above


def publish(player: Signed) -> None:
    """Make the player's latest upload the avatar, as its event does."""
    database = dynamo.connect()
    uploads = UploadStore(f"{PREFIX}players", database)
    upload = uploads.get(player.player_id)
    assert upload is not None
    worn = services().players._store.avatar_part("player", player.player_id, REFERENCE)  # noqa: SLF001  # as above
    database.transact([worn, uploads.publish_part("upload", upload)])


def refuse(player: Signed, refused: Refused) -> None:
    """End the player's latest upload badly, as the event of an upload does."""
    database = dynamo.connect()
    uploads = UploadStore(f"{PREFIX}players", database)
    upload = uploads.get(player.player_id)
    assert upload is not None
    database.transact([uploads.refuse_part("upload", upload, refused)])


def profiles(world: World, player: Signed) -> Iterator[Any]:
    """Yield the player as every route shows who calls, or whom everybody may see."""
    yield world.api.post("/players/signIn", {"device_id": player.device_id}).body["player"]
    yield world.api.get("/players/me", token=player.token).body
    yield world.api.patch("/players/me", {"locale": "de"}, token=player.token).body
    yield world.api.get(f"/players/{player.player_id}").body
    yield world.api.get("/", token=player.token).body["lobby"]["player"]
    yield world.api.get("/players/me/export", token=player.token).body["player"]


def entries(world: World, player: Signed) -> Iterator[Any]:
    """Yield the player's entry as every route shows it."""
    board = "/boards/speedrun"
    yield world.api.get(f"{board}/entries").body["entries"][0]
    yield world.api.get(f"{board}/entries?from_rank=1").body["entries"][0]
    yield world.api.get(f"{board}/entries/me", token=player.token).body["entry"]
    yield world.api.get(f"{board}/entries/{player.player_id}").body["entry"]
    yield world.api.get(f"{board}/around/me", token=player.token).body["entries"][0]
    yield world.api.get(f"{board}/around/{player.player_id}").body["entries"][0]
    yield world.api.get(f"{board}/players?ids={player.player_id}").body["entries"][0]
    yield world.api.get(f"{board}/entries/me/history", token=player.token).body["entries"][0]["entry"]
    yield world.api.get(f"{board}/entries/{player.player_id}/history").body["entries"][0]["entry"]
    yield world.api.get("/", token=player.token).body["lobby"]["standings"][0]["entry"]


def placeholder(player_id: str, sizes: tuple[int, ...]) -> dict[str, Any]:
    url = f"https://{HOST}/players/{player_id}/identicon?size="
    images = [{"width": size, "height": size, "type": "image/svg+xml", "url": f"{url}{size}"} for size in sizes]
    return {"placeholder": True, "images": images}


def pictures(player_id: str, sizes: tuple[int, ...], reference: str = REFERENCE) -> dict[str, Any]:
    folder = f"{MEDIA_URL}avatars/{player_id}/{reference}/"
    images = [
        {"width": size, "height": size, "type": media_type, "url": f"{folder}{size}.{suffix}"}
        for size in sizes
        for media_type, suffix in (("image/webp", "webp"), ("image/jpeg", "jpg"))
    ]
    return {"placeholder": False, "images": images}


def test_who_has_no_avatar_is_shown_with_a_placeholder_everywhere(media: World) -> None:
    media.board("speedrun")
    player = media.player()
    media.play(player, speedrun=1)

    assert {json.dumps(each["avatar"]) for each in profiles(media, player)} == {
        json.dumps(placeholder(player.player_id, SIZES))
    }
    assert {json.dumps(each["avatar"]) for each in entries(media, player)} == {
        json.dumps(placeholder(player.player_id, SMALL))
    }


def test_an_avatar_is_shown_everywhere_in_every_size_and_form(media: World) -> None:
    media.board("speedrun")
    player = media.player()
    media.play(player, speedrun=1)

    wear(player)

    assert {json.dumps(each["avatar"]) for each in profiles(media, player)} == {
        json.dumps(pictures(player.player_id, SIZES))
    }
    assert {json.dumps(each["avatar"]) for each in entries(media, player)} == {
        json.dumps(pictures(player.player_id, SMALL))
    }


def test_urls_of_avatars_name_the_files_that_are_made(media: World) -> None:
    player = media.player()
    wear(player)

    shown = media.api.get(f"/players/{player.player_id}").body["avatar"]["images"]

    made = [keys.rendition(player.player_id, REFERENCE, size, form) for size in SIZES for form in Form]
    assert [urlsplit(image["url"]).path.removeprefix("/") for image in shown] == made


def test_a_deployment_without_a_url_for_media_shows_placeholders_alone(world: World) -> None:
    player = world.player()
    wear(player)

    assert world.api.get(f"/players/{player.player_id}").body["avatar"] == placeholder(player.player_id, SIZES)


@pytest.mark.parametrize("missing", ["LAUREL_MEDIA_URL", "LAUREL_MEDIA_BUCKET"])
def test_a_deployment_without_a_place_for_pictures_takes_none(
    media: World, settings: pytest.MonkeyPatch, missing: str
) -> None:
    settings.delenv(missing)
    player = media.player()

    refused = media.ask_for_upload(player)

    assert refused.refusal == (403, "avatars_off")
    assert missing in refused.error["message"]
    shown = media.api.get("/players/me/avatar", token=player.token).body
    assert shown == {"avatar": placeholder(player.player_id, SIZES), "upload": None}


def test_an_upload_comes_with_a_form(media: World) -> None:
    player = media.player()

    answer = media.ask_for_upload(player, "image/webp", file_name="me.webp", crop="smart")

    form = answer.body
    assert answer.status == 201
    assert form["fields"]["key"] == f"uploads/{player.player_id}/{form['upload_id']}/me.webp"
    assert form["fields"]["Content-Type"] == "image/webp"
    assert {"policy", "x-amz-signature"} <= form["fields"].keys()
    assert BUCKET in form["url"]
    assert form["max_bytes"] == 20 * 1024 * 1024


@pytest.mark.parametrize("content_type", MediaType)
def test_every_format_may_be_announced(media: World, content_type: str) -> None:
    assert media.ask_for_upload(media.player(), content_type).body["fields"]["Content-Type"] == content_type


@pytest.mark.parametrize(
    "content_type", ["image/svg+xml", "image/jpg", "image/heic", "image/tiff", "text/html", "", "IMAGE/PNG"]
)
def test_another_format_is_told_which_would_do(api: Api, content_type: str) -> None:
    answer = api.post("/players/me/avatar", {"content_type": content_type}, token=token())

    assert answer.refusal == (400, "malformed")
    assert answer.error["message"] == (
        f"body.content_type: invalid enum value '{content_type}', expected one of "
        "image/jpeg, image/png, image/webp, image/gif, image/avif"
    )


@pytest.mark.parametrize(
    "name",
    [
        "me + my cat.jpg",
        "100%.png",
        "%2F.gif",
        "écran.png",
        "e\u0301cran.png",
        "猫 😺.avif",
        ".hidden",
        "...",
        "a" * 200,
    ],
)
def test_a_file_is_called_what_the_player_calls_it(media: World, name: str) -> None:
    form = media.ask_for_upload(media.player(), file_name=name).body

    assert form["fields"]["key"].endswith(f"/{form['upload_id']}/{name}")


@pytest.mark.parametrize(
    "name",
    ["", "a" * 201, "a/b", "../up", ".", "..", "a\nb", "a\u0000b", "\u007f", "\u0085", "\uffff", "x${filename}"],
)
def test_a_file_is_not_called_what_no_key_may_hold(api: Api, name: str) -> None:
    answer = api.post("/players/me/avatar", {"content_type": "image/png", "file_name": name}, token=token())

    assert answer.refusal == (400, "malformed")
    assert answer.error["detail"]["field"] == "file_name"


def test_half_a_character_is_no_name(api: Api) -> None:
    raw = b'{"content_type": "image/png", "file_name": "\\ud83d"}'

    assert api.post("/players/me/avatar", raw=raw, token=token()).refusal == (400, "malformed")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"content_type": "image/png", "crop": "top"}, "crop"),
        ({"content_type": "image/png", "a": 1}, "body"),
    ],
)
def test_an_upload_is_asked_for_in_full(api: Api, body: Any, field: str) -> None:
    answer = api.post("/players/me/avatar", body, token=token())

    assert answer.refusal == (400, "malformed")
    assert answer.error["detail"]["field"] == field


def test_who_never_asked_has_no_upload(media: World) -> None:
    player = media.player()

    shown = media.api.get("/players/me/avatar", token=player.token).body

    assert shown == {"avatar": placeholder(player.player_id, SIZES), "upload": None}


def test_an_upload_waits_until_it_was_looked_at(media: World) -> None:
    player = media.player()
    form = media.ask_for_upload(player).body

    upload = media.api.get("/players/me/avatar", token=player.token).body["upload"]

    assert upload.pop("asked_at") < form["expires_at"]
    assert upload == {
        "upload_id": form["upload_id"],
        "state": "waiting",
        "content_type": "image/png",
        "refused": None,
    }


def test_who_reads_that_an_upload_was_published_reads_its_avatar(media: World) -> None:
    player = media.player()
    media.api.post("/players/me/avatar", {"content_type": "image/png"}, token=player.token)

    with pytest.MonkeyPatch.context() as between:
        for store in (PlayerStore, UploadStore):
            between.setattr(store, "get", _publishing_after(store.get, player, between))
        own = media.api.get("/players/me/avatar", token=player.token).body

    assert (own["upload"]["state"], own["avatar"]["placeholder"]) == ("waiting", False)
    own = media.api.get("/players/me/avatar", token=player.token).body
    assert (own["upload"]["state"], own["avatar"]["placeholder"]) == ("published", False)


def _publishing_after(get: Any, player: Signed, between: pytest.MonkeyPatch) -> Any:
    """Return a read after which, once, the player's upload is published."""

    def read(store: Any, player_id: str) -> Any:
        found = get(store, player_id)
        between.undo()
        publish(player)
        return found

    return read


def test_a_player_reads_why_a_picture_is_refused(media: World) -> None:
    player = media.player()
    media.ask_for_upload(player)
    refuse(player, Refused(Refusal.TRUNCATED, "The picture ends early: upload it again."))

    upload = media.api.get("/players/me/avatar", token=player.token).body["upload"]

    assert upload["state"] == "refused"
    assert upload["refused"] == {"reason": "truncated", "message": "The picture ends early: upload it again."}


def test_an_export_holds_the_avatar_and_the_upload(media: World) -> None:
    player = media.player()
    form = media.ask_for_upload(player).body
    wear(player)

    export = media.api.get("/players/me/export", token=player.token).body

    assert export["player"]["avatar"] == pictures(player.player_id, SIZES)
    assert export["upload"]["upload_id"] == form["upload_id"]


def by_the_player(world: World, player: Signed) -> Answer:
    return world.api.delete("/players/me/avatar", token=player.token)


def by_an_admin(world: World, player: Signed) -> Answer:
    return world.api.delete(f"/admin/players/{player.player_id}/avatar", admin=True)


@pytest.mark.parametrize("removed", [by_the_player, by_an_admin])
def test_an_avatar_is_removed_everywhere(media: World, removed: Any) -> None:
    media.board("speedrun")
    player = media.player()
    media.play(player, speedrun=1)
    media.ask_for_upload(player)
    wear(player)

    assert removed(media, player).status == 204

    assert all(each["avatar"]["placeholder"] for each in [*profiles(media, player), *entries(media, player)])
    assert media.api.get("/players/me/avatar", token=player.token).body["upload"]["state"] == "removed"
    assert removed(media, player).status == 204


def test_only_who_exists_has_an_avatar_to_remove(media: World) -> None:
    answer = media.api.delete(f"/admin/players/{NOBODY}/avatar", admin=True)

    assert answer.refusal == (404, "player_not_found")


def test_avatars_of_others_are_removed_by_admins_alone(media: World) -> None:
    player, other = media.player(), media.player()

    answer = media.api.delete(f"/admin/players/{player.player_id}/avatar", token=other.token)

    assert answer.refusal == (401, "unauthenticated")


@pytest.mark.parametrize(("query", "size"), [("", "64"), ("?size=16", "16"), ("?size=1024", "1024")])
def test_an_identicon_is_drawn_for_any_id_without_a_database(api: Api, query: str, size: str) -> None:
    answer = api.get(f"/players/{NOBODY}/identicon{query}")

    drawing = ET.fromstring(answer.text)  # noqa: S314  # our own text
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/svg+xml")
    assert (drawing.get("width"), drawing.get("height")) == (size, size)


def test_an_identicon_is_kept_for_ever_and_runs_nothing(api: Api) -> None:
    headers = api.get(f"/players/{NOBODY}/identicon").headers

    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize(
    "path",
    ["nobody/identicon", f"{NOBODY.upper()}A/identicon", f"{NOBODY}%0A/identicon", f"{NOBODY}/identicon?size=15"],
)
def test_what_is_no_id_or_size_is_refused_and_not_kept(api: Api, path: str) -> None:
    answer = api.get(f"/players/{path}")

    assert answer.refusal == (400, "malformed")
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_placeholder_is_where_answers_say(media: World) -> None:
    player = media.player()

    for image in media.api.get(f"/players/{player.player_id}").body["avatar"]["images"]:
        where = urlsplit(image["url"])
        answer = media.api.get(f"{where.path}?{where.query}")
        assert ET.fromstring(answer.text).get("width") == str(image["width"])  # noqa: S314  # our own text
