"""make_avatar as Lambda calls it, on moto, with pictures and the child that renders them."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

import botocore.session
import pytest
from PIL import Image

import app as manifest
from chalicelib.bootstrap import publishing, serving
from chalicelib.bootstrap.serving import Services
from chalicelib.config import load
from chalicelib.domain.avatars import SIZES, Crop, Form, MediaType, Refusal, UploadState
from chalicelib.domain.players import IdentityKind
from chalicelib.services.checks import CheckNotFoundError
from chalicelib.store import keys
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.keys import UploadKey
from tests.conftest import REGION
from tests.contexts import Context
from tests.lines import Lines
from tests.permissions.policies import UNIT_TESTS
from tests.tables import PREFIX

BUCKET = f"{PREFIX}media-{UNIT_TESTS.account}"
HARD_NAME = "my cat +1 (50%) кот.png"


@dataclass(frozen=True, slots=True)
class Deployed:
    """The tables and the bucket of a deployment with one player."""

    s3: Any
    services: Services
    player_id: str

    def ask(self, file_name: str = HARD_NAME) -> UploadKey:
        invitation = self.services.avatars.ask(self.player_id, MediaType.PNG, file_name, Crop.CENTRE)
        return UploadKey(self.player_id, invitation.upload.upload_id, file_name)

    def uploaded(self, content: bytes, file_name: str = HARD_NAME) -> UploadKey:
        key = self.ask(file_name)
        self.s3.put_object(Bucket=BUCKET, Key=key.text, Body=content)
        return key

    def objects(self) -> dict[str, Any]:
        found = self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())
        return {each["Key"]: self.s3.get_object(Bucket=BUCKET, Key=each["Key"]) for each in found}

    def state(self) -> UploadState:
        upload = self.services.avatars.upload(self.player_id)
        assert upload
        return upload.state

    @property
    def avatar(self) -> str | None:
        return self.services.players.own(self.player_id).avatar


@pytest.fixture
def deployed(
    table_prefix: str, dynamodb: Any, session: botocore.session.Session, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployed]:
    monkeypatch.setenv("LAUREL_STAGE", "test")
    monkeypatch.setenv("LAUREL_SIGNING_KEYS", f"a:{'s' * 32}")
    monkeypatch.setenv("LAUREL_MEDIA_BUCKET", BUCKET)
    s3: Any = session.create_client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    services = serving.build(load(), Dynamo(dynamodb), clients=Clients(lambda _: s3))
    player_id = services.players.register(IdentityKind.DEVICE, "device-Ada", "Ada", "en").player.player_id
    publishing.publishing.cache_clear()
    yield Deployed(s3, services, player_id)
    publishing.publishing.cache_clear()


def picture() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 30, 30)).save(stream, "PNG")
    return stream.getvalue()


def told(*names: str) -> dict[str, Any]:
    """Return S3's event of new objects: spaces in keys come as plus signs, the rest percent-encoded."""
    records = [
        {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Post",
            "s3": {"bucket": {"name": BUCKET}, "object": {"key": quote_plus(name, safe="/"), "size": 1}},
        }
        for name in names
    ]
    return {"Records": records}


def make_avatar(event: dict[str, Any]) -> Any:
    return manifest.make_avatar(event, Context("laurel-test-make_avatar"))


def test_an_uploaded_picture_becomes_the_avatar_in_all_sizes(deployed: Deployed, lines: Lines) -> None:
    key = deployed.uploaded(picture())

    make_avatar(told(key.text))

    assert deployed.avatar
    files = {keys.rendition(deployed.player_id, deployed.avatar, size, form): form for size in SIZES for form in Form}
    objects = deployed.objects()
    assert objects.keys() == files.keys()
    assert {name: each["ContentType"] for name, each in objects.items()} == {
        name: form.media_type for name, form in files.items()
    }
    for name, each in objects.items():
        side = int(name.rpartition("/")[2].partition(".")[0])
        assert Image.open(io.BytesIO(each["Body"].read())).size == (side, side)
    line = lines.one("avatar_published")
    assert (line["upload_id"], line["avatars_published"], line["bytes"]) == (key.upload_id, 1, len(picture()))
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service", "stage"]]
    assert "кот" not in lines.text, "names of files are the players' own"


def test_what_is_no_picture_is_refused_and_never_tried_again(deployed: Deployed, lines: Lines) -> None:
    key = deployed.uploaded(b"no picture")

    make_avatar(told(key.text))

    assert deployed.state() is UploadState.REFUSED
    assert list(deployed.objects()) == [key.quarantined]
    line = lines.one("avatar_refused")
    assert (line["reason"], line["avatars_refused"]) == (Refusal.NOT_AN_IMAGE, 1)


def test_all_records_of_an_event_are_taken(deployed: Deployed, lines: Lines) -> None:
    late, key = deployed.uploaded(picture()), deployed.uploaded(picture(), "a%2Bb+c d%.png")

    make_avatar(told(late.text, key.text, key.text))

    assert [line["upload_id"] for line in lines.of("avatar_late")] == [late.upload_id]
    assert [line["upload_id"] for line in lines.of("avatar_published")] == [key.upload_id]
    assert [line["upload_id"] for line in lines.of("avatar_repeated")] == [key.upload_id]


def test_a_record_that_fails_keeps_no_other_from_being_taken(deployed: Deployed, dynamodb: Any, lines: Lines) -> None:
    key, unreadable = deployed.uploaded(picture()), UploadKey("0" * 32, "1" * 32, "x")
    item = {"pk": keys.player(unreadable.player_id), "sk": keys.UPLOAD, "upload_id": unreadable.upload_id}
    dynamodb.put_item(TableName=f"{PREFIX}players", Item={name: {"S": value} for name, value in item.items()})

    with pytest.raises(ValueError, match="MediaType"):
        make_avatar(told(unreadable.text, key.text))

    assert deployed.state() is UploadState.PUBLISHED
    assert [line["upload_id"] for line in lines.of("upload_failed")] == [unreadable.upload_id]


@pytest.mark.parametrize(
    "event",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": BUCKET},
        told("uploads/cat.png"),
        told("exports/" + "0" * 32 + "/" + "1" * 32 + "/cat.png"),
        {"Records": []},
    ],
    ids=["trial", "no form's key", "another folder", "nothing"],
)
def test_events_that_are_no_uploads_are_let_pass(deployed: Deployed, lines: Lines, event: dict[str, Any]) -> None:
    make_avatar(event)

    assert len(lines.of("upload_ignored")) == (event != {"Records": []})
    assert deployed.objects() == {}


def test_a_check_that_is_not_there_publishes_nothing(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAUREL_AVATAR_CHECK", "chalicelib.services.checks:nobody")
    key = deployed.uploaded(picture())

    with pytest.raises(CheckNotFoundError, match="nobody"):
        make_avatar(told(key.text))

    assert deployed.state() is UploadState.WAITING
    assert list(deployed.objects()) == [key.text]
