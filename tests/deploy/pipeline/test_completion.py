"""What Laurel adds to the template that chalice makes of it."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.config import alarm_pattern
from deploy import environment, stages
from deploy.errors import DeployError
from deploy.pipeline import parameters
from deploy.pipeline.releases import ALIAS
from deploy.pipeline.settings import SHIFTS, Settings
from deploy.pipeline.template import UnexpectedTemplateError
from tests.deploy.pipeline.packages import Json, complete, settings
from tests.deploy.pipeline.variants import SUBNETS, changed, on_runtime
from tests.repository import ROOT

pytestmark = pytest.mark.xdist_group("pipeline")

CALLED = {
    *("APIHandler", "PlayerAuthorizer", "SettleRecords", "MakeAvatar", "DeliverNotices"),
    *("KeepRanks", "KeepSeasons", "HeedAlarms"),
}
OPERATED = {"AdviseRanks", "AuditRanks", "RebuildRanks", "ReplayDeadLetters"}


def functions(template: Json) -> dict[str, Json]:
    return of_type(template, "AWS::Serverless::Function")


def of_type(template: Json, kind: str) -> dict[str, Json]:
    return {name: each.get("Properties", {}) for name, each in template["Resources"].items() if each["Type"] == kind}


def texts(value: Any) -> Iterator[str]:
    """Yield every text that CloudFormation takes as it stands."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key != "Fn::Sub":
                yield from texts(each)


@pytest.fixture(scope="module")
def completed(packaged_prod: Json) -> Json:
    return complete(packaged_prod, settings("prod"))


def test_the_template_given_stays_as_it_is(prod: Json) -> None:
    before = deepcopy(prod)

    assert complete(prod, settings("prod")) != before
    assert prod == before


def test_the_same_package_makes_the_same_template(prod: Json) -> None:
    assert json.dumps(complete(prod, settings("prod"))) == json.dumps(complete(deepcopy(prod), settings("prod")))


def test_functions_are_called_as_make_deploy_calls_them(completed: Json) -> None:
    assert {each["FunctionName"] for each in functions(completed).values()} >= {
        "laurel-prod",
        "laurel-prod-player_authorizer",
        "laurel-prod-settle_records",
        "laurel-prod-keep_ranks",
    }


def test_each_function_writes_into_a_log_group_that_forgets(completed: Json) -> None:
    for name, function in functions(completed).items():
        group = completed["Resources"][f"{name}LogGroup"]["Properties"]
        assert group["LogGroupName"] == f"/aws/lambda/{function['FunctionName']}"
        assert group["RetentionInDays"] == 90
        assert f"{name}LogGroup" in completed["Resources"][name]["DependsOn"]


def test_each_function_has_the_rights_of_its_own_policy_alone(completed: Json) -> None:
    roles = [function["Role"]["Fn::GetAtt"][0] for function in functions(completed).values()]

    assert len(set(roles)) == len(roles)
    for role in roles:
        properties = completed["Resources"][role]["Properties"]
        assert len(properties["Policies"]) == 1
        assert "ManagedPolicyArns" not in properties
        assert [text for text in texts(properties) if "${" in text] == []


def test_functions_are_told_what_make_deploy_tells_them(completed: Json) -> None:
    for function in functions(completed).values():
        variables = function["Environment"]["Variables"]
        assert variables["LAUREL_STAGE"] == "prod"
        assert variables["LAUREL_RECORDS_STREAM_ARN"] == {"Ref": "RecordsStreamArn"}
        assert variables["LAUREL_ADMIN_KEY_HASHES"] == {"Ref": "AdminKeyHashes"}


def test_secrets_are_named_and_not_written(completed: Json) -> None:
    keys = functions(completed)["APIHandler"]["Environment"]["Variables"]["LAUREL_SIGNING_KEYS"]
    [text, names] = keys["Fn::If"][2]["Fn::Sub"]

    assert text == "${Id}:{{resolve:secretsmanager:${SigningKeyArn}:SecretString:::${SigningKeyVersion}}}"
    assert names == {"Id": {"Fn::Select": [0, {"Fn::Split": ["-", {"Ref": "SigningKeyVersion"}]}]}}
    assert keys["Fn::If"][0] in completed["Conditions"]


