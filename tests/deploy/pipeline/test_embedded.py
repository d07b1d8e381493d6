"""A stage brought up by CloudFormation alone, as a pipeline does it, in the embedded AWS.

It has neither CodeDeploy nor the gateway's own answers when CloudFormation makes an API: those are held by the tests of
the template.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from PIL import Image

from deploy import __main__ as deploy_command
from deploy import layout, stages, templates
from deploy.pipeline import __main__ as pipeline
from deploy.pipeline import values
from deploy.pipeline.completion import completed
from deploy.stacks import Stack
from deploy.target import Target
from local.children import Emulator
from local.layout import REGION
from local.target import embedded
from tests.deploy.pipeline import packages, watcher
from tests.deploy.pipeline.packages import Json, Package, settings
from tests.deploy.pipeline.variants import changed, without_options

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]

STAGE = "dev"
ARTEFACTS = "artefacts"
PATIENCE_SECONDS = 120


def _picture() -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (96, 64), "teal").save(buffer, "PNG")
    return buffer.getvalue()


PICTURE = _picture()


@dataclass(frozen=True, slots=True)
class Account:
    """An account with the infrastructure of one stage, and a bucket for what pipelines upload."""

    target: Target
    outputs: Mapping[str, str]
    endpoint: str

    def put(self, template: Json, package: Package, parameters: Mapping[str, str], stack: str) -> dict[str, str]:
        """Do what ``aws cloudformation package`` and ``aws cloudformation deploy`` do, and return the outputs."""
        arguments = {
            "StackName": stack,
            "TemplateURL": self._upload(f"{stack}.json", json.dumps(self._with_code(template, package)).encode()),
            "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        }
        cloudformation = self.target.client("cloudformation")
        there = Stack(self.target, stack, body="").outputs()
        (cloudformation.update_stack if there else cloudformation.create_stack)(**arguments)
        return self._settled(stack)

    def _with_code(self, template: Json, package: Package) -> Json:
        packaged = deepcopy(template)
        address = self._upload(f"{hash(package.archive)}.zip", package.archive)
        for resource in packaged["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Function":
                resource["Properties"]["CodeUri"] = address.replace(f"{self.endpoint}/", "s3://")
        return packaged

    def _upload(self, key: str, body: bytes) -> str:
        self.target.client("s3").put_object(Bucket=ARTEFACTS, Key=key, Body=body)
        return f"{self.endpoint}/{ARTEFACTS}/{key}"

    def _settled(self, stack: str) -> dict[str, str]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            [described] = self.target.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
            if not described["StackStatus"].endswith("IN_PROGRESS"):
                assert described["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, self._reasons(stack)
                return {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}
            time.sleep(0.05)
        raise AssertionError(f"{stack} has not settled within {PATIENCE_SECONDS} s")

    def _reasons(self, stack: str) -> list[tuple[str, str]]:
        events = self.target.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
        return [(event["LogicalResourceId"], event.get("ResourceStatusReason", "")) for event in failed]


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with Emulator(0, None) as emulator:
        target = embedded(emulator.endpoint, stage=STAGE)
        target.client("s3").create_bucket(Bucket=ARTEFACTS)
        parameters = values.infrastructure(stages.read(STAGE))
        stack = Stack(target, layout.stack_name(STAGE), templates.body(layout.TEMPLATE), parameters=parameters)
        yield Account(target, stack.apply(), emulator.endpoint)


@dataclass(frozen=True, slots=True)
class Deployed:
    """Laurel, deployed from what ``make package`` and ``make parameters`` write."""

    account: Account
    package: Package
    template: Json
    dist: Path
    outputs: Mapping[str, str]

    def parameters(self) -> dict[str, str]:
        pipeline.parameters(stages.read(STAGE), self.dist, self.account.target)
        return read(self.dist / values.APP)

    def ask(self, method: str, path: str, body: object = None, token: str = "") -> tuple[int, Json]:
        url = f"{self.account.endpoint}/_aws/execute-api/{self.outputs['RestAPIId']}/api{path}"
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        sent = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(url, sent, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


@pytest.fixture(scope="module")
def deployed(account: Account, folder: Path) -> Deployed:
    dist = folder / STAGE
    package = packages.of_laurel(STAGE, dist)
    template = packages.complete(package.template, settings(STAGE))
    (dist / pipeline.TEMPLATE).write_text(json.dumps(template))
    pipeline.parameters(stages.read(STAGE), dist, account.target)
    outputs = account.put(template, package, read(dist / values.APP), layout.app_stack_name(STAGE))
    return Deployed(account, package, template, dist, outputs)


def read(file: Path) -> dict[str, str]:
    """Return parameters as ``aws cloudformation deploy`` reads them from a file."""
    return dict(each.split("=", 1) for each in json.loads(file.read_text()))


def test_players_are_served(deployed: Deployed) -> None:
    status, registered = deployed.ask("POST", "/players", {"device_id": "adas-phone-4f1c9b", "display_name": "Ada"})
    token = registered["tokens"]["access_token"]

    assert status == 201
    assert deployed.ask("GET", "/")[1]["stage"] == STAGE
    assert deployed.ask("GET", "/players/me", token=token)[1]["display_name"] == "Ada"
    assert deployed.ask("GET", "/players/me")[0] == 401
    assert deployed.ask("POST", "/gameStart", {}, token=token)[0] == 201


def test_functions_are_called_by_their_aliases(deployed: Deployed) -> None:
    functions = deployed.account.target.client("lambda")
    mappings = functions.list_event_source_mappings(FunctionName="laurel-dev-settle_records:live")
    [mapping] = mappings["EventSourceMappings"]
    aliases = functions.list_aliases(FunctionName="laurel-dev")["Aliases"]

    assert mapping["FunctionArn"].endswith(":laurel-dev-settle_records:live")
    assert mapping["EventSourceArn"] == deployed.account.outputs["RecordsStreamArn"]
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == deployed.account.outputs["RecordDeadLettersArn"]
    assert [(alias["Name"], alias["FunctionVersion"]) for alias in aliases] == [("live", "1")]


def test_logs_forget(deployed: Deployed) -> None:
    groups = deployed.account.target.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
    kinds = {"AWS::Lambda::Function", "AWS::Serverless::Function"}
    functions = [each for each in deployed.template["Resources"].values() if each["Type"] in kinds]

    assert {group["retentionInDays"] for group in groups} == {14}
    assert len(groups) == len(functions)


def test_the_edge_is_told_which_api_there_is(deployed: Deployed) -> None:
    deployed.parameters()
    parameters = read(deployed.dist / values.EDGE)
    edge = Stack(
        deployed.account.target, layout.edge_stack_name(STAGE), templates.body(layout.EDGE), parameters=parameters
    )

    assert parameters["RestApiId"] == deployed.outputs["RestAPIId"]
    group = edge.apply()["AccessLogGroupArn"]
    assert deployed.parameters()["AccessLogGroupArn"] == group


def test_a_rotated_key_signs_and_the_one_before_is_accepted(deployed: Deployed) -> None:
    ben = {"device_id": "bens-laptop-77ae02", "display_name": "Ben"}
    before = deployed.ask("POST", "/players", ben)[1]["tokens"]["access_token"]
    deployed.account.target.client("secretsmanager").put_secret_value(
        SecretId="laurel-dev/signing-key", SecretString="n" * 48
    )

    parameters = deployed.parameters()
    deployed.account.put(deployed.template, deployed.package, parameters, layout.app_stack_name(STAGE))

    after = deployed.ask("POST", "/players/signIn", {"device_id": ben["device_id"]})[1]["tokens"]["access_token"]
    assert key_id(after) == parameters["SigningKeyVersion"][:8] != key_id(before)
    assert deployed.ask("GET", "/players/me", token=before)[0] == 200
    assert deployed.ask("GET", "/players/me", token=after)[0] == 200


@pytest.mark.parametrize("command", ["deploy", "diff", "destroy"])
def test_nobody_deploys_past_the_pipeline(deployed: Deployed, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", deployed.account.endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)

    with pytest.raises(SystemExit, match="dev is deployed from a pipeline, by the stack laurel-dev-app"):
        deploy_command.main([command], {"STAGE": STAGE, "YES": STAGE})


def test_an_upload_becomes_an_avatar(deployed: Deployed) -> None:
    cleo = {"device_id": "cleos-console-3e90", "display_name": "Cleo"}
    token = deployed.ask("POST", "/players", cleo)[1]["tokens"]["access_token"]
    form = deployed.ask("POST", "/players/me/avatar", {"content_type": "image/png"}, token)[1]

    posted = requests.post(form["url"], form["fields"], files={"file": PICTURE}, timeout=PATIENCE_SECONDS)

    assert posted.status_code == HTTPStatus.NO_CONTENT, posted.text
    avatar = published(deployed, token)
    assert all(image["url"].startswith(deployed.account.outputs["MediaUrl"]) for image in avatar["images"])


def test_a_bucket_of_another_stack_tells_a_function(account: Account, deployed: Deployed, watching: Package) -> None:
    given = changed(without_options(settings("prod")), "pipeline", shift="")
    template = completed(watching.template, given, watcher.OUTPUTS)
    s3, bucket = account.target.client("s3"), account.outputs["MediaBucketName"]
    account.put(template, watching, values.app(template, account.target), "watcher")

    s3.put_object(Bucket=bucket, Key="avatars/a b+ü.webp", Body=b"x")

    assert seen(s3, bucket) == {"bucket": bucket, "key": "avatars/a b+ü.webp"}
    Stack(account.target, "watcher", body="").delete()
    left = s3.get_bucket_notification_configuration(Bucket=bucket)["LambdaFunctionConfigurations"]
    assert [each["Id"] for each in left] == ["laurel-dev.make_avatar"]


def published(deployed: Deployed, token: str) -> Json:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        answer = deployed.ask("GET", "/players/me/avatar", token=token)[1]
        if answer["upload"]["state"] != "waiting":
            assert answer["upload"]["state"] == "published", answer
            return dict(answer["avatar"])
        time.sleep(0.1)
    raise AssertionError("the upload was not looked at")


def key_id(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def seen(s3: Any, bucket: str) -> Json:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if "Contents" in s3.list_objects_v2(Bucket=bucket, Prefix=watcher.SEEN):
            answer: Json = json.load(s3.get_object(Bucket=bucket, Key=watcher.SEEN)["Body"])
            return answer
        time.sleep(0.05)
    raise AssertionError("the function was not called")
