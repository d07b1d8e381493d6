"""What an SRE would look for in the templates, in every stage there is."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from subprocess import run
from sys import executable
from typing import Any

import pytest

from chalicelib import logs
from chalicelib.api.resources import operations
from deploy.layout import API_STAGE, api_name, function_name
from deploy.templates import data_only, read
from infra import alarms
from tests.documents import leads_somewhere
from tests.repository import ROOT
from tests.templates import ACCOUNT, EDGE, STAGES, TEMPLATE, Resource, Template, edge_of_stage, of_stage

MAX_BODY_BYTES = 51_200
"""What CreateStack takes without a bucket to fetch the template from."""
HOLD_DATA = {
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::Kinesis::Stream",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
    "AWS::SQS::Queue",
}
FORGOTTEN = {"AccessLog", "AlarmsKey", "GameFeed"}
"""They end with their stack: nothing that counts is lost with them."""
LONGEST_STAGE = 20 * "s"
LONGEST_SEARCH = 1024
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html"""
NAMES = {
    "AlarmName",
    "BucketName",
    "DashboardName",
    "GroupName",
    "LogGroupName",
    "Name",
    "QueueName",
    "TableName",
    "TopicName",
    "UsagePlanName",
}
FIGURE = re.compile(r'"(\w+)": "(?:Count|Milliseconds)"')
"""A metric where it is declared, with its unit."""
HOW_TO = re.compile(r"See (docs/how-to/\S+)\.$")
DOMAIN = {
    "DomainName": "api.example.com",
    "CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/1",
    "HostedZoneId": "Z1",
    "WebAclArn": "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/games/1",
}
MEDIA_DOMAIN = {
    "MediaDomainName": "media.example.com",
    "MediaCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/2",
}
NETWORK = {"VpcId": "vpc-12345678", "RouteTableIds": "rtb-1,rtb-2", "QueueEndpointSubnetIds": "subnet-1"}


def templates(stage: str) -> list[Template]:
    """Return both templates with everything in them that a stage can have."""
    return [
        of_stage(stage, **NETWORK, AlarmEmail="sre@example.com", WithGameFeed="true"),
        edge_of_stage(stage, **DOMAIN, WithServerKey="true"),
    ]


def resources(stage: str, kind: str = "AWS") -> list[Resource]:
    return [resource for template in templates(stage) for resource in template.resources(kind)]


@pytest.fixture(params=STAGES)
def stage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.slow
def test_cfn_lint_finds_nothing() -> None:
    linter = Path(executable).with_name("cfn-lint")

    linted = run([linter, TEMPLATE, EDGE, ACCOUNT], check=False, capture_output=True, text=True)

    assert (linted.returncode, linted.stdout) == (0, ""), linted.stderr


@pytest.mark.parametrize("file", [TEMPLATE, EDGE, ACCOUNT], ids=lambda file: file.name)
def test_a_template_fits_into_a_call(file: Path) -> None:
    assert file.stat().st_size < MAX_BODY_BYTES


def test_chalice_knows_the_same_stages() -> None:
    config = json.loads((ROOT / ".chalice" / "config.json").read_text(encoding="utf-8"))

    assert config["stages"].keys() == STAGES.keys() >= {"local", "dev", "prod"}


def test_limits_are_set_for_routes_that_there_are(stage: str) -> None:
    api = STAGES[stage]["api"]
    routes = {f"{operation.method} {operation.path}" for operation in operations()}

    assert api["routes"].keys() <= routes
    for limits in api["routes"].values():
        assert limits.keys() == {"throttle_rate", "throttle_burst"}
        assert limits["throttle_rate"] < api["throttle_rate"]
    assert all(any(route.split()[1].startswith(path) for route in routes) for path in api["key_required"])


def test_a_stage_asks_for_keys_only_where_there_is_one(stage: str) -> None:
    assert not STAGES[stage]["api"]["key_required"] or STAGES[stage]["edge"].get("WithServerKey") == "true"