def test_what_something_calls_is_called_by_its_alias(completed: Json) -> None:
    aliased = {name for name, each in functions(completed).items() if each.get("AutoPublishAlias") == ALIAS}

    assert aliased >= CALLED
    assert aliased.isdisjoint(OPERATED)
    document = json.dumps(completed["Resources"]["RestAPI"]["Properties"]["DefinitionBody"])
    assert ".Arn}" not in document
    assert set(re.findall(r'"Ref": "(\w+)\.Alias"', document)) == {"APIHandler", "PlayerAuthorizer"}
    for name in ("APIHandler", "PlayerAuthorizer"):
        permission = completed["Resources"][f"{name}InvokePermission"]["Properties"]
        assert permission["FunctionName"] == {"Ref": f"{name}.Alias"}


def test_a_version_differs_from_the_one_before_whenever_its_keys_do(completed: Json) -> None:
    for name in CALLED:
        function = functions(completed)[name]
        assert function["AutoPublishAliasAllProperties"]
        assert set(re.findall(r"\$\{(\w+)\}", function["VersionDescription"]["Fn::Sub"])) == {
            parameters.SIGNING_KEY,
            parameters.PREVIOUS_SIGNING_KEY,
            parameters.ADMIN_KEY_HASHES,
        }


def test_the_stream_s_options_are_those_of_make_deploy(completed: Json) -> None:
    [source] = functions(completed)["SettleRecords"]["Events"].values()
    [options] = json.loads((ROOT / "infra" / "event_sources.json").read_text()).values()

    assert source["Properties"]["Stream"] == {"Ref": "RecordsStreamArn"}
    assert source["Properties"]["DestinationConfig"]["OnFailure"]["Destination"] == {"Ref": "RecordDeadLettersArn"}
    for name in options.keys() - {"DestinationConfig"}:
        assert source["Properties"][name] == options[name]


def test_functions_are_told_what_concerns_this_stage_alone(completed: Json) -> None:
    told = {name: list(each["Events"].values()) for name, each in functions(completed).items() if "Events" in each}
    [notices], [alarms], [schedule] = told["DeliverNotices"], told["HeedAlarms"], told["KeepSeasons"]

    topic = notices["Properties"]["Topic"]["Fn::Sub"]
    assert (notices["Type"], topic.rpartition(":")[2]) == ("SNS", "laurel-prod-notices")
    assert (schedule["Type"], schedule["Properties"]["Schedule"]) == ("Schedule", "rate(1 minute)")
    assert alarms["Type"] == "CloudWatchEvent"
    assert alarms["Properties"]["Pattern"] == alarm_pattern({"LAUREL_STAGE": "prod"})


def test_asynchronous_calls_end_where_those_of_make_deploy_do(completed: Json) -> None:
    wanted = json.loads((ROOT / "infra" / "async_invocations.json").read_text())
    configs = {
        each["FunctionName"].removeprefix("laurel-prod-"): each["EventInvokeConfig"]
        for each in functions(completed).values()
        if "EventInvokeConfig" in each
    }

    assert configs.keys() == wanted.keys()
    for function, config in configs.items():
        assert config["MaximumRetryAttempts"] == wanted[function]["MaximumRetryAttempts"]
        assert config["DestinationConfig"]["OnFailure"] == {
            "Type": "SQS",
            "Destination": {"Ref": "AsyncDeadLettersArn"},
        }


def test_the_api_answers_and_is_throttled_as_after_make_deploy(completed: Json) -> None:
    api = completed["Resources"]["RestAPI"]["Properties"]
    responses = json.loads((ROOT / "infra" / "gateway_responses.json").read_text())

    assert api["Name"] == api["DefinitionBody"]["info"]["title"] == "laurel-prod"
    assert api["DefinitionBody"]["x-amazon-apigateway-gateway-responses"] == responses
    everything, *routes = api["MethodSettings"]
    assert (everything["ResourcePath"], everything["HttpMethod"]) == ("/*", "*")
    assert (everything["ThrottlingRateLimit"], everything["ThrottlingBurstLimit"]) == (5000, 2500)
    assert {(route["HttpMethod"], route["ResourcePath"]) for route in routes} == {
        ("POST", "/~1players"),
        ("POST", "/~1players~1me~1avatar"),
    }


