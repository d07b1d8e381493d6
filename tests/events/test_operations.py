"""What operators' functions answer: jobs advanced while there is time, and plain words where they refuse."""

from typing import Any

import msgspec
import pytest

import app
from chalicelib.domain.jobs import JobKind
from chalicelib.domain.layouts import Layout
from chalicelib.errors import StoreUnavailableError
from chalicelib.events import invocations, operations
from chalicelib.events.invocations import Answer
from chalicelib.events.occasions import Occasion
from chalicelib.services.rebuild import Options
from chalicelib.store import keys
from chalicelib.store.jobs import JobKey, JobStore
from tests.contexts import Context
from tests.fake_dynamodb import Call, throttle
from tests.services.works import BUCKET, Works, altered, crowd, put
from tests.world import World

OF_GAMES: JobKey = (JobKind.GAMES, "", "")
SCHEDULED = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-11-22T12:05:00Z",
    "region": "eu-central-1",
    "resources": [],
    "detail": {},
}


@pytest.fixture
def works() -> Works:
    world = World()
    world.board()
    crowd(world, [5, 5, 7, 40, 4096, 4097, 100_000])
    return Works(world)


def audit(works: Works, context: Context | None = None, **request: Any) -> Any:
    return operations.audit({"board_id": "race", **request}, context or Context(), lambda: works.use)


def rebuild(works: Works, context: Context | None = None, **request: Any) -> Any:
    return operations.rebuild({"board_id": "race", **request}, context or Context(), lambda: works.use)


def rebuilt(works: Works, **request: Any) -> Any:
    answer = rebuild(works, **request)
    while answer["job"] and answer["job"]["state"] == "running":
        works.wait(works.rebuild_job())
        answer = rebuild(works, job_id=answer["job"]["job_id"])
    return answer


def test_an_audit_answers_what_it_found(works: Works) -> None:
    answer = audit(works)

    assert answer["job"] | {"job_id": ""} == {
        "job_id": "",
        "kind": "audit",
        "board_id": "race",
        "period_id": "all",
        "state": "done",
        "phase": "done",
        "done": 7,
        "total": 7,
        "message": "",
        "wait_seconds": 0.0,
        "busy": False,
    }
    assert answer["found"] == {
        "records": 7,
        "drift": 0,
        "wrong_counters": 0,
        "wrong_marks": 0,
        "settled": 0,
        "doubts": 0,
        "complete": True,
        "thorough": True,
    }


def test_without_a_board_it_names_all_there_are_to_audit(works: Works) -> None:
    answer = operations.audit({}, Context(), lambda: works.use)

    assert answer == {"trees": [{"board_id": "race", "period_id": "all"}]}
    assert operations.audit(None, Context(), lambda: works.use) == answer


def test_an_invocation_ends_well_before_its_time_and_the_next_goes_on(works: Works) -> None:
    first = audit(works, Context(milliseconds=invocations.RESERVE_MILLISECONDS + 100, look=60))
    second = audit(works, job_id=first["job"]["job_id"])

    assert (first["job"]["state"], first["job"]["done"]) == ("running", 3)
    assert (second["job"]["state"], second["job"]["job_id"]) == ("done", first["job"]["job_id"])


def test_a_job_that_ended_is_not_begun_again_for_those_who_watch_it(works: Works) -> None:
    first = audit(works)
    works.world.clock.advance(minutes=1)

    assert audit(works, job_id=first["job"]["job_id"])["job"] == first["job"]
    assert audit(works)["job"]["job_id"] != first["job"]["job_id"]


def test_drift_is_answered(works: Works) -> None:
    put(works.world, altered(works.nodes(1)[0], c5={"N": "3"}))

    answer = audit(works)
    assert (answer["job"]["phase"], answer["found"]["doubts"]) == ("look_again", 1)
    works.wait(works.use.upkeep.find_audit("race", "all"))  # type: ignore[arg-type]  # it was just begun
    answer = audit(works, job_id=answer["job"]["job_id"])
    works.wait(works.use.upkeep.find_audit("race", "all"))  # type: ignore[arg-type]  # as above

    assert audit(works, job_id=answer["job"]["job_id"])["found"]["drift"] == 1


