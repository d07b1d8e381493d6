"""Whatever the order of calls, and whichever fails: exact, nothing lost, nothing doubled. Every order is tried."""

from collections.abc import Callable

import pytest

from chalicelib.domain.boards import Operator
from chalicelib.domain.records import Submission
from tests.faults.model import OPERATIONS, Case, Model
from tests.faults.schedules import Event
from tests.services.scenes import DRAWING_IDS, Scene
from tests.world import World

pytestmark = [pytest.mark.property, pytest.mark.slow]

_INCR, _SET = Operator.INCR, Operator.SET
_REMOVED, _HIDDEN = ("adas_record_is_removed",), ("ada_is_hidden",)
_ALL = ("a_server_submits_for_all",)
_BUSY = (Event.INDEX_BUSY, Event.LOST)

CASES = [
    Case(("ada_ends_a_game", "ada_ends_the_same_game"), faults=2),
    Case(("ada_ends_a_game", "ada_ends_another_game", "a_server_submits"), operator=_INCR),
    Case(("ada_ends_a_game", "a_server_submits", "stream_late"), 1, operator=_INCR),
    Case(("a_server_submits", "a_server_submits_the_same", "adas_record_is_removed"), 1, _BUSY, operator=_INCR),
    Case(
        ("a_server_submits", "a_server_submits_nothing_new", "adas_record_is_removed"),
        *(1, _BUSY, _SET),
        before=_REMOVED,
    ),
    Case(("adas_record_is_removed", "ada_ends_a_game", "stream_late"), 1),
    Case(("a_server_submits_for_all", "ada_is_hidden", "stream_late"), 1),
    Case(("ada_is_shown", "a_server_submits", "stream_late"), 1, operator=_SET, before=_HIDDEN),
    Case(("ada_is_hidden", "ada_is_shown", "ada_ends_a_game"), 1, before=_HIDDEN),
    Case(("ada_is_renamed_eve", "ada_ends_a_game", "ada_is_hidden"), 1),
    Case(("ada_leaves", "ada_ends_a_game", "stream_late"), 1),
    Case(("stream_head", "stream_tail", "stream_late", "ada_ends_a_game"), 1, before=("a_server_submits",)),
    Case(("stream_head", "stream_late"), 2, operator=_SET, played=False, behind=_ALL),
    Case(("stream_head", "stream_tail", "stream_late"), operator=_SET, played=False, behind=_ALL),
    Case(("stream_late", "a_server_submits", "ada_is_hidden"), operator=_SET, played=False, behind=_ALL),
    Case(("stream_late", "adas_record_is_removed", "ada_ends_a_game"), operator=_INCR, behind=_ALL),
    Case(("stream_late", "stream_tail", "ada_ends_a_game"), 1, operator=_INCR, behind=_ALL),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_schedule_ends_as_some_plain_order(case: Case, record_property: Callable[[str, object], None]) -> None:
    report = Model(case).search.run()

    record_property("searched", str(report))
    assert report.schedules > report.ends


@pytest.mark.parametrize(
    ("operator", "played", "faults"), [(Operator.BEST, True, 1), (Operator.INCR, True, 0), (Operator.SET, False, 0)]
)
@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - DRAWING_IDS))
def test_every_schedule_of_any_two_operations_ends_as_some_plain_order(
    name: str, operator: Operator, played: bool, faults: int
) -> None:
    others = [other for other in sorted(set(OPERATIONS) - DRAWING_IDS) if name <= other]
    schedules = 0
    for other in others:
        most = 0 if name == other == "ada_leaves" else faults
        case = Case((name, other), most, operator=operator, played=played)
        schedules += Model(case).search.run().schedules
    assert schedules >= len(others)


def _submit_thrice(scene: Scene, world: World) -> str:
    for number, score in enumerate([300, 400, 500]):
        world.services.games.submit(scene.ids["Ada"], Submission("race", score), f"one-of-three-{number}")
    return "submitted"


def test_a_record_made_anew_counts_on_from_the_last_change_of_the_one_that_was_deleted() -> None:
    case = Case(("thrice", "adas_record_is_removed"), 1, (Event.INDEX_BUSY,), operator=_SET)

    report = Model(case, operations={"thrice": _submit_thrice}).search.run()

    assert report.schedules > report.ends
