"""The templates, made for real by the embedded AWS: all stages beside one another, every condition on and off."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deploy import account, stages
from deploy.layout import ACCOUNT_STACK
from deploy.target import Target
from local.children import Emulator
from local.target import embedded
from tests.infra.test_replacement import DEPLOYED
from tests.infra.test_template import MEDIA_DOMAIN
from tests.templates import EDGE, STAGES, TEMPLATE, Template

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("infra")]

UNKNOWN_TYPES = {"AWS::WAFv2::WebACLAssociation"}
"""What the embedded AWS cannot make: docs/reference/infrastructure.md says so too."""
ACCOUNT_ID = "000000000000"
NETWORK = """
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16, EnableDnsSupport: true, EnableDnsHostnames: true}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24}}
  Routes: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
Outputs:
  VpcId: {Value: !Ref Vpc}
  RouteTableIds: {Value: !Ref Routes}
  QueueEndpointSubnetIds: {Value: !Ref Subnet}
"""
SETTLED_SECONDS = 120

Json = dict[str, Any]


class Stacks:
    """CloudFormation, as far as these tests ask it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.client = target.client
        self._cloudformation = target.client("cloudformation")

    def apply(self, name: str, body: str, **parameters: str) -> dict[str, str]:
        """Create or update a stack; return its outputs, or fail with what CloudFormation says."""
        listed = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        arguments = {"StackName": name, "TemplateBody": body, "Parameters": listed, "Capabilities": ["CAPABILITY_IAM"]}
        try:
            self._cloudformation.create_stack(**arguments, OnFailure="DO_NOTHING")
        except self._cloudformation.exceptions.AlreadyExistsException:
            self._cloudformation.update_stack(**arguments)
        stack = self._settled(name)
        assert stack["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, self._reasons(name)
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def resources(self, name: str) -> dict[str, str]:
        """Return the names of a stack's resources in AWS, by their names in the template."""
        pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        listed = [each for page in pages for each in page["StackResourceSummaries"]]
        return {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for each in listed
            if each["ResourceStatus"] != "DELETE_COMPLETE"
        }

    def _settled(self, name: str) -> Json:
        deadline = time.monotonic() + SETTLED_SECONDS
        while True:
            stack: Json = self._cloudformation.describe_stacks(StackName=name)["Stacks"][0]
            if not stack["StackStatus"].endswith("IN_PROGRESS") or time.monotonic() > deadline:
                return stack
            time.sleep(0.02)

    def _reasons(self, name: str) -> list[str]:
        events = self._cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
        return [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in failed]


@pytest.fixture(scope="module")
def stacks() -> Iterator[Stacks]:
    with Emulator(0, None) as emulator:
        yield Stacks(embedded(emulator.endpoint))


@pytest.fixture(scope="module")
def network(stacks: Stacks) -> dict[str, str]:
    return stacks.apply("network", NETWORK)


@pytest.fixture(scope="module")
def api(stacks: Stacks) -> dict[str, str]:
    """The API that chalice would have made, as far as the edge asks for it."""
    gateway = stacks.client("apigateway")
    api_id = gateway.create_rest_api(name="laurel-somewhere")["id"]
    gateway.create_deployment(restApiId=api_id, stageName="api")
    return {"RestApiId": api_id, "ApiStage": "api"}


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_is_made_whole(stacks: Stacks, stage: str) -> None:
    parameters = {"Stage": stage, **STAGES[stage]["template"]}

    outputs = stacks.apply(f"laurel-{stage}", TEMPLATE.read_text(), **parameters)

    expected = Template(TEMPLATE, parameters)
    assert set(stacks.resources(f"laurel-{stage}")) == {resource.name for resource in expected.resources()}
    assert outputs.keys() == expected.outputs().keys()
    assert outputs["RecordsTableName"] == f"laurel-{stage}-records"
    assert outputs["RecordsStreamArn"].startswith(
        f"arn:aws:dynamodb:us-east-1:{ACCOUNT_ID}:table/laurel-{stage}-records/"
    )


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_gets_its_edge(stacks: Stacks, api: dict[str, str], stage: str) -> None:
    parameters = {"Stage": stage, **api, **STAGES[stage]["edge"]}

    outputs = stacks.apply(f"laurel-{stage}-edge", EDGE.read_text(), **parameters)

    assert set(stacks.resources(f"laurel-{stage}-edge")) == {
        each.name for each in Template(EDGE, parameters).resources()
    }
    assert (
        outputs["AccessLogGroupArn"] == f"arn:aws:logs:us-east-1:{ACCOUNT_ID}:log-group:/aws/apigateway/laurel-{stage}"
    )
    [group] = stacks.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/apigateway/laurel-{stage}")[
        "logGroups"
    ]
    assert group["retentionInDays"] == int(parameters.get("AccessLogDays", 90))


@pytest.fixture
def full(stacks: Stacks, network: dict[str, str]) -> Iterator[dict[str, str]]:
    """A stage with everything a stage can have."""
    parameters = {"Stage": "full", **network, "AlarmEmail": "sre@example.com", "WithGameFeed": "true"}
    outputs = stacks.apply("laurel-full", TEMPLATE.read_text(), **parameters)
    yield outputs
    stacks.apply("laurel-full", TEMPLATE.read_text(), Stage="full")


