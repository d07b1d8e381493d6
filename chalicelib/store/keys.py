"""Every key of every table and of the media bucket, made and parsed here and nowhere else.

Parts never contain the separator: board ids are slugs, periods are timestamps, player ids are hex.
"""

import re

from msgspec import Struct

from chalicelib.domain.avatars import FILE_NAME, Form
from chalicelib.domain.buckets import BucketId, Shelf
from chalicelib.domain.layouts import Layout
from chalicelib.domain.players import Identity
from chalicelib.ranking.bins import Path

_SEPARATOR = "#"
PROFILE = "profile"
UPLOAD = "upload"
FIRST_RECEIPT = "submission#"
TURNED = "turned"
ANNOUNCEMENTS = "announcements#all"
SCHEDULE = "schedule#all"
INCIDENTS = "incidents#all"
MODE = "#mode"
"""Sorts before the names of alarms, none of which begins so."""
TOP = "top"
PUBLICATIONS = "publications#all"
SEASONS = "seasons#all"
SEASONED = "seasoned"
_UPLOADS, _AVATARS, _QUARANTINE = "uploads/", "avatars/", "quarantine/"
_ID = re.compile(r"[0-9a-f]{32}")
_FILE_NAME = re.compile(FILE_NAME)


def _joined(*parts: object) -> str:
    return _SEPARATOR.join(map(str, parts))


def player(player_id: str) -> str:
    return _joined("player", player_id)


def session(session_id: str) -> str:
    return _joined("session", session_id)


def identity(identity: Identity) -> str:
    return _joined("identity", identity.kind, identity.digest)


def board_period(board_id: str, period_id: str) -> str:
    return _joined(board_id, period_id)


def board_and_period(key: str) -> tuple[str, str]:
    board_id, _, period_id = key.partition(_SEPARATOR)
    return board_id, period_id


def standing(board_id: str, period_id: str, layout: Layout, slice_digits: Path) -> str:
    """Return the partition of the ordered index that lists a slice.

    It names the build that listed it, so that what an abandoned build left behind is never read.
    """
    whole = board_period(board_id, period_id)
    if layout.listed_since == 1 and not slice_digits:
        return whole
    return _joined(whole, layout.listed_since, path(slice_digits))


def receipt(submission_id: str) -> str:
    """Return the ledger key of an authoritative submission; sorts after every game id, which is hex."""
    return f"{FIRST_RECEIPT}{submission_id}"


def submission_id(ledger_key: str) -> str:
    return ledger_key.removeprefix(FIRST_RECEIPT)


def node(board_id: str, period_id: str, generation: int, lane: int, digits: Path) -> str:
    return _joined("node", board_id, period_id, generation, lane, path(digits))


def mark(board_id: str, period_id: str, player_id: str) -> str:
    return _joined("mark", board_id, period_id, player_id)


def job(kind: str, board_id: str, period_id: str) -> str:
    return _joined("job", kind, board_id, period_id)


def device(device_id: str) -> str:
    return _joined("device", device_id)


def device_id(key: str) -> str:
    return key.partition(_SEPARATOR)[2]


def inbox(player_id: str) -> str:
    return _joined("inbox", player_id)


def board(board_id: str) -> str:
    return _joined("board", board_id)


def turn(period_id: str) -> str:
    return _joined("period", period_id)


def rules(set_at_milliseconds: int) -> str:
    """Return the key of a version of rules: keys sort by time."""
    return _joined("rewards", f"{set_at_milliseconds:015d}")


def reward(reward_id: str) -> str:
    return _joined("reward", reward_id)


def balance(item: str) -> str:
    return _joined("balance", item)


def shelves(season_id: str, number: int) -> str:
    """Return the partition of what a round's buckets stand on."""
    return _joined("shelves", season_id, number)


def shelf(shelf: Shelf) -> str:
    return path((shelf.tier, shelf.band))


def parsed_shelf(key: str) -> Shelf:
    return Shelf(*parsed_path(key))


def bucket(season_id: str, number: int, bucket: BucketId) -> str:
    return _joined("bucket", season_id, number, bucket_path(bucket))


def bucket_path(bucket: BucketId) -> str:
    return path((bucket.shelf.tier, bucket.shelf.band, bucket.lane, bucket.number))


def parsed_bucket(text: str) -> BucketId:
    tier, band, lane, number = parsed_path(text)
    return BucketId(Shelf(tier, band), lane, number)


def membership(season_id: str, number: int) -> str:
    """Return the key of a player's membership in a round: those of a season sort by round."""
    return _joined("membership", season_id, f"{number:03d}")


def participation(board_id: str) -> str:
    return _joined("participation", board_id)


def places(lane: int) -> str:
    """Return the key of how many joined a tournament in a lane."""
    return _joined("places", lane)


def told(event: str) -> str:
    """Return the key of the note that everybody was told of something on a board."""
    return _joined("told", event)


def copy(board_id: str, period_id: str) -> str:
    return _joined("copy", board_id, period_id)


def path(digits: Path) -> str:
    return ".".join(map(str, digits))


def parsed_path(text: str) -> Path:
    return tuple(map(int, text.split(".")))


class UploadKey(Struct, frozen=True):
    """Where a player's file arrives in the media bucket, and where it goes if it is refused."""

    player_id: str
    upload_id: str
    file_name: str

    @property
    def text(self) -> str:
        return f"{uploads(self.player_id)}{self.upload_id}/{self.file_name}"

    @property
    def quarantined(self) -> str:
        return f"{quarantine(self.player_id)}{self.upload_id}/{self.file_name}"


def parsed_upload(key: str) -> UploadKey | None:
    """Return what an object's key says, or None when no form was ever made for such a key."""
    prefix, *parts = key.split("/")
    if f"{prefix}/" != _UPLOADS or len(parts) != len(UploadKey.__struct_fields__):
        return None
    player_id, upload_id, file_name = parts
    named = _ID.fullmatch(player_id) and _ID.fullmatch(upload_id) and _FILE_NAME.match(file_name)
    return UploadKey(player_id, upload_id, file_name) if named else None


def uploads(player_id: str) -> str:
    """Return what all keys of a player's uploads begin with; so do the two that follow."""
    return f"{_UPLOADS}{player_id}/"


def avatars(player_id: str) -> str:
    return f"{_AVATARS}{player_id}/"


def quarantine(player_id: str) -> str:
    return f"{_QUARANTINE}{player_id}/"


def rendition(player_id: str, reference: str, size: int, form: Form) -> str:
    """Return the key of one file of an avatar; what it is served as follows the media's URL."""
    return f"{avatar(player_id, reference)}{file_name(size, form)}"


def avatar(player_id: str, reference: str) -> str:
    """Return what all keys of one avatar's files begin with."""
    return f"{_AVATARS}{player_id}/{reference}/"


def file_name(size: int, form: Form) -> str:
    return f"{size}.{form}"


def folder(key: str) -> str:
    """Return the part of an object's key that follows the player: an upload's id, or an avatar's reference."""
    return key.split("/")[2]
