"""Pictures from the form to the board: uploaded as clients do it, made by the deployed function, seen by everybody."""

import base64
import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
import requests
from PIL import Image

from chalicelib.domain.avatars import MAX_UPLOAD_BYTES, SIZES, MediaType
from local.layout import MEDIA_BUCKET
from tests.e2e.client import SECONDS, Client, Player
from tests.pictures.corpus import CLEAR, Good, compass, pictures, saved

pytestmark = pytest.mark.e2e

BOARD = "faces"
FUNCTION = "laurel-local-make_avatar"
FILES = 2 * len(SIZES)
FOR_EVER = "public, max-age=31536000, immutable"
ORIENTATION, QUARTER_TURN = 0x0112, 6
WHITE = (255, 255, 255)
TRIED = (
    "JPEG, Display P3",
    "JPEG, CMYK by Adobe",
    "AVIF, Display P3",
    "PNG, 16 bits, transparent",
    "WebP, transparent",
    "image/gif, animated, transparent",
)
"""Of the corpus, so many that every decoder runs in the deployed function; tests/pictures tries them all."""
FACE = Good("face", MediaType.PNG, saved(compass(), MediaType.PNG))
OTHER = Good("other", MediaType.PNG, saved(compass().rotate(180), MediaType.PNG))
PNG = FACE.content
PAGE = {"Origin": "https://game.example"}
Json = Any
Seen = TypeVar("Seen")


@dataclass(frozen=True, slots=True)
class Form:
    upload_id: str
    url: str
    fields: dict[str, str]

    @property
    def key(self) -> str:
        return self.fields["key"]


@pytest.fixture(scope="module")
def s3(client: Client) -> Any:
    client.board(BOARD)
    return client.stack.target.client("s3")


@pytest.fixture
def player(client: Client, s3: Any) -> Player:
    """Somebody new, with an entry on a board."""
    player = client.player()
    client.submit(BOARD, player, 100)
    return player