def test_functions_with_options_are_deployed_and_send_failures_to_a_queue() -> None:
    outputs = of_stage("prod").outputs()
    for name in ("event_sources", "async_invocations"):
        options_by_function = json.loads((ROOT / "infra" / f"{name}.json").read_text(encoding="utf-8"))
        assert options_by_function.keys() <= set(alarms.functions())
        for options in options_by_function.values():
            assert outputs[options["DestinationConfig"]["OnFailure"]["Destination"]].endswith("DeadLetters.Arn>")


def test_what_nobody_waits_for_is_kept_when_it_fails() -> None:
    options_by_function = json.loads((ROOT / "infra" / "async_invocations.json").read_text(encoding="utf-8"))

    assert options_by_function.keys() == set(alarms.functions()) - alarms.ANSWERS_REQUESTS - {"settle_records"}


def test_a_stage_sets_only_what_a_template_takes(stage: str) -> None:
    for template, key in zip(templates(stage), ("template", "edge"), strict=True):
        for name, value in STAGES[stage][key].items():
            rules = template.parameters[name]
            assert isinstance(value, str)
            assert value in map(str, rules.get("AllowedValues", [value]))
            assert re.fullmatch(rules.get("AllowedPattern", ".*"), value)
            assert rules["Type"] != "Number" or float(value) >= rules.get("MinValue", 0)


def test_everything_can_be_deployed_with_its_stage_alone(stage: str) -> None:
    needed = {
        name for template in templates(stage) for name, rules in template.parameters.items() if "Default" not in rules
    }

    assert needed == {"Stage", "RestApiId"}


def test_every_parameter_says_what_it_is_for(stage: str) -> None:
    for template in templates(stage):
        assert all(rules["Description"].endswith(".") for rules in template.parameters.values())


def test_every_condition_makes_a_difference() -> None:
    for file in (TEMPLATE, EDGE):
        text = file.read_text(encoding="utf-8")
        for condition in Template(file, {}).conditions:
            assert len(re.findall(rf"\b{condition}\b", text)) > 1


def test_a_stage_is_played_as_prod_is_unless_it_says_otherwise() -> None:
    elsewhere, prod = of_stage("elsewhere"), of_stage("prod")

    assert json.dumps(prod.outputs()).replace("laurel-prod", "laurel-elsewhere") == json.dumps(elsewhere.outputs())
    assert [table.properties["DeletionProtectionEnabled"] for table in elsewhere.resources("AWS::DynamoDB")] == [
        True
    ] * 7


def test_whatever_has_a_name_is_named_after_its_stage(stage: str) -> None:
    nameless = {"DomainName", "HostedZoneId"}
    for resource in resources(stage):
        for name in (NAMES - nameless) & resource.properties.keys():
            if resource.kind != "AWS::Route53::RecordSet":
                assert f"laurel-{stage}" in resource.properties[name], resource.name


def test_names_of_one_type_differ(stage: str) -> None:
    named = [
        (each.kind, name, each.properties[name]) for each in resources(stage) for name in NAMES & each.properties.keys()
    ]

    assert len(set(named)) == len(named) > 50


def test_tables_are_paid_by_use(stage: str) -> None:
    for table in resources(stage, "AWS::DynamoDB::Table"):
        assert table.properties["BillingMode"] == "PAY_PER_REQUEST"


def test_production_is_protected_and_recoverable_and_a_developers_stage_is_not(stage: str) -> None:
    for table in resources(stage, "AWS::DynamoDB::Table"):
        recovery = table.properties["PointInTimeRecoverySpecification"]
        assert table.properties["DeletionProtectionEnabled"] is (stage == "prod")
        assert recovery["PointInTimeRecoveryEnabled"] is (stage == "prod")


def test_what_holds_data_says_what_becomes_of_it(stage: str) -> None:
    for resource in resources(stage):
        if resource.kind in HOLD_DATA:
            forgotten = resource.name in FORGOTTEN
            assert resource.attributes["DeletionPolicy"] == ("Delete" if forgotten else "RetainExceptOnCreate")
            assert resource.attributes["UpdateReplacePolicy"] == ("Delete" if forgotten else "Retain")


