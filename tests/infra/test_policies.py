"""Each function may do what it does, in its own stage, and nothing else."""

import importlib
import json
from typing import Any

import pytest

from local.layout import CHECKOUT
from tests.tables import tables

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
    "advise_ranks",
    "keep_ranks",
)
LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]


def _policy(stage: str, function: str) -> Any:
    name = CONFIG["stages"][stage]["lambda_functions"][function]["iam_policy_file"]
    return json.loads((CHALICE / name).read_text())["Statement"]


def test_there_are_three_stages() -> None:
    assert tuple(CONFIG["stages"]) == STAGES


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_says_which_it_is_and_holds_no_secret(stage: str) -> None:
    assert CONFIG["stages"][stage]["environment_variables"] == {
        "LAUREL_STAGE": stage,
        "LAUREL_TABLE_PREFIX": f"laurel-{stage}-",
    }


@pytest.mark.parametrize("stage", STAGES)
def test_every_function_has_its_settings_in_every_stage(stage: str) -> None:
    app = importlib.import_module("app").app
    declared = [*app.pure_lambda_functions, *app.event_sources, *app.builtin_auth_handlers]

    assert {"api_handler", *(function.name for function in declared)} == set(FUNCTIONS)
    assert set(CONFIG["stages"][stage]["lambda_functions"]) == set(FUNCTIONS)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_stages_differ_in_the_names_of_their_resources_alone(stage: str, function: str) -> None:
    assert json.loads(json.dumps(_policy("prod", function)).replace("laurel-prod", f"laurel-{stage}")) == _policy(
        stage, function
    )


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
