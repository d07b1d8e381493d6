"""What parameters a pipeline is given, and what it is told when it asks too early."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from deploy import stages
from deploy.errors import DeployError
from deploy.pipeline import __main__ as pipeline
from deploy.pipeline import values
from tests.deploy.pipeline.packages import Json

CURRENT, PREVIOUS = "0a1b2c3d-1111-4222-8333-444455556666", "9f8e7d6c-1111-4222-8333-444455556666"
SECRET = "s" * 48
OUTPUTS = {"SigningKeyArn": "arn:signing", "AdminKeyArn": "arn:admin", "RecordsStreamArn": "arn:records"}
TEMPLATE: Json = {
    "Parameters": {
        "RecordsStreamArn": {"Type": "String"},
        "SigningKeyVersion": {"Type": "String"},
        "PreviousSigningKeyVersion": {"Type": "String", "Default": ""},
        "AdminKeyHashes": {"Type": "String"},
        "AccessLogGroupArn": {"Type": "String", "Default": ""},
    }
}


class _NotFoundError(Exception):
    """AWS's own, of a secret's version."""


class Account:
    """Stacks and secrets of a stage, as a target gives access to them."""

    class exceptions:  # noqa: N801  # botocore's name
        ResourceNotFoundException = _NotFoundError

    def __init__(self, outputs_by_stack: Mapping[str, Mapping[str, str]], ids: Mapping[str, str]) -> None:
        self.stage = "prod"
        self._outputs_by_stack = outputs_by_stack
        self._ids = ids

    def client(self, service: str) -> "Account":
        assert service in {"cloudformation", "secretsmanager"}
        return self

    def describe_stacks(self, StackName: str) -> Json:  # noqa: N803  # botocore's name
        outputs = self._outputs_by_stack.get(StackName, {})
        if not outputs:
            return {"Stacks": [{"StackStatus": "DELETE_COMPLETE"}]}
        listed = [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]
        return {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Outputs": listed}]}

    def get_secret_value(self, SecretId: str, VersionStage: str) -> Json:  # noqa: N803  # botocore's names
        assert SecretId.startswith("arn:")
        if VersionStage not in self._ids:
            raise _NotFoundError
        return {"VersionId": self._ids[VersionStage], "SecretString": SECRET}


def account(app: Mapping[str, str] | None = None, edge: Mapping[str, str] | None = None, **ids: str) -> Any:
    outputs_by_stack = {"laurel-prod": OUTPUTS, "laurel-prod-app": app or {}, "laurel-prod-edge": edge or {}}
    return Account(outputs_by_stack, {"AWSCURRENT": CURRENT, **ids})


def test_the_infrastructure_is_told_what_stages_yaml_says() -> None:
    stage = stages.read("prod")

    assert values.infrastructure(stage) == {"Stage": "prod", **stage.template}


def test_the_app_is_told_what_the_stage_gives_out() -> None:
    told = values.app(TEMPLATE, account())

    assert told == {
        "RecordsStreamArn": "arn:records",
        "SigningKeyVersion": CURRENT,
        "PreviousSigningKeyVersion": "",
        "AdminKeyHashes": hashlib.sha256(SECRET.encode()).hexdigest(),
        "AccessLogGroupArn": "",
    }


def test_the_app_is_told_which_key_was_before() -> None:
    told = values.app(TEMPLATE, account(AWSPREVIOUS=PREVIOUS))

    assert told["PreviousSigningKeyVersion"] == PREVIOUS
    assert told["AdminKeyHashes"].count(",") == 1


def test_the_app_is_told_where_requests_are_logged_once_there_is_an_edge() -> None:
    assert values.app(TEMPLATE, account(edge={"AccessLogGroupArn": "arn:log"}))["AccessLogGroupArn"] == "arn:log"


def test_no_secret_is_written(tmp_path: Path) -> None:
    values.write(tmp_path / values.APP, values.app(TEMPLATE, account(AWSPREVIOUS=PREVIOUS)))

    assert SECRET not in (tmp_path / values.APP).read_text()


def test_an_app_without_infrastructure_is_refused() -> None:
    nothing: Any = Account({}, {})

    with pytest.raises(DeployError, match=r"no stack laurel-prod .* deploy infra/template\.yaml first"):
        values.app(TEMPLATE, nothing)


def test_infrastructure_older_than_the_app_is_refused() -> None:
    template = {"Parameters": {**TEMPLATE["Parameters"], "MediaBucketName": {"Type": "String"}}}

    with pytest.raises(DeployError, match="laurel-prod gives out no MediaBucketName"):
        values.app(template, account())


def test_the_edge_comes_after_the_app() -> None:
    stage = stages.read("prod")

    assert values.edge(stage, account()) is None
    told = values.edge(stage, account(app={"RestAPIId": "a1b2c3"}))
    assert told == {"Stage": "prod", "RestApiId": "a1b2c3", "ApiStage": "api", **stage.edge}


def test_parameters_are_for_a_package(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="make package STAGE=prod first"):
        pipeline.parameters(stages.read("prod"), tmp_path, account())


def test_parameters_are_written_as_the_aws_command_reads_them(tmp_path: Path) -> None:
    (tmp_path / pipeline.TEMPLATE).write_text(json.dumps(TEMPLATE))

    pipeline.parameters(stages.read("prod"), tmp_path, account(app={"RestAPIId": "a1b2c3"}))

    assert "RecordsStreamArn=arn:records" in json.loads((tmp_path / values.APP).read_text())
    assert "RestApiId=a1b2c3" in json.loads((tmp_path / values.EDGE).read_text())


def test_an_unknown_stage_ends_the_command_in_one_line() -> None:
    with pytest.raises(SystemExit, match=r"There is no stage 'production'; stages\.yaml has dev, local, prod"):
        pipeline.main(["package"], {"STAGE": "production"})
