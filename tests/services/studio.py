"""Players who upload pictures, and those who make avatars of them: on a world's database and bucket."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from chalicelib.bootstrap.publishing import build_publishing
from chalicelib.domain.avatars import Crop, Form, MediaType, Refusal, Refused, Rendition, Upload, upload_id
from chalicelib.errors import StoreUnavailableError
from chalicelib.services.checks import Check, publish_everything
from chalicelib.services.publication import Outcome, Publication
from chalicelib.store import keys
from chalicelib.store.keys import UploadKey
from tests.world import World

File = tuple[int, Form]
FILES = ((64, Form.WEBP), (512, Form.JPEG))
"""Fewer than there are, to the same end."""
BAD = Refused(Refusal.DAMAGED, "The file is damaged. Upload another one.")
_PLAYERS_FOLDER = 1


@dataclass
class Painter:
    """Stands where the renderer stands: what begins with "bad" is refused.

    Its files are never the same twice, as those of another release of an encoder would not be.
    """

    strokes: Iterator[int] = field(default_factory=count)
    files: tuple[File, ...] = FILES
    seen: list[tuple[bytes, MediaType, Crop]] = field(default_factory=list)

    def render(self, content: bytes, declared: MediaType, crop: Crop) -> list[Rendition] | Refused:
        self.seen.append((content, declared, crop))
        if content.startswith(b"bad"):
            return BAD
        painted = b"%s, stroke %d" % (content, next(self.strokes))
        return [Rendition(size, form, b"%s %d" % (painted, size)) for size, form in self.files]


@dataclass
class Studio:
    world: World
    painter: Painter = field(default_factory=Painter)
    check: Check = publish_everything

    def publication(self) -> Publication:
        """Return what makes avatars, in a process of its own."""
        world = self.world
        return build_publishing(world.config, world.dynamo(), world.clients(), self.painter, self.check)

    def ask(self, player_id: str, file_name: str = "me.png", crop: Crop = Crop.CENTRE) -> UploadKey:
        """Return where the player may upload to now."""
        invitation = self.world.services.avatars.ask(player_id, MediaType.PNG, file_name, crop)
        return UploadKey(player_id, invitation.upload.upload_id, file_name)

    def post(self, key: UploadKey, content: bytes = b"a cat") -> UploadKey:
        """Send a file with the form that came for a key."""
        self.world.s3.objects[key.text] = content
        return key

    def uploaded(self, player_id: str, content: bytes = b"a cat") -> UploadKey:
        return self.post(self.ask(player_id), content)

    def take(self, key: UploadKey) -> Outcome:
        """Do what S3's event of a file starts."""
        return self.publication().take(key)

    def published(self, player_id: str, content: bytes = b"a cat") -> UploadKey:
        key = self.uploaded(player_id, content)
        self.take(key)
        return key

    def avatar(self, player_id: str) -> str | None:
        return self.world.services.players.own(player_id).avatar

    def upload(self, player_id: str) -> Upload | None:
        return self.world.services.avatars.upload(player_id)

    def objects(self, prefix: str = "") -> list[str]:
        return sorted(key for key in self.world.s3.objects if key.startswith(prefix))

    def pictures(self, player_id: str) -> set[str]:
        """Return the avatars of a player that are in the bucket, by their references, each of them whole."""
        found = self.objects(keys.avatars(player_id))
        references = {keys.folder(key) for key in found}
        assert found == sorted(
            keys.rendition(player_id, each, *file) for each in references for file in self.painter.files
        )
        return references


def check_media(studio: Studio) -> None:
    """Assert what holds once every event was taken to its end: everything shown is there, and nothing else is."""
    profiles = {
        item["player_id"]["S"]: item.get("avatar", {}).get("S")
        for item in studio.world.items("players")
        if item["sk"]["S"] == "profile" and "state" in item
    }
    for player_id, avatar in profiles.items():
        assert studio.pictures(player_id) == ({avatar} if avatar else set()), "shown is not what is there"
    for item in studio.world.items("records"):
        assert item.get("avatar", {}).get("S") == profiles[item["player_id"]["S"]], "a board shows another avatar"
    for key in studio.objects():
        assert key.split("/")[_PLAYERS_FOLDER] in profiles, f"{key} is of a player who left"
    assert studio.objects("uploads/") == [], "an upload that was decided on is still there"


def fault_was_felt(act: Callable[[], object]) -> bool:
    try:
        act()
    except StoreUnavailableError:
        return True
    return False


def made_of(avatar: str | None) -> str | None:
    """Return the upload that an avatar shows."""
    return upload_id(avatar) if avatar else None
