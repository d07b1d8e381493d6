"""Pictures of players: drawn here, uploaded as every game would, and looked at where everybody sees them."""

import io
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from PIL import Image
from urllib3 import encode_multipart_formdata

from local.demo.client import Client, DemoError, Json
from local.demo.faces import FORMATS, drawn, encoded, face
from local.demo.play import Account

UPLOAD = "avatar"
PATIENCE_SECONDS = 120.0
LOOK_SECONDS = 0.05
SHOWN = 64, "image/webp"
DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="5" cy="5" r="4"/></svg>'


@dataclass(frozen=True, slots=True)
class Portrait:
    file_name: str
    media_type: str
    content: bytes


def paint(client: Client, accounts: Sequence[Account], done: Callable[[], object]) -> None:
    """Give players their faces, of many formats, the first with a crown; raise DemoError where one is refused."""
    # One after the other: for each of several at once a worker would start, which takes longer than a picture.
    for number, account in enumerate(accounts):
        kind = FORMATS[number % len(FORMATS)]
        content = encoded(drawn(face(account.player.name, champion=number == 0)), kind)
        portrait = Portrait(f"{account.player.name}.{kind.lower()}", f"image/{kind.lower()}", content)
        upload = submitted(client, account, portrait)
        if upload["state"] != "published":
            raise DemoError(f"The {kind} picture of {account.player.name} was refused: {upload['refused']}")
        done()


def refusal(client: Client, account: Account) -> str:
    """Upload what is no picture, and return what its player is told."""
    upload = submitted(client, account, Portrait("me as I drew it.png", "image/png", DRAWING))
    if upload["refused"] is None:
        raise DemoError(f"A drawing as SVG that {account.player.name} called PNG was {upload['state']}")
    return str(upload["refused"]["message"])


def submitted(client: Client, account: Account, portrait: Portrait) -> Json:
    """Upload a picture by the form that Laurel gives out, and return the upload when it is decided."""
    body = {"content_type": portrait.media_type, "file_name": portrait.file_name}
    form = client.post(UPLOAD, "players/me/avatar", body, account.authorization)
    _post(form["url"], form["fields"], portrait)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        upload: Json = client.call(UPLOAD, "GET", "players/me/avatar", None, account.authorization)["upload"]
        if upload["state"] != "waiting":
            return upload
        time.sleep(LOOK_SECONDS)
    raise DemoError(f"The picture of {account.player.name} was not looked at within {PATIENCE_SECONDS:.0f} s")


def entries_with_faces(
    client: Client, path: str, player_ids: Collection[str], patience: float = PATIENCE_SECONDS
) -> list[Json]:
    """Return the entries of these players that ``path`` lists, as soon as all of them have pictures.

    That follows the picture's publication as fast as records are written.
    """
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        entries = [entry for entry in client.get("top", path)["entries"] if entry["player_id"] in player_ids]
        if not any(entry["avatar"]["placeholder"] for entry in entries):
            return entries
        time.sleep(LOOK_SECONDS)
    raise DemoError(f"The board does not show the faces of all within {patience:.0f} s: {path}")


def thumbnail(entry: Json) -> str:
    """Return the URL of the smallest picture of an entry's player."""
    return next(str(each["url"]) for each in entry["avatar"]["images"] if (each["width"], each["type"]) == SHOWN)


def seen(url: str) -> Image.Image:
    """Return a picture as everybody sees it, without any token."""
    return Image.open(io.BytesIO(_answer(urllib.request.Request(url))))


def _post(url: str, fields: dict[str, str], portrait: Portrait) -> None:
    file = (portrait.file_name, portrait.content, portrait.media_type)
    body, content_type = encode_multipart_formdata({**fields, "file": file})
    _answer(urllib.request.Request(url, body, {"Content-Type": content_type}))


def _answer(request: urllib.request.Request) -> bytes:
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
            content: bytes = response.read()
            return content
    except urllib.error.HTTPError as error:
        answer = error.read().decode(errors="replace")
        raise DemoError(f"{request.get_method()} {request.full_url} was answered {error.code}: {answer}") from error
    except OSError as error:
        raise DemoError(f"{request.get_method()} {request.full_url} was not answered: {error}") from error
