"""The policies as they are written: a function has what it needs in its own stage, account and region, and no more."""

import importlib
import json
import re
from collections import Counter
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from deploy import policies as deployed
from deploy.layout import ASYNC_INVOCATIONS, EVENT_SOURCES, log_group_name
from deploy.policies import Place
from tests.permissions.entrances import API_HANDLER
from tests.permissions.evaluation import Policy
from tests.permissions.policies import DIRECTORY, documents
from tests.repository import ROOT

CONFIG = json.loads((ROOT / ".chalice" / "config.json").read_text())
POLICIES = dict(documents())
STAGES = ("local", "dev", "prod")
HERE = Place("prod", "aws", "eu-central-1", "123456789012")
LARGEST = 10_240
"""Characters that IAM takes of all the policies that are written into a role, white space aside."""
STREAM = {f"dynamodb:{action}" for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")}
functions = pytest.mark.parametrize("function", POLICIES)


def statement(function: str, sid: str) -> Any:
    found = [each for each in POLICIES[function]["Statement"] if each["Sid"] == sid]
    return found[0] if found else None


@cache
def actions_of_aws() -> Any:
    return json.loads((files("cfnlint") / "data" / "AdditionalSpecs" / "Policies.json").read_text())


def rendered(function: str, *added: str) -> Any:
    return deployed.completed(DIRECTORY / f"{function}.json", HERE, added)


def test_each_stage_says_which_it_is_and_holds_no_secret() -> None:
    assert tuple(CONFIG["stages"]) == STAGES
    for stage, settings in CONFIG["stages"].items():
        prefix = f"laurel-{stage}-"
        assert settings["environment_variables"] == {"LAUREL_STAGE": stage, "LAUREL_TABLE_PREFIX": prefix}


def test_every_function_has_its_settings_and_its_policy() -> None:
    app = importlib.import_module("app").app
    declared = [*app.pure_lambda_functions, *app.event_sources, *app.builtin_auth_handlers]
    names = {API_HANDLER, *(function.name for function in declared)}

    assert set(CONFIG["lambda_functions"]) == set(POLICIES) == names
    for function, settings in CONFIG["lambda_functions"].items():
        assert settings["iam_policy_file"] == f"policies/{function}.json"


@functions
def test_statements_allow_named_actions_on_resources_of_one_place(function: str) -> None:
    sids = Counter(each["Sid"] for each in POLICIES[function]["Statement"])

    assert set(sids.values()) == {1}
    for each in POLICIES[function]["Statement"]:
        assert each["Effect"] == "Allow"
        assert not [action for action in each["Action"] if "*" in action]
        assert each["Action"] == sorted(set(each["Action"]))
        for resource in each["Resource"]:
            service, name = re.fullmatch(
                r"arn:\$\{AWS::Partition\}:(\w+):(?:\$\{AWS::Region\}:\$\{AWS::AccountId\}|:):(.+)", resource
            ).groups()  # type: ignore[union-attr]  # none is a failure
            assert "laurel-${Stage}" in name
            assert service != "s3" or "${AWS::AccountId}" in name, "the names of buckets are shared by all of AWS"
            assert "*" not in name.removesuffix("*"), "a wildcard is for the end of a name that nobody knows before"


@functions
def test_actions_are_actions_of_aws_and_fit_their_resources(function: str) -> None:
    known = actions_of_aws()
    for each in rendered(function)["Statement"]:
        for service, _, action in (action.partition(":") for action in each["Action"]):
            kinds = known[service]["Actions"][action.lower()].get("Resources", [])
            patterns = [
                re.sub(r"\$\{\w+\}", "[^:]*", form)
                for kind in kinds
                for form in known[service]["Resources"][kind]["ARNFormats"]
            ]
            # ListStreams is done to no resource, says AWS; frameworks give it on the stream, and Lambda is content.
            assert kinds or action == "ListStreams"
            for resource in each["Resource"] if kinds else ():
                assert any(re.fullmatch(pattern, resource) for pattern in patterns), (action, resource)


def test_the_authorizer_writes_its_log_and_does_nothing_else() -> None:
    assert [each["Sid"] for each in POLICIES["player_authorizer"]["Statement"]] == ["Logs"]


@functions
def test_a_function_has_its_own_log_and_no_other(function: str) -> None:
    group = log_group_name("${Stage}", function)
    arn = f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:{group}"

    assert statement(function, "Logs")["Action"] == ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    assert statement(function, "Logs")["Resource"] == [arn, f"{arn}:*"]


@functions
def test_lambda_may_read_the_streams_that_a_function_subscribes_to(function: str) -> None:
    subscription = statement(function, "Subscription")

    assert (subscription is not None) == (function in json.loads(EVENT_SOURCES.read_text()))
    if subscription:
        assert set(subscription["Action"]) == STREAM
        assert subscription["Resource"][0].endswith(":table/laurel-${Stage}-records/stream/*")
        assert "sqs:SendMessage" in statement(function, "DeadLetters")["Action"]


@functions
def test_lambda_may_keep_what_a_function_failed_with(function: str) -> None:
    failures = statement(function, "Failures")

    assert (failures is not None) == (function in json.loads(ASYNC_INVOCATIONS.read_text()))
    if failures:
        assert failures["Action"] == ["sqs:SendMessage"]
        assert failures["Resource"][0].endswith(":laurel-${Stage}-async-dead-letters")


@functions
def test_what_counts_is_written_in_transactions_only(function: str) -> None:
    """A record, its game and its place in the ranks come together: no policy lets one be written alone."""
    written = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}
    together = {"dynamodb:EnclosingOperation": ["TransactWriteItems"]}
    for each in POLICIES[function]["Statement"]:
        tables = {resource.rpartition("-")[2] for resource in each["Resource"]}
        alone = each.get("Condition", {}).get("ForAnyValue:StringEquals") != together
        if written & set(each["Action"]) and tables & {"records", "ranks", "games"} and alone:
            # Rebuilding writes of a record where it is listed, and nothing that counts; jobs are counted by nobody.
            assert (each["Sid"], tables) in [("Records", {"records"}), ("Jobs", {"ranks"})]


