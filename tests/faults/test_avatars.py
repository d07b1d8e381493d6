"""Exactly the newest picture is shown, whatever is shown is there, and nothing else stays: in every order of calls."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count, permutations, repeat

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.avatars import Crop, Form, MediaType
from chalicelib.domain.records import Submission
from chalicelib.errors import ContendedError, GameError, StoreUnavailableError
from chalicelib.services.avatars import Avatars
from chalicelib.services.leftovers import Leftovers
from chalicelib.services.profiles import Profiles
from chalicelib.store import keys
from chalicelib.store.keys import UploadKey
from chalicelib.store.media import MediaStore
from chalicelib.store.players import PlayerStore
from chalicelib.store.records import RecordStore
from chalicelib.store.uploads import UploadStore
from tests.fake_s3 import FakeS3
from tests.faults.gallery import Gallery, gallery, tabled
from tests.faults.schedules import Act, Answer, End, Event, Search
from tests.services.studio import Painter, Studio, check_media, made_of
from tests.tables import PREFIX
from tests.world import MEDIA, World

pytestmark = [pytest.mark.property, pytest.mark.slow]

FILES = ((512, Form.JPEG),)
_ATTEMPTS = 4
"""Of whoever is not answered. Lambda makes three; a fault more is none that a test should meet."""
_NOT_ANSWERED = (BotoCoreError, ClientError, ContendedError, StoreUnavailableError)
_FAULTS = (Event.LOST, Event.RESTARTED, Event.TRUTH_BUSY)
"""Whoever is throttled starts anew, as whoever is killed."""
_KILLED = (Event.RESTARTED,)

Operation = Callable[[World, str, UploadKey, int], object]
"""Takes the player, the first upload, and a number that is the operation's own."""


def deliver(world: World, player_id: str, first: UploadKey, number: int) -> object:
    return _studio(world, number).take(first).fate


def ask(world: World, player_id: str, first: UploadKey, number: int) -> object:
    """Ask for another upload, and never send it."""
    _avatars(world, repeat(f"{number:032x}")).ask(player_id, MediaType.PNG, "dog.png", Crop.CENTRE)
    return "asked"


def upload_another(world: World, player_id: str, first: UploadKey, number: int, content: bytes = b"a dog") -> object:
    """Ask for another upload, send it, and let S3 tell of it."""
    ids = (f"{number}{attempt:031x}" for attempt in count())
    invitation = _avatars(world, ids).ask(player_id, MediaType.PNG, "dog.png", Crop.CENTRE)
    studio = _studio(world, number)
    key = UploadKey(player_id, invitation.upload.upload_id, "dog.png")
    _insistently(lambda: world.s3.put_object(Bucket=MEDIA, Key=key.text, Body=content))
    return _insistently(lambda: studio.take(key).fate)


def upload_a_bad_one(world: World, player_id: str, first: UploadKey, number: int) -> object:
    return upload_another(world, player_id, first, number, b"bad dog")


def remove(world: World, player_id: str, first: UploadKey, number: int) -> object:
    world.services.avatars.remove(world.services.players.own(player_id))
    return "removed"


def leave(world: World, player_id: str, first: UploadKey, number: int) -> object:
    world.services.players.delete(player_id)
    return "left"


def rename(world: World, player_id: str, first: UploadKey, number: int) -> object:
    world.services.players.change(player_id, display_name="Eve", locale=None, metadata=None)
    return "renamed"


def submit(world: World, player_id: str, first: UploadKey, number: int) -> object:
    world.services.games.submit(player_id, Submission("duel", 7), "submission-1")
    return "submitted"


OPERATIONS: Mapping[str, Operation] = {
    "deliver": deliver,
    "ask": ask,
    "upload_another": upload_another,
    "upload_a_bad_one": upload_a_bad_one,
    "remove": remove,
    "leave": leave,
    "rename": rename,
    "submit": submit,
}


@dataclass(frozen=True, slots=True)
class Case:
    """Operations at the same time, after a player with one record and an avatar uploaded another picture."""

    names: tuple[str, ...]
    faults: int = 0
    content: bytes = b"a cat"
    kinds: tuple[Event, ...] = _FAULTS

    def __str__(self) -> str:
        return f"{'-'.join(self.names)}-of-{self.content.decode().replace(' ', '-')}-with-{self.faults}-faults"


