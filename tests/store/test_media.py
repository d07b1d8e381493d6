"""The media bucket on moto, and what forms promise S3 to hold clients to."""

import base64
import io
import json
from datetime import timedelta
from typing import Any

import botocore.session
import pytest
from botocore.response import StreamingBody
from moto import mock_aws

from chalicelib.domain.avatars import MAX_UPLOAD_BYTES, UPLOAD_LIFETIME, MediaType, Refusal, Refused
from chalicelib.store.clients import ClientFailedError, Clients
from chalicelib.store.media import MediaStore
from tests.conftest import REGION
from tests.fake_s3 import FakeS3

BUCKET = "media"


@pytest.fixture
def s3(session: botocore.session.Session) -> Any:
    with mock_aws():
        client: Any = session.create_client("s3")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield client


@pytest.fixture
def store(s3: Any) -> MediaStore:
    return MediaStore(BUCKET, Clients(lambda _: s3))


def test_a_form_is_for_one_key_one_type_and_files_of_a_size() -> None:
    form = MediaStore(BUCKET, Clients()).form("uploads/p/u/a +%ä.png", MediaType.PNG, UPLOAD_LIFETIME)

    policy = json.loads(base64.b64decode(form.fields["policy"]))
    plain = [each for each in policy["conditions"] if not str(each).startswith("{'x-amz")]
    assert plain == [
        {"Content-Type": "image/png"},
        ["content-length-range", 1, MAX_UPLOAD_BYTES],
        {"bucket": BUCKET},
        {"key": "uploads/p/u/a +%ä.png"},
    ]
    assert {"key", "Content-Type", "policy", "x-amz-signature"} <= form.fields.keys()
    assert (form.fields["key"], form.fields["Content-Type"]) == ("uploads/p/u/a +%ä.png", "image/png")


def test_an_object_is_read_up_to_a_limit(s3: Any, store: MediaStore) -> None:
    s3.put_object(Bucket=BUCKET, Key="uploads/a b+ä%.png", Body=b"0123456789")

    assert store.read("uploads/a b+ä%.png", 4) == b"0123"
    assert store.read("uploads/a b+ä%.png", 99) == b"0123456789"


def test_what_is_not_there_is_nothing(s3: Any, store: MediaStore) -> None:
    s3.put_object(Bucket=BUCKET, Key="uploads/cat.png", Body=b"")

    assert store.read("uploads/cat", 4) is None
    assert store.read("uploads/cat.png", 4) == b""


def test_what_does_not_come_whole_is_not_taken_for_the_whole() -> None:
    class Breaking(FakeS3):
        def _get(self, request: dict[str, Any]) -> Any:
            whole = self.objects[request["Key"]]
            return {"Body": StreamingBody(io.BytesIO(whole[:-3]), content_length=len(whole))}

    s3 = Breaking({BUCKET})
    s3.objects["a"] = b"half a picture"

    with pytest.raises(ClientFailedError, match="IncompleteReadError"):
        MediaStore(BUCKET, Clients(lambda _: s3)).read("a", 99)


def test_messages_of_any_language_are_kept_in_metadata(s3: Any, store: MediaStore) -> None:
    store.quarantine("quarantine/a", b"?", Refused(Refusal.CHECK, "No.\r\n不可以 ✋" * 200))

    metadata = s3.head_object(Bucket=BUCKET, Key="quarantine/a")["Metadata"]
    assert metadata["reason"] == "check"
    assert metadata["message"].startswith("No.\\r\\n\\u4e0d\\u53ef")
    assert len(metadata["message"]) <= 1024


def test_keys_are_listed_and_deleted_whatever_they_are(s3: Any, store: MediaStore) -> None:
    names = ["uploads/p/" + name for name in ("a b+c%20.png", "&<>\"'", "кот🐈", "x" * 200)]
    for name in [*names, "uploads/q/other"]:
        s3.put_object(Bucket=BUCKET, Key=name, Body=b"")

    assert sorted(store.keys("uploads/p/")) == sorted(names)
    store.delete(names)
    store.delete(names)

    assert store.keys("uploads/") == ["uploads/q/other"]


def test_more_keys_than_a_page_are_listed_and_deleted() -> None:
    s3 = FakeS3({BUCKET}, page=7)
    store = MediaStore(BUCKET, Clients(lambda _: s3))
    s3.objects = {f"avatars/p/{number:04}": b"" for number in range(1005)}
    calls: list[str] = []
    s3.before.append(lambda request: calls.append(request.operation))

    store.delete(store.keys("avatars/p/"))

    assert s3.objects == {}
    assert calls.count("DeleteObjects") == 2
    assert calls.count("ListObjectsV2") == 144


def test_nothing_is_asked_of_a_bucket_that_is_not_there() -> None:
    def refused(service: str) -> Any:
        raise AssertionError(f"a client of {service} was made")

    store = MediaStore("", Clients(refused))

    assert store.keys("avatars/p/") == []
    store.delete([])


def test_a_deletion_that_fails_in_part_has_failed() -> None:
    class Stubborn(FakeS3):
        def _delete(self, request: dict[str, Any]) -> Any:
            return {"Errors": [{"Key": request["Delete"]["Objects"][0]["Key"], "Code": "InternalError"}]}

    with pytest.raises(ClientFailedError, match="InternalError"):
        MediaStore(BUCKET, Clients(lambda _: Stubborn({BUCKET}))).delete(["a"])


def test_a_lifetime_ends_when_it_says() -> None:
    form = MediaStore(BUCKET, Clients()).form("k", MediaType.PNG, timedelta(minutes=15))

    policy = json.loads(base64.b64decode(form.fields["policy"]))
    made, expires = form.fields["x-amz-date"], policy["expiration"]
    digits = expires.translate(str.maketrans("", "", "-:"))[:13]
    minutes = [int(text[9:11]) * 60 + int(text[11:13]) for text in (made, digits)]
    assert (minutes[1] - minutes[0]) % 1440 in {15, 16}
