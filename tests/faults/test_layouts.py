"""A board is laid out anew while everybody plays on: whatever comes between the calls of both, in any order."""

from dataclasses import replace
from functools import cache

import pytest

from chalicelib.domain.boards import Operator
from chalicelib.domain.jobs import JobState
from chalicelib.services.rebuild import Options, RebuildPhase
from tests.faults.model import Case, Model
from tests.faults.streams import follow, told
from tests.services.scenes import Scene, scene_of
from tests.services.works import Works, after_steps
from tests.world import World

pytestmark = [pytest.mark.property, pytest.mark.slow]

CHANGES = {"lanes": Options(lanes=3), "slices": Options(slices=1), "all": Options(digits=4, lanes=2, slices=1)}
_PHASES = [
    RebuildPhase.ANNOUNCE,
    RebuildPhase.WALK,
    RebuildPhase.SWITCH,
    RebuildPhase.FORGET,
    RebuildPhase.DELETE,
    RebuildPhase.UNLIST,
]


@cache
def _reached(options: Options, phase: RebuildPhase, *before: str) -> Scene:
    """Return a scene, after some of its actions, whose rebuild is about to begin a phase.

    After each change of layouts comes a grace: whoever knows only those before has ended when the next phase begins.
    """
    scene = scene_of(Operator.SET, True, *before)
    works = Works(scene.world)
    job = works.use.rebuild.begin(works.board, "all", options)
    while job.phase != phase:
        assert job.state is JobState.RUNNING, f"no phase {phase}"
        job = works.use.rebuild.advance(job, after_steps(1))
        works.wait(job)
    return scene


def _worked(scene: Scene, world: World) -> str:
    """Work on the rebuild until it has to wait, as its runner does, but without the lease: that has a random name."""
    del scene
    rebuild = Works(world).use.rebuild
    job = rebuild.find("race", "all")
    while job and job.state is JobState.RUNNING and not job.is_waiting(world.clock()):
        job = rebuild._jobs.replace(replace(rebuild._step(job), revision=job.revision), job)  # noqa: SLF001  # see above
    return "worked"


def _finish(world: World) -> None:
    """Read the stream, then end the rebuild; nothing may be left of the old build."""
    assert follow(world, told(world))
    works = Works(world)
    job = works.finished(works.rebuild_job())
    assert job.state is JobState.DONE, job.message
    layout = works.layout
    generations = {item["pk"]["S"].split("#")[3] for item in world.items("ranks") if "node#" in item["pk"]["S"]}
    assert generations == {str(layout.generation)}


_OTHERS = ["a_server_submits", "ada_is_hidden", "adas_record_is_removed", "stream_late"]
_CASES = [
    (change, phase, other)
    for change in CHANGES
    for phase in _PHASES
    for other in _OTHERS
    if (change, phase) not in {("lanes", RebuildPhase.UNLIST), ("all", RebuildPhase.WALK)}
]
"""Without what there is nothing to do for, and without the walk that takes longest."""


@pytest.mark.parametrize(("change", "phase", "other"), _CASES)
def test_a_phase_of_a_rebuild_and_a_change_of_a_record_end_well_in_any_order(
    change: str, phase: RebuildPhase, other: str
) -> None:
    scene = _reached(CHANGES[change], phase)
    short = phase is not RebuildPhase.WALK or (change, other) == ("lanes", "stream_late")
    case = Case(("rebuild", other), faults=short, operator=Operator.SET)

    report = Model(case, scene, {"rebuild": _worked}, _finish).search.run()

    assert report.schedules > report.ends


@pytest.mark.parametrize("phase", [RebuildPhase.ANNOUNCE, RebuildPhase.WALK, RebuildPhase.SWITCH, RebuildPhase.FORGET])
def test_a_late_word_of_a_record_that_is_gone_counts_nobody_in_any_build(phase: RebuildPhase) -> None:
    scene = _reached(CHANGES["lanes"], phase, "adas_record_is_removed")
    case = Case(("rebuild", "stream_head"), faults=phase is not RebuildPhase.WALK, operator=Operator.SET)

    report = Model(case, scene, {"rebuild": _worked}, _finish).search.run()

    assert report.schedules > report.ends
