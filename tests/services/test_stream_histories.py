"""Any history of records, told by a stream that repeats and to functions that fail: in the end all are counted."""

import json
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.records import Record
from chalicelib.services.followup import RESERVE_MILLISECONDS
from chalicelib.services.settle import settlement_of
from tests.fake_dynamodb import Call, conflict_on, throttle, time_out
from tests.strategies import EXAMPLES, layouts, scores
from tests.stream import PLENTY, Delivery, Followed, failed, record
from tests.world import World

SHARDS = 2
PLAYERS = 12
BOARDS = ("race", "duel")
INDEX = ("node#", "mark#")


@dataclass(frozen=True, slots=True)
class Write:
    """A record takes a score; without one, it is deleted."""

    player: int
    board_id: str
    score: int | None
    hidden: bool
    inline: bool
    """Whoever writes it tries to count it at once, as gameEnd does."""
    poison: bool
    """What the stream tells of it cannot be read."""


def one_in(number: int) -> st.SearchStrategy[bool]:
    return st.integers(1, number).map(lambda drawn: drawn == number)


writes = st.builds(
    Write,
    player=st.integers(0, PLAYERS - 1),
    board_id=st.sampled_from(BOARDS),
    score=st.one_of(scores, scores, scores, st.none()),
    hidden=one_in(6),
    inline=st.booleans(),
    poison=one_in(12),
)


@dataclass(slots=True)
class Shard:
    """A part of the stream, and how far Lambda has got with it."""

    deliveries: list[Delivery] = field(default_factory=list)
    position: int = 0

    @property
    def done(self) -> bool:
        return self.position == len(self.deliveries)


@dataclass(slots=True)
class Trouble:
    """Disturbs one call in ``one_in``, before it is done or when its reply is under way."""

    random: Random
    one_in: int
    active: bool = True

    def before(self, call: Call) -> None:
        if self._strikes():
            self.random.choice([throttle, time_out, conflict_on(*INDEX) if call.writes else throttle])(call)

    def after(self, call: Call) -> None:
        if self._strikes():
            time_out(call)

    def _strikes(self) -> bool:
        return self.active and self.random.randrange(self.one_in) == 0


@dataclass
class Telling:
    """Plays writes and the stream's way to the index, a step at a time."""

    followed: Followed
    random: Random
    trouble: Trouble
    shards: list[Shard] = field(default_factory=lambda: [Shard() for _ in range(SHARDS)])
    records: dict[tuple[int, str], Record] = field(default_factory=dict)
    generations: dict[tuple[int, str], int] = field(default_factory=dict)

    def write(self, write: Write) -> None:
        key = write.player, write.board_id
        before = self.records.pop(key, None)
        if before is None and write.score is None:
            return
        self._undisturbed(write, key, before)
        if write.inline and write.score is not None:
            self._settle(self.records[key])

    def poll(self) -> None:
        """Let Lambda deliver a batch of a shard, and go on from the lowest number it gets back."""
        shard = self.random.choice(self.shards)
        batch = shard.deliveries[shard.position : shard.position + self.random.randint(1, 12)]
        self.followed.queue.failure = failed("ServiceUnavailable") if self._now_and_then() else None
        report = self.followed.follow(batch, self._time)
        numbers = [each["dynamodb"]["SequenceNumber"] for each in batch]
        shard.position += numbers.index(report.again[0]) if report.again else len(batch)

    def repeat(self) -> None:
        """Let Lambda deliver again what it has delivered before, in a batch of another cut."""
        shard = self.random.choice(self.shards)
        first = self.random.randint(0, shard.position)
        self.followed.follow(shard.deliveries[first : first + self.random.randint(0, 9)], self._time)

    def drain(self) -> None:
        """Let everything through, then replay what could not be read."""
        self.trouble.active = False
        while not all(shard.done for shard in self.shards):
            self.poll()
        self.followed.queue.failure = None
        assert all(fate.replayed for fate in self.followed.following.replay.replay(lambda: PLENTY).fates)
        assert self.followed.queue.bodies == {}

    def _undisturbed(self, write: Write, key: tuple[int, str], before: Record | None) -> None:
        was, self.trouble.active = self.trouble.active, False
        self.generations[key] = self.generations.get(key, 0) + 1
        if write.score is not None:
            fields = {"board_id": write.board_id, "hidden": write.hidden}
            after = record(write.player, write.score, self.generations[key], **fields)
            self.records[key] = self.followed.write(after, before)
        elif before:
            self.followed.remove(before)
        [told] = self.followed.told()
        self.shards[write.player % SHARDS].deliveries.append(_unreadable(told) if write.poison else told)
        self.trouble.active = was

    def _settle(self, after: Record) -> None:
        services = self.followed.world.services
        services.settler.settle_if_possible(settlement_of(services.boards.known(after.board_id), after))

    def _time(self) -> int:
        return 0 if self._now_and_then() else RESERVE_MILLISECONDS + 1

    def _now_and_then(self) -> bool:
        return self.trouble.active and self.random.randrange(4) == 0


def _unreadable(told: Delivery) -> Delivery:
    spoilt: Delivery = json.loads(json.dumps(told))
    for image in ("NewImage", "OldImage"):
        spoilt["dynamodb"].get(image, {}).pop("score", None)
    return spoilt


@pytest.mark.property
@settings(max_examples=EXAMPLES)
@given(
    history=st.lists(writes, min_size=1, max_size=40),
    race=layouts,
    duel=layouts,
    one_in=st.integers(2, 12),
    random=st.randoms(use_true_random=False),
)
def test_whatever_is_repeated_late_or_fails_everybody_is_counted_once(
    history: list[Write], race: object, duel: object, one_in: int, random: Random
) -> None:
    world = World()
    world.board("race", layouts=race)
    world.board("duel", layouts=duel)
    trouble = Trouble(random, one_in, active=False)
    world.before(trouble.before)
    world.after(trouble.after)
    telling = Telling(Followed(world), random, trouble)
    trouble.active = True

    for write in history:
        telling.write(write)
        for _ in range(random.randint(0, 2)):
            random.choice([telling.poll, telling.poll, telling.repeat])()
    telling.drain()

    for board_id in BOARDS:
        telling.followed.check(board_id)
    settled = telling.followed.follow(telling.followed.deliveries)
    assert (settled.settled, settled.again) == (0, ())
