"""What the schedules of some operations may come to: what some plain order of them comes to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations

from chalicelib.domain.boards import Operator
from chalicelib.domain.games import GameResult
from chalicelib.errors import GameError, StoreUnavailableError
from tests import invariants
from tests.faults.schedules import FAULTS, Act, End, Event, Search
from tests.faults.streams import follow, told
from tests.services.scenes import ACTIONS, Action, Scene, leave_behind, scene_of
from tests.world import World

_REQUESTS = 3
"""How often a caller sends a request that is not answered."""
_SENT_ONCE = {"adas_record_is_removed"}
"""Sent again, it would remove what came after as well: a moderator looks first."""
_IN_STEPS = {"ada_leaves", "ada_is_renamed_eve", "ada_is_renamed_ida", "a_server_submits_for_all"}
"""What may take more than a transaction is whole only once it was sent until it was answered."""

Operation = Callable[[Scene, World], object]


@dataclass(frozen=True, slots=True)
class Case:
    """Operations that come at the same time, from processes that know the board, and how many faults with them."""

    actions: tuple[str, ...]
    faults: int = 0
    kinds: tuple[Event, ...] = FAULTS
    operator: Operator = Operator.BEST
    played: bool = True
    before: tuple[str, ...] = ()
    """What was done before they came."""
    behind: tuple[str, ...] = ()
    """What was done then, and the index did not follow."""

    @property
    def strikes(self) -> tuple[Event, ...]:
        return tuple(kind for kind in self.kinds if kind is not Event.CRASHED or not _IN_STEPS & set(self.actions))

    def __str__(self) -> str:
        faults = f"-with-{self.faults}-faults" if self.faults else ""
        before = "".join(f"-after-{name}" for name in (*self.before, *self.behind))
        return f"{self.operator}-{'-'.join(self.actions)}{faults}{before}"


@dataclass
class Model:
    """A case and what may come of it.

    Args:
        scene: Where all begins; by default, what the case says.
        operations: Further ones, by name.
        finish: What is done after the operations, and before anything is compared.
    """

    case: Case
    scene: Scene | None = None
    operations: Mapping[str, Operation] = field(default_factory=dict)
    finish: Callable[[World], object] | None = None
    search: Search = field(init=False)
    _outcomes: dict[tuple[int, ...], "Outcome"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        scene = self.scene or scene_of(self.case.operator, self.case.played, *self.case.before)
        self._scene = leave_behind(scene, *self.case.behind)
        board = self._scene.board
        operations = {**OPERATIONS, **self.operations}
        acts = {f"{number} {name}": self._act(name, operations[name]) for number, name in enumerate(self.case.actions)}
        self.search = Search(
            self._scene.world,
            acts,
            self.check,
            faults=self.case.faults,
            kinds=self.case.strikes,
            prepare=lambda world: world.services.boards.remember(board),
        )

    def check(self, end: End) -> None:
        """Assert that an end is that of some plain order of what was answered and, perhaps, what was not."""
        if self.finish:
            self.finish(end.world)
        elif not (end.faults or self.case.behind):
            invariants.check(end.world)
        for world in _settled(end.world):
            invariants.check(world)
        outcome = Outcome.of(self._scene, end)
        assert any(outcome.fits(plain) for plain in self._plain(end)), f"no plain order ends so: {outcome}"

    def _act(self, name: str, operation: Operation) -> Act:
        def act(world: World) -> object:
            for _ in range(1 if name in _SENT_ONCE else _REQUESTS):
                try:
                    return operation(self._scene, world) or "done"
                except StoreUnavailableError:
                    continue
                except GameError as error:
                    return type(error)
            return None

        return act

    def _plain(self, end: End) -> Iterator["Outcome"]:
        """Yield the outcomes of all orders of what certainly was done, with and without what may have been."""
        certain = {number for number, answer in enumerate(end.answers) if answer and answer.value is not None}
        unsure = set(range(len(end.answers))) - certain
        for count in range(len(unsure) + 1):
            for also in combinations(unsure, count):
                for order in permutations([*certain, *also]):
                    yield self._outcome(order)

    def _outcome(self, order: tuple[int, ...]) -> "Outcome":
        if order not in self._outcomes:
            self._outcomes[order] = Outcome.of(self._scene, self.search.alone(order))
        return self._outcomes[order]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is stored, and what submitters were told, as far as two runs can be compared: without ranks."""

    stored: object
    told: tuple[object, ...]

    @classmethod
    def of(cls, scene: Scene, end: End) -> "Outcome":
        told = [_changes(answer.value) if answer else None for answer in end.answers]
        return cls(Scene(end.world, scene.ids, scene.games).summary(), tuple(told))

    def fits(self, plain: "Outcome") -> bool:
        pairs = zip(self.told, plain.told, strict=True)
        return self.stored == plain.stored and all(told is None or told == expected for told, expected in pairs)


def _changes(answer: object) -> object:
    """Return what an answer says of records; ranks depend on who came between, and moderators are told nothing."""
    results = [each for each in (answer if isinstance(answer, list) else [answer]) if isinstance(each, GameResult)]
    return [(each.outcome, each.before, each.after) for result in results for each in result.placements] or None


def _settled(world: World) -> Sequence[World]:
    """Return what the world becomes when its stream is read to the end: at once, or backwards, change by change."""
    forth, back = World(client=world.client.copy(), clock=world.clock), world
    assert follow(forth, told(forth))
    assert all(follow(back, [each]) for each in reversed(told(back)))
    return forth, back


def _served(action: Action) -> Operation:
    return lambda scene, world: action(scene, world.services)


def _followed(first: int, last: int | None) -> Operation:
    """Return what follows part of what the scene's stream has told before: late, or once more."""
    return lambda scene, world: follow(world, told(scene.world)[first:last])


OPERATIONS: dict[str, Operation] = {
    **{name: _served(action) for name, action in ACTIONS.items()},
    "stream_late": _followed(0, None),
    "stream_head": _followed(0, 1),
    "stream_tail": _followed(1, None),
}