def test_a_rebuild_answers_from_what_to_what(works: Works) -> None:
    answer = rebuilt(works, lanes=4, slices=1)

    assert answer["job"]["state"] == "done"
    assert (answer["old"]["lanes"], answer["old"]["slices"], answer["old"]["generation"]) == (1, 0, 1)
    assert (answer["fresh"]["lanes"], answer["fresh"]["slices"], answer["fresh"]["generation"]) == (4, 1, 2)
    assert (works.layout.lanes, works.layout.slices) == (4, 1)


def test_a_layout_that_is_there_already_is_not_built_again(works: Works) -> None:
    rebuilt(works, lanes=4)

    answer = rebuild(works, lanes=4)

    assert answer["job"] is None
    assert (answer["layout"]["lanes"], works.layout.generation) == (4, 2)


def test_a_rebuild_is_given_up_on_request(works: Works) -> None:
    rebuild(works, lanes=4)

    answer = rebuild(works, abort=True)
    works.wait(works.rebuild_job())
    answer = rebuild(works, job_id=answer["job"]["job_id"])

    assert (answer["job"]["state"], works.layout) == ("aborted", Layout())


def test_later_periods_are_told_by_the_first_of_them() -> None:
    works = Works(World())
    works.world.board(reset="0 0 * * *")

    assert rebuild(works, period="later", lanes=2) == {"job": None, "from_period": "20261123T0000Z"}


def test_who_waits_or_stands_behind_another_runner_is_told(works: Works) -> None:
    answers: list[Any] = []

    def watch(call: Call) -> None:
        if call.touches("node#") and not answers:
            answers.append(None)
            answers[0] = rebuild(works, job_id=works.rebuild_job().job_id)

    works.use.rebuild.begin(works.board, "all", Options(lanes=2))
    waits = rebuild(works, lanes=2)
    works.wait(works.rebuild_job())
    works.world.before(watch)
    rebuild(works, lanes=2)

    assert waits["job"]["phase"] == "walk"
    assert answers[0]["job"]["busy"]


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"board_id": "Race!"}, "board_id"),
        ({"board_id": "race", "lanes": 0}, "lanes"),
        ({"board_id": "race", "lanes": "4"}, "lanes"),
        ({"board_id": "race", "digits": 7}, "digits"),
        ({"board_id": "race", "slices": 3}, "slices"),
        ({"board_id": "race", "period": "tomorrow"}, "period"),
        ({"board_id": "race", "rebuild": True}, "rebuild"),
        ({}, "board_id"),
        (["race"], "object"),
    ],
)
def test_a_request_that_breaks_a_rule_is_refused_with_the_rule(works: Works, request_: Any, says: str) -> None:
    error = operations.rebuild(request_, Context(), lambda: works.use)["error"]

    assert error["code"] == "malformed"
    assert says in error["message"]


def test_refusals_have_the_codes_of_the_api(works: Works) -> None:
    rebuild(works, lanes=2)

    assert audit(works, board_id="nowhere")["error"]["code"] == "board_not_found"
    assert audit(works, period="20261122T0000Z")["error"]["code"] == "period_not_found"
    assert rebuild(works, lanes=8)["error"]["code"] == "conflict"
    assert rebuild(works, period="later")["error"]["code"] == "malformed"
    assert rebuild(Works(works.world), abort=True)["job"]["phase"] == "delete"
    fresh = Works(World())
    fresh.world.board()
    assert rebuild(fresh, abort=True)["error"]["code"] == "malformed"


def test_advice_is_answered_with_figures_changes_and_their_cost(works: Works) -> None:
    answer = operations.advise({"board_id": "race", "writes_per_second": 2000}, Context(), lambda: works.use)

    assert (answer["figures"]["records"], answer["figures"]["peak"], answer["peak_given"]) == (7, 2000.0, True)
    assert {change["setting"]: change["wanted"] for change in answer["changes"]} == {"lanes": 4, "slices": 2}
    assert (answer["layout"]["lanes"], answer["layout"]["slices"]) == (4, 2)
    assert answer["cost"]["write_units"] > 0


def export(works: Works, context: Context | None = None, **request: Any) -> Any:
    return operations.export({"board_id": "race", **request}, context or Context(), lambda: works.use)


def test_an_export_answers_where_its_files_are(works: Works) -> None:
    answer = export(works, format="csv")

    manifest = answer["export"]["manifest"]
    assert (answer["job"]["kind"], answer["job"]["state"], answer["job"]["done"]) == ("export", "done", 7)
    assert manifest == f"exports/race/all/{answer['job']['job_id']}/manifest.json"
    assert {manifest, *(each["name"] for each in answer["export"]["files"])} <= set(works.s3.objects)
    assert (answer["export"]["bucket"], answer["export"]["records"]) == (BUCKET, 7)