def photograph(orientation: int) -> bytes:
    """Return a picture as a camera stores it that was turned to its side."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = compass(width=1200, height=800).transpose(Image.Transpose.ROTATE_90)
    return saved(stored, MediaType.JPEG, exif=exif, quality=95)


def asked(client: Client, player: Player, media_type: MediaType = MediaType.PNG, file_name: str = "face.png") -> Form:
    body = {"content_type": media_type, "file_name": file_name}
    made = client.made("POST", "/players/me/avatar", body, token=player.token)
    assert made["max_bytes"] == MAX_UPLOAD_BYTES
    return Form(made["upload_id"], made["url"], made["fields"])


def posted(form: Form, content: bytes, headers: dict[str, str] | None = None, **changed: str) -> requests.Response:
    fields = {**form.fields, **{name.replace("_", "-"): value for name, value in changed.items()}}
    return requests.post(form.url, fields, files={"file": ("file", content)}, headers=headers, timeout=SECONDS)


def eventually(look: Callable[[], Seen], holds: Callable[[Seen], bool]) -> Seen:
    """Return what is seen as soon as it holds."""
    deadline = time.monotonic() + SECONDS
    while not holds(seen := look()):
        assert time.monotonic() < deadline, seen
        time.sleep(0.03)
    return seen


def uploaded(
    client: Client, player: Player, content: bytes, media_type: MediaType = MediaType.PNG, file_name: str = "face"
) -> Json:
    """Upload a picture, and return the upload as it was decided on."""
    form = asked(client, player, media_type, file_name)
    answer = posted(form, content)
    assert answer.status_code == 204, answer.text
    own = eventually(lambda: own_avatar(client, player), decided)
    assert own["upload"]["upload_id"] == form.upload_id
    return own["upload"]


def published(client: Client, player: Player, good: Good = FACE, file_name: str = "face") -> Json:
    """Upload a picture, and return the avatar as soon as it is all there is of the player."""
    upload = uploaded(client, player, good.content, good.media_type, file_name)
    assert upload["state"] == "published", upload
    eventually(
        lambda: (keys(client, player, "avatars", "uploads"), entry(client, player)["avatar"]["images"]),
        lambda seen: len(seen[0]) == FILES and upload["upload_id"] in seen[1][0]["url"],
    )
    return own_avatar(client, player)["avatar"]


def decided(own: Json) -> bool:
    return bool(own["upload"]["state"] != "waiting")


def own_avatar(client: Client, player: Player) -> Json:
    return client.made("GET", "/players/me/avatar", token=player.token)


def entry(client: Client, player: Player) -> Json:
    return client.made("GET", f"/boards/{BOARD}/entries/{player.player_id}")["entry"]


def keys(client: Client, player: Player, *folders: str) -> list[str]:
    """Return the keys of what the media bucket has of a player in these folders; without any, in all."""
    s3 = client.stack.target.client("s3")
    listings = (
        s3.list_objects_v2(Bucket=MEDIA_BUCKET, Prefix=f"{folder}/{player.player_id}/")
        for folder in folders or ("avatars", "uploads", "quarantine")
    )
    return [each["Key"] for listing in listings for each in listing.get("Contents", [])]


def seen(image: Json) -> tuple[requests.Response, Image.Image]:
    answer = requests.get(image["url"], timeout=SECONDS)
    assert answer.status_code == 200, answer.text
    return answer, Image.open(io.BytesIO(answer.content))


def wrong(picture: Image.Image, good: Good) -> list[str]:
    """Return the corners that do not show what they should."""
    pixels, found = picture.convert("RGBA"), []
    for corner, colour in good.corners.items():
        across, down = 1 if "west" in corner else 3, 1 if "north" in corner else 3
        shown: Any = pixels.getpixel((picture.width * across // 4, picture.height * down // 4))
        if good.clear and corner == CLEAR and picture.format == "WEBP":
            right = shown[3] == 0
        else:
            expected = WHITE if good.clear and corner == CLEAR else colour
            right = all(abs(is_ - should) <= good.tolerance for is_, should in zip(shown, expected, strict=False))
        found += [] if right else [corner]
    return found


def test_a_turned_photograph_is_upright_in_every_size_and_shown_everywhere(client: Client, player: Player) -> None:
    turned = Good("turned", MediaType.JPEG, photograph(QUARTER_TURN))

    avatar = published(client, player, turned, file_name="100% süß + 猫 %2F.jpg")

    assert not avatar["placeholder"]
    assert [(each["width"], each["height"], each["type"]) for each in avatar["images"]] == [
        (size, size, media_type) for size in SIZES for media_type in ("image/webp", "image/jpeg")
    ]
    for image in avatar["images"]:
        answer, picture = seen(image)
        assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (image["type"], FOR_EVER)
        assert picture.size == (image["width"], image["height"])
        assert not wrong(picture, turned), image
        assert not picture.getexif()
    assert client.made("GET", f"/players/{player.player_id}")["avatar"] == avatar
    on_board = next(
        each
        for each in client.made("GET", f"/boards/{BOARD}/entries?limit=100")["entries"]
        if each["player_id"] == player.player_id
    )
    assert on_board["avatar"] == {"placeholder": False, "images": avatar["images"][:4]}


@pytest.mark.parametrize("name", TRIED)
def test_a_picture_of_another_kind_shows_what_it_shows(client: Client, player: Player, name: str) -> None:
    good = {each.name: each for each in pictures()}[name]

    avatar = published(client, player, good)

    assert not any(wrong(seen(image)[1], good) for image in avatar["images"])


def test_a_new_picture_takes_the_place_of_the_old_one_and_of_its_files(client: Client, player: Player) -> None:
    first = published(client, player)
    second = published(client, player, OTHER)

    assert wrong(seen(second["images"][0])[1], FACE)
    assert {requests.get(image["url"], timeout=SECONDS).status_code for image in first["images"]} == {404}


def test_what_is_taken_away_is_gone_everywhere(client: Client, player: Player) -> None:
    published(client, player)

    client.made("DELETE", "/players/me/avatar", token=player.token)

    own = own_avatar(client, player)
    assert (own["avatar"]["placeholder"], own["upload"]["state"]) == (True, "removed")
    assert entry(client, player)["avatar"]["placeholder"]
    assert keys(client, player) == []
    placeholder = requests.get(own["avatar"]["images"][0]["url"], timeout=SECONDS)
    assert (placeholder.status_code, placeholder.headers["Content-Type"]) == (200, "image/svg+xml")


def test_an_admin_takes_a_picture_away(client: Client, player: Player) -> None:
    published(client, player)

    client.made("DELETE", f"/admin/players/{player.player_id}/avatar", admin=True)

    assert entry(client, player)["avatar"]["placeholder"]
    assert keys(client, player) == []


def test_whoever_leaves_leaves_no_file(client: Client, player: Player) -> None:
    uploaded(client, player, b"no picture")
    published(client, player)
    assert len(keys(client, player)) == FILES + 1

    client.made("DELETE", "/players/me", token=player.token)

    assert keys(client, player) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "svg"),
        (b"just a few words", "not_an_image"),
        (PNG[: len(PNG) // 2], "truncated"),
        (PNG + b"<script>alert(1)</script>", "polyglot"),
        (saved(compass(), MediaType.JPEG), "type_mismatch"),
    ],
    ids=["svg", "words", "half", "page", "jpeg"],
)
def test_what_is_refused_says_why_and_goes_into_quarantine(
    client: Client, s3: Any, player: Player, content: bytes, reason: str
) -> None:
    upload = uploaded(client, player, content, file_name="odd + 100%.png")

    assert (upload["state"], upload["refused"]["reason"]) == ("refused", reason)
    assert upload["refused"]["message"]
    [kept] = eventually(lambda: keys(client, player), lambda found: len(found) == 1)
    assert kept == f"quarantine/{player.player_id}/{upload['upload_id']}/odd + 100%.png"
    stored = s3.get_object(Bucket=MEDIA_BUCKET, Key=kept)
    assert (stored["Body"].read(), stored["Metadata"]["reason"]) == (content, reason)
    assert requests.get(f"{client.stack.media_url}{kept}", timeout=SECONDS).status_code == 403
    assert own_avatar(client, player)["avatar"]["placeholder"]


def test_what_came_past_the_form_with_no_bytes_is_refused(client: Client, s3: Any, player: Player) -> None:
    form = asked(client, player)

    s3.put_object(Bucket=MEDIA_BUCKET, Key=form.key, Body=b"")

    own = eventually(lambda: own_avatar(client, player), decided)
    assert own["upload"]["refused"]["reason"] == "empty"


def test_a_form_takes_one_file_of_one_type_and_no_more_than_it_says(client: Client, player: Player) -> None:
    form = asked(client, player)

    answers = [
        posted(form, b""),
        posted(form, bytes(MAX_UPLOAD_BYTES + 1)),
        posted(form, PNG, Content_Type="text/html"),
        posted(form, PNG, key=f"avatars/{player.player_id}/1-2/64.webp"),
        posted(form, PNG, key=f"{form.key}.exe"),
        posted(form, PNG, policy=form.fields["policy"][:-8] + "AAAAAAA="),
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 403, 403, 403, 403]
    assert keys(client, player) == []
    assert own_avatar(client, player)["upload"]["state"] == "waiting"


def test_a_page_of_another_origin_uploads_and_shows_a_picture(client: Client, player: Player) -> None:
    form = asked(client, player)
    asking = {**PAGE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-progress"}

    preflight = requests.options(form.url, headers=asking, timeout=SECONDS)
    answer = posted(form, PNG, headers=PAGE)
    own = eventually(lambda: own_avatar(client, player), decided)
    shown = requests.get(own["avatar"]["images"][0]["url"], headers=PAGE, timeout=SECONDS)

    assert (preflight.status_code, answer.status_code, shown.status_code) == (200, 204, 200)
    for each in (preflight, answer, shown):
        assert each.headers["Access-Control-Allow-Origin"] in {"*", PAGE["Origin"]}


def record(key: str) -> Json:
    return {"eventSource": "aws:s3", "s3": {"bucket": {"name": MEDIA_BUCKET}, "object": {"key": key, "size": 1}}}


def told(client: Client, event: Json) -> str:
    """Deliver an event to the function as Lambda does, see that it does not ask for it again, and return its log."""
    request = {"FunctionName": FUNCTION, "LogType": "Tail", "Payload": json.dumps(event)}
    answer = client.stack.target.client("lambda").invoke(**request)
    assert "FunctionError" not in answer, answer["Payload"].read()
    return base64.b64decode(answer["LogResult"]).decode()


def test_events_that_are_late_or_come_again_change_nothing(client: Client, s3: Any, player: Player) -> None:
    late = asked(client, player)
    avatar = published(client, player)
    before = entry(client, player)

    assert posted(late, OTHER.content).status_code == 204
    eventually(lambda: keys(client, player), lambda found: late.key not in found)
    latest = own_avatar(client, player)["upload"]
    again = record(f"uploads/{player.player_id}/{latest['upload_id']}/face.png")
    strangers = [record("uploads/nobody/0/a+b%2B.png"), record("elsewhere/x.png")]
    told(client, {"Records": [*strangers, record(late.key), again, again]})
    told(client, {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": MEDIA_BUCKET})

    assert own_avatar(client, player) == {"avatar": avatar, "upload": latest}
    assert entry(client, player) == before
    assert len(keys(client, player)) == FILES


def test_one_event_may_tell_of_several_uploads(client: Client, s3: Any) -> None:
    players = [client.player() for _ in range(2)]
    forms = [asked(client, each, file_name="a + b.png") for each in players]
    for form in forms:
        s3.put_object(Bucket=MEDIA_BUCKET, Key=form.key, Body=PNG)

    log = told(client, {"Records": [record(form.key.replace("+", "%2B").replace(" ", "+")) for form in forms]})

    assert all(form.upload_id in log for form in forms)
    states = [own_avatar(client, each)["upload"]["state"] for each in players]
    assert states == ["published", "published"]


def test_what_failed_for_a_moment_is_tried_again(client: Client, s3: Any, player: Player) -> None:
    """Publish nothing while the bucket takes nothing, and everything when it does again."""
    policy = s3.get_bucket_policy(Bucket=MEDIA_BUCKET)["Policy"]
    parsed = json.loads(policy)
    refuse = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject"}
    refuse["Resource"] = f"arn:aws:s3:::{MEDIA_BUCKET}/avatars/{player.player_id}/*"
    form = asked(client, player)
    s3.put_bucket_policy(
        Bucket=MEDIA_BUCKET, Policy=json.dumps({**parsed, "Statement": [*parsed["Statement"], refuse]})
    )
    try:
        posted(form, PNG)
        eventually(lambda: failures(client, form), bool)
        assert own_avatar(client, player)["upload"]["state"] == "waiting"
    finally:
        s3.put_bucket_policy(Bucket=MEDIA_BUCKET, Policy=policy)

    eventually(lambda: own_avatar(client, player)["upload"]["state"], lambda state: state == "published")


def failures(client: Client, form: Form) -> Json:
    """Return the lines in which the function logged that this upload has failed."""
    logs = client.stack.target.client("logs")
    group = f"/aws/lambda/{FUNCTION}"
    events = logs.filter_log_events(logGroupName=group, filterPattern="upload_failed")["events"]
    return [event for event in events if form.upload_id in event["message"]]