def test_buckets_are_closed_to_the_public_encrypted_and_swept(stage: str) -> None:
    buckets = resources(stage, "AWS::S3::Bucket")

    assert {bucket.name for bucket in buckets} == {"Media", "Exports"}
    for bucket in buckets:
        is_closed = bucket.name != "Media" or STAGES[stage]["template"].get("WithMediaCdn") != "false"
        assert bucket.properties["PublicAccessBlockConfiguration"] == {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": is_closed,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": is_closed,
        }
        assert bucket.properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        assert bucket.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert any("AbortIncompleteMultipartUpload" in rule for rule in _lifecycle(bucket))


def _lifecycle(bucket: Resource) -> list[Any]:
    rules: list[Any] = bucket.properties["LifecycleConfiguration"]["Rules"]
    return rules


def test_buckets_refuse_what_is_not_encrypted_on_its_way(stage: str) -> None:
    refused = set()
    for policy in resources(stage, "AWS::S3::BucketPolicy"):
        [statement] = [each for each in _statements(policy) if each["Effect"] == "Deny"]
        assert (statement["Principal"], statement["Action"]) == ("*", "s3:*")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        refused.add(policy.properties["Bucket"])

    assert refused == {bucket.properties["BucketName"] for bucket in resources(stage, "AWS::S3::Bucket")}


def _statements(policy: Resource) -> list[Any]:
    statements: list[Any] = policy.properties["PolicyDocument"]["Statement"]
    return statements


def _named(name: str, template: Template) -> Resource:
    [found] = [resource for resource in template.resources() if resource.name == name]
    return found


@pytest.mark.parametrize(
    ("bucket", "expected"),
    [("Exports", {"exports/": "30", "work/": 2}), ("Media", {"uploads/": 1, "quarantine/": "30"})],
)
def test_what_is_not_to_be_kept_ends_by_itself(stage: str, bucket: str, expected: dict[str, Any]) -> None:
    rules = _lifecycle(_named(bucket, of_stage(stage)))

    assert {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule} == expected
    assert {rule["Status"] for rule in rules} == {"Enabled"}


def test_browsers_may_upload_from_the_game_s_own_pages_alone() -> None:
    media = _named("Media", of_stage("prod", MediaOrigin="https://play.example.com"))
    [rule] = media.properties["CorsConfiguration"]["CorsRules"]

    assert rule["AllowedOrigins"] == ["https://play.example.com"]
    assert rule["AllowedMethods"] == ["GET", "POST"]


def _lets_read(template: Template) -> Any:
    """Return the one statement with which the media bucket's policy lets anybody do anything."""
    [statement] = [each for each in _statements(_named("MediaPolicy", template)) if each["Effect"] == "Allow"]
    return statement


@pytest.mark.parametrize("with_cdn", ["true", "false"])
def test_avatars_are_all_that_a_bucket_lets_others_read(stage: str, with_cdn: str) -> None:
    made = of_stage(stage, WithMediaCdn=with_cdn)

    statement = _lets_read(made)

    assert (statement["Action"], statement["Resource"]) == ("s3:GetObject", "<Media.Arn>/avatars/*")
    assert not [each for each in _statements(_named("ExportsPolicy", made)) if each["Effect"] != "Deny"]


def test_the_bucket_answers_nobody_but_its_own_distribution() -> None:
    made = of_stage("prod")
    [origin] = _distribution(made)["Origins"]

    statement = _lets_read(made)

    assert statement["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceArn": "arn:aws:cloudfront::123456789012:distribution/<MediaCdn>"}
    }
    assert (origin["DomainName"], origin["OriginAccessControlId"]) == (
        "<Media.RegionalDomainName>",
        "<MediaCdnIdentity>",
    )


def _distribution(template: Template) -> Any:
    return _named("MediaCdn", template).properties["DistributionConfig"]


