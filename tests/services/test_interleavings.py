"""Whatever comes between two calls of an operation, and whichever call fails, the outcome is that of some plain order.

Operations that draw ids are interrupted at every one of their calls by every other operation, from another process, and
interrupt them alike; tests/faults/test_model.py does more with all those that can be run again to the same end. And
every operation meets every way a call can fail. What is stored must then be what one after the other would have left,
and everything must agree.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import cache
from itertools import count, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.boards import Operator
from tests import invariants
from tests.fake_dynamodb import Call, Hook, Once, conflict_on, throttle, time_out
from tests.services.scenes import ACTIONS, DRAWING_IDS, Scene, repeated, scene_of, tried
from tests.strategies import EXAMPLES
from tests.strikes import AtCall

pytestmark = [pytest.mark.property, pytest.mark.slow]

SCENES = [(Operator.BEST, True), (Operator.INCR, True), (Operator.SET, False)]
NODE = "node#"
scenes = pytest.mark.parametrize(("operator", "played"), SCENES)
actions = pytest.mark.parametrize("name", ACTIONS)


class Fault(StrEnum):
    THROTTLED = "throttled"
    LOST_REPLY = "lost reply"
    INDEX_BUSY = "index busy"
    RECORD_BUSY = "record busy"
    PLAYER_BUSY = "player busy"


def at_every_call(make: Callable[[], Scene], plant: Callable[[Scene, int], AtCall]) -> Iterator[Scene]:
    """Yield scenes with a hook at the first call, the second, and so on while there is such a call."""
    for number in count():
        scene = make()
        hook = plant(scene, number)
        yield scene
        if not hook.done:
            return


def interrupting(scene: Scene, number: int, name: str) -> AtCall:
    """Plant an operation of another process at a call."""
    services = scene.world.another_process()

    def act(call: Call) -> None:
        del call
        tried(ACTIONS[name], scene, services)

    hook = AtCall(number, act)
    scene.world.before(hook)
    return hook


@cache
def in_order(operator: Operator, played: bool, names: tuple[str, ...]) -> list[object]:
    """Return the outcomes of all plain orders of some actions."""
    outcomes = []
    for order in permutations(names):
        scene = scene_of(operator, played)
        for name in order:
            tried(ACTIONS[name], scene, scene.world.another_process())
        outcomes.append(scene.summary())
    return outcomes


def index_busy(times: int) -> Hook:
    """Return what makes the first transactions write their records without the index, and leave that to the stream."""
    return Once(lambda call: call.operation == "TransactWriteItems" and call.touches(NODE), conflict_on(NODE), times)


@scenes
@actions
@pytest.mark.parametrize("busy", [0, 1])
def test_an_operation_between_two_calls_of_another_is_as_before_or_after_it(
    operator: Operator, played: bool, name: str, busy: int
) -> None:
    for between in ACTIONS if name in DRAWING_IDS else sorted(DRAWING_IDS):
        alone, both = in_order(operator, played, (name,)), in_order(operator, played, (name, between))
        hooks: list[AtCall] = []

        def plant(scene: Scene, number: int, between: str = between, hooks: list[AtCall] = hooks) -> AtCall:
            hooks.append(interrupting(scene, number, between))
            scene.world.before(index_busy(busy))
            return hooks[-1]

        for scene in at_every_call(lambda: scene_of(operator, played), plant):
            tried(ACTIONS[name], scene, scene.world.services)
            scene.world.undisturbed()
            scene.world.follow()
            invariants.check(scene.world)
            assert scene.summary() in (both if hooks[-1].done else alone), (name, between, len(hooks) - 1)


@scenes
@actions
@pytest.mark.parametrize("fault", Fault)
def test_an_operation_that_fails_anywhere_is_finished_by_repeating_it(
    operator: Operator, played: bool, name: str, fault: Fault
) -> None:
    expected = in_order(operator, played, (name,))

    for scene in at_every_call(lambda: scene_of(operator, played), lambda scene, number: planted(fault, scene, number)):
        repeated(ACTIONS[name], scene, scene.world.services)
        scene.world.undisturbed()
        scene.world.follow()
        invariants.check(scene.world)
        assert scene.summary() in expected


def planted(fault: Fault, scene: Scene, number: int) -> AtCall:
    """Plant a fault at a call; a conflict needs a call that writes such an item, and is quiet at others."""
    busy = {Fault.INDEX_BUSY: NODE, Fault.RECORD_BUSY: "board_period", Fault.PLAYER_BUSY: "profile"}
    if fault is Fault.LOST_REPLY:
        hook = AtCall(number, time_out)
        scene.world.after(hook)
        return hook
    act = throttle if fault is Fault.THROTTLED else _if_written(busy[fault])
    hook = AtCall(number, act)
    scene.world.before(hook)
    return hook


def _if_written(text: str) -> Hook:
    conflict = conflict_on(text)

    def act(call: Call) -> None:
        if any(text in repr(write.get("Key") or write.get("Item")) for write in call.writes):
            conflict(call)

    return act


@settings(max_examples=EXAMPLES)
@given(
    scene=st.sampled_from(SCENES),
    names=st.lists(st.sampled_from(sorted(ACTIONS)), min_size=3, max_size=3, unique=True),
    first=st.integers(0, 8),
    second=st.integers(0, 12),
    busy=st.integers(0, 3),
)
def test_three_operations_at_once_are_as_in_some_order(
    scene: tuple[Operator, bool], names: list[str], first: int, second: int, busy: int
) -> None:
    played = scene_of(*scene)
    outer, *others = names
    hooks = [interrupting(played, number, name) for number, name in zip((first, second), others, strict=True)]
    played.world.before(index_busy(busy))

    tried(ACTIONS[outer], played, played.world.services)
    played.world.undisturbed()
    played.world.follow()

    done = [name for hook, name in zip(hooks, others, strict=True) if hook.done]
    invariants.check(played.world)
    assert played.summary() in in_order(*scene, (outer, *done))
