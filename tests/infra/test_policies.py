"""Each function may do what it does, in its own stage, and nothing else."""

import importlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.events import operations
from chalicelib.services.rebuild import Options
from deploy.policies import Place, rendered
from local.layout import CHECKOUT
from tests.fake_dynamodb import Call
from tests.services.works import Works, crowd, delete
from tests.tables import PREFIX, tables
from tests.world import World

CHALICE = CHECKOUT / ".chalice"
CONFIG = json.loads((CHALICE / "config.json").read_text())
STAGES = ("local", "dev", "prod")
FUNCTIONS = (
    "api_handler",
    "player_authorizer",
    "settle_records",
    "replay_dead_letters",
    "audit_ranks",
    "rebuild_ranks",
    "export_records",
    "advise_ranks",
    "keep_ranks",
)
LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]


def _policy(stage: str, function: str) -> Any:
    document = json.loads((CHALICE / CONFIG["lambda_functions"][function]["iam_policy_file"]).read_text())
    return rendered(document, Place(stage, "aws", "*", "*"))["Statement"]


def test_there_are_three_stages() -> None:
    assert tuple(CONFIG["stages"]) == STAGES


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_says_which_it_is_and_holds_no_secret(stage: str) -> None:
    assert CONFIG["stages"][stage]["environment_variables"] == {
        "LAUREL_STAGE": stage,
        "LAUREL_TABLE_PREFIX": f"laurel-{stage}-",
    }


def test_every_function_has_its_settings() -> None:
    app = importlib.import_module("app").app
    declared = [*app.pure_lambda_functions, *app.event_sources, *app.builtin_auth_handlers]

    assert {"api_handler", *(function.name for function in declared)} == set(FUNCTIONS)
    assert set(CONFIG["lambda_functions"]) == set(FUNCTIONS)


@pytest.mark.parametrize("stage", STAGES)
def test_the_authorizer_writes_its_log_and_nothing_else(stage: str) -> None:
    assert [statement["Action"] for statement in _policy(stage, "player_authorizer")] == [LOGS]


@pytest.mark.parametrize("stage", STAGES)
def test_the_api_reaches_every_table_of_its_stage_and_scans_boards_alone(stage: str) -> None:
    statements = {statement["Sid"]: statement for statement in _policy(stage, "api_handler")}
    prefix = "arn:aws:dynamodb:*:*:table/"

    assert sorted(statements["Tables"]["Resource"]) == sorted(prefix + table["TableName"] for table in tables(stage))
    index = f"{prefix}laurel-{stage}-records/index/ranking"
    assert statements["RankingIndex"]["Resource"] == [index, f"{index}_b"]
    assert statements["ListBoards"]["Resource"] == [f"{prefix}laurel-{stage}-boards"]
    assert [sid for sid, statement in statements.items() if "dynamodb:Scan" in statement["Action"]] == ["ListBoards"]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_statement_allows_all_actions_or_all_resources(stage: str, function: str) -> None:
    for statement in _policy(stage, function):
        assert statement["Effect"] == "Allow"
        assert not any(action.endswith("*") for action in statement["Action"])
        assert "*" not in statement["Resource"]


ACTION_BY_KIND = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


def _needed(call: Call) -> Iterator[tuple[str, str]]:
    """Yield the actions and resources that AWS asks for when a call is made."""
    request = call.request
    match call.operation:
        case "TransactWriteItems":
            for each in request["TransactItems"]:
                (kind, write), *_ = each.items()
                yield ACTION_BY_KIND[kind], write["TableName"]
        case "TransactGetItems":
            yield from (("GetItem", each["Get"]["TableName"]) for each in request["TransactItems"])
        case "BatchWriteItem":
            for table in request["RequestItems"]:
                yield from (("BatchWriteItem", table), ("DeleteItem", table))
        case "BatchGetItem":
            yield from (("BatchGetItem", table) for table in request["RequestItems"])
        case _ if "IndexName" in request:
            yield call.operation, f"{request['TableName']}/index/{request['IndexName']}"
        case operation:
            yield operation, request["TableName"]


def _allowed(function: str) -> set[tuple[str, str]]:
    return {
        (action.removeprefix("dynamodb:"), resource.rpartition("table/")[2].replace("laurel-prod-", PREFIX))
        for statement in _policy("prod", function)
        for action in statement["Action"]
        for resource in statement["Resource"]
    }


class Unhurried:
    """What Lambda hands to a handler, as far as it is read."""

    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 10**9


def _audit(works: Works) -> None:
    operations.audit({}, Unhurried(), lambda: works.use)
    while operations.audit({"board_id": "race"}, Unhurried(), lambda: works.use)["job"]["state"] == "running":
        works.world.clock.advance(minutes=1)


def _rebuild(works: Works) -> None:
    for wanted in ({"lanes": 2}, {"slices": 1}):
        while operations.rebuild({"board_id": "race", **wanted}, Unhurried(), lambda: works.use)["job"] is not None:
            works.world.clock.advance(minutes=2)


def _keep(works: Works) -> None:
    for wanted in (Options(lanes=2), Options(slices=1)):
        works.use.rebuild.begin(works.board, "all", wanted)
        for _ in range(5):
            operations.keep(Unhurried(), lambda: works.use)
            works.world.clock.advance(minutes=2)


def _advise(works: Works) -> None:
    operations.advise({"board_id": "race"}, Unhurried(), lambda: works.use)


OPERATIONS = {"audit_ranks": _audit, "rebuild_ranks": _rebuild, "keep_ranks": _keep, "advise_ranks": _advise}


@pytest.mark.parametrize("function", OPERATIONS)
def test_operators_functions_may_do_what_they_do(function: str) -> None:
    works = Works(World())
    works.world.board()
    ids = crowd(works.world, [5, 7, 4096, 100_000])
    mark = next(item for item in works.world.items("ranks") if item["pk"]["S"].endswith(ids[0]))
    if function != "advise_ranks":
        delete(works.world, mark)
    needed: set[tuple[str, str]] = set()
    works.use = works.another_process()
    works.world.before(lambda call: needed.update(_needed(call)))

    OPERATIONS[function](works)

    assert needed
    assert needed <= _allowed(function)
    assert (
        needed == {pair for pair in _allowed(function) if not pair[0].startswith(("logs:", "s3:"))} - SPARED[function]
    )


SPARED = {
    "audit_ranks": {("Query", f"{PREFIX}records/index/ranking_b")},
    "rebuild_ranks": set[tuple[str, str]](),
    "keep_ranks": set[tuple[str, str]](),
    "advise_ranks": {("Query", f"{PREFIX}records/index/ranking_b")},
}
"""What a board in its first listing has no use for."""