def test_an_avatar_that_is_removed_is_gone_from_caches_within_a_day() -> None:
    made = of_stage("prod")
    caching = _named("MediaCdnCaching", made).properties["CachePolicyConfig"]

    assert _distribution(made)["DefaultCacheBehavior"]["CachePolicyId"] == "<MediaCdnCaching>"
    assert max(caching["MaxTTL"], caching["DefaultTTL"]) == 24 * 3600


def test_avatars_are_only_read_and_always_by_https() -> None:
    distribution = _distribution(of_stage("prod"))
    behaviour = distribution["DefaultCacheBehavior"]

    assert behaviour["AllowedMethods"] == ["GET", "HEAD"]
    assert behaviour["ViewerProtocolPolicy"] == "redirect-to-https"
    assert "CacheBehaviors" not in distribution
    assert distribution["HttpVersion"] == "http2and3"


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        ({}, "https://<MediaCdn.DomainName>/"),
        ({"WithMediaCdn": "false"}, "https://<Media.RegionalDomainName>/"),
        (MEDIA_DOMAIN, "https://media.example.com/"),
    ],
)
def test_avatars_are_read_where_the_stage_says(arguments: dict[str, str], url: str) -> None:
    assert of_stage("prod", **arguments).outputs()["MediaUrl"] == url


def test_a_distribution_has_the_name_it_is_given() -> None:
    plain, named = _distribution(of_stage("prod")), _distribution(of_stage("prod", **MEDIA_DOMAIN))

    assert plain.keys().isdisjoint({"Aliases", "ViewerCertificate"})
    assert named["Aliases"] == ["media.example.com"]
    assert named["ViewerCertificate"]["AcmCertificateArn"] == MEDIA_DOMAIN["MediaCertificateArn"]


def test_a_stage_without_a_cdn_has_nothing_of_it() -> None:
    made = of_stage("prod", WithMediaCdn="false")

    assert not made.resources("AWS::CloudFront")
    assert "MediaCdnDomain" not in made.outputs()
    assert _lets_read(made)["Principal"] == "*"


def test_data_that_is_kept_without_its_stage_is_read_by_nobody() -> None:
    kept = data_only(read(TEMPLATE))["Resources"]

    assert {"Media", "Exports"} < kept.keys()
    assert not {part["Type"] for part in kept.values()} & {"AWS::S3::BucketPolicy", "AWS::CloudFront::Distribution"}


def test_queues_topics_and_streams_are_encrypted(stage: str) -> None:
    assert all(queue.properties["SqsManagedSseEnabled"] for queue in resources(stage, "AWS::SQS::Queue"))
    assert all(topic.properties["KmsMasterKeyId"] for topic in resources(stage, "AWS::SNS::Topic"))
    assert all(stream.properties["StreamEncryption"]["KeyId"] for stream in resources(stage, "AWS::Kinesis::Stream"))


def test_alarms_can_be_published_through_the_encryption() -> None:
    [key] = of_stage("prod").resources("AWS::KMS::Key")
    [alarms_topic] = [topic for topic in of_stage("prod").resources("AWS::SNS::Topic") if topic.name == "Alarms"]
    [cloudwatch] = [each for each in key.properties["KeyPolicy"]["Statement"] if "Service" in each["Principal"]]

    assert alarms_topic.properties["KmsMasterKeyId"] == "<AlarmsKey>"
    assert cloudwatch["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert set(cloudwatch["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}
    assert cloudwatch["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:laurel-prod-*"},
    }