def test_requests_are_logged_once_there_is_a_group_for_it(completed: Json) -> None:
    condition, log, _ = completed["Resources"]["RestAPI"]["Properties"]["AccessLogSetting"]["Fn::If"]

    assert completed["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AccessLogGroupArn"}, ""]}]}
    assert completed["Parameters"]["AccessLogGroupArn"]["Default"] == ""
    assert json.loads(log["Format"]) == json.loads((ROOT / "infra" / "access_log.json").read_text())


def test_calls_shift_by_code_deploy_and_back_on_alarms_of_the_new_version(completed: Json) -> None:
    for name in CALLED:
        preference = functions(completed)[name]["DeploymentPreference"]
        assert preference["Type"] == "Canary10Percent5Minutes"
        for alarm in preference["Alarms"]:
            dimensions = completed["Resources"][alarm["Ref"]]["Properties"]["Dimensions"]
            assert {"Fn::GetAtt": [f"{name}.Version", "Version"]} in [each["Value"] for each in dimensions]


def test_an_answer_of_5xx_takes_a_version_back_too(completed: Json) -> None:
    [transformation] = completed["Resources"]["FailedRequests"]["Properties"]["MetricTransformations"]
    alarm = completed["Resources"]["APIHandlerRequestsAlarm"]["Properties"]
    counted = completed["Resources"]["FailedRequests"]["Properties"]["FilterPattern"]

    assert counted == '{ ($.message = "request") && ($.server_error = 1) }', "no word of what is switched off"
    assert transformation["MetricName"] == alarm["MetricName"]
    assert transformation["MetricNamespace"] == alarm["Namespace"]
    assert {each["Key"] for each in transformation["Dimensions"]} == {each["Name"] for each in alarm["Dimensions"]}


def test_a_stage_without_a_shift_has_nothing_of_code_deploy(prod: Json) -> None:
    template = complete(prod, changed(settings("prod"), "pipeline", shift=""))

    assert not of_type(template, "AWS::CloudWatch::Alarm")
    assert not of_type(template, "AWS::Logs::MetricFilter")
    assert all("DeploymentPreference" not in each for each in functions(template).values())


def test_functions_are_in_the_stage_s_vpc(prod: Json) -> None:
    own = complete(prod, changed(settings("prod"), "functions", vpc={"subnet_ids": SUBNETS, "security_group_ids": []}))
    given = {"subnet_ids": SUBNETS, "security_group_ids": ["sg-0a1b2c3d"]}
    named = complete(prod, changed(settings("prod"), "functions", vpc=given))

    for function in functions(own).values():
        assert function["VpcConfig"] == {"SubnetIds": SUBNETS, "SecurityGroupIds": [{"Ref": "FunctionsGroupId"}]}
    assert "FunctionsGroupId" in own["Parameters"]
    assert functions(named)["APIHandler"]["VpcConfig"]["SecurityGroupIds"] == ["sg-0a1b2c3d"]
    assert "FunctionsGroupId" not in named["Parameters"]


def test_calls_are_traced_where_the_stage_says_so(prod: Json, completed: Json) -> None:
    traced = complete(prod, changed(changed(settings("prod"), "functions", tracing=True), "api", tracing=True))

    assert {each["Tracing"] for each in functions(traced).values()} == {"Active"}
    assert traced["Resources"]["RestAPI"]["Properties"]["TracingEnabled"] is True
    assert {each["Tracing"] for each in functions(completed).values()} == {"PassThrough"}


def test_routes_ask_for_a_key_where_the_stage_says_so(prod: Json) -> None:
    template = complete(prod, changed(settings("prod"), "api", key_required=["/admin"]))
    paths = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]

    assert {"api_key": []} in paths["/admin/boards"]["post"]["security"]
    assert {"api_key": []} not in paths["/gameEnd"]["post"]["security"]