def test_every_option_of_the_template_can_be_had(stacks: Stacks, full: dict[str, str]) -> None:
    assert set(stacks.resources("laurel-full")) == set(Template(TEMPLATE, {}).document["Resources"])
    assert full.keys() == Template(TEMPLATE, {}).document["Outputs"].keys()
    assert full["FunctionsGroupId"].startswith("sg-")


def test_options_can_be_given_up_and_data_stays(stacks: Stacks, full: dict[str, str]) -> None:
    before = stacks.resources("laurel-full")
    board = {"board_id": {"S": "weekly"}}
    stacks.client("dynamodb").put_item(TableName=full["BoardsTableName"], Item=board)
    bare = dict.fromkeys(("WithAlarms", "WithDashboard", "WithGameFeed", "PointInTimeRecovery"), "false")

    stacks.apply("laurel-full", TEMPLATE.read_text(), Stage="full", **bare)

    left = stacks.resources("laurel-full")
    assert set(left) == {each.name for each in Template(TEMPLATE, {"Stage": "full", **bare}).resources()}
    assert left.items() <= before.items()
    assert stacks.client("dynamodb").get_item(TableName="laurel-full-boards", Key=board)["Item"] == board


def test_every_option_of_the_edge_can_be_had_and_given_up(stacks: Stacks, api: dict[str, str]) -> None:
    parameters = {
        "Stage": "domain",
        **api,
        "WithServerKey": "true",
        "DomainName": "api.example.com",
        "CertificateArn": f"arn:aws:acm:us-east-1:{ACCOUNT_ID}:certificate/1",
        "HostedZoneId": stacks.apply("zone", json.dumps(_zone("example.com")))["Id"],
    }

    outputs = stacks.apply("laurel-domain-edge", EDGE.read_text(), **parameters)

    assert Template(EDGE, {}).types() - _types(parameters) == UNKNOWN_TYPES
    assert outputs["Url"] == "https://api.example.com/"
    gateway = stacks.client("apigateway")
    [plan] = [each for each in gateway.get_usage_plans()["items"] if each["name"] == "laurel-domain-server"]
    assert plan["throttle"] == {"rateLimit": 50.0, "burstLimit": 100}
    assert plan["quota"]["limit"] == 10_000_000
    assert [key["id"] for key in gateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"]] == [
        outputs["ServerApiKeyId"]
    ]

    stacks.apply("laurel-domain-edge", EDGE.read_text(), Stage="domain", **api)

    kept = {name for name in stacks.resources("laurel-domain-edge") if not name.endswith("Alarm")}
    assert kept == {"AccessLog"}


def _types(parameters: dict[str, str]) -> set[str]:
    return {resource.kind for resource in Template(EDGE, parameters).resources()}


def _zone(name: str) -> Json:
    zone = {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": name}}
    return {"Resources": {"Zone": zone}, "Outputs": {"Id": {"Value": {"Ref": "Zone"}}}}


def test_the_embedded_aws_still_knows_no_association_of_a_web_acl(stacks: Stacks, api: dict[str, str]) -> None:
    """The day this fails, the test above may give the edge a WebAclArn, and the documents may say so."""
    acl = f"arn:aws:wafv2:us-east-1:{ACCOUNT_ID}:regional/webacl/games/1"

    with pytest.raises((AssertionError, ClientError), match=r"WAFv2::WebACLAssociation"):
        stacks.apply("laurel-acl-edge", EDGE.read_text(), Stage="acl", WebAclArn=acl, **api)


def test_an_account_gets_what_access_logs_take_once_and_only_for_stages_that_write_some(stacks: Stacks) -> None:
    quiet, logging = stages.read("local"), stages.read("prod")
    account.complete(stacks.target, quiet)
    assert stacks.target.client("apigateway").get_account().get("cloudwatchRoleArn") is None
    assert account.changes(stacks.target, quiet) == []
    assert [change.subject for change in account.changes(stacks.target, logging)] == [f"stack {ACCOUNT_STACK}"]

    account.complete(stacks.target, logging)

    assert set(stacks.resources(ACCOUNT_STACK)) == {"LogsRole", "LogsSetting"}
    assert stacks.target.client("apigateway").get_account()["cloudwatchRoleArn"].startswith("arn:aws:iam::")
    assert account.changes(stacks.target, logging) == []


def test_a_domain_without_a_certificate_is_refused(stacks: Stacks, api: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="needs a CertificateArn"):
        stacks.apply("laurel-bare-edge", EDGE.read_text(), Stage="bare", DomainName="api.example.com", **api)


@pytest.mark.parametrize("lone", ["RouteTableIds", "QueueEndpointSubnetIds"])
def test_endpoints_without_their_vpc_are_refused(stacks: Stacks, network: dict[str, str], lone: str) -> None:
    with pytest.raises(ClientError, match="need their VpcId"):
        stacks.apply("laurel-bare", TEMPLATE.read_text(), Stage="bare", **{lone: network[lone]})


def test_what_is_deployed_already_is_changed_in_place(stacks: Stacks) -> None:
    old = json.loads(json.dumps(DEPLOYED).replace("laurel-prod", "laurel-older").replace("123456789012", ACCOUNT_ID))
    retained = {name: {**resource, "DeletionPolicy": "Retain"} for name, resource in old.items()}
    stacks.apply("laurel-older", json.dumps({"Resources": retained}))
    before = stacks.resources("laurel-older")
    stacks.client("dynamodb").put_item(TableName="laurel-older-boards", Item={"board_id": {"S": "weekly"}})

    stacks.apply("laurel-older", TEMPLATE.read_text(), Stage="older")

    assert before.items() <= stacks.resources("laurel-older").items()
    assert stacks.client("dynamodb").scan(TableName="laurel-older-boards")["Count"] == 1


def test_alarms_of_a_stage_tell_its_topic(stacks: Stacks, api: dict[str, str], full: dict[str, str]) -> None:
    stacks.apply("laurel-full-edge", EDGE.read_text(), Stage="full", **api)
    pages = stacks.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix="laurel-full-")
    alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]

    templates = [Template(file, {"Stage": "full", **api}) for file in (TEMPLATE, EDGE)]
    expected = [each for template in templates for each in template.resources("AWS::CloudWatch::Alarm")]
    assert {alarm["AlarmName"] for alarm in alarms} == {each.properties["AlarmName"] for each in expected}
    assert {tuple(alarm["AlarmActions"]) for alarm in alarms} == {(full["AlarmsTopicArn"],)}
    assert {tuple(alarm["OKActions"]) for alarm in alarms} == {(full["AlarmsTopicArn"],)}


