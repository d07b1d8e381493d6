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

from chalicelib.domain.avatars import MAX_UPLOAD_BYTES, SIZES
from local.layout import MEDIA_BUCKET
from tests.e2e.client import SECONDS, Client, Player

pytestmark = pytest.mark.e2e

BOARD = "faces"
FUNCTION = "laurel-local-make_avatar"
FILES = 2 * len(SIZES)
FOR_EVER = "public, max-age=31536000, immutable"
HALF = 320
SIDE = 2 * HALF
UPRIGHT, QUARTER_TURN = 1, 6
ORIENTATION = 0x0112
QUARTERS = {(0, 0): (220, 40, 40), (1, 0): (40, 160, 60), (0, 1): (40, 70, 200), (1, 1): (240, 200, 60)}
"""Colours by column and row, as they are to be seen."""
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


def quarters(orientation: int = UPRIGHT) -> Image.Image:
    """Return a picture as a camera that was held like this stores it."""
    picture = Image.new("RGB", (SIDE, SIDE))
    for (column, row), colour in QUARTERS.items():
        picture.paste(colour, (column * HALF, row * HALF, (column + 1) * HALF, (row + 1) * HALF))
    return picture.transpose(Image.Transpose.ROTATE_90) if orientation == QUARTER_TURN else picture


def file(picture: Image.Image, kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


PNG = file(quarters(), "PNG")


def asked(client: Client, player: Player, content_type: str = "image/png", file_name: str = "face.png") -> Form:
    body = {"content_type": content_type, "file_name": file_name}
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


def uploaded(client: Client, player: Player, content: bytes, **asking: str) -> Json:
    """Upload a picture, and return the upload as it was decided on."""
    form = asked(client, player, **asking)
    answer = posted(form, content)
    assert answer.status_code == 204, answer.text
    own = eventually(lambda: own_avatar(client, player), decided)
    assert own["upload"]["upload_id"] == form.upload_id
    return own["upload"]


def published(client: Client, player: Player, content: bytes = PNG, **asking: str) -> Json:
    """Upload a picture, and return the avatar as soon as it is all there is of the player."""
    upload = uploaded(client, player, content, **asking)
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


def shows_quarters(picture: Image.Image, tolerance: int = 24) -> bool:
    side, upright = picture.width, picture.convert("RGB")
    for (column, row), colour in QUARTERS.items():
        found: Any = upright.getpixel((side // 4 + column * side // 2, side // 4 + row * side // 2))
        if any(abs(is_ - should) > tolerance for is_, should in zip(found, colour, strict=True)):
            return False
    return True


def test_a_turned_photograph_is_upright_in_every_size_and_shown_everywhere(client: Client, player: Player) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = QUARTER_TURN
    photograph = file(quarters(QUARTER_TURN), "JPEG", exif=exif, quality=95)

    avatar = published(client, player, photograph, content_type="image/jpeg", file_name="100% süß + 猫 %2F.jpg")

    assert not avatar["placeholder"]
    assert [(each["width"], each["height"], each["type"]) for each in avatar["images"]] == [
        (size, size, media_type) for size in SIZES for media_type in ("image/webp", "image/jpeg")
    ]
    for image in avatar["images"]:
        answer, picture = seen(image)
        assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (image["type"], FOR_EVER)
        assert picture.size == (image["width"], image["height"])
        assert shows_quarters(picture), image
        assert not picture.getexif()
    assert client.made("GET", f"/players/{player.player_id}")["avatar"] == avatar
    on_board = next(
        each
        for each in client.made("GET", f"/boards/{BOARD}/entries?limit=100")["entries"]
        if each["player_id"] == player.player_id
    )
    assert on_board["avatar"] == {"placeholder": False, "images": avatar["images"][:4]}


def test_what_shines_through_a_picture_does_so_in_webp(client: Client, player: Player) -> None:
    picture = quarters().convert("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, SIDE // 2, SIDE // 2))

    avatar = published(client, player, file(picture, "PNG"))

    webp, jpeg = (seen(image)[1] for image in avatar["images"][:2])
    assert webp.convert("RGBA").getpixel((16, 16))[3] == 0  # type: ignore[index]  # of RGBA: four numbers
    assert webp.convert("RGBA").getpixel((48, 48))[3] == 255  # type: ignore[index]  # of RGBA: four numbers
    assert jpeg.mode == "RGB"


@pytest.mark.parametrize("kind", ["AVIF", "WEBP", "GIF"])
def test_a_picture_may_have_other_formats(client: Client, player: Player, kind: str) -> None:
    avatar = published(client, player, file(quarters(), kind), content_type=f"image/{kind.lower()}")

    assert shows_quarters(seen(avatar["images"][0])[1], tolerance=40)


def test_a_new_picture_takes_the_place_of_the_old_one_and_of_its_files(client: Client, player: Player) -> None:
    first = published(client, player)
    second = published(client, player, file(quarters().rotate(180), "PNG"))

    assert not shows_quarters(seen(second["images"][0])[1])
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
        (file(quarters(), "JPEG"), "type_mismatch"),
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

    assert posted(late, file(quarters().rotate(90), "PNG")).status_code == 204
    eventually(lambda: keys(client, player), lambda found: late.key not in found)
    latest = own_avatar(client, player)["upload"]
    again = record(f"uploads/{player.player_id}/{latest['upload_id']}/face.png")
    strangers = [record("uploads/nobody/0/a+b%2B.png"), record("elsewhere/x.png")]
    told(client, {"Records": [*strangers, record(late.key), again, again]})

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