def test_functions_players_wait_for_start_from_a_snapshot_where_the_stage_says_so(prod: Json) -> None:
    on_runtime(prod, "python3.13")
    template = complete(prod, changed(settings("prod"), "pipeline", snap_start=True))

    snapped = {name for name, each in functions(template).items() if "SnapStart" in each}
    assert snapped == {"APIHandler", "PlayerAuthorizer"}


def test_a_runtime_without_snapshots_is_refused(prod: Json) -> None:
    on_runtime(prod, "python3.11")

    with pytest.raises(DeployError, match=r"SnapStart needs Python 3\.12 or later, and python3\.11 is packaged"):
        complete(prod, changed(settings("prod"), "pipeline", snap_start=True))


def test_every_name_is_a_resource_or_a_parameter_that_says_where_it_comes_from(completed: Json) -> None:
    destinations = {"RecordDeadLettersArn", "AsyncDeadLettersArn"}
    outputs = {*environment.OUTPUTS.values(), *destinations, "SigningKeyArn", "AccessLogGroupArn"}

    assert completed["Parameters"].keys() == {
        *outputs,
        parameters.SIGNING_KEY,
        parameters.PREVIOUS_SIGNING_KEY,
        parameters.ADMIN_KEY_HASHES,
    }
    for output in outputs:
        assert f"The output {output} of the stack laurel-prod" in completed["Parameters"][output]["Description"]


def test_what_can_be_tagged_is_tagged(completed: Json) -> None:
    for name, function in functions(completed).items():
        assert function["Tags"]["stage"] == "prod"
        for resource in (f"{name}LogGroup", function["Role"]["Fn::GetAtt"][0]):
            tags = completed["Resources"][resource]["Properties"]["Tags"]
            assert {"Key": "stage", "Value": "prod"} in tags


@pytest.mark.parametrize(
    "missing",
    [
        ("RestAPI",),
        ("RestAPI", "Properties", "DefinitionBody"),
        ("RestAPI", "Properties", "EndpointConfiguration"),
        ("APIHandler",),
        ("APIHandlerInvokePermission",),
        ("APIHandler", "Properties", "Role"),
        ("APIHandler", "Properties", "FunctionName"),
        ("PlayerAuthorizerInvokePermission",),
        ("PlayerAuthorizer", "Properties", "Role"),
        ("SettleRecordsRole",),
        ("SettleRecordsRole", "Properties", "Policies"),
    ],
    ids=".".join,
)
def test_a_template_of_another_chalice_is_refused_by_what_it_lacks(prod: Json, missing: tuple[str, ...]) -> None:
    *way, last = missing
    place = prod["Resources"]
    for step in way:
        place = place[step]
    del place[last]

    with pytest.raises(UnexpectedTemplateError) as refused:
        complete(prod, settings("prod"))

    assert missing[0] in str(refused.value)
    assert last in str(refused.value)


@pytest.mark.parametrize(
    ("resource", "properties", "complaint"),
    [
        ("RestAPI", {"Type": "AWS::ApiGateway::RestApi"}, "RestAPI is of type AWS::ApiGateway::RestApi"),
        ("APIHandlerLogGroup", {"Type": "AWS::Logs::LogGroup"}, "APIHandlerLogGroup is made by chalice already"),
    ],
)
def test_a_template_with_something_else_in_a_place_is_refused(
    prod: Json, resource: str, properties: Json, complaint: str
) -> None:
    prod["Resources"][resource] = {**prod["Resources"].get(resource, {}), **properties}

    with pytest.raises(UnexpectedTemplateError, match=complaint):
        complete(prod, settings("prod"))


@pytest.mark.parametrize("function", ["APIHandler", "PlayerAuthorizer"])
def test_an_api_that_calls_functions_in_other_words_is_refused(prod: Json, function: str) -> None:
    api = prod["Resources"]["RestAPI"]["Properties"]
    api["DefinitionBody"] = json.loads(
        json.dumps(api["DefinitionBody"]).replace(f"${{{function}.Arn}}", f"${{{function}}}")
    )

    with pytest.raises(UnexpectedTemplateError, match=rf"nothing in the API's document calls \$\{{{function}\.Arn\}}"):
        complete(prod, settings("prod"))