@functions
def test_kinds_of_items_are_asked_for_where_a_call_names_items(function: str) -> None:
    """A condition for all keys holds for a call that names none: a scan would pass it."""
    for each in POLICIES[function]["Statement"]:
        if "ForAllValues:StringLike" in each.get("Condition", {}):
            assert not {"dynamodb:Query", "dynamodb:Scan"} & set(each["Action"])
            assert [resource.rpartition("-")[2] for resource in each["Resource"]] in (["players"], ["ranks"])


@functions
@pytest.mark.parametrize("added", [(), ("tracing", "vpc")])
def test_a_policy_fits_into_its_role(function: str, added: tuple[str, ...]) -> None:
    document = rendered(function, *added)

    assert len(json.dumps(document, separators=(",", ":"))) < LARGEST
    assert "${" not in json.dumps(document)
    assert Policy.of(document).permissions()


def test_a_function_may_not_touch_the_network_interfaces_that_lambda_makes_for_it() -> None:
    allowed, denied = rendered("audit_ranks", "vpc")["Statement"][-2:]

    assert (allowed["Effect"], denied["Effect"]) == ("Allow", "Deny")
    assert allowed["Action"] == denied["Action"]
    assert denied["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"] == [
        "arn:aws:lambda:eu-central-1:123456789012:function:laurel-prod-audit_ranks"
    ]


def test_resources_are_those_of_the_template() -> None:
    template = (ROOT / "infra" / "template.yaml").read_text()
    for document in POLICIES.values():
        for each in document["Statement"]:
            for resource in each["Resource"] if each["Sid"] != "Logs" else ():
                name = re.search(r"laurel-\$\{Stage\}-[\w-]+", resource)
                assert name is not None
                assert name[0].rstrip("-") in template, resource


def test_no_other_policy_lies_about() -> None:
    assert {path.name for path in Path(DIRECTORY).iterdir()} == {
        "added",
        *(f"{function}.json" for function in POLICIES),
    }