CASES = [
    Case(("deliver",), faults=2),
    Case(("deliver",), 2, b"bad cat"),
    Case(("deliver", "deliver"), kinds=_KILLED, faults=1),
    Case(("deliver", "deliver"), 1, b"bad cat", _KILLED),
    Case(("deliver", "ask"), 1),
    Case(("deliver", "ask"), 1, b"bad cat"),
    Case(("deliver", "upload_another")),
    Case(("deliver", "upload_a_bad_one")),
    Case(("deliver", "remove")),
    Case(("deliver", "rename"), 1, kinds=_KILLED),
    Case(("deliver", "submit")),
    Case(("remove",), 1),
    Case(("leave",), 1),
    Case(("deliver", "leave")),
    Case(("deliver", "leave"), content=b"bad cat"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_schedule_ends_as_some_plain_order(case: Case, record_property: Callable[[str, object], None]) -> None:
    report = _Model(case).search.run()

    record_property("searched", str(report))
    assert report.schedules > report.ends


class _Model:
    def __init__(self, case: Case) -> None:
        world, self._player_id, self._first = _scene(case.content)
        boards = world.services.boards.all()
        acts = {f"{number} {name}": self._act(OPERATIONS[name], number) for number, name in enumerate(case.names, 1)}

        def prepare(world: World) -> None:
            tabled(world)
            for board in boards:
                world.services.boards.remember(board)

        self.search = Search(world, acts, self._check, faults=case.faults, kinds=case.kinds, prepare=prepare)
        self._plain: set[object] = set()
        self._operations = range(len(acts))

    def _act(self, operation: Operation, number: int) -> Act:
        def act(world: World) -> object:
            try:
                return _insistently(lambda: operation(world, self._player_id, self._first, number))
            except GameError as error:
                return type(error).code

        return act

    def _check(self, end: End) -> None:
        self._plain = self._plain or {_outcome(self.search.alone(order)) for order in permutations(self._operations)}
        outcome = _outcome(end)
        assert outcome in self._plain, f"no plain order ends so: {outcome}"


def _outcome(end: End) -> object:
    """Return what is stored, as far as two runs can be compared: without the numbers of attempts and strokes."""
    studio = Studio(end.world, Painter(files=FILES))
    assert isinstance(end.world.client, Gallery)
    end.world.s3 = FakeS3({MEDIA})
    end.world.s3.objects = end.world.client.objects()
    check_media(studio)
    assert all(isinstance(answer, Answer) for answer in end.answers)
    profiles = [
        (made_of(item.get("avatar", {}).get("S")), item.get("display_name"), item.get("state"))
        for item in end.world.items("players")
        if item["sk"]["S"] in {keys.PROFILE, keys.UPLOAD}
    ]
    records = [item["board_period"]["S"] for item in end.world.items("records")]
    return str((profiles, records, studio.objects("quarantine/")))


def _scene(content: bytes) -> tuple[World, str, UploadKey]:
    world = World(client=gallery(FILES))
    tabled(world)
    world.board("race")
    world.board("duel")
    player_id = world.player("Ada")
    world.services.games.submit(player_id, Submission("race", 5), None)
    _studio(world, 0).take(_uploaded(world, player_id, "e" * 32, b"a mouse"))
    return world, player_id, _uploaded(world, player_id, "f" * 32, content)


def _uploaded(world: World, player_id: str, upload_id: str, content: bytes) -> UploadKey:
    key = UploadKey(player_id, upload_id, "cat.png")
    _avatars(world, repeat(upload_id)).ask(player_id, MediaType.PNG, key.file_name, Crop.CENTRE)
    world.s3.put_object(Bucket=MEDIA, Key=key.text, Body=content)
    return key


def _studio(world: World, number: int) -> Studio:
    return Studio(world, Painter(count(100 * number), FILES))


def _avatars(world: World, ids: Iterator[str]) -> Avatars:
    """Return the service of avatars whose uploads have given ids: an operation has to be the same each time."""
    dynamo, media = world.dynamo(), MediaStore(MEDIA, world.clients())
    players, records = PlayerStore(f"{PREFIX}players", dynamo), RecordStore(f"{PREFIX}records", dynamo)
    uploads = UploadStore(f"{PREFIX}players", dynamo)
    return Avatars(
        dynamo=dynamo,
        players=players,
        uploads=uploads,
        media=media,
        leftovers=Leftovers(media, uploads, players, records),
        profiles=Profiles(players, records),
        clock=world.clock,
        new_id=lambda: next(ids),
    )


def _insistently(act: Callable[[], object]) -> object:
    """Return what an operation answers that is sent again when it is not answered."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return act()
        except _NOT_ANSWERED:
            continue
    return act()