def test_dead_letters_are_kept_as_long_as_sqs_keeps_anything(stage: str) -> None:
    for queue in resources(stage, "AWS::SQS::Queue"):
        assert queue.properties["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_secrets_are_long_and_can_be_written_into_a_list(stage: str) -> None:
    secrets = resources(stage, "AWS::SecretsManager::Secret")

    assert {secret.properties["Name"] for secret in secrets} == {
        f"laurel-{stage}/signing-key",
        f"laurel-{stage}/admin-key",
    }
    for secret in secrets:
        generated = secret.properties["GenerateSecretString"]
        assert generated["PasswordLength"] >= 48
        assert set(",:'\"\\$ `&") - {" "} <= set(generated["ExcludeCharacters"])


def test_every_alarm_tells_somebody_and_says_what_to_do(stage: str) -> None:
    for alarm in resources(stage, "AWS::CloudWatch::Alarm"):
        how_to = HOW_TO.search(alarm.properties["AlarmDescription"])
        assert how_to, alarm.name
        assert leads_somewhere(ROOT / "README.md", how_to[1]), how_to[1]
        topics = {*alarm.properties["AlarmActions"], *alarm.properties["OKActions"]}
        assert topics in ({"<Alarms>"}, {f"arn:aws:sns:eu-central-1:123456789012:laurel-{stage}-alarms"})
        silence = {"RankDriftAlarm": "ignore", "TurnLagAlarm": "breaching"}
        assert alarm.properties["TreatMissingData"] == silence.get(alarm.name, "notBreaching")


def test_every_function_and_every_table_is_watched() -> None:
    watched = {alarm.properties["AlarmName"] for alarm in resources("prod", "AWS::CloudWatch::Alarm")}
    tables = {
        table.properties["TableName"].removeprefix("laurel-prod-")
        for table in of_stage("prod").resources("AWS::DynamoDB::Table")
    }

    assert {"records", "notices"} < tables
    for name in {*alarms.functions(), *tables}:
        assert {f"laurel-prod-{name}-errors", f"laurel-prod-{name}-throttles"} <= watched
    assert {"api_handler", "player_authorizer", "settle_records"} < set(alarms.functions())


def test_alarms_look_at_functions_that_are_deployed(stage: str) -> None:
    deployed = {function_name(stage, name) for name in alarms.functions()}

    assert {value for name, value in _dimensions(stage) if name == "FunctionName"} == deployed


def _dimensions(stage: str) -> Iterator[tuple[str, str]]:
    for _, metric in _metrics(stage):
        for dimension in metric.get("Dimensions", []):
            yield dimension["Name"], dimension["Value"]


def _metrics(stage: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each metric that an alarm looks at, after the alarm's name."""
    for alarm in resources(stage, "AWS::CloudWatch::Alarm"):
        parts = [each["MetricStat"]["Metric"] for each in alarm.properties.get("Metrics", []) if "MetricStat" in each]
        for metric in parts or [alarm.properties]:
            yield alarm.name, metric


def test_alarms_look_at_figures_that_the_app_logs(stage: str) -> None:
    """A name that nobody writes is an alarm that never goes off."""
    own = [metric for _, metric in _metrics(stage) if metric.get("Namespace") == logs.NAMESPACE]
    files = (ROOT / "chalicelib").rglob("*.py")
    logged = {name for file in files for name in FIGURE.findall(file.read_text(encoding="utf-8"))}

    assert {metric["MetricName"] for metric in own} <= logged
    assert {metric["MetricName"] for metric in own} == {"rank_drift", "switched_off", "turn_lag_ms"}
    for metric in own:
        dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        assert dimensions == {"service": logs.SERVICE, "stage": stage}
    drawn = resources(stage, "AWS::CloudWatch::Dashboard")[0].properties["DashboardBody"]
    assert set(re.findall(r'\["Laurel", "(\w+)"', drawn)) <= logged


def reckoned(stage: str, name: str, counts: dict[str, int | None]) -> float | None:
    """Return what an alarm reckons of metrics in a minute; None stands for a metric that tells nothing in it."""
    [alarm] = [each for each in resources(stage, "AWS::CloudWatch::Alarm") if each.name == name]
    metrics = {each["Id"]: each for each in alarm.properties["Metrics"]}
    functions = {
        "SUM": lambda series: sum(each for each in series if each is not None),
        "MAX": lambda series: max((each for each in series if each is not None), default=None),
        "IF": lambda holds, then, otherwise: then if holds else otherwise,
    }
    values = {
        key: counts[each["MetricStat"]["Metric"]["MetricName"]] for key, each in metrics.items() if _is_stat(each)
    }
    for key, each in reversed(metrics.items()):
        if not _is_stat(each):
            values[key] = _valued(each["Expression"].replace(" AND ", " and "), {**functions, **values})
    return values[next(key for key, each in metrics.items() if each["ReturnData"])]


def _is_stat(metric: Any) -> bool:
    return "MetricStat" in metric


def _valued(expression: str, names: dict[str, Any]) -> Any:
    try:
        return eval(expression, names)  # noqa: S307  # the template's own sums
    except TypeError:  # arithmetic with nothing is nothing
        return None


@pytest.mark.parametrize(
    ("written", "called", "age", "behind"),
    [
        (None, None, None, None),
        (50, 3, 400, 400),
        (None, 1, 90_000, 90_000),
        (0, 1, 90_000, 90_000),
        (50, None, None, 86_400_000),
    ],
)
def test_a_stream_that_nobody_follows_is_behind_as_soon_as_records_are_written(
    stage: str, written: int | None, called: int | None, age: int | None, behind: int | None
) -> None:
    """A function that is not called has no age, and an alarm on it alone would say that all is well."""
    counts = {"ConsumedWriteCapacityUnits": written, "Invocations": called, "IteratorAge": age}

    assert reckoned(stage, "RecordStreamAgeAlarm", counts) == behind


@pytest.mark.parametrize("switched_off", [None, 0, 400])
def test_what_is_switched_off_is_no_server_error(stage: str, switched_off: int | None) -> None:
    """A stage that is degraded by this alarm answers 503 to what is optional: that must not keep the alarm on."""
    counts = {"5XXError": 30 + (switched_off or 0), "Count": 1000, "switched_off": switched_off}

    assert reckoned(stage, "ServerErrorsAlarm", counts) == pytest.approx(0.03)


def test_the_written_alarms_are_up_to_date() -> None:
    template, edge = (file.read_text(encoding="utf-8") for file in (TEMPLATE, EDGE))

    assert alarms.with_tables(template) == template, "stale: run make alarms"
    assert alarms.with_functions(edge, alarms.functions()) == edge, "stale: run make alarms"


def test_an_alarm_is_written_for_a_function_that_is_new() -> None:
    edge = alarms.with_functions(EDGE.read_text(encoding="utf-8"), ["count_stars"])

    assert edge.count('Value: !Sub "laurel-${Stage}-count_stars"') == 2
    assert "PlayerAuthorizerErrorsAlarm" not in edge
    assert "LatencyAlarm" in edge


def test_a_stage_without_alarms_has_nothing_of_them() -> None:
    quiet = [*of_stage("prod", WithAlarms="false").resources(), *edge_of_stage("prod", WithAlarms="false").resources()]

    kinds = {resource.kind for resource in quiet}
    assert kinds.isdisjoint({"AWS::CloudWatch::Alarm", "AWS::KMS::Key", "AWS::SNS::Subscription"})
    assert [resource.name for resource in quiet if resource.kind == "AWS::SNS::Topic"] == ["Notices"]


def test_the_dashboard_draws_metrics_of_its_own_stage(stage: str) -> None:
    [dashboard] = resources(stage, "AWS::CloudWatch::Dashboard")

    widgets = json.loads(dashboard.properties["DashboardBody"])["widgets"]
    assert all(stage in json.dumps(widget) for widget in widgets)
    assert {stage} == set(re.findall(r"laurel-(local|dev|prod)", dashboard.properties["DashboardBody"]))


def test_the_dashboard_draws_what_alarms_look_at(stage: str) -> None:
    """A search finds names in quotes only where they are a whole name."""
    [dashboard] = resources(stage, "AWS::CloudWatch::Dashboard")
    body = json.loads(dashboard.properties["DashboardBody"])
    drawn = [metric for widget in body["widgets"] for metric in widget["properties"]["metrics"]]
    searches = [metric[0]["expression"] for metric in drawn if isinstance(metric[0], dict)]
    functions = {function_name(stage, name) for name in alarms.functions()}
    tables = {table.properties["TableName"] for table in resources(stage, "AWS::DynamoDB::Table")}

    for metric, names in (("Errors", functions), ("Throttles", functions), ("SystemErrors", tables)):
        [search] = [each for each in searches if f'MetricName="{metric}"' in each]
        assert set(re.findall(r'"([^"]+)"', search)) == {metric, *names}
        assert len(search.replace(stage, LONGEST_STAGE)) <= LONGEST_SEARCH
    named = {metric[1] for metric in drawn if isinstance(metric[0], str)}
    queried = {"SystemErrors", "ThrottledRequests", "Errors", "Throttles"}
    assert {metric["MetricName"] for _, metric in _metrics(stage) if "MetricName" in metric} <= named | queried


def test_functions_are_in_no_vpc_unless_they_are_told(stage: str) -> None:
    assert not of_stage(stage).resources("AWS::EC2")
    assert STAGES[stage]["functions"]["vpc"] == {"subnet_ids": [], "security_group_ids": []}


def test_a_vpc_gets_a_group_and_endpoints_for_what_functions_call() -> None:
    made = of_stage("prod", **NETWORK)
    endpoints = {each.properties["ServiceName"]: each.properties for each in made.resources("AWS::EC2::VPCEndpoint")}
    group = next(each for each in made.resources("AWS::EC2::SecurityGroup") if each.name == "FunctionsGroup")

    assert set(endpoints) == {f"com.amazonaws.eu-central-1.{service}" for service in ("dynamodb", "s3", "sqs", "sns")}
    assert endpoints["com.amazonaws.eu-central-1.dynamodb"]["RouteTableIds"] == ["rtb-1", "rtb-2"]
    assert "SecurityGroupIngress" not in group.properties
    assert made.outputs()["FunctionsGroupId"] == "<FunctionsGroup.GroupId>"


def test_a_group_can_be_had_without_endpoints() -> None:
    made = of_stage("prod", VpcId="vpc-12345678").resources("AWS::EC2")

    assert [resource.name for resource in made] == ["FunctionsGroup"]


def test_the_api_keeps_its_own_name_unless_it_is_given_one() -> None:
    plain, named = edge_of_stage("prod"), edge_of_stage("prod", **DOMAIN)

    assert plain.outputs()["Url"] == "https://a1b2c3.execute-api.eu-central-1.amazonaws.com/api/"
    assert named.outputs()["Url"] == "https://api.example.com/"
    assert plain.types() - {each.kind for each in plain.resources()} == {
        "AWS::ApiGateway::ApiKey",
        "AWS::ApiGateway::BasePathMapping",
        "AWS::ApiGateway::DomainName",
        "AWS::ApiGateway::UsagePlan",
        "AWS::ApiGateway::UsagePlanKey",
        "AWS::Route53::RecordSet",
        "AWS::WAFv2::WebACLAssociation",
    }


def test_the_api_is_watched_under_the_name_it_is_deployed_with(stage: str) -> None:
    asked = {value for name, value in _dimensions(stage) if name in {"ApiName", "Stage"}}
    drawn = [each.properties["DashboardBody"] for each in resources(stage, "AWS::CloudWatch::Dashboard")]

    assert asked == {api_name(stage), API_STAGE}
    assert f'"ApiName", "{api_name(stage)}", "Stage", "{API_STAGE}"' in drawn[0]


def test_access_logs_go_where_api_gateway_accepts_them(stage: str) -> None:
    arn = edge_of_stage(stage).outputs()["AccessLogGroupArn"]

    assert arn == f"arn:aws:logs:eu-central-1:123456789012:log-group:/aws/apigateway/laurel-{stage}"


def test_an_access_log_says_nothing_of_headers_bodies_or_tokens() -> None:
    fields = json.loads((ROOT / "infra" / "access_log.json").read_text(encoding="utf-8"))

    assert all(re.fullmatch(r"\$context\.[\w.]+", variable) for variable in fields.values())
    assert not {variable for variable in fields.values() if "apiKey" in variable} - {"$context.identity.apiKeyId"}
