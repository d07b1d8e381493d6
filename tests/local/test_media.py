"""The media bucket as clients meet it: signed forms for uploads, as strict as on AWS, and avatars for everybody."""

from typing import Any

import pytest
import requests
from botocore.config import Config
from botocore.session import Session

from local.layout import ACCESS_KEY, MEDIA_BUCKET, REGION, SECRET_KEY
from local.stack import LocalStack
from tests.local.program import PATIENCE_SECONDS

pytestmark = pytest.mark.e2e

KEY = "uploads/ada/1/100% süß + 猫.png"
TYPE = "image/png"
PAGE = {"Origin": "https://game.example"}
Form = dict[str, Any]


@pytest.fixture(scope="module")
def s3(laurel: LocalStack, session: Session) -> Any:
    return session.create_client(
        "s3",
        region_name=REGION,
        endpoint_url=laurel.aws_endpoint,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(signature_version="s3v4"),
    )


@pytest.fixture
def form(s3: Any) -> Form:
    """A form as the API makes them, though signed with the keys of the local run."""
    conditions = [{"Content-Type": TYPE}, ["content-length-range", 1, 100]]
    form: Form = s3.generate_presigned_post(MEDIA_BUCKET, KEY, {"Content-Type": TYPE}, conditions)
    return form


def posted(
    form: Form, content: bytes = b"png", changed: Form | None = None, headers: dict[str, str] | None = None
) -> requests.Response:
    fields = {**form["fields"], **(changed or {})}
    return requests.post(
        form["url"], fields, files={"file": ("face.png", content)}, headers=headers, timeout=PATIENCE_SECONDS
    )


def code(answer: requests.Response) -> str:
    return answer.text.partition("<Code>")[2].partition("</Code>")[0]


def test_a_form_uploads_under_its_own_odd_key(laurel: LocalStack, s3: Any, form: Form) -> None:
    answer = posted(form)

    assert answer.status_code == 204, answer.text
    stored = s3.get_object(Bucket=MEDIA_BUCKET, Key=KEY)
    assert (stored["Body"].read(), stored["ContentType"]) == (b"png", TYPE)
    assert form["url"].startswith(f"{laurel.aws_endpoint}/{MEDIA_BUCKET}")


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"x-amz-signature": "0" * 64}, 403, "SignatureDoesNotMatch"),
        ({"policy": "e30="}, 403, "SignatureDoesNotMatch"),
        ({"key": "avatars/ada/1-2/64.webp"}, 403, "AccessDenied"),
        ({"Content-Type": "text/html"}, 403, "AccessDenied"),
        ({"acl": "public-read"}, 403, "AccessDenied"),
    ],
)
def test_a_form_that_was_changed_is_refused(form: Form, changed: Form, status: int, error: str) -> None:
    answer = posted(form, changed=changed)

    assert (answer.status_code, code(answer)) == (status, error)


@pytest.mark.parametrize(("size", "error"), [(0, "EntityTooSmall"), (101, "EntityTooLarge")])
def test_a_form_limits_what_it_uploads(form: Form, size: int, error: str) -> None:
    answer = posted(form, b"x" * size)

    assert (answer.status_code, code(answer)) == (400, error)


def test_avatars_are_for_everybody_and_nothing_else_is(laurel: LocalStack, s3: Any) -> None:
    avatar, upload = "avatars/ada/1-2/64.webp", "uploads/ada/1/face.png"
    for key in (avatar, upload):
        s3.put_object(Bucket=MEDIA_BUCKET, Key=key, Body=b"face", ContentType="image/webp")

    shown = requests.get(laurel.media_url + avatar, headers=PAGE, timeout=PATIENCE_SECONDS)
    statuses = {
        key: requests.get(laurel.media_url + key, timeout=PATIENCE_SECONDS).status_code
        for key in (upload, "quarantine/ada/1/face.png", "")
    }

    assert (shown.content, shown.headers["Content-Type"]) == (b"face", "image/webp")
    assert shown.headers["Access-Control-Allow-Origin"] == "*"
    assert requests.head(laurel.media_url + avatar, timeout=PATIENCE_SECONDS).status_code == 200
    assert set(statuses.values()) == {403}
    assert requests.put(laurel.media_url + avatar, b"mine", timeout=PATIENCE_SECONDS).status_code == 403
    assert requests.delete(laurel.media_url + avatar, timeout=PATIENCE_SECONDS).status_code == 403


def test_a_page_asks_first_and_does_not_sign_by_itself(laurel: LocalStack, form: Form) -> None:
    asked = {**PAGE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    preflight = requests.options(form["url"], headers=asked, timeout=PATIENCE_SECONDS)
    refused = posted(form, headers=PAGE)

    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert (refused.status_code, code(refused)) == (403, "AccessDenied")
    assert refused.headers["Access-Control-Allow-Origin"] == "*"


def test_no_header_of_a_page_reaches_another_service(laurel: LocalStack) -> None:
    smuggled = {**PAGE, "X-Amz-Target": "secretsmanager.ListSecrets"}

    answer = requests.post(
        laurel.media_url, files={"file": ("face.png", b"face")}, headers=smuggled, timeout=PATIENCE_SECONDS
    )

    assert (answer.status_code, code(answer)) == (403, "AccessDenied")
