"""Several players ask, send, take away, rename and leave, while events come late, twice, in any order and half done.

What a handler was doing when it was killed or interrupted, an oracle cannot know: it watches the transactions, and says
which of them should never have been.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.avatars import UploadState
from chalicelib.domain.records import Submission
from chalicelib.errors import GameError
from chalicelib.store import keys
from chalicelib.store.keys import UploadKey
from tests import invariants
from tests.fake_dynamodb import Call
from tests.fake_s3 import Request
from tests.services.studio import FILES, Studio, check_media, made_of
from tests.strategies import EXAMPLES
from tests.strikes import Killed
from tests.world import World

pytestmark = [pytest.mark.property, pytest.mark.slow]

PLAYERS = 2
_CALLS = 18
"""As many as a handler makes."""


@dataclass(frozen=True, slots=True)
class Ask:
    player: int


@dataclass(frozen=True, slots=True)
class Send:
    """Send a file with one of the forms a player ever got, the latest first."""

    player: int
    form: int
    good: bool


@dataclass(frozen=True, slots=True)
class Remove:
    player: int


@dataclass(frozen=True, slots=True)
class Rename:
    player: int
    name: str


@dataclass(frozen=True, slots=True)
class Play:
    player: int
    board_id: str


@dataclass(frozen=True, slots=True)
class Leave:
    player: int


@dataclass(frozen=True, slots=True)
class Deliver:
    """Let a handler take one of the events there were.

    Args:
        event: The newest is 0.
        killed_at: The call before which the handler dies; None, or one it never makes, and it lives.
        meanwhile: By call, what others do just before it.
    """

    event: int
    killed_at: int | None
    meanwhile: tuple[tuple[int, "Step"], ...] = ()


Step = Ask | Send | Remove | Rename | Play | Leave | Deliver

_player = st.integers(0, PLAYERS - 1)
_plain = st.one_of(
    st.builds(Ask, _player),
    st.builds(Send, _player, st.integers(0, 2), st.booleans()),
    st.builds(Remove, _player),
    st.builds(Rename, _player, st.sampled_from(["Eve", "Ida"])),
    st.builds(Play, _player, st.sampled_from(["race", "duel"])),
    st.builds(Leave, _player),
)
_event = st.sampled_from([0, 0, 0, 1, 2])
_killed_at = st.none() | st.integers(0, _CALLS)
_undisturbed = st.builds(Deliver, _event, _killed_at)
_meanwhile = st.lists(st.tuples(st.integers(0, _CALLS), _plain | _undisturbed), min_size=1, max_size=3).map(tuple)
_disturbed = st.builds(Deliver, _event, _killed_at, _meanwhile)
_sent = st.builds(lambda player, good: (Ask(player), Send(player, 0, good)), _player, st.booleans())
_sent_and_taken = st.builds(lambda sent, delivery: (*sent, delivery), _sent, _disturbed)
_alone = st.one_of(_plain, _undisturbed).map(lambda step: (step,))
histories = st.lists(_sent_and_taken | _alone, min_size=3, max_size=12).map(
    lambda groups: [step for group in groups for step in group]
)


@dataclass
class Wanted:
    """What a player should have, by the transactions so far."""

    forms: list[UploadKey] = field(default_factory=list)
    state: UploadState | None = None
    """Of the upload of the latest form."""
    avatar: str | None = None
    """The upload it shows."""
    gone: bool = False

    @property
    def latest(self) -> str | None:
        return self.forms[-1].upload_id if self.forms else None


@dataclass
class History:
    studio: Studio = field(default_factory=lambda: Studio(World()))
    player_ids: list[str] = field(default_factory=list)
    wanted: dict[str, Wanted] = field(default_factory=dict)
    events: list[UploadKey] = field(default_factory=list)
    undone: set[UploadKey] = field(default_factory=set)
    """The events whose last handler died, or that had none yet: those of S3 and Lambda's promise to come again."""

    def __post_init__(self) -> None:
        world = self.studio.world
        for board_id in ("race", "duel"):
            world.board(board_id)
        self.player_ids = [world.player(f"p{number}") for number in range(PLAYERS)]
        self.wanted = {player_id: Wanted() for player_id in self.player_ids}
        world.after(self._watch)
        world.s3.after.append(self._look)

    def take(self, step: Step) -> None:
        if isinstance(step, Deliver):
            self._deliver(step)
            return
        player_id = self.player_ids[step.player]
        if not self.wanted[player_id].gone:
            self._act(step, player_id, self.wanted[player_id])

    def finish(self) -> None:
        """Take every event that is still due to its end, and compare everything."""
        for key in sorted(self.undone, key=lambda key: key.text):
            self.studio.take(key)
        check_media(self.studio)
        invariants.check(self.studio.world)
        for player_id, wanted in self.wanted.items():
            self._compare(player_id, wanted)

    def _act(self, step: Step, player_id: str, wanted: Wanted) -> None:
        services = self.studio.world.another_process()
        match step:
            case Ask():
                wanted.forms.append(self.studio.ask(player_id))
                wanted.state = UploadState.WAITING
            case Send() if wanted.forms:
                key = wanted.forms[-1 - step.form % len(wanted.forms)]
                self.events.append(self.studio.post(key, b"a cat" if step.good else b"bad cat"))
                self.undone.add(key)
            case Remove():
                services.avatars.remove(services.players.own(player_id))
                wanted.avatar, wanted.state = None, wanted.state and UploadState.REMOVED
            case Rename():
                services.players.change(player_id, display_name=step.name, locale=None, metadata=None)
            case Play():
                services.games.submit(player_id, Submission(step.board_id, 1), None)
            case Leave():
                services.players.delete(player_id)
                wanted.gone = True

    def _deliver(self, step: Deliver) -> None:
        if not self.events:
            return
        key = self.events[-1 - step.event % len(self.events)]
        sent = self.events.count(key)
        with _Disturbance(self, step), suppress(Killed, GameError):
            self.studio.take(key)
            # What was sent with the same form meanwhile has an event of its own, which has to come yet.
            if self.events.count(key) == sent:
                self.undone.discard(key)

    def _watch(self, call: Call) -> None:
        """Hold the one transaction that decides on an upload to what should be."""
        for write in call.writes:
            values = write.get("ExpressionAttributeValues", {})
            state = values.get(":state", {}).get("S")
            if ":waiting" in values:
                player_id = write["Key"]["pk"]["S"].partition("#")[2]
                wanted = self.wanted[player_id]
                decided = values[":upload_id"]["S"]
                assert (decided, wanted.state, wanted.gone) == (wanted.latest, UploadState.WAITING, False)
                wanted.state = UploadState(state)
                wanted.avatar = decided if wanted.state is UploadState.PUBLISHED else wanted.avatar

    def _look(self, request: Request) -> None:
        """Hold every deletion to what is shown at that moment."""
        if request.operation == "DeleteObjects":
            for player_id, avatar in self._shown():
                files = {keys.rendition(player_id, avatar, *file) for file in FILES}
                assert files <= set(self.studio.objects()), "deleted, and shown"

    def _shown(self) -> Iterator[tuple[str, str]]:
        items = [*self.studio.world.items("records"), *self.studio.world.items("players")]
        for item in items:
            if "avatar" in item and item.get("state", {}).get("S") != "leaving":
                yield item["player_id"]["S"], item["avatar"]["S"]

    def _compare(self, player_id: str, wanted: Wanted) -> None:
        upload = self.studio.upload(player_id)
        if wanted.gone:
            assert upload is None
            return
        assert made_of(self.studio.avatar(player_id)) == wanted.avatar
        assert (upload.upload_id if upload else None, upload.state if upload else None) == (wanted.latest, wanted.state)
        if wanted.state is UploadState.WAITING:
            assert wanted.forms[-1] not in self.events, "it was sent, and nobody decided"


@dataclass
class _Disturbance:
    """Counts the calls of a handler, to the database and to S3, and lets things happen at some."""

    history: History
    step: Deliver
    made: int = -1
    busy: bool = False

    def __enter__(self) -> None:
        world = self.history.studio.world
        world.client.before.append(self._count)
        world.s3.before.append(self._count)

    def __exit__(self, *_: object) -> None:
        world = self.history.studio.world
        world.client.before.remove(self._count)
        world.s3.before.remove(self._count)

    def _count(self, call: Call | Request) -> None:
        del call
        if self.busy:
            return
        self.made += 1
        self.busy = True
        for number, step in self.step.meanwhile:
            if number == self.made:
                self.history.take(step)
        self.busy = False
        if self.made == self.step.killed_at:
            raise Killed


@settings(max_examples=max(40, EXAMPLES // 4))
@given(history=histories)
def test_exactly_the_newest_picture_is_shown_and_nothing_else_stays(history: list[Step]) -> None:
    played = History()

    for step in history:
        played.take(step)

    played.finish()