def test_functions_that_share_a_role_are_refused(prod: Json) -> None:
    prod["Resources"]["KeepRanks"]["Properties"]["Role"] = {"Fn::GetAtt": ["AuditRanksRole", "Arn"]}

    with pytest.raises(UnexpectedTemplateError, match="AuditRanksRole is the role of more than one function"):
        complete(prod, settings("prod"))


def test_a_name_that_nothing_gives_out_is_refused(prod: Json) -> None:
    prod["Resources"]["KeepRanks"]["Properties"]["Environment"]["Variables"]["MODEL"] = "${ModelArn}"

    with pytest.raises(
        DeployError, match="ModelArn is neither a resource in it nor an output of the stack laurel-prod"
    ):
        complete(prod, settings("prod"))


def test_a_stream_that_is_not_the_stage_s_is_refused(prod: Json) -> None:
    [source] = prod["Resources"]["SettleRecords"]["Properties"]["Events"].values()
    source["Properties"]["Stream"] = "arn:aws:dynamodb:eu-west-1:123456789012:table/others/stream/1"

    with pytest.raises(DeployError, match="SettleRecords is subscribed to arn:aws:dynamodb:eu-west-1"):
        complete(prod, settings("prod"))


@pytest.mark.parametrize("file", ["event_sources", "async_invocations"])
def test_options_for_a_function_that_is_not_there_are_refused(prod: Json, file: str) -> None:
    options: dict[str, Any] = {file: {"settle_record": {}}}
    given = replace(settings("prod"), **options)

    with pytest.raises(DeployError, match=rf"{file}\.json names settle_record, .* api_handler"):
        complete(prod, given)


def test_options_of_a_stream_for_a_function_without_one_are_refused(prod: Json) -> None:
    given = replace(settings("prod"), event_sources={"audit_ranks": {}})

    with pytest.raises(DeployError, match=r"audit_ranks, which app\.py subscribes to no stream"):
        complete(prod, given)


@pytest.mark.parametrize("route", ["POST /gameOver", "PUT /players", "/players", ""])
def test_a_throttle_for_no_route_is_refused(prod: Json, route: str) -> None:
    given = changed(settings("prod"), "api", routes={route: {"throttle_rate": 1, "throttle_burst": 1}})

    with pytest.raises(DeployError, match=f"prod: api: routes: {route} is no route"):
        complete(prod, given)


def test_an_unknown_stage_is_refused_by_those_there_are() -> None:
    with pytest.raises(DeployError, match=r"There is no stage 'staging'; stages\.yaml has dev, local, prod"):
        settings("staging")


@pytest.mark.parametrize(
    ("pipeline", "complaint"),
    [
        ({"shift": "Canary50Percent"}, f"pipeline: shift must be empty, or one of {SHIFTS[0]}"),
        ({"shift": 10}, "pipeline: shift must be empty, or one of"),
        ({"snap_start": "no"}, "pipeline: snap_start must be true or false, not 'no'"),
        ({"tolerated_errors": True}, "pipeline: tolerated_errors must be a number from 0 on, not True"),
        ({"tolerated_errors": -1}, "pipeline: tolerated_errors must be a number from 0 on, not -1"),
        ({"snapstart": True}, "pipeline: snapstart is not known; known are shift, snap_start, tolerated_errors"),
    ],
)
def test_a_release_that_cannot_be_is_refused(pipeline: Json, complaint: str) -> None:
    with pytest.raises(DeployError, match=re.escape(complaint)):
        Settings.of(replace(stages.read("prod"), pipeline=pipeline))


def test_a_stage_that_says_nothing_has_no_limits(prod: Json) -> None:
    given = replace(settings("prod"), stage=stages.Stage("prod"))
    template = complete(prod, given)

    assert template["Resources"]["RestAPI"]["Properties"]["MethodSettings"] == []
    assert "RetentionInDays" not in template["Resources"]["APIHandlerLogGroup"]["Properties"]