def test_an_export_goes_on_where_the_last_invocation_ended(works: Works) -> None:
    first = export(works, Context(milliseconds=invocations.RESERVE_MILLISECONDS + 100, look=60))
    second = export(works, job_id=first["job"]["job_id"])

    assert (first["job"]["state"], first["job"]["done"], first["export"]["manifest"]) == ("running", 3, None)
    assert (second["job"]["state"], second["job"]["job_id"]) == ("done", first["job"]["job_id"])
    assert export(works, job_id=first["job"]["job_id"]) == second


def test_an_export_is_refused_with_the_rule(works: Works) -> None:
    assert "format" in export(works, format="xlsx")["error"]["message"]
    assert export(works, period="20261122T0000Z")["error"]["code"] == "period_not_found"
    export(works, Context(milliseconds=invocations.RESERVE_MILLISECONDS + 100, look=60))
    assert export(works, format="csv")["error"]["code"] == "conflict"


@pytest.mark.parametrize("event", [SCHEDULED, None, {}, {"anew": True}])
def test_the_schedule_and_an_operator_keep_up_alike(
    works: Works, caplog: pytest.LogCaptureFixture, event: Answer | None
) -> None:
    caplog.set_level("INFO", "laurel")

    answer = operations.keep(Occasion(event, Context()), lambda: works.use)

    line = next(record for record in caplog.records if record.message == "kept_up")
    assert (vars(line)["jobs"], vars(line)["running"], vars(line)["copied"]) == (1, 0, 1)
    assert [(job["kind"], job["state"]) for job in answer["jobs"]] == [("audit", "done")]
    assert (answer["copied"], answer["retention"]) == (1, [])
    assert answer["games"] == {"looked_at": 7, "stale": 0, "deleted": 0}


@pytest.mark.parametrize("payload", [5, 0, False, [], ["race"], "detail-type", ""])
def test_what_is_no_object_is_no_request_and_nothing_is_done(works: Works, payload: Any) -> None:
    calls: list[Call] = []
    works.world.before(calls.append)

    error = operations.keep(Occasion(payload, Context()), lambda: works.use)["error"]

    assert (error["code"], calls) == ("malformed", [])
    assert "object" in error["message"]


def test_games_are_counted_anew_when_an_operator_asks_for_it(works: Works) -> None:
    operations.keep(Occasion(SCHEDULED, Context()), lambda: works.use)

    assert operations.keep(Occasion({}, Context()), lambda: works.use)["games"] is None
    assert operations.keep(Occasion({"anew": True}, Context()), lambda: works.use)["games"]["looked_at"] == 7
    assert operations.keep(Occasion({"board": "race"}, Context()), lambda: works.use)["error"]["code"] == "malformed"


def test_what_the_schedule_cannot_do_fails(works: Works) -> None:
    works.world.before(throttle)

    with pytest.raises(StoreUnavailableError):
        operations.keep(Occasion(SCHEDULED, Context()), lambda: works.use)
    assert operations.keep(Occasion({}, Context()), lambda: works.use)["error"]["code"] == "store_unavailable"


def test_what_goes_wrong_with_one_thing_holds_up_no_other(works: Works) -> None:
    works.world.board("sweep", reset="0 0 * * *", retention_days=1)
    works.world.clock.advance(days=9)
    operations.keep(Occasion(SCHEDULED, Context()), works.another_process)
    [sweep] = [each for each in works.world.items("ranks") if each["pk"]["S"] == keys.job("retention", "sweep", "all")]
    put(works.world, {**sweep, "cursor": {"S": "no JSON"}})
    works.world.clock.advance(days=2)

    with pytest.raises(msgspec.DecodeError):
        operations.keep(Occasion(SCHEDULED, Context()), works.another_process)

    begun = [works.use.upkeep.find_audit("race", "all"), JobStore("laurel-test-ranks", works.dynamo()).get(OF_GAMES)]
    assert [job and job.started_at for job in begun] == [works.world.clock(), works.world.clock()]


def test_the_manifest_lets_operators_in_beside_the_schedule() -> None:
    assert app.keep_ranks.event_class is Occasion