def test_secrets_are_made_up_and_differ(stacks: Stacks, full: dict[str, str]) -> None:
    secrets = stacks.client("secretsmanager")

    values = {
        secrets.get_secret_value(SecretId=full[name])["SecretString"] for name in ("SigningKeyArn", "AdminKeyArn")
    }

    assert len(values) == 2
    assert all(len(value) == 48 and set(value.replace("_", "")) <= UNQUOTED for value in values)


UNQUOTED = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.~")


def test_buckets_are_closed_encrypted_and_open_to_the_game_s_pages(stacks: Stacks, full: dict[str, str]) -> None:
    s3 = stacks.client("s3")

    for output in ("MediaBucketName", "ExportsBucketName"):
        block = s3.get_public_access_block(Bucket=full[output])["PublicAccessBlockConfiguration"]
        assert set(block.values()) == {True}
        assert s3.get_bucket_encryption(Bucket=full[output])["ServerSideEncryptionConfiguration"]["Rules"]
        assert "SecureTransport" in s3.get_bucket_policy(Bucket=full[output])["Policy"]
    [rule] = s3.get_bucket_cors(Bucket=full["MediaBucketName"])["CORSRules"]
    assert rule["AllowedOrigins"] == ["*"]


@pytest.mark.parametrize("with_cdn", ["true", "false"])
def test_everybody_reads_avatars_and_nothing_else(stacks: Stacks, with_cdn: str) -> None:
    """Straight from the bucket; with a CDN, from nowhere but there. The stage changes from the one to the other."""
    made = stacks.apply("laurel-open", TEMPLATE.read_text(), Stage="open", WithMediaCdn=with_cdn)
    s3, bucket = stacks.client("s3"), made["MediaBucketName"]
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=b"picture")

    answers = {key: anonymously(f"{s3.meta.endpoint_url}/{bucket}/{key}") for key in KEYS}

    assert answers == dict.fromkeys(KEYS, 403) | ({} if with_cdn == "true" else {KEYS[0]: 200})
    assert anonymously(f"{s3.meta.endpoint_url}/{bucket}?list-type=2") == 403


KEYS = ("avatars/ada/1-2/64.webp", "uploads/ada/1/me.png", "quarantine/ada/1/me.png", "avatars.txt")


def anonymously(url: str) -> int:
    try:
        with urllib.request.urlopen(url) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code


@pytest.mark.parametrize("lone", [{"MediaDomainName": "m.example.com"}, {**MEDIA_DOMAIN, "WithMediaCdn": "false"}])
def test_a_name_for_avatars_needs_a_certificate_and_a_cdn(stacks: Stacks, lone: dict[str, str]) -> None:
    with pytest.raises(ClientError, match=r"MediaDomainName needs (a MediaCertificateArn|WithMediaCdn)"):
        stacks.apply("laurel-named", TEMPLATE.read_text(), Stage="named", **lone)


def test_the_embedded_aws_still_leaves_out_how_long_objects_are_kept(stacks: Stacks, full: dict[str, str]) -> None:
    """The day this fails, the test above may ask for the lifecycle of both buckets, and the documents may say so."""
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        stacks.client("s3").get_bucket_lifecycle_configuration(Bucket=full["ExportsBucketName"])
